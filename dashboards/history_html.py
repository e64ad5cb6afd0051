"""What happened in one offence, step by step, as HTML for the live page."""

from __future__ import annotations

from html import escape

from dashboards.file_keys import MASKED_FOR_S, FileKeys
from dashboards.hand_html import asked_by, step_by_hand, waiting
from dashboards.keeping_html import standing_note, step_of_keeping
from dashboards.names import Names
from dashboards.offence_rows import state_chip
from dashboards.offences import Offence
from dashboards.subject_picture import picture, rung_of, sighting_of
from domain.events import (
    AnnouncementMade,
    CaseRequested,
    Event,
    EvidenceFile,
    EvidenceSealed,
    NotificationMade,
    NotificationRequested,
    OffenceClimbed,
    OffenceComplied,
    OffenceEscalated,
    OffenceExempted,
    OffenceLapsed,
    OffenceOpened,
    OffenceUnknown,
    OffenceWarned,
    OffenceWithheld,
    OfficerRequested,
)

_UNSPOKEN = {
    "too late": "too_late",
    "unknown whether played": "maybe_spoken",
    "quiet hours": "quiet_hours",
    "over the hourly cap": "over_the_cap",
}
_BASIS = {"seen outside the zone": "basis_outside", "no longer seen": "basis_gone"}


def nothing_picked(names: Names) -> str:
    """What stands there before a row is picked."""
    return (
        f'<div class="history"><div class="empty">{escape(names.say("history.pick"))}</div></div>'
    )


def history(offence: Offence, names: Names, keys: FileKeys) -> str:
    """Heading, facts, every step in order, and the masked pictures once sealed."""
    facts = names.say(
        # while it is open its seconds run in the table; here they would only flicker
        "history.facts_open" if offence.is_open else "history.facts",
        camera=names.camera(offence.camera_id),
        rule=names.rule(offence.rule_id),
        first_seen=names.date_and_clock(offence.first_seen_at),
        dwell=names.duration(offence.dwell_s),
    )
    if category := names.category(offence.rule_id):
        facts += f" · {category}"
    subject = names.say("history.subject", subject=offence.subject_id)
    steps = "".join(
        f"<li><time>{escape(names.clock(event.time))}</time><div>{said}</div></li>"
        for event in offence.history
        if (said := _step(event, names))
    ) + "".join(
        f"<li><time>{escape(names.clock(event.time))}</time><div>{waiting(event, names)}</div></li>"
        for event in offence.asked
    )
    return (
        '<article class="history">'
        f"<h2>{escape(names.say('history.heading'))} {state_chip(offence.state, names)}</h2>"
        f'<p class="facts">{escape(facts)}<br>{escape(subject)}</p>'
        f"<ol>{steps}</ol>{standing_note(offence, names)}{_pictures(offence, names, keys)}</article>"
    )


def _step(event: Event, names: Names) -> str:
    data = event.data
    if isinstance(data, OffenceOpened):
        return _what(names.say("history.opened", threshold=names.duration(data.threshold_s)))
    if isinstance(data, OffenceWarned):
        due = names.say("history.warned", number=data.rung_number, count=data.rung_count)
        if data.rung_number == 0:
            due = names.say("hand.words")
        # both languages: both are spoken, and the next shift may read the other one
        return (
            _what(due)
            + f'<div class="said" lang="zh">{escape(data.text.zh)}</div>'
            + f'<div class="said" lang="en">{escape(data.text.en)}</div>'
            + asked_by(data.by_hand, names)
        )
    if isinstance(data, OffenceClimbed):
        return _what(names.say("history.climbed", number=data.rung_number, count=data.rung_count))
    if isinstance(data, NotificationRequested):
        return _detail(names.say("history.notify", whom=", ".join(data.recipients)))
    if isinstance(data, CaseRequested):
        return _detail(names.say("history.open_case", case=data.case_id))
    if isinstance(data, OfficerRequested):
        return _detail(names.say("history.request_officer"))
    if isinstance(data, NotificationMade):
        return _notification(data, names)
    if isinstance(data, OffenceWithheld):
        reasons = " · ".join(names.unfit(code) for code in data.reasons)
        key = f"history.withheld_{data.what}"
        return _what(names.say(key, number=data.rung_number, reasons=reasons))
    if isinstance(data, OffenceComplied | OffenceLapsed):
        basis = names.say(f"history.{_BASIS[data.basis]}")
        key = "complied" if isinstance(data, OffenceComplied) else "lapsed"
        return _what(names.say(f"history.{key}", basis=basis))
    if isinstance(data, OffenceEscalated):
        return _what(names.say("history.escalated"))
    if isinstance(data, OffenceExempted):
        return _what(names.say("history.exempted"))
    if isinstance(data, OffenceUnknown):
        return _what(names.say("history.unknown", reason=_reason(data, names)))
    if isinstance(data, AnnouncementMade):
        return _announcement(data, names)
    if isinstance(data, EvidenceSealed):
        return _sealed(data, names)
    return step_of_keeping(data, names) or step_by_hand(data, names)


