"""Figures of who is who: beside other trackers, with returners joined, and of returns by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import numpy as np

from benchmarks.quality.figures import FPS, quality_result, read_before
from benchmarks.quality.footage import Truth, native_fps
from benchmarks.quality.in_zones import runs_of
from benchmarks.quality.likenesses import Likenesses
from benchmarks.quality.naming import RETURNS, Return, same_person
from benchmarks.quality.runs import Run, Runs, follow
from benchmarks.quality.sights import sampled_frames
from benchmarks.quality.tracking import Marks, Named, peers, score
from benchmarks.quality.zones import CLIPS_OF, Kind, rules_of
from benchmarks.results import Result
from domain.detections import Detections
from flows.tracking.colours import with_appearances

CLIPS = ("pets_s2l1_a", "tud_campus")
LINKED = "different_people_linked_day"
# points of IDF1 where the truth's returners count as one person, our boxes and public ones
JOINED = {"ours": (63.0, 66.0), "public": (71.0, 74.0)}

Tell = Callable[[str], None]


def measure_tracking(runs: Runs, tell: Tell) -> list[Result]:
    """Measure each clip at its own rate, on our detections and on those that the data set gives."""
    results = []
    for clip in CLIPS:
        truth, fps = runs.data.truth(clip), native_fps(clip)
        seen = runs.sights(clip)[fps].seen
        for source, given in (("ours", seen), ("public", _public(runs, clip, seen))):
            marks = {"forewarn": _score(truth, given, fps)}
            marks |= {peer: score(truth, run(given)) for peer, run in peers(fps).items()}
            for who, each in marks.items():
                tell(f"  {clip} {source:7} {who:26} {each}")
            results += _beside_peers(f"{clip}_{source}", marks)
            same = same_person(clip)
            if same:
                of_joined = _score(joined(truth, same), given, fps)
                tell(f"  {clip} {source:7} {'returners joined':26} {of_joined}")
                also = {"as the truth has it": round(marks["forewarn"].idf1, 2)}
                results.append(
                    quality_result(
                        f"idf1_joined_{source}",
                        of_joined.idf1,
                        "points",
                        *JOINED[source],
                        "higher",
                        also,
                    )
                )
    return results


def _public(runs: Runs, clip: str, seen: Sequence[Detections]) -> list[Detections]:
    """Return the data set's boxes, described by the clip's own pictures."""
    frames, boxes, scores = runs.data.public_boxes(clip)
    told, likenesses = [], Likenesses()
    for row, (each, frame) in enumerate(zip(seen, sampled_frames(runs.data, clip), strict=True)):
        mine = frames == row
        public = Detections(
            frame=each.frame,
            boxes_xyxy=boxes[mine].astype(np.float32),
            scores=scores[mine].astype(np.float32),
            class_ids=np.ones(int(mine.sum()), np.int64),
        )
        told.append(likenesses.added_to(frame, with_appearances(public, frame)))
    return told


def _score(truth: Truth, given: Sequence[Detections], fps: float) -> Marks:
    return score(truth, [Named(each.boxes_xyxy, each.track_ids) for each in follow(given, fps)])


def joined(truth: Truth, same: dict[int, int]) -> Truth:
    """Return the truth with those as one person who came back under another mark."""
    return replace(truth, ids=np.array([same.get(i, i) for i in truth.ids.tolist()], np.int64))


def _beside_peers(where: str, marks: dict[str, Marks]) -> list[Result]:
    unmodified = [marks["ByteTrack"], marks["OC-SORT"]]
    return [
        quality_result(
            f"{where}_{metric}_gain",
            getattr(marks["forewarn"], metric) - max(getattr(each, metric) for each in unmodified),
            f"points of {metric.upper()} over the better peer",
            must=0,
            aim=5 if metric == "idf1" else 0,
            better="higher",
            also={
                f"{who}: {field}": round(float(value), 2)
                for who, each in marks.items()
                for field, value in asdict(each).items()
            },
        )
        for metric in ("mota", "idf1", "hota")
    ]


def measure_returns(runs: Runs, tell: Tell) -> list[Result]:
    """Measure who is recognised, at which rung they begin, and who is taken for somebody else."""
    known, higher = [], []
    for each in RETURNS:
        run = runs.run(each.clip, "wide", FPS)
        is_known, is_higher = run.naming.is_recognised(each), _begins_higher(run, each)
        tell(f"  {each.clip}: {each.before} is back as {each.after}: known {is_known}, {is_higher}")
        known.append(is_known)
        higher.append(is_known and is_higher)
    linked, repeats = [], []
    kinds: tuple[Kind, ...] = ("small", "forecourt", "wide")
    for kind in kinds:
        for run in runs_of(runs, CLIPS_OF[kind], kind):
            where = f"{run.clip}, {kind}, {run.fps:g} fps"
            linked += [f"{where}: {one} and {other}" for one, other in sorted(run.linked())]
            repeats += [f"{where}: {who}" for who in _wrong_repeats(run)]
    before = read_before()["figures"].get(f"quality_{LINKED}", {}).get("also", {})
    new = [line for line in linked if line not in before]
    for words, lines in (("linked", linked), ("wrong repeat", repeats)):
        for line in lines:
            tell(f"  {words}: {line}")
    also = dict.fromkeys(linked, 1.0)
    return [
        quality_result("returns_recognised", sum(known), f"of {len(known)}", 3, 3, "higher"),
        quality_result("returns_at_higher_rung", sum(higher), f"of {len(known)}", 3, 3, "higher"),
        quality_result(LINKED, len(linked), "pairs, all runs", len(before), 0, also=also),
        quality_result("new_people_linked_day", len(new), "pairs, all runs", 0, 0),
        quality_result("wrong_repeats_on_clips", len(repeats), "all runs", 0, 0),
    ]


def _begins_higher(run: Run, one: Return) -> bool:
    moment_s = run.tracked[0].frame.captured_at.timestamp() + one.after_s
    return any(
        stay.is_repeat and stay.first_rung > 1
        for stay in run.stays(rules_of(run.clip)[0])
        if stay.first_s >= moment_s
        and run.naming.who(stay.number, stay.first_s, stay.last_s) == one.after
    )


def _wrong_repeats(run: Run) -> list[str]:
    """Name offences that count as a repeat of somebody's who had none before."""
    wrong, same = [], same_person(run.clip)
    for threshold_s in rules_of(run.clip):
        stays = sorted(run.stays(threshold_s), key=lambda each: each.opened_at)
        before: set[int] = set()
        for stay in stays:
            person = run.naming.who(stay.number, stay.first_s, stay.last_s)
            if person is None:
                continue
            person = same.get(person, person)
            if stay.is_repeat and person not in before:
                wrong.append(f"{threshold_s:g} s: number {stay.number} on {person}")
            before.add(person)
    return wrong
