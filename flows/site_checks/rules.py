"""Find faults of a site file that only geometry, clocks and conditions can tell.

Each fault is something that would never happen, or happen twice, at three in the morning: better
told when the file is written. domain/site/site.py has found already what is missing or misspelt.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from domain.base import Fault
from domain.errors import Stop
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from domain.site.site import Site
from flows.conditions.areas import polygon_of
from flows.conditions.build import build_condition
from flows.opening_hours import Hours, HoursError


def site_faults(site: Site, now: datetime | None = None) -> list[Fault]:
    """Return every fault, in the order of the file's parts; schedules are looked through for a year from `now`."""
    crooked = list(_crooked_places(site))
    unwatched = [] if crooked else list(_unwatched_rules(site))
    return [
        *crooked,
        *unwatched,
        *_repeated_rules(site),
        *_endless_exemptions(site),
        *_repeaters_never_known(site),
        *_unreachable(site, now or datetime.now(UTC)),
        *_restless(site, now or datetime.now(UTC)),
    ]


def unheard_faults(site: Site) -> Iterator[Fault]:
    """Yield live cameras whose ladders nobody would hear or learn of."""
    for row, camera in enumerate(site.cameras):
        if not camera.is_live or camera.speaker is not None:
            continue
        for rule in site.rules_watching(camera.id):
            ladder = site.ladder(rule.ladder)
            asks = {action for rung in ladder.rungs for action in rung.does} - {"announce"}
            if not asks and not ladder.escalation_does:
                words = (
                    f"under rule {rule.id!r} nobody would hear or learn of anything: it has no "
                    f"speaker, and ladder {ladder.id!r} only announces; name a speaker (kind: file "
                    "where WAV files are meant), or let a rung or escalation_does notify"
                )
                yield ("cameras", row, "id"), words
                break


def _crooked_places(site: Site) -> Iterator[Fault]:
    for row, camera in enumerate(site.cameras):
        for column, zone in enumerate(camera.zones):
            try:
                polygon_of(camera.id, zone)
            except Stop as error:
                yield ("cameras", row, "zones", column, "polygon"), str(error)
        for column, line in enumerate(camera.lines):
            if len(set(line.points)) < 2:
                words = f"needs two different points, got {list(line.points)}"
                yield ("cameras", row, "lines", column, "points"), words


def _unwatched_rules(site: Site) -> Iterator[Fault]:
    for row, rule in enumerate(site.rules):
        if not any(build_condition(rule.condition, camera) for camera in site.cameras):
            words = (
                "no camera sees all that it needs: "
                f"{', '.join(rule.condition.places())} must be on one camera's picture"
            )
            yield ("rules", row, "condition"), words


def _repeated_rules(site: Site) -> Iterator[Fault]:
    for row, rule in enumerate(site.rules):
        for before in site.rules[:row]:
            alike = _plain(rule) == _plain(before)
            if alike and (rule.ladder == before.ladder or rule.threshold_s == before.threshold_s):
                words = (
                    f"says the same as rule {before.id!r}: who offends would be warned twice; "
                    "remove one, or give them other places, classes or hours, or another threshold and a ladder each"
                )
                yield ("rules", row, "id"), words
                break


def _plain(rule: Rule) -> tuple[Any, str | None]:
    """Return what a rule looks for and when, so that order and defaults make no difference."""
    return _sorted(rule.condition.model_dump(exclude_none=True)), rule.hours


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return sorted((_sorted(part) for part in value), key=repr)
    return value


def _endless_exemptions(site: Site) -> Iterator[Fault]:
    for row, rule in enumerate(site.rules):
        if rule.first_time_exempt and not site.ladder(rule.ladder).repeat_window_s:
            words = (
                f"with ladder {rule.ladder!r} nobody would ever be escalated: it forgets everybody "
                "at once, so each time is the first; give it a repeat_window_s"
            )
            yield ("rules", row, "first_time_exempt"), words


def _repeaters_never_known(site: Site) -> Iterator[Fault]:
    for row, ladder in enumerate(site.ladders):
        window_s = ladder.repeat_window_s
        if not window_s:
            if ladder.repeat_starts_at != Ladder.model_fields["repeat_starts_at"].default:
                words = "has no effect without repeat_window_s, which is 0"
                yield ("ladders", row, "repeat_starts_at"), words
            continue
        if ladder.cooldown_s >= window_s:
            words = (
                f"should be longer than cooldown_s, {ladder.cooldown_s:g} s, or nobody is ever "
                f"known as a repeater; got {window_s:g} s"
            )
            yield ("ladders", row, "repeat_window_s"), words
        for rule in site.rules:
            if rule.ladder == ladder.id and rule.threshold_s >= window_s:
                words = (
                    f"should be longer than threshold_s of rule {rule.id!r}, {rule.threshold_s:g} "
                    f"s, for who returns has to stay so long; got {window_s:g} s"
                )
                yield ("ladders", row, "repeat_window_s"), words


def _unreachable(site: Site, now: datetime) -> Iterator[Fault]:
    """Yield hours that cannot be read or never come, and what would come after they are over."""
    for row, rule in enumerate(site.rules):
        try:
            hours = Hours("", rule.hours, site.site.timezone, site.site.country)
        except HoursError as error:
            yield ("rules", row, "hours"), error.words
            continue
        longest_s = hours.longest_s(now)
        if longest_s is None:
            continue
        if longest_s == 0:
            yield ("rules", row, "hours"), f"{rule.hours!r} never comes within a year"
        elif rule.threshold_s >= longest_s:
            words = (
                f"should be shorter than the rule's longest opening ({rule.hours}), "
                f"{longest_s:g} s, or no offence ever opens; got {rule.threshold_s:g} s"
            )
            yield ("rules", row, "threshold_s"), words
        else:
            yield from _cut_short(site, rule, longest_s)


def _cut_short(site: Site, rule: Rule, longest_s: float) -> Iterator[Fault]:
    """Return the first part of the ladder that the end of the rule's hours always comes before."""
    row = next(n for n, ladder in enumerate(site.ladders) if ladder.id == rule.ladder)
    ladder, comes_s = site.ladders[row], rule.threshold_s
    steps: list[tuple[tuple[str | int, ...], float]] = [
        (("rungs", n, "after_s"), rung.after_s) for n, rung in enumerate(ladder.rungs)
    ]
    for place, after_s in [*steps, (("escalate_after_s",), ladder.escalate_after_s)]:
        comes_s += after_s
        if comes_s >= longest_s:
            words = (
                f"never comes under rule {rule.id!r}: it is due {comes_s:g} s after the stay began, "
                f"and the longest opening ({rule.hours}) has {longest_s:g} s"
            )
            yield ("ladders", row, *place), words
            return


def _restless(site: Site, now: datetime) -> Iterator[Fault]:
    """Yield recipients whose quiet hours cannot be read, or never end."""
    for row, recipient in enumerate(site.recipients):
        if recipient.quiet_hours is None:
            continue
        try:
            hours = Hours("", recipient.quiet_hours, site.site.timezone, site.site.country)
        except HoursError as error:
            yield ("recipients", row, "quiet_hours"), error.words
            continue
        if hours.longest_s(now) is None and hours.apply_at(now):
            words = f"never end, so nothing is ever sent; got {recipient.quiet_hours!r}"
            yield ("recipients", row, "quiet_hours"), words
