"""Texts on retention: what is held, what was erased, and recordings that outgrew their limit."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.data.offence_projection import OffenceView
from dashboards.display_names import DisplayNames
from dashboards.html.step_lines import StepFormatters, StepLine
from domain.events.catalog import EvidenceErased, EvidenceHeld, RingPinned

_GIB = 1024**3
REASONS_SHOWN = 3


def _held(data: EvidenceHeld, names: DisplayNames) -> list[StepLine]:
    key = "keeping.held" if data.is_held else "keeping.released"
    until = names.date_and_clock(data.until) if data.until else names.say("keeping.released_by")
    return [StepLine(names.say(key, owner=data.owner, reason=data.reason, until=until))]


def _erased(data: EvidenceErased, names: DisplayNames) -> list[StepLine]:
    why = names.say("keeping.by_term") if data.by == "retention" else data.reason
    return [StepLine(names.say("keeping.erased", reason=why, number=data.custody_number))]


RETENTION_STEPS: StepFormatters = {EvidenceHeld: _held, EvidenceErased: _erased}


def retention_notes(offence: OffenceView, names: DisplayNames) -> list[str]:
    """Say above the pictures that the record is held or erased; [] where it is neither."""
    if offence.erased is not None:
        when = names.date_and_clock(offence.erased.erased_at)
        return [names.say("keeping.is_erased", when=when, evidence=offence.erased.evidence_id)]
    return [
        names.say("keeping.is_held", owner=hold.owner, reason=hold.reason) for hold in offence.holds
    ]


def ring_alerts(rings: Iterable[RingPinned], names: DisplayNames) -> list[str]:
    """Name each camera whose pinned recordings exceed its limit, and why."""
    return [
        names.say(
            "keeping.ring_over",
            camera=names.camera(ring.camera_id),
            pinned=f"{ring.pinned_bytes / _GIB:.1f}",
            limit=f"{ring.limit_bytes / _GIB:.1f}",
            reasons="; ".join(ring.reasons[:REASONS_SHOWN]),
        )
        for ring in rings
        if ring.is_over
    ]
