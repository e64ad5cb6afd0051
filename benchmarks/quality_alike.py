"""Whether search ranks pictures of the same person above others': `python -m benchmarks.quality`.

Of each marked person a picture is kept every few seconds, as evidence keeps one of each offence; every
picture then searches among the others of its clip. The vectors are the product's own, of crops in full
resolution, asked of a real Triton server once and kept under var/eval.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from trackers.eval.box import box_iou

from benchmarks.quality_footage import EvalData, Truth
from benchmarks.quality_naming import SAME_PERSON
from benchmarks.quality_sights import CACHE

# seconds between two pictures of one person; repeat_visit: the second visit is the first's footage
CLIPS = {"pets_s2l1_a": 4.0, "tud_campus": 0.5, "counter_a": 4.0, "repeat_visit_a": 4.0}
FREE_MAX_IOU = 0.3  # with anybody else: more, and the picture shows two people
EDGE_PX = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """What one clip gives to search among."""

    people: np.ndarray  # (n,) int64, who it is
    embeddings: np.ndarray  # (n, 1280) float32, unit length
    appearances: np.ndarray  # (n, 256) float32, unit length


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


Blend = Callable[[np.ndarray, np.ndarray], np.ndarray]


def by_mean(embedding: np.ndarray, appearance: np.ndarray) -> np.ndarray:
    """The product's combination: the mean of both cosines."""
    return np.asarray((embedding + appearance) / 2)


WAYS: dict[str, Blend] = {
    "looks alone": lambda embedding, appearance: embedding,
    "colours alone": lambda embedding, appearance: appearance,
    "combined": by_mean,
}


def measure(data: EvalData, ways: Mapping[str, Blend] = WAYS) -> dict[str, dict[str, Alike]]:
    """For each way of comparing, each clip's marks and those of all clips' queries together."""
    told: dict[str, dict[str, Alike]] = {}
    pictures = {clip: _pictures(data, clip) for clip in CLIPS}
    for way, blend in ways.items():
        marks = {}
        for clip, each in pictures.items():
            cosines = (each.embeddings @ each.embeddings.T, each.appearances @ each.appearances.T)
            marks[clip] = rank(each.people, blend(*cosines))
        told[way] = marks | {"all": _together(list(marks.values()))}
    return told


def _together(marks: list[Alike]) -> Alike:
    counts = np.array([each.queries for each in marks])
    return Alike(
        float(np.average([each.auc for each in marks], weights=counts)),
        float(np.average([each.rank_1 for each in marks], weights=counts)),
        int(counts.sum()),
    )


def _pictures(data: EvalData, clip: str) -> Pictures:
    picked = _pick(data, clip)
    path = _cache_file(data, clip, picked)
    if not path.is_file():
        _fill_cache(data, clip, picked, path)
    same = SAME_PERSON.get(clip, {})
    people = np.array([same.get(person, person) for _, person, _ in picked], np.int64)
    with np.load(path) as kept:
        return Pictures(people, kept["embeddings"], kept["appearances"])


Picked = list[tuple[int, int, np.ndarray]]  # frame, person, box


def _pick(data: EvalData, clip: str) -> Picked:
    """In each stretch of time, the frame in which somebody is freest of others."""
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
    ids, boxes = truth.at(frame)
    iou = box_iou(boxes, boxes)
    np.fill_diagonal(iou, 0)
    sides = (boxes[:, 0] > EDGE_PX) & (boxes[:, 2] < size[0] - EDGE_PX)
    whole = sides & (boxes[:, 3] < size[1] - EDGE_PX) & (iou.max(axis=1) < FREE_MAX_IOU)
    return [(int(ids[row]), boxes[row], float(iou[row].max())) for row in np.flatnonzero(whole)]


def _cache_file(data: EvalData, clip: str, picked: Picked) -> Path:
    from models.registry import read_registry

    boxes = np.array([[frame, person, *box] for frame, person, box in picked])
    told = hashlib.sha256(boxes.tobytes() + data.clip(clip).read_bytes())
    told.update(str(read_registry().model("embedder")).encode())
    return CACHE / f"alike-{clip}-{told.hexdigest()[:12]}.npz"


def _fill_cache(data: EvalData, clip: str, picked: Picked, path: Path) -> None:
    from benchmarks.workload import scratch
    from models.appearance import describe
    from models.serving.client import Embedder, connect
    from models.serving.server import TritonServer

    crops = _crops(data, clip, picked)
    with (
        scratch("alike") as folder,
        TritonServer(folder / "triton", models=("embedder",)) as server,
    ):
        server.wait_ready()
        with connect(server.address) as connection:
            embeddings = Embedder(connection).embed(crops)
    unfinished = path.with_suffix(".part.npz")
    appearances = np.stack([describe(crop) for crop in crops])
    np.savez_compressed(unfinished, embeddings=embeddings, appearances=appearances)
    unfinished.rename(path)


def _crops(data: EvalData, clip: str, picked: Picked) -> list[np.ndarray]:
    import av

    from evidence_store.stills import crop_box

    crops = []
    with av.open(str(data.clip(clip))) as container:
        for number, frame in enumerate(container.decode(video=0)):
            wanted = [box for at, _, box in picked if at == number]
            if wanted:
                image = frame.to_ndarray(format="rgb24")
                crops += [crop_box(image, (box[0], box[1], box[2], box[3])) for box in wanted]
    return crops
