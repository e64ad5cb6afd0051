"""Figures of stays in zones: small and wide ones, by day and in darkened copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.quality.figures import FPS, quality_result
from benchmarks.quality.footage import DARK, UNMARKED, native_fps
from benchmarks.quality.runs import Run, Runs, rates_of
from benchmarks.quality.stays import StayMarks
from benchmarks.quality.zones import CLIPS_OF, SEVERAL_PEOPLE, Kind, rules_of
from benchmarks.results import Result

(CROWD,) = UNMARKED
# of the picture's area: no person is that large where a camera watches a place
IMPOSSIBLE_SHARE = 1 / 3

Tell = Callable[[str], None]


@dataclass(slots=True)
class ZoneMarks:
    """What came of all clips at one frame rate."""

    stays: StayMarks = field(default_factory=StayMarks)
    linked: list[str] = field(default_factory=list)  # different people


def runs_of(runs: Runs, clips: Sequence[str], kind: Kind) -> Iterator[Run]:
    """Yield the run of each clip at each frame rate."""
    for clip in clips:
        for fps in rates_of(clip):
            yield runs.run(clip, kind, fps)


def by_rate(runs: Runs, clips: Sequence[str], kind: Kind) -> dict[float, ZoneMarks]:
    """Judge the stays, all clips of a frame rate together."""
    told: dict[float, ZoneMarks] = {}
    for run in runs_of(runs, clips, kind):
        marks = told.setdefault(run.fps, ZoneMarks())
        marks.stays.add(run.marks())
        marks.linked += [
            f"{run.clip}, {kind}, {run.fps:g} fps: {one} and {other}"
            for one, other in sorted(run.linked())
        ]
    return told


def measure_small(runs: Runs, tell: Tell) -> list[Result]:
    """Measure small zones, and the forecourt of the sample's own site file."""
    musts = Musts(precision=0.9, recall=0.9, median_s=0.6, p95_s=2.0, known=0.95, aims=_DOCS_AIMS)
    results = _results("small", by_rate(runs, CLIPS_OF["small"], "small"), musts, tell)
    forecourt = by_rate(runs, CLIPS_OF["forecourt"], "forecourt")
    return results + _results("forecourt", forecourt, musts, tell)


def measure_views(runs: Runs, tell: Tell) -> list[Result]:
    """Measure small zones with views drawn by hand, and with the whole picture looked at as one."""
    results = []
    names: dict[Kind, str] = {"views by hand": "by_hand", "whole picture": "whole"}
    for kind, name in names.items():
        at_five = {FPS: ZoneMarks()}
        for clip in CLIPS_OF[kind]:
            run = runs.run(clip, kind, FPS)
            at_five[FPS].stays.add(run.marks())
            at_five[FPS].linked += [f"{clip}: {pair}" for pair in sorted(run.linked())]
        musts = Musts(precision=0.9, recall=0, median_s=0.6, p95_s=60, known=0, aims=_DOCS_AIMS)
        results += _results(name, at_five, musts, tell)
    return results


def measure_wide(runs: Runs, tell: Tell) -> list[Result]:
    """Measure one zone over most of the picture."""
    musts = Musts(precision=0.95, recall=0.9, median_s=1.0, p95_s=4.0, known=0.85, aims=_WIDE_AIMS)
    results = _results("wide", by_rate(runs, CLIPS_OF["wide"], "wide"), musts, tell)
    return [*results, _phantoms(runs, tell)]


def measure_dark(runs: Runs, tell: Tell) -> list[Result]:
    """Measure darkened copies of the clips with several people; what must hold is that nobody is linked."""
    linked: list[str] = []
    results: list[Result] = []
    for kind in ("small", "wide"):
        clips = [f"{clip}{DARK}" for clip in SEVERAL_PEOPLE if clip in CLIPS_OF[kind]]
        told = by_rate(runs, clips, kind)
        linked += [line for marks in told.values() for line in marks.linked]
        results += _results(f"dark_{kind}", told, _DARK_MUSTS, tell)[:6]
    results = [each for each in results if "linked" not in each.name]
    return [
        quality_result(
            "different_people_linked_dark",
            len(linked),
            "pairs, clip by clip, frame rate by frame rate",
            0,
            0,
            also=dict.fromkeys(linked, 1.0),
        ),
        *results,
    ]


@dataclass(frozen=True, slots=True)
class Musts:
    """What a kind of zones must reach, and should: (precision, recall, median, p95, known)."""

    precision: float
    recall: float
    median_s: float
    p95_s: float
    known: float
    aims: tuple[float, float, float, float, float]


