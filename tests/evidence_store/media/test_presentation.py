"""Each picture is shown later than the one before, and found again at its time, whatever a file says."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numbered_video import forget_order, number_of, pack, write_numbered

from domain.events.catalog import Sighting
from evidence_store.media.frame_sampling import frames_between
from evidence_store.media.packets import open_video, tells_showing
from evidence_store.media.presentation import PresentationOrder
from evidence_store.media.reencode import encode_changed
from evidence_store.media.stills import grab_frame_and_time
from evidence_store.recordings.footage import footage_of_file
from evidence_store.recordings.footage_clips import cut_footage, grab_sighting
from flows.sources.media.decoder import Decoder

FRAMES = 50
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
MPEG4 = {"bf": "2", "g": "12", "b_strategy": "0"}
ONE_B = {"bf": "1", "g": "12", "b_strategy": "0"}


def _packed(folder: Path) -> Path:
    return pack(write_numbered(folder / "one-b.mp4", "mpeg4", ONE_B), folder / "packed.avi")


def _of_avi(folder: Path) -> Path:
    return forget_order(write_numbered(folder / "b.mp4", "mpeg4", MPEG4), folder / "wrong.mp4")


UNTOLD: dict[str, Callable[[Path], Path]] = {
    "packed XviD": _packed,
    "MPEG-4 in AVI": lambda folder: write_numbered(folder / "b.avi", "mpeg4", MPEG4),
    "H.264 in AVI": lambda folder: write_numbered(
        folder / "h264.avi", "libx264", {"bf": "3", "g": "12"}
    ),
}
TOLD: dict[str, Callable[[Path], Path]] = {
    "MPEG-4 in MP4": lambda folder: write_numbered(folder / "b.mp4", "mpeg4", MPEG4),
    "H.264 in Matroska": lambda folder: write_numbered(
        folder / "b.mkv", "libx264", {"bf": "3", "g": "12"}
    ),
}
KINDS = UNTOLD | TOLD | {"MPEG-4 in MP4, copied badly": _of_avi}


@pytest.fixture(params=KINDS)
def footage(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return KINDS[request.param](tmp_path)


@pytest.fixture(params=UNTOLD | TOLD)
def sound_footage(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return KINDS[request.param](tmp_path)


def watched(path: Path) -> list[tuple[int, float, int]]:
    """Return (number, media time, pts) as the watch program reads them, and count damage."""
    damage: list[Any] = []
    container, stream = open_video(path)
    with container:
        decoder = Decoder(container, stream, lambda packet: None, damage.append)
        seen = [
            (number_of(frame.to_ndarray(format="rgb24")), at_s, frame.pts or 0)
            for at_s, frame in decoder.frames()
        ]
    assert not damage
    return seen


def test_time_goes_on_from_picture_to_picture_and_none_is_lost(footage: Path) -> None:
    """Before: of packed XviD every third picture was older than the one before, and never looked at."""
    seen = watched(footage)
    assert [number for number, _, _ in seen] == list(range(FRAMES))
    times = [at_s for _, at_s, _ in seen]
    assert all(one < other for one, other in itertools.pairwise(times))
    assert min(other - one for one, other in itertools.pairwise(times)) > 0.9 / 25, "nor is crowded"
    # a decoder that lags gives all of them that much later
    assert times[-1] - times[0] == pytest.approx((FRAMES - 1) / 25, abs=0.05)


def test_a_sound_record_shows_each_moment_as_it_was_seen(
    sound_footage: Path, tmp_path: Path
) -> None:
    """Before: "damaged footage: the picture is 0.08 s older than the sighting", of sound footage."""
    seen = watched(sound_footage)
    container, stream = open_video(sound_footage)
    with container:
        time_base, name = stream.time_base or Fraction(1), sound_footage.suffix
        is_told = tells_showing(stream)
    sightings = [
        Sighting(
            at=AT.replace(microsecond=round(1e6 * (at_s % 1)), second=int(at_s)),
            media_time_s=at_s,
            pts=pts,
            time_base=str(time_base),
            box_xyxy=(0, 0, 10, 10),
            score=0.5,
            frame_width_px=160,
            frame_height_px=96,
        )
        for _, at_s, pts in seen
    ]
    first, last = sightings[15], sightings[40]
    found = footage_of_file(sound_footage, "north", first.at, last.at, first)
    clips = cut_footage(found, tmp_path, "clip")
    assert [clip.cut.path.suffix for clip in clips] == [".mp4" if is_told else ".avi"], name
    for (number, _, _), sighting in list(zip(seen, sightings, strict=True))[15:41]:
        image, remark = grab_sighting(clips, sighting)
        assert (number_of(image), remark) == (number, "")


def test_a_picture_is_found_at_its_time_wherever_reading_begins(sound_footage: Path) -> None:
    seen = watched(sound_footage)
    for number, at_s, _ in seen[:-3]:
        image, shown_s = grab_frame_and_time(sound_footage, at_s)
        assert (number_of(image), shown_s) == (number, pytest.approx(at_s, abs=1e-3))
    for from_s in (0.3, 0.9, 1.3):
        for shown_s, image in frames_between(sound_footage, from_s, 1.7, 0.0):
            assert (number_of(image), pytest.approx(shown_s, abs=1e-3)) in [
                (number, at_s) for number, at_s, _ in seen
            ]


def test_a_masked_copy_has_every_picture_in_order(footage: Path, tmp_path: Path) -> None:
    """Before: pictures whose time went back were left out of it."""
    times: list[float] = []
    shown: list[int] = []

    def change(at_s: float, image: Any) -> Any:
        times.append(at_s)
        shown.append(number_of(image))
        return image

    assert encode_changed(footage, tmp_path / "masked.mp4", change) == FRAMES
    assert shown == list(range(FRAMES)) and times == sorted(set(times))


class Picture(SimpleNamespace):
    """What PresentationOrder reads of a frame."""

    pts: int | None
    dts: int | None


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = write_numbered(tmp_path_factory.mktemp("v") / "b.mkv", "libx264", {}, frames=3)
    container, stream = open_video(path)
    yield stream
    container.close()


stamps = st.one_of(st.none(), st.integers(-(10**6), 10**9))


@given(st.lists(st.tuples(stamps, stamps), max_size=30))
def test_no_stamps_whatever_make_time_go_back(
    stream: Any, frames: list[tuple[int | None, int | None]]
) -> None:
    order, times = PresentationOrder(stream), []
    for pts, dts in frames:
        picture = Picture(pts=pts, dts=dts)
        if order.place(picture):  # type: ignore[arg-type]
            times.append(picture.pts)
    assert all(one < other for one, other in itertools.pairwise(times))


def test_what_lies_behind_a_jump_back_is_put_aside_but_not_of_a_live_stream(stream: Any) -> None:
    frames = [Picture(pts=40 * n, dts=40 * n) for n in (*range(1000, 1010), *range(3))]
    order, live = PresentationOrder(stream), PresentationOrder(stream, may_jump=True)
    kept = [order.place(replace_frame(frame)) for frame in frames]
    assert kept == [True] * 10 + [False] * 3
    assert all(live.place(replace_frame(frame)) for frame in frames)


def replace_frame(frame: Picture) -> Any:
    return Picture(**vars(frame))


def test_a_time_far_ahead_is_damage_and_does_not_hide_what_follows(stream: Any) -> None:
    order = PresentationOrder(stream)
    frames = [Picture(pts=40 * n, dts=40 * n) for n in range(10)]
    frames[4].pts = 10**9
    assert all(order.place(frame) for frame in frames)  # type: ignore[arg-type]
    assert [frame.pts for frame in frames] == [40 * n for n in range(10)]
