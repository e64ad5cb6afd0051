"""Checks of what a site file refers to: ids that are missing, doubled, or never seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from domain.base import Fault, repeated
from domain.site.cameras import Camera
from domain.site.ladders import Ladder
from domain.site.operators import OperatorSettings
from domain.site.recipients import AlarmSettings, Recipient
from domain.site.rules import Rule
from domain.site.speech.speakers import SpeakerSettings
from domain.site.views import is_in_view

_Place = tuple[str | int, ...]


def reference_faults(
    cameras: Sequence[Camera],
    ladders: Sequence[Ladder],
    rules: Sequence[Rule],
    speakers: Sequence[SpeakerSettings],
    recipients: Sequence[Recipient],
    operators: OperatorSettings,
    alarms: AlarmSettings,
) -> list[Fault]:
    """List every reference that does not hold, in no particular order."""
    named = {
        "cameras": [camera.id for camera in cameras],
        "ladders": [ladder.id for ladder in ladders],
        "rules": [rule.id for rule in rules],
        "speakers": [speaker.id for speaker in speakers],
        "recipients": [recipient.id for recipient in recipients],
        "operators.texts": [text.id for text in operators.texts],
    }
    return [
        *_repeated_ids(named),
        *_repeated_in_cameras(cameras),
        *_repeated_in_ladders(ladders),
        *_dangling_places(rules, cameras),
        *_dangling_ladders(rules, set(named["ladders"])),
        *_dangling_recipients(ladders, set(named["recipients"])),
        *_dangling_in_alarms(alarms, set(named["recipients"])),
        *_dangling_in_cameras(cameras, set(named["speakers"]), set(named["rules"])),
        *_out_of_view(cameras),
    ]


def _repeated_ids(named: dict[str, list[str]]) -> Iterator[Fault]:
    """Yield ids that a part of the site file has twice; keys are the parts' places, dotted."""
    for part, ids in named.items():
        for row, repeated_id in repeated(ids):
            words = f"ids should be unique, {repeated_id!r} came before"
            yield (*part.split("."), row, "id"), words


def _repeated_in_cameras(cameras: Sequence[Camera]) -> Iterator[Fault]:
    for row, camera in enumerate(cameras):
        zones = [zone.id for zone in camera.zones]
        for column, zone_id in repeated(zones):
            words = f"ids should be unique on a camera, {zone_id!r} came before"
            yield ("cameras", row, "zones", column, "id"), words
        lines = [line.id for line in camera.lines]
        for column, line_id in repeated([*zones, *lines], len(zones)):
            words = f"ids should be unique on a camera, {line_id!r} is a zone or line before"
            yield ("cameras", row, "lines", column - len(zones), "id"), words


def _repeated_in_ladders(ladders: Sequence[Ladder]) -> Iterator[Fault]:
    for row, ladder in enumerate(ladders):
        for column, rung_id in repeated([rung.id for rung in ladder.rungs]):
            words = f"ids should be unique on a ladder, {rung_id!r} came before"
            yield ("ladders", row, "rungs", column, "id"), words


def _dangling_places(rules: Sequence[Rule], cameras: Sequence[Camera]) -> Iterator[Fault]:
    places = {zone.id for camera in cameras for zone in camera.zones}
    places |= {line.id for camera in cameras for line in camera.lines}
    for row, rule in enumerate(rules):
        for place_id in rule.condition.places():
            if place_id not in places:
                words = f"names {place_id!r}, which no camera has; zones and lines: "
                yield ("rules", row, "condition"), words + _known(places)


def _dangling_ladders(rules: Sequence[Rule], ladders: set[str]) -> Iterator[Fault]:
    for row, rule in enumerate(rules):
        if rule.ladder not in ladders:
            words = f"names ladder {rule.ladder!r}, which is not defined; ladders: "
            yield ("rules", row, "ladder"), words + _known(ladders)


def _dangling_recipients(ladders: Sequence[Ladder], known: set[str]) -> Iterator[Fault]:
    for row, ladder in enumerate(ladders):
        steps: list[tuple[_Place, _Place, Sequence[str], Sequence[str]]] = [
            (("rungs", column, "does"), ("rungs", column, "notifies"), rung.does, rung.notifies)
            for column, rung in enumerate(ladder.rungs)
        ]
        escalation = (ladder.escalation_does, ladder.escalation_notifies)
        steps.append((("escalation_does",), ("escalation_notifies",), *escalation))
        for does_place, notifies_place, does, notifies in steps:
            if "notify" in does and not known:
                words = "notifies people, but the site has no recipients; see docs/how-to/notifications.md"
                yield ("ladders", row, *does_place), words
            for recipient_id in notifies:
                if known and recipient_id not in known:
                    words = f"names recipient {recipient_id!r}, which is not defined; "
                    words += f"recipients: {_known(known)}"
                    yield ("ladders", row, *notifies_place), words


def _dangling_in_alarms(alarms: AlarmSettings, known: set[str]) -> Iterator[Fault]:
    named: list[tuple[_Place, str]] = [
        (("alarms", "tells", row), recipient_id) for row, recipient_id in enumerate(alarms.tells)
    ]
    if alarms.supervisor is not None:
        named.append((("alarms", "supervisor"), alarms.supervisor))
    for place, recipient_id in named:
        if recipient_id not in known:
            words = f"names recipient {recipient_id!r}, which is not defined; recipients: "
            yield place, words + _known(known)


def _dangling_in_cameras(
    cameras: Sequence[Camera], speakers: set[str], rules: set[str]
) -> Iterator[Fault]:
    for row, camera in enumerate(cameras):
        if camera.speaker is not None and camera.speaker not in speakers:
            words = f"names speaker {camera.speaker!r}, which is not defined; "
            yield ("cameras", row, "speaker"), f"{words}speakers: {_known(speakers)}"
        allowed = camera.compliance.allowed_rules if camera.compliance else ()
        for column, rule_id in enumerate(allowed):
            if rule_id not in rules:
                words = f"allows rule {rule_id!r}, which is not defined; rules: {_known(rules)}"
                yield ("cameras", row, "compliance", "allowed_rules", column), words


def _out_of_view(cameras: Sequence[Camera]) -> Iterator[Fault]:
    """Yield zones and lines that lie outside of the views, where nobody would ever be seen."""
    for row, camera in enumerate(cameras):
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
