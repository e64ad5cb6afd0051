"""Kills of everything while operators give commands: what is counted, and that nothing is lost or doubled."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chaos import scene
from benchmarks.chaos.__main__ import new_data
from benchmarks.chaos.count_kept import count_evidence, count_masked, count_unfinished
from benchmarks.chaos.count_story import count_commands, count_offences, count_rungs
from benchmarks.chaos.count_told import check_heard, count_messages
from benchmarks.chaos.left import Left, unfinished
from benchmarks.chaos.tally import Tally
from benchmarks.chaos.trial import Trial
from domain.data_dir import DataDir
from domain.events.catalog import (
    AnnouncementMade,
    ByHand,
    Event,
    EvidenceMasked,
    EvidenceSealed,
    NotificationMade,
    NotificationRequested,
    OffenceDismissed,
    OffenceOpened,
)
from domain.events.commands import CommandKind
from evidence_store.custody.chain_check import ChainReport
from tests.support.example_events import command_event, one_of_each, warned_event
from tests.support.message_services import Got

EXAMPLES = {type(event.data): event for event in one_of_each()}


def left(folder: Path, *events: Event, **more: Any) -> Left:
    """Return what a run left that wrote these events."""
    nothing: dict[str, Any] = {"rows": [], "folders": [], "entries": [], "unfinished": []}
    return Left(
        data=DataDir(folder),
        events=list(events),
        chain=ChainReport(),
        problems={},
        **(nothing | more),
    )


def changed(event: Event, **fields: Any) -> Event:
    return replace(event, data=event.data.model_copy(update=fields))


def counts_of(tally: Tally, kind: str) -> tuple[int, int]:
    found = tally.by_kind()[kind]
    return found["lost"], found["doubled"]


def test_an_offence_without_an_end_is_lost_and_a_second_end_doubled(tmp_path: Path) -> None:
    opened, dismissed = EXAMPLES[OffenceOpened], EXAMPLES[OffenceDismissed]
    for events, wanted in (
        ((opened, dismissed), (0, 0)),
        ((opened,), (1, 0)),
        ((opened, dismissed, dismissed), (0, 1)),
    ):
        tally = Tally()
        count_offences(left(tmp_path, *events), tally)
        assert counts_of(tally, "offence") == wanted


def test_a_rung_that_is_passed_over_is_lost_and_one_that_comes_due_again_doubled(
    tmp_path: Path,
) -> None:
    first = warned_event()
    third = changed(first, rung_number=3)
    for events, wanted in (((first,), (0, 0)), ((first, third), (1, 0)), ((first, first), (0, 1))):
        tally = Tally()
        count_rungs(left(tmp_path, *events), tally)
        assert counts_of(tally, "rung") == wanted


def test_a_command_without_an_answer_is_lost_and_one_carried_out_twice_doubled(
    tmp_path: Path,
) -> None:
    given = command_event(EXAMPLES[OffenceDismissed].subject)
    given = changed(given, command=CommandKind.DISMISS)
    by_hand = ByHand(
        command_id=given.id, command=CommandKind.DISMISS, operator="Wang", asked_at=given.time
    )
    done = changed(EXAMPLES[OffenceDismissed], by_hand=by_hand, operators_did=(by_hand,))
    for events, wanted in (
        ((given, done), (0, 0)),
        ((given,), (1, 0)),
        ((given, done, done), (0, 1)),
        ((done,), (0, 2)),  # nobody asked for it, and it is once too often
    ):
        tally = Tally()
        count_commands(left(tmp_path, *events), tally)
        assert counts_of(tally, "command") == wanted


def test_what_was_heard_is_held_against_what_is_on_record() -> None:
    call = EXAMPLES[AnnouncementMade].data
    assert isinstance(call, AnnouncementMade)
    sound = "5" * 64
    for results, heard, wanted in (
        (("played",), 1, (0, 0)),
        (("played",), 0, (1, 0)),
        (("played",), 2, (0, 1)),
        (("unknown whether played",), 0, (0, 0)),
        (("unknown whether played", "played"), 2, (0, 0)),
        (("too late",), 1, (0, 1)),
    ):
        tally = Tally()
        made = [call.model_copy(update={"result": r, "audio_sha256": sound}) for r in results]
        check_heard(made, {sound: heard}, tally)  # type: ignore[arg-type]
        assert (len(tally.lost), len(tally.doubled)) == wanted


def test_what_arrived_at_the_desk_is_held_against_what_is_on_record(tmp_path: Path) -> None:
    asked = EXAMPLES[NotificationRequested]
    made = changed(EXAMPLES[NotificationMade], text="title\nbody", result="sent")
    got = Got("title", "body", [])
    for events, arrived, wanted in (
        ((asked, made), [got], (0, 0)),
        ((asked, made), [], (1, 0)),
        ((asked, made), [got, got], (0, 1)),
        ((asked,), [], (1, 0)),
        ((asked, changed(made, result="unknown whether sent")), [], (0, 0)),
    ):
        tally = Tally()
        count_messages(left(tmp_path, *events), arrived, tally)
        assert counts_of(tally, "message") == wanted


def test_evidence_is_one_event_one_folder_one_row_and_one_entry(tmp_path: Path) -> None:
    ended, sealed = EXAMPLES[OffenceDismissed], EXAMPLES[EvidenceSealed]
    assert isinstance(sealed.data, EvidenceSealed)
    name = sealed.data.evidence_id
    entry = {"evidence_id": name, "kind": "sealed"}
    whole: dict[str, Any] = {"rows": [name], "folders": [name], "entries": [entry]}
    for given, wanted in (
        ({}, (0, 0)),
        ({"rows": []}, (1, 0)),
        ({"rows": [name, name]}, (0, 1)),
        ({"entries": [entry, entry]}, (0, 1)),
        ({"folders": []}, (1, 0)),
    ):
        tally = Tally()
        count_evidence(left(tmp_path, ended, sealed, **(whole | given)), tally)
        assert counts_of(tally, "evidence") == wanted


def test_masked_clips_are_told_of_once_and_drafts_are_no_litter(tmp_path: Path) -> None:
    sealed, masked = EXAMPLES[EvidenceSealed], EXAMPLES[EvidenceMasked]
    assert isinstance(masked.data, EvidenceMasked) and masked.data.files
    entry = {"evidence_id": masked.data.evidence_id, "kind": "added"}
    for entries, wanted in (([entry], (0, 0)), ([], (1, 0)), ([entry, entry], (0, 1))):
        tally = Tally()
        count_masked(left(tmp_path, sealed, masked, entries=entries), tally)
        assert counts_of(tally, "masked clip") == wanted
    (tmp_path / "evidence" / ".evd-0011.a1b2c3d4").mkdir(parents=True)
    (tmp_path / "evidence" / "evd-0011").mkdir()
    tally = Tally()
    count_unfinished(left(tmp_path, unfinished=list(unfinished(tmp_path))), tally)
    assert counts_of(tally, "evidence") == (1, 0)


@pytest.mark.long
@pytest.mark.triton
def test_nothing_is_lost_or_doubled_through_kills_and_commands(
    tmp_path: Path, triton_address: str
) -> None:
    data = new_data(tmp_path / "run")
    with scene.footage(tmp_path, triton_address, brief=True) as around:
        trial = Trial(around, data, random.Random(3), kills=4)
        trial.run()
    assert trial.tally.faults == []
    assert trial.tally.kills.total()  # a quick machine ends the footage before all of them
    for kind in ("offence", "rung", "call", "evidence", "masked clip"):
        assert trial.tally.seen[kind] >= 1, kind
