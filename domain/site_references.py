"""What in a site file names something that is not there, or the same thing twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from domain.facts import Fault
from domain.views import is_in_view

if TYPE_CHECKING:
    from domain.site import Site


def reference_faults(site: Site) -> list[Fault]:
    """Every fault of that kind, in no particular order."""
    return [
        *_repeated_ids(site),
        *_repeated_in_parts(site),
        *_dangling_places(site),
        *_dangling_ladders(site),
        *_dangling_recipients(site),
        *_dangling_in_cameras(site),
        *_out_of_view(site),
    ]


def _repeated_ids(site: Site) -> Iterator[Fault]:
    for what, ids in (
        ("cameras", [camera.id for camera in site.cameras]),
        ("ladders", [ladder.id for ladder in site.ladders]),
        ("rules", [rule.id for rule in site.rules]),
        ("speakers", [speaker.id for speaker in site.speakers]),
        ("recipients", [recipient.id for recipient in site.recipients]),
        ("operators.texts", [each.id for each in site.operators.texts]),
    ):
        for row, each in _again(ids):
            yield (*what.split("."), row, "id"), f"ids should be unique, {each!r} came before"


def _repeated_in_parts(site: Site) -> Iterator[Fault]:
    for row, camera in enumerate(site.cameras):
        zones = [zone.id for zone in camera.zones]
        for column, each in _again(zones):
            words = f"ids should be unique on a camera, {each!r} came before"
            yield ("cameras", row, "zones", column, "id"), words
        for column, each in _again([*zones, *(line.id for line in camera.lines)], len(zones)):
            words = f"ids should be unique on a camera, {each!r} is a zone or line before"
            yield ("cameras", row, "lines", column - len(zones), "id"), words
    for row, ladder in enumerate(site.ladders):
        for column, each in _again([rung.id for rung in ladder.rungs]):
            words = f"ids should be unique on a ladder, {each!r} came before"
            yield ("ladders", row, "rungs", column, "id"), words


def _again(ids: list[str], start: int = 0) -> Iterator[tuple[int, str]]:
    """Places, from `start` on, of ids that came before."""
    for row in range(start, len(ids)):
        if ids[row] in ids[:row]:
            yield row, ids[row]


def _dangling_places(site: Site) -> Iterator[Fault]:
    places = {zone.id for camera in site.cameras for zone in camera.zones}
    places |= {line.id for camera in site.cameras for line in camera.lines}
    for row, rule in enumerate(site.rules):
        for place_id in rule.condition.places():
            if place_id not in places:
                words = (
                    f"names {place_id!r}, which no camera has; zones and lines: {_known(places)}"
                )
                yield ("rules", row, "condition"), words


def _dangling_ladders(site: Site) -> Iterator[Fault]:
    ladders = {ladder.id for ladder in site.ladders}
    for row, rule in enumerate(site.rules):
        if rule.ladder not in ladders:
            words = (
                f"names ladder {rule.ladder!r}, which is not defined; ladders: {_known(ladders)}"
            )
            yield ("rules", row, "ladder"), words


def _dangling_recipients(site: Site) -> Iterator[Fault]:
    known = {recipient.id for recipient in site.recipients}
    for row, ladder in enumerate(site.ladders):
        steps = [
            (("rungs", column, "does"), ("rungs", column, "notifies"), rung.does, rung.notifies)
            for column, rung in enumerate(ladder.rungs)
        ]
        escalation = (("escalation_does",), ("escalation_notifies",))
        steps.append((*escalation, ladder.escalation_does, ladder.escalation_notifies))  # type: ignore[arg-type]
        for does_place, whom_place, does, whom in steps:
            if "notify" in does and not known:
                words = "notifies people, but the site has no recipients; see docs/notifications.md"
                yield ("ladders", row, *does_place), words
            for each in whom:
                if known and each not in known:
                    words = f"names recipient {each!r}, which is not defined; "
                    words += f"recipients: {_known(known)}"
                    yield ("ladders", row, *whom_place), words


def _dangling_in_cameras(site: Site) -> Iterator[Fault]:
    speakers, rules = {each.id for each in site.speakers}, {each.id for each in site.rules}
    for row, camera in enumerate(site.cameras):
        if camera.speaker is not None and camera.speaker not in speakers:
            words = f"names speaker {camera.speaker!r}, which is not defined; "
            yield ("cameras", row, "speaker"), f"{words}speakers: {_known(speakers)}"
        allowed = camera.compliance.allowed_rules if camera.compliance else ()
        for column, rule_id in enumerate(allowed):
            if rule_id not in rules:
                words = f"allows rule {rule_id!r}, which is not defined; rules: {_known(rules)}"
                yield ("cameras", row, "compliance", "allowed_rules", column), words


def _out_of_view(site: Site) -> Iterator[Fault]:
    """Zones and lines where nobody would ever be seen."""
    for row, camera in enumerate(site.cameras):
        if isinstance(camera.views, str):
            continue
        places = [("zones", n, "polygon", zone.polygon) for n, zone in enumerate(camera.zones)]
        places += [("lines", n, "points", line.points) for n, line in enumerate(camera.lines)]
        for what, column, name, points in places:
            unseen = [point for point in points if not is_in_view(point, camera.views)]
            if unseen:
                words = f"should lie in the camera's views, {list(unseen[0])} is in none of them; "
                words += "make a view larger, or leave `views` out"
                yield ("cameras", row, what, column, name), words


def _known(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids)) or "none"
