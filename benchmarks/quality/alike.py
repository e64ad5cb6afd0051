"""Measure whether search ranks pictures of the same person above others'.

Of each marked person a picture is kept every few seconds, as evidence keeps one of each offence; every
picture then searches among the others of its clip. The vectors are the product's own, of crops in full
resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.figures import quality_result
from benchmarks.quality.footage import EvalData, Truth
from benchmarks.quality.kept_answers import KeptInference
from benchmarks.quality.likenesses import find_encoder
from benchmarks.quality.naming import SAME_PERSON
from benchmarks.results import Result
from models.appearance import describe
from models.serving.client import Embedder

# seconds between two pictures of one person; repeat_visit: the second visit is the first's footage
CLIPS = {"pets_s2l1_a": 4.0, "tud_campus": 0.5, "counter_a": 4.0, "repeat_visit_a": 4.0}
FREE_MAX_IOU = 0.3  # with anybody else: more, and the picture shows two people
EDGE_PX = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """What one clip gives to search among."""

    people: np.ndarray  # (n,) int64, who it is
    vectors: dict[str, np.ndarray]  # (n, size) float32, unit length, of each kind that there is


@dataclass(frozen=True, slots=True)
class Alike:
    """How well same people are ranked above others."""

    auc: float  # how probably somebody's picture is more alike than somebody else's
    rank_1: float  # how often the most alike picture is of the same person
    queries: int


def rank(people: np.ndarray, similarities: np.ndarray) -> Alike:
    """Let every picture search among the others; those of people seen once are only found.

    Args:
        people: (n,) who each picture shows.
        similarities: (n, n), higher is more alike.
    """
    areas, firsts = [], []
    for row in range(len(people)):
        others = np.arange(len(people)) != row
        same = (people == people[row])[others]
        if not same.any() or same.all():
            continue
        given = similarities[row][others]
        ahead = given[same][:, None] - given[~same][None]
        areas.append(float(((ahead > 0) + 0.5 * (ahead == 0)).mean()))
        firsts.append(bool(same[int(given.argmax())]))
    return Alike(float(np.mean(areas)), float(np.mean(firsts)), len(areas))


# which vectors are compared; of several, the mean of their cosines
WAYS: dict[str, tuple[str, ...]] = {
    "looks alone": ("looks",),
    "colours alone": ("colours",),
    "looks and colours": ("looks", "colours"),
    "likeness": ("likeness",),
}


def measure(data: EvalData) -> dict[str, dict[str, Alike]]:
    """Return for each way of comparing each clip's marks and those of all clips' queries together."""
    told: dict[str, dict[str, Alike]] = {}
    pictures = {clip: _pictures(data, clip) for clip in CLIPS}
    for way, kinds in WAYS.items():
        if all(kind in each.vectors for each in pictures.values() for kind in kinds):
            marks = {
                clip: rank(each.people, _similarities(each, kinds))
                for clip, each in pictures.items()
            }
            told[way] = marks | {"all": _together(list(marks.values()))}
    return told


def _similarities(pictures: Pictures, kinds: Sequence[str]) -> np.ndarray:
    vectors = [pictures.vectors[kind] for kind in kinds]
    return np.asarray(np.mean([each @ each.T for each in vectors], axis=0))


def measure_results(data: EvalData, tell: Callable[[str], None]) -> list[Result]:
    """Say whether a search for somebody's picture finds the same person first."""
    told = measure(data)
    for way, marks in told.items():
        for clip, each in marks.items():
            tell(
                f"  {way:17} {clip:15} AUC {each.auc:.3f}  rank-1 {each.rank_1:.2f}  "
                f"({each.queries} queries)"
            )
    # as search compares: by the likeness model where it is built
    best = told["likeness" if "likeness" in told else "looks and colours"]["all"]
    also = {f"{way}: AUC": round(marks["all"].auc, 3) for way, marks in told.items()}
    also |= {f"{way}: rank-1": round(marks["all"].rank_1, 3) for way, marks in told.items()}
    return [
        quality_result("retrieval_auc", best.auc, "area", 0.98, 0.99, "higher", also),
        quality_result("retrieval_rank_1", best.rank_1, "share", 0.98, 1, "higher"),
    ]


def _together(marks: list[Alike]) -> Alike:
    counts = np.array([each.queries for each in marks])
    return Alike(
        float(np.average([each.auc for each in marks], weights=counts)),
        float(np.average([each.rank_1 for each in marks], weights=counts)),
        int(counts.sum()),
    )


def _pictures(data: EvalData, clip: str) -> Pictures:
    picked = pick(data, clip)
    crops = crops_of(data, clip, picked)
    same, likeness = SAME_PERSON.get(clip, {}), find_encoder()
    return Pictures(
        people=np.array([same.get(person, person) for _, person, _ in picked], np.int64),
        vectors={
            "looks": Embedder(KeptInference()).embed(crops),
            "colours": np.stack([describe(crop) for crop in crops]),
        }
        | ({} if likeness is None else {"likeness": likeness.describe(crops)}),
    )


Picked = list[tuple[int, int, np.ndarray]]  # frame, person, box


def pick(data: EvalData, clip: str) -> Picked:
    """Pick in each stretch of time the frame in which somebody is freest of others."""
    import av

    truth = data.truth(clip)
    with av.open(str(data.clip(clip))) as container:
        stream = container.streams.video[0]
        size = (stream.codec_context.width, stream.codec_context.height)
        fps = float(stream.average_rate or 25)
    best: dict[tuple[int, int], tuple[float, int, np.ndarray]] = {}
    for frame in np.unique(truth.frames).tolist():
        for person, box, shared in _free(truth, frame, size):
            cell = (person, int(frame / fps / CLIPS[clip]))
            if cell not in best or shared < best[cell][0]:
                best[cell] = (shared, frame, box)
    return sorted(
        ((frame, person, box) for (person, _), (_, frame, box) in best.items()),
        key=lambda each: each[:2],
    )


def _free(truth: Truth, frame: int, size: tuple[int, int]) -> list[tuple[int, np.ndarray, float]]:
    from trackers.eval.box import box_iou

    ids, boxes = truth.at(frame)
    iou = box_iou(boxes, boxes)
    np.fill_diagonal(iou, 0)
    sides = (boxes[:, 0] > EDGE_PX) & (boxes[:, 2] < size[0] - EDGE_PX)
    whole = sides & (boxes[:, 3] < size[1] - EDGE_PX) & (iou.max(axis=1) < FREE_MAX_IOU)
    return [(int(ids[row]), boxes[row], float(iou[row].max())) for row in np.flatnonzero(whole)]


def crops_of(data: EvalData, clip: str, picked: Picked) -> list[np.ndarray]:
    """Cut the picked people out of the clip, in full resolution, each (h, w, 3) uint8."""
    import av

    from evidence_store.media.stills import crop_box

    crops = []
    with av.open(str(data.clip(clip))) as container:
        for number, frame in enumerate(container.decode(video=0)):
            wanted = [box for at, _, box in picked if at == number]
            if wanted:
                image = frame.to_ndarray(format="rgb24")
                crops += [crop_box(image, (box[0], box[1], box[2], box[3])) for box in wanted]
    return crops
