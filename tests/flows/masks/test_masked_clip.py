from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from domain.coco_classes import COCO_IDS
from domain.detections import Detections
from domain.events.catalog import Box
from domain.frames import SampledFrame
from evidence_store.media.frame_sampling import frames_between
from evidence_store.media.packets import media_zero, open_video, read_packets
from flows.masks.clip import MaskTools, mask_clip
from flows.masks.people import Pedestrians
from flows.masks.subject_path import PathPoint, PeopleSeen, SubjectPath

SUBJECT: Box = (60.0, 100.0, 100.0, 200.0)
OTHER: Box = (240.0, 110.0, 280.0, 210.0)
SIZE = (320, 240)


@dataclass
class People2:
    """Finds the subject and the other; misses both in every `misses`-th look at the whole picture."""

    misses: int = 10_000
    looks: int = field(default=0)

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        return [self._look(frame) for frame in frames]

    def _look(self, frame: SampledFrame) -> Detections:
        boxes: tuple[Box, ...] = ()
        if frame.stamp.width_px == SIZE[0]:
            self.looks += 1
            boxes = () if self.looks % self.misses == 0 else (SUBJECT, OTHER)
        return Detections(
            frame.stamp,
            np.array(boxes, np.float32).reshape(-1, 4),
            np.full(len(boxes), 0.8, np.float32),
            np.full(len(boxes), COCO_IDS["person"], np.int64),
        )


