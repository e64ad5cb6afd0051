"""Find faults of a site's calls for `forewarn check`, beyond what its file says by itself.

Faults keep calls from being heard at all; notes tell of calls that may be in each other's way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise
from pathlib import Path

from domain.base import Fault
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop, TryAgain
from domain.site.cameras import Camera
from domain.site.ladders import Ladder, Rung
from domain.site.rules import Rule
from domain.site.site import Site
from domain.site.speech.speakers import SpeakerSettings
from flows.announce import AnnounceSettings, build_voice
from flows.speech.call_counter import WINDOW
from flows.speech.holds import quiet_of
from flows.speech.voice.compose import CallVoice, can_be_said
from flows.speech.voice.recorded import examine
from flows.speech.voice.wording import Surroundings, words_of_operator, words_of_rung

Place = tuple[str | int, ...]


def call_faults(site: Site, base: Path) -> list[Fault]:
    """Return the faults that keep calls from being heard; recordings are named from `base`."""
    return [*_unplayable(site, base), *_quiet_hours(site), *_caps(site)]


def try_calls(site: Site, base: Path) -> tuple[list[Fault], list[Fault]]:
    """Say each call once, into a file: (faults, notes); raises Stop if no voice is installed."""
    faults: list[Fault] = []
    with (
        tempfile.TemporaryDirectory(prefix="forewarn-check-") as folder,
        closing(build_voice(AnnounceSettings(DataDir(Path(folder)), base=base))) as voice,
    ):
        heard = list(_heard(site))
        lengths_s = {}
        for row, ladder in enumerate(site.ladders):
            for column, rung in enumerate(ladder.rungs):
                if not rung.announces:
                    continue
                place: Place = ("ladders", row, "rungs", column)
                try:
                    lengths_s[ladder.id, rung.id] = _length_s(site, ladder, rung, voice)
                except (PutAside, TryAgain) as error:
                    faults.append((place, str(error)))
        faults += _unspeakable_by_operators(site, voice)
        notes = [*_own_ladder(site, heard, lengths_s), *_each_other(site, heard, lengths_s)]
    return faults, list(dict.fromkeys(notes))


@dataclass(frozen=True, slots=True)
class _Heard:
    """A rule whose calls are heard on a speaker."""

    camera: Camera
    rule: Rule
    ladder: Ladder
    speaker: SpeakerSettings


Lengths = dict[tuple[str, str], float]  # ladder and rung -> seconds


def _heard(site: Site) -> Iterator[_Heard]:
    for camera in site.cameras:
        speaker = site.speaker_of(camera.id)
        places = {zone.id for zone in camera.zones} | {line.id for line in camera.lines}
        if speaker is None or speaker.kind == "file":
            continue
        for rule in site.rules:
            if places.intersection(rule.condition.places()):
                yield _Heard(camera, rule, site.ladder(rule.ladder), speaker)


def _unplayable(site: Site, base: Path) -> Iterator[Fault]:
    for row, ladder in enumerate(site.ladders):
        for column, rung in enumerate(ladder.rungs):
            for number, recording in enumerate(rung.recordings):
                try:
                    examine(base / recording.file)
                except (PutAside, TryAgain) as error:
                    place = ("ladders", row, "rungs", column, "recordings", number, "file")
                    yield place, str(error)


def _quiet_hours(site: Site) -> Iterator[Fault]:
    for row, speaker in enumerate(site.speakers):
        try:
            quiet_of(site, speaker)
        except Stop as error:
            own = speaker.quiet_hours is not None
            yield (
                (("speakers", row, "quiet_hours") if own else ("calls", "quiet_hours")),
                str(error),
            )


def _caps(site: Site) -> Iterator[Fault]:
    """Yield caps that one offence alone goes over, so that its last calls are never heard."""
    reported: set[tuple[Place, str]] = set()
    for heard in _heard(site):
        row = site.speakers.index(heard.speaker)
        for place, cap in (
            (("speakers", row, "max_calls_per_hour"), heard.speaker.max_calls_per_hour),
            (("calls", "max_per_hour"), site.calls.max_per_hour),
            (("calls", "max_per_hour_in_zone"), site.calls.max_per_hour_in_zone),
            (("calls", "max_per_hour_to_subject"), site.calls.max_per_hour_to_subject),
        ):
            most = _most_within_the_window(heard.ladder)
            if cap is not None and most > cap and (place, heard.ladder.id) not in reported:
                reported.add((place, heard.ladder.id))
                yield (
                    place,
                    f"needs at least {most}, the calls that ladder {heard.ladder.id!r} makes for one "
                    f"offence within an hour, got {cap}: the last would never be heard",
                )


def _calls_due_s(ladder: Ladder) -> list[float]:
    """Return when each call comes due, in seconds since the offence opened."""
    waits_s = accumulate(rung.after_s for rung in ladder.rungs)
    return [at_s for rung, at_s in zip(ladder.rungs, waits_s, strict=True) if rung.announces]


def _most_within_the_window(ladder: Ladder) -> int:
    due_s, window_s = _calls_due_s(ladder), WINDOW.total_seconds()
    return max((sum(0 <= at - first < window_s for at in due_s) for first in due_s), default=0)


def _length_s(site: Site, ladder: Ladder, rung: Rung, voice: CallVoice) -> float:
    """Return the length of a call as some rule of the site would make it."""
    camera = site.cameras[0]
    rule = next((rule for rule in site.rules if rule.ladder == ladder.id), None)
    if rule is None:
        return 0.0  # never said
    words = words_of_rung(
        rung,
        ladder,
        Surroundings.of(site, camera),
        rule,
        zone_id=rule.condition.places()[0],
        dwell_s=rule.threshold_s,
    )
    parts = voice.sound(words).parts
    return sum(part.duration_s for part in parts)


def _unspeakable_by_operators(site: Site, voice: CallVoice) -> Iterator[Fault]:
    if not site.rules:
        return
    rule, surroundings = site.rules[0], Surroundings.of(site, site.cameras[0])
    for row, operator_text in enumerate(site.operators.texts):
        words = words_of_operator(
            operator_text.text,
            surroundings,
            rule,
            rule.condition.places()[0],
            site.ladder(rule.ladder),
        )
        error = can_be_said(voice, words)
        if error is not None:
            yield ("operators", "texts", row, "text"), str(error)


def _own_ladder(site: Site, heard: list[_Heard], lengths_s: Lengths) -> Iterator[Fault]:
    """Yield rungs that come due while the call before is still being said."""
    for calls in heard:
        row = site.ladders.index(calls.ladder)
        spoken = [(n, rung) for n, rung in enumerate(calls.ladder.rungs) if rung.announces]
        for (_, before), (column, rung) in pairwise(spoken):
            length_s = lengths_s.get((calls.ladder.id, before.id), 0.0)
            if calls.ladder.next_rung_counts_from == "due" and rung.after_s < length_s:
                yield (
                    ("ladders", row, "rungs", column, "after_s"),
                    f"comes due {rung.after_s:g} s after {before.id!r}, whose call takes "
                    f"{length_s:.0f} s: it waits, and is not made if that "
                    f"takes longer than calls.useful_for_s ({site.calls.useful_for_s:g} s)",
                )


def _each_other(site: Site, heard: list[_Heard], lengths_s: Lengths) -> Iterator[Fault]:
    """Yield rules that call on one speaker for the same people at nearly the same moment."""
    for one, other in combinations(heard, 2):
        if one.speaker != other.speaker or one.camera != other.camera or one.rule == other.rule:
            continue
        if not _watch_alike(one.rule, other.rule):
            continue
        first, second = sorted((one, other), key=lambda calls: _first_call_s(calls))
        rung = next((rung for rung in first.ladder.rungs if rung.announces), None)
        if rung is None or first.ladder == second.ladder:
            continue
        apart_s = _first_call_s(second) - _first_call_s(first)
        length_s = lengths_s.get((first.ladder.id, rung.id), 0.0)
        if apart_s < length_s:
            yield (
                ("rules", site.rules.index(second.rule), "ladder"),
                f"calls on {first.speaker.id!r} {apart_s:g} s after rule {first.rule.id!r} does for "
                f"the same place, whose call takes {length_s:.0f} s: one is in the other's way; "
                "give the two rules one ladder, or other hours or thresholds",
            )


def _watch_alike(one: Rule, other: Rule) -> bool:
    places = set(one.condition.places()) & set(other.condition.places())
    classes = set(one.condition.class_names()) & set(other.condition.class_names())
    return bool(places and classes) and one.hours == other.hours


def _first_call_s(heard: _Heard) -> float:
    """Return seconds from the beginning of a stay to the ladder's first call."""
    return heard.rule.threshold_s + min(_calls_due_s(heard.ladder), default=float("inf"))
