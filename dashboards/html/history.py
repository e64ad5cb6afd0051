"""Draw the history of one offence, step by step, for the live page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.access.file_tokens import MASKED_FOR_S, FileTokens
from dashboards.data.offence_projection import OffenceView
from dashboards.display_names import DisplayNames
from dashboards.html.history_steps import step_lines
from dashboards.html.operator_steps import pending_command
from dashboards.html.rendering import render
from dashboards.html.retention import retention_notes
from dashboards.html.step_lines import StepLine
from dashboards.html.subject_picture import SubjectPicture, masked_pictures, rung_of, sighting_of
from domain.events.catalog import CommandGiven, EvidenceFile, expect_event


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One event of the history, in the reader's words."""

    clock: str  # time of day at the site
    lines: list[StepLine]


def nothing_picked(names: DisplayNames) -> str:
    """Draw the hint that stands there before a row is picked."""
    return render("nothing_picked.html", names=names)


def history(
    offence: OffenceView, names: DisplayNames, tokens: FileTokens, now: Sequence[str] = ()
) -> str:
    """Draw heading, facts, what is not known `now`, every step in order, and the masked pictures once sealed."""
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
    pictures, clip_addresses = _pictures_and_clips(offence, names, tokens)
    return render(
        "history.html",
        names=names,
        offence=offence,
        facts=facts,
        now=now,
        steps=steps_of(offence, names),
        notes=retention_notes(offence, names),
        pictures=pictures,
        clip_addresses=clip_addresses,
    )


def steps_of(offence: OffenceView, names: DisplayNames) -> list[HistoryStep]:
    """List what happened to an offence, then the commands without an answer."""
    steps = [
        HistoryStep(names.clock(event.time), lines)
        for event in offence.history
        if (lines := step_lines(event.data, names))
    ]
    for event in offence.asked:
        command = expect_event(event, CommandGiven).data
        steps.append(HistoryStep(names.clock(event.time), [pending_command(command, names)]))
    return steps


def _pictures_and_clips(
    offence: OffenceView, names: DisplayNames, tokens: FileTokens
) -> tuple[list[SubjectPicture], list[str]]:
    """Collect the masked pictures, and the addresses of the masked clips."""
    evidence = offence.evidence
    if evidence is None:
        return [], []

    def address(file: EvidenceFile) -> str:
        return tokens.address(evidence.evidence_id, file.name, MASKED_FOR_S)

    pictures = [
        SubjectPicture(address(file), caption_of(file, names), sighting_of(file, offence))
        for file in masked_pictures(evidence.files)
    ]
    return pictures, [address(file) for file in offence.masked_clips]


def caption_of(file: EvidenceFile, names: DisplayNames) -> str:
    """Say which moment a masked picture shows."""
    for word in ("first", "last"):
        if word in file.name:
            return names.say(f"history.snapshot_{word}")
    if (number := rung_of(file)) is not None:
        return names.say("history.snapshot_rung", number=number)
    return names.say("history.snapshot")
