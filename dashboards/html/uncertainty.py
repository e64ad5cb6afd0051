"""Word what is not known for certain: who is hidden, who is perhaps the same, where the picture is covered."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from dashboards.data.offence_projection import OffenceView
from dashboards.data.poller import ConsoleData
from dashboards.data.tiles import Tile
from dashboards.display_names import DisplayNames
from dashboards.html.step_lines import StepLine
from domain.events.catalog import OutcomeData, Recognition


def offence_notes(offence: OffenceView, snapshot: ConsoleData, names: DisplayNames) -> list[str]:
    """Return what an operator has to know before they act on an offence; [] where nothing is in question."""
    notes = []
    if (since := hidden_since(offence, snapshot)) is not None:
        notes.append(names.say("unsure.hidden", since=names.clock(since)))
    tile = snapshot.tiles.get(offence.camera_id)
    if offence.is_open and tile is not None and offence.zone_id in tile.unfit_places:
        notes.append(names.say("unsure.covered_here"))
    return [*notes, *perhaps_notes(offence, names)]


def hidden_since(offence: OffenceView, snapshot: ConsoleData) -> datetime | None:
    """Return when the subject of an open offence was seen last; None: it is seen, or nobody looks."""
    tile = snapshot.tiles.get(offence.camera_id)
    if tile is None or not offence.is_open:
        return None
    own = (each.since for each in tile.hidden if each.offence_id == offence.offence_id)
    return next(own, None)


def perhaps_notes(offence: OffenceView, names: DisplayNames) -> list[str]:
    """Say that the subject is perhaps somebody seen before; [] where it is known, or nobody alike came before."""
    known = offence.recognition
    if known is None or known.verdict != "perhaps":
        return []
    return [names.say("unsure.perhaps", error=_error(known, names))]


def recognition_lines(known: Recognition | None, names: DisplayNames) -> list[StepLine]:
    """Say whom a subject is taken for and how sure that is, with a link to what that one did; [] for None."""
    if known is None:
        return []
    text = names.say(
        f"unsure.taken_{known.verdict}",
        subject=known.earlier_subject_id or names.say("unsure.somebody"),
        gap=names.duration(known.gap_s),
        error=_error(known, names),
    )
    lines = [StepLine(text, "detail")]
    if earlier := known.earlier_offence_id:
        address = "/live?" + urlencode({"lang": names.lang, "offence": earlier})
        link = names.say("unsure.earlier_offence", offence=earlier)
        lines.append(StepLine(link, "detail", address=address))
    return lines


def unseen_lines(data: OutcomeData, names: DisplayNames) -> list[StepLine]:
    """Say for how long the subject was hidden during the stay, and whom it was taken for when it came out."""
    lines = [
        StepLine(names.say("unsure.came_out", gap=names.duration(each.gap_s)), "detail")
        for each in data.came_out
    ]
    if data.unseen_s:
        unseen = names.say("unsure.unseen", unseen=names.duration(data.unseen_s))
        lines.append(StepLine(unseen, "detail"))
    return lines


def covered_places(tile: Tile, names: DisplayNames) -> str:
    """Name the zones and lines that something before the lens touches; "" for none."""
    return " · ".join(names.place(tile.camera_id, place) for place in tile.unfit_places)


def _error(known: Recognition, names: DisplayNames) -> str:
    if known.error is None:
        return names.say("unsure.error_unstated")
    return names.say("unsure.error", percent=_percent(known.error))


def _percent(chance: float) -> str:
    """Write a chance in percent with two digits that count; what is next to nothing is not called nothing."""
    percent = 100 * chance
    if percent < 0.01:
        return "<0.01"
    return f"{percent:.0f}" if percent >= 10 else f"{percent:.2g}"