_DOCS_AIMS = (0.98, 0.98, 0.3, 1.0, 0.98)
_WIDE_AIMS = (1.0, 0.95, 0.5, 1.5, 0.92)
# the detector misses half of the people there: what is not said need not be
_DARK_MUSTS = Musts(0.9, 0, 1.0, 60.0, 0, _WIDE_AIMS)


def _results(name: str, told: dict[float, ZoneMarks], musts: Musts, tell: Tell) -> list[Result]:
    """Make figures: shares and errors at 5 frames a second, counts over all rates."""
    for marks in told.values():
        _tell_lines(marks, tell)
    stays = {fps: marks.stays for fps, marks in told.items()}
    return [
        _share(
            name, "offence_precision", stays, lambda m: m.precision, musts.precision, musts.aims[0]
        ),
        _share(name, "offence_recall", stays, lambda m: m.recall, musts.recall, musts.aims[1]),
        _error(name, "dwell_median", stays, 50, musts.median_s, musts.aims[2]),
        _error(name, "dwell_p95", stays, 95, musts.p95_s, musts.aims[3]),
        _count(
            name, "second_first_warnings", {f: m.stays.second_warnings for f, m in told.items()}
        ),
        _count(name, "false_complied", {f: m.stays.false_complied for f, m in told.items()}),
        _count(name, "different_people_linked", {f: m.linked for f, m in told.items()}),
        _known(name, stays, musts.known, musts.aims[4]),
    ]


def _tell_lines(marks: ZoneMarks, tell: Tell) -> None:
    for words, lines in (
        ("missed", marks.stays.missed),
        ("not so", marks.stays.invented),
        ("second call", marks.stays.second_warnings),
        ("false complied", marks.stays.false_complied),
        ("left, not known", marks.stays.not_known),
        ("linked", marks.linked),
    ):
        for line in lines:
            tell(f"  {words}: {line}")


def _share(
    name: str,
    figure: str,
    stays: dict[float, StayMarks],
    share: Callable[[StayMarks], float],
    must: float,
    aim: float,
) -> Result:
    also = {f"{fps:g} fps": round(share(marks), 3) for fps, marks in stays.items()}
    also |= {f"{fps:g} fps: true stays": marks.expected for fps, marks in stays.items()}
    also |= {f"{fps:g} fps: found": marks.found for fps, marks in stays.items()}
    return quality_result(
        f"{figure}_{name}", share(stays[FPS]), "share, 5 fps", must, aim, "higher", also
    )


def _error(
    name: str, figure: str, stays: dict[float, StayMarks], percent: int, must: float, aim: float
) -> Result:
    errors_s = {
        fps: float(np.percentile(marks.dwell_errors_s or [0.0], percent))
        for fps, marks in stays.items()
    }
    also = {f"{fps:g} fps": round(error_s, 3) for fps, error_s in errors_s.items()}
    return quality_result(
        f"{figure}_{name}", errors_s[FPS], "s of error, 5 fps", must, aim, also=also
    )


def _count(name: str, figure: str, lines: dict[float, list[str]]) -> Result:
    also = {f"{fps:g} fps": float(len(each)) for fps, each in lines.items()}
    return quality_result(
        f"{figure}_{name}", sum(map(len, lines.values())), "all rates", 0, 0, also=also
    )


def _known(name: str, stays: dict[float, StayMarks], must: float, aim: float) -> Result:
    """All rates together: few leave in each clip."""
    every = StayMarks()
    for marks in stays.values():
        every.add(marks)
    also = {"seen leaving": float(every.leaving)}
    also |= {f"{fps:g} fps": round(marks.known_share, 3) for fps, marks in stays.items()}
    return quality_result(
        f"leaving_known_{name}", every.known_share, "share, all rates", must, aim, "higher", also
    )


def _phantoms(runs: Runs, tell: Tell) -> Result:
    """Count persons too large to be any, where nobody marked who is there."""
    run = runs.run(CROWD, "wide", native_fps(CROWD))
    phantoms, followed = 0, 0
    for each in run.tracked:
        sides = each.boxes_xyxy[:, 2:] - each.boxes_xyxy[:, :2]
        shares = sides.prod(axis=1) / (each.frame.width_px * each.frame.height_px)
        phantoms += int((shares >= IMPOSSIBLE_SHARE).sum())
        followed += len(each)
    offences = run.stays(rules_of(CROWD)[0])
    for stay in offences:
        tell(f"  {CROWD}: number {stay.number} for {stay.dwell_s:.1f} s")
    also = {"boxes followed": float(followed), "offences of 1 s": float(len(offences))}
    return quality_result(
        "phantoms_night_square", phantoms, "boxes of a third of the picture", 0, 0, also=also
    )