class NoFaces:
    def find_in_all(
        self, images_rgb: Sequence[np.ndarray], min_score: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(np.empty((0, 4), np.float32), np.empty(0, np.float32)) for _ in images_rgb]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Encode four seconds with noise where the two people stand, at uneven times."""
    import av

    path = tmp_path / "clip.mp4"
    rng = np.random.default_rng(5)
    still = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
    for x0, y0, x1, y1 in (SUBJECT, OTHER):
        shape = (int(y1 - y0), int(x1 - x0), 3)
        still[int(y0) : int(y1), int(x0) : int(x1)] = rng.integers(0, 255, shape, dtype=np.uint8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"g": "5", "bf": "0", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(still, format="rgb24")
            frame.pts = number + number // 7
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def times(path: Path) -> list[float]:
    container, stream = open_video(path)
    with container:
        zero = media_zero(stream)
        return sorted(float((p.pts - zero) * p.time_base) for p in read_packets(container, stream))


TRACK = [PathPoint(1.0, SUBJECT), PathPoint(2.0, SUBJECT), PathPoint(3.0, SUBJECT)]


@pytest.mark.parametrize("misses", [10_000, 3])
def test_a_masked_clip_keeps_its_times_and_hides_all_but_the_subject_in_every_picture(
    clip: Path, tmp_path: Path, misses: int
) -> None:
    target = tmp_path / "masked.mp4"
    done = mask_clip(clip, target, TRACK, MaskTools(People2(misses), NoFaces()))
    assert times(target) == pytest.approx(times(clip), abs=1e-3)
    assert done["pictures"] == 40
    original = dict(frames_between(clip, 0, 99, 0.0))
    for at_s, image in frames_between(target, 0, 99, 0.0):
        x0, y0, x1, y1 = (int(side) for side in OTHER)
        # sixteen blocks of mean grey are left of the noise
        assert image[y0:y1, x0:x1].std() < 20, at_s
        if misses == 10_000:
            x0, y0, x1, y1 = (int(side) for side in SUBJECT)
            body = (slice(y0 + 35, y1 - 5), slice(x0 + 5, x1 - 5))
            change = np.abs(image[body].astype(int) - original[at_s][body])
            assert change.mean() < 25, at_s
            head = image[y0 : y0 + 15, x0 + 8 : x1 - 8]
            assert head.std() < 25, "the subject's face is hidden"


def test_where_the_subject_is_not_known_everybody_is_hidden(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "masked.mp4"
    done = mask_clip(clip, target, [], MaskTools(People2(), NoFaces()))
    assert done["pictures_without_known_subject"] == done["pictures"]
    x0, y0, x1, y1 = (int(side) for side in SUBJECT)
    for _, image in frames_between(target, 0, 99, 0.5):
        assert image[y0:y1, x0:x1].std() < 20


def test_work_that_is_told_to_end_ends_and_leaves_the_target_unfinished(
    clip: Path, tmp_path: Path
) -> None:
    calls = []

    def breathe() -> None:
        calls.append(1)
        if len(calls) > 5:
            raise InterruptedError("asked to end")

    with pytest.raises(InterruptedError):
        mask_clip(clip, tmp_path / "m.mp4", TRACK, MaskTools(People2(), NoFaces(), breathe))


def look(at_s: float, *boxes: Box) -> PeopleSeen:
    count = len(boxes)
    rows = np.array(boxes, np.float64).reshape(-1, 4)
    found = Pedestrians(rows, np.zeros(count, bool), np.full(count, 0.8))
    return PeopleSeen(at_s, found, np.empty((0, 4)))


def moved(box: Box, by: float) -> Box:
    return box[0] + by, box[1], box[2] + by, box[3]


def box_of(path: SubjectPath, at_s: float) -> Box:
    subject = path.at(at_s)
    assert subject is not None
    return subject.box_xyxy


def test_the_subject_is_followed_before_and_after_its_track_while_it_is_found() -> None:
    looks = [look(n / 10, moved(SUBJECT, 2 * n), OTHER) for n in range(50)]
    track = [PathPoint(2.0, moved(SUBJECT, 40)), PathPoint(3.0, moved(SUBJECT, 60))]
    path = SubjectPath(track, looks)
    for at_s in (0.0, 1.05, 2.5, 4.9):
        assert box_of(path, at_s) == pytest.approx(moved(SUBJECT, 20 * at_s))


def test_nobody_is_taken_for_the_subject_where_it_was_lost() -> None:
    looks = [look(n / 10, OTHER) for n in range(60)]
    path = SubjectPath([PathPoint(1.0, SUBJECT), PathPoint(5.0, SUBJECT)], looks)
    assert path.at(3.0) is None, "four seconds apart: it may have been anywhere"
    assert box_of(path, 1.0) == SUBJECT and path.at(5.5) is None and path.at(0.5) is None


def test_in_a_long_stay_the_subject_is_found_between_the_few_places_that_are_told() -> None:
    """Before: with places 4 s apart, as of stays of 8 minutes, everybody was hidden most of the time."""
    looks = [look(n * 0.4, SUBJECT, OTHER) for n in range(40)]
    path = SubjectPath([PathPoint(float(at_s), SUBJECT) for at_s in range(0, 16, 4)], looks)
    for tenth in range(150):
        assert box_of(path, tenth / 10) == pytest.approx(SUBJECT)


BAG: Box = (150.0, 180.0, 180.0, 200.0)


def test_a_thing_stays_where_it_was_seen_before_and_after_and_is_nobody_beside_it() -> None:
    owner: Box = (145.0, 100.0, 185.0, 205.0)
    looks = [look(n * 0.4, owner, BAG) for n in range(40)]
    track = [PathPoint(1.0, BAG), PathPoint(9.0, BAG), PathPoint(12.0, OTHER)]
    path = SubjectPath(track, looks, "thing")
    for at_s in (0.5, 1.0, 5.0, 9.0):
        assert box_of(path, at_s) == BAG
    assert path.at(10.5) is None, "somebody moved it"
    assert box_of(path, 13.0) == OTHER and path.at(60.0) is None


def test_a_masked_clip_of_a_bag_shows_it_and_nobody(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "masked.mp4"
    bag: Box = (70.0, 150.0, 90.0, 190.0)  # where the first of the two stands
    track = [PathPoint(0.0, bag), PathPoint(4.0, bag)]
    done = mask_clip(clip, target, track, MaskTools(People2(), NoFaces()), "thing")
    assert done["pictures_without_known_subject"] == 0
    original = dict(frames_between(clip, 0, 99, 0.0))
    for at_s, image in frames_between(target, 0, 99, 0.5):
        change = np.abs(image[155:185, 74:86].astype(int) - original[at_s][155:185, 74:86])
        assert change.mean() < 25, at_s
        assert image[105:140, 65:95].std() < 20, "who stands there is hidden"
