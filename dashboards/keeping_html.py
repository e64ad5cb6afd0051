"""What is held and what was erased, in words; and a ring of recordings that outgrew its limit."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from dashboards.names import Names
from dashboards.offences import Offence
from domain.events import EventData, EvidenceErased, EvidenceHeld, RingPinned

_GIB = 1024**3
REASONS_SHOWN = 3


def step_of_keeping(data: EventData, names: Names) -> str:
    """A step of an offence's history; "" where the event is of another kind."""
    if isinstance(data, EvidenceHeld):
        key = "held" if data.is_held else "released"
        until = names.date_and_clock(data.until) if data.until else names.say("keeping.released_by")
        said = names.say(f"keeping.{key}", owner=data.owner, reason=data.reason, until=until)
        return f'<div class="what">{escape(said)}</div>'
    if isinstance(data, EvidenceErased):
        why = names.say("keeping.by_term") if data.by == "retention" else data.reason
        said = names.say("keeping.erased", reason=why, number=data.custody_number)
        return f'<div class="what">{escape(said)}</div>'
    return ""


def standing_note(offence: Offence, names: Names) -> str:
    """A line above the pictures: held, or erased; "" where neither."""
    if offence.erased is not None:
        when = names.date_and_clock(offence.erased.erased_at)
        said = names.say("keeping.is_erased", when=when, evidence=offence.erased.evidence_id)
        return f'<p class="detail" role="note">{escape(said)}</p>'
    notes = [
        names.say("keeping.is_held", owner=each.owner, reason=each.reason) for each in offence.holds
    ]
    return "".join(f'<p class="detail" role="note">{escape(said)}</p>' for said in notes)


def rings_over(rings: Iterable[RingPinned], names: Names) -> str:
    """An alert for each camera whose pins leave its recordings no room within their limit."""
    said = [
        names.say(
            "keeping.ring_over",
            camera=names.camera(each.camera_id),
            pinned=f"{each.pinned_bytes / _GIB:.1f}",
            limit=f"{each.limit_bytes / _GIB:.1f}",
            reasons="; ".join(each.reasons[:REASONS_SHOWN]),
        )
        for each in rings
        if each.is_over
    ]
    return "".join(f'<div class="problem" role="alert">{escape(each)}</div>' for each in said)