def _reason(data: OffenceUnknown, names: Names) -> str:
    return data.reason_zh or data.reason if names.lang == "zh" else data.reason


def _what(said: str) -> str:
    return f'<div class="what">{escape(said)}</div>'


def _detail(said: str) -> str:
    return f'<div class="detail">{escape(said)}</div>'


def _notification(data: NotificationMade, names: Names) -> str:
    result = names.say(f"notified.{data.result.replace(' ', '_')}")
    said = names.say("notified.line", whom=data.recipient_id, result=result)
    if data.reason:
        said += f" ({data.reason})"
    kind = "spoken" if data.result == "sent" else "not-spoken"
    return f'<div class="{kind}">{escape(said)}</div>'


def _announcement(data: AnnouncementMade, names: Names) -> str:
    if data.rung_number == 0:
        return _words(data, names)
    if data.was_spoken:
        seconds = f"{data.audio_duration_s or 0:.1f}"
        spoken = "history.spoken_with" if data.said_with else "history.spoken"
        said = names.say(spoken, number=data.rung_number, seconds=seconds)
        return f'<div class="spoken">{escape(said)}</div>'
    key = _UNSPOKEN.get(data.result, "failed")
    said = names.say(f"history.{key}", number=data.rung_number, reason=data.reason)
    return f'<div class="not-spoken">{escape(said)}</div>'


def _words(data: AnnouncementMade, names: Names) -> str:
    """What came of an operator's words."""
    if data.was_spoken:
        said = names.say("hand.words_spoken", seconds=f"{data.audio_duration_s or 0:.1f}")
        return f'<div class="spoken">{escape(said)}</div>'
    said = names.say("hand.words_unspoken", reason=data.reason or data.result)
    return f'<div class="not-spoken">{escape(said)}</div>'


def _sealed(data: EvidenceSealed, names: Names) -> str:
    if data.complete:
        return f'<div class="detail">{escape(names.say("history.sealed", count=len(data.files)))}</div>'
    said = names.say("history.sealed_incomplete", missing="; ".join(data.missing))
    return f'<div class="not-spoken">{escape(said)}</div>'


def masked_pictures(files: tuple[EvidenceFile, ...]) -> list[EvidenceFile]:
    """The pictures that may be shown to anybody at the console, first one first."""
    masked = [file for file in files if file.role == "masked snapshot"]
    return sorted(masked, key=lambda file: ("last" in file.name, file.name))


def _pictures(offence: Offence, names: Names, keys: FileKeys) -> str:
    evidence = offence.evidence
    if evidence is None:
        return ""
    clips = "".join(_masked_clip(evidence, file, names, keys) for file in offence.masked_clips)
    pictures = masked_pictures(evidence.files)
    if not pictures:
        return f'<p class="detail">{escape(names.say("history.no_snapshot"))}</p>{clips}'
    drawn = "".join(_figure(offence, evidence, file, names, keys) for file in pictures)
    link = f"/search?lang={names.lang}&evidence={escape(evidence.evidence_id, quote=True)}"
    similar = escape(names.say("history.similar"))
    return f'<div class="snapshots">{drawn}</div>{clips}<p><a href="{link}">{similar}</a></p>'


def _masked_clip(evidence: EvidenceSealed, file: EvidenceFile, names: Names, keys: FileKeys) -> str:
    address = escape(keys.address(evidence.evidence_id, file.name, MASKED_FOR_S), quote=True)
    said = escape(names.say("history.masked_clip"))
    return (
        f'<figure class="masked-clip"><video controls muted preload="none" style="width:100%" '
        f'src="{address}"></video><figcaption>{said}</figcaption></figure>'
    )


def _caption(file: EvidenceFile, names: Names) -> str:
    for word in ("first", "last"):
        if word in file.name:
            return names.say(f"history.snapshot_{word}")
    if (number := rung_of(file)) is not None:
        return names.say("history.snapshot_rung", number=number)
    return names.say("history.snapshot")


def _figure(
    offence: Offence, evidence: EvidenceSealed, file: EvidenceFile, names: Names, keys: FileKeys
) -> str:
    address = keys.address(evidence.evidence_id, file.name, MASKED_FOR_S)
    caption = _caption(file, names)
    drawn = picture(address, caption, sighting_of(file, offence))
    return f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"
