"""Whatever PyAV raises is one error with words; a mistake of ours is logged with its traceback."""

from __future__ import annotations

import inspect
from pathlib import Path

import av
import pytest
import structlog
from footage_files import write_unknown_codec
from structlog.testing import capture_logs

from domain.errors import PutAside, TryAgain
from evidence_store.media import packets
from evidence_store.media.faults import MediaFault, media_faults
from evidence_store.media.frame_sampling import frames_between, spread_frames
from evidence_store.media.packets import open_video
from evidence_store.media.reencode import encode_changed
from evidence_store.media.stills import grab_frame

OF_PYAV = [
    each
    for each in vars(av.error).values()
    if inspect.isclass(each) and issubclass(each, av.FFmpegError)
]
BY_DAMAGE = [OverflowError, MemoryError, EOFError, ZeroDivisionError, UnicodeDecodeError]


def an_error(kind: type[Exception]) -> Exception:
    if issubclass(kind, av.FFmpegError):
        return kind(5, "it broke")
    if kind is UnicodeDecodeError:
        return UnicodeDecodeError("utf-8", b"\xff", 0, 1, "it broke")
    return kind("it broke")


def test_there_are_errors_of_pyav_that_are_neither_os_nor_value_errors() -> None:
    assert [each for each in OF_PYAV if not issubclass(each, (OSError, ValueError))]


def test_every_error_of_pyav_is_a_media_fault_with_its_words() -> None:
    for kind in [*OF_PYAV, *BY_DAMAGE]:
        with capture_logs() as lines, pytest.raises(MediaFault, match="it broke"), media_faults():
            raise an_error(kind)
        assert lines == []


def test_a_mistake_of_ours_is_a_media_fault_and_in_the_log_with_its_traceback() -> None:
    with capture_logs() as lines, pytest.raises(MediaFault, match="no attribute"), media_faults():
        structlog.nothing_of_this_name  # noqa: B018
    assert [(line["event"], line["exc_info"]) for line in lines] == [
        ("unexpected_media_fault", True)
    ]


def test_our_own_errors_pass() -> None:
    with pytest.raises(TryAgain), media_faults():
        raise TryAgain("later")


@pytest.mark.parametrize(
    "kind", [av.error.ExitError, av.error.EOFError, AttributeError], ids=lambda kind: kind.__name__
)
def test_a_file_that_cannot_be_opened_is_put_aside(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise an_error(kind)

    monkeypatch.setattr(packets.av, "open", refuse)
    with pytest.raises(PutAside, match="needs a video that can be read, got it broke"):
        open_video(tmp_path / "odd.mp4")


def test_footage_of_an_unknown_codec_is_put_aside(tmp_path: Path) -> None:
    path = write_unknown_codec(tmp_path / "odd.mkv")
    with pytest.raises(PutAside, match="found only one of an unknown codec"):
        open_video(path)
    for read in (
        lambda: list(spread_frames(path, 3)),
        lambda: list(frames_between(path, 0, 1, 0.1)),
        lambda: grab_frame(path, 0.5),
        lambda: encode_changed(path, tmp_path / "out.mp4", lambda _, picture: picture),
    ):
        with pytest.raises(PutAside, match="unknown codec"):
            read()
