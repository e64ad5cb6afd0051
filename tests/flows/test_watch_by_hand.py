"""Operators' commands to a running watch process: taken up from the log, once, killed or not."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.events.catalog import (
    CommandRefused,
    Event,
    OffenceData,
    OffenceEscalated,
    OffenceOpened,
    OffenceTakenOver,
    OffenceWarned,
    OutcomeData,
)
from domain.events.commands import CommandKind, Refusal
from event_log.commands import (
    CommandAnswer,
    CommandRequest,
    find_answer,
    give_command,
    wait_for_answer,
)
from event_log.log import EventLog
from tests.support import watch_child
from tests.support.forked import Forked, fork

PATIENCE_S = 60.0
SLOW_S = 0.8  # a batch: time to step in, also on a busy machine


@contextmanager
def watching(
    site_file: Path, data: DataDir, pause_s: float, *, is_live: bool = False
) -> Iterator[Forked]:
    child = fork(watch_child.main, site_file, data, pause_s, is_live)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def patient_site(sample_site_file: Path, tmp_path: Path) -> Path:
    """Return the sample site with a ladder that leaves time to step in: calls 8 s apart."""
    text = sample_site_file.read_text("utf-8").replace("after_s: 3", "after_s: 8")
    text = text.replace("url: crossing.mp4", f"url: {sample_site_file.parent / 'crossing.mp4'}")
    path = tmp_path / "site.yaml"
    path.write_text(text, "utf-8")
    return path


def events_of(data: DataDir) -> list[Event]:
    if not data.events_db.exists():
        return []
    with EventLog.open(data.events_db) as log:
        return [logged.event for logged in log.read(limit=10_000)]


def wait_for(data: DataDir, kind: type[OffenceData]) -> str:
    """Wait for and return the id of the first offence that an event of this kind tells of."""
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        for event in events_of(data):
            if isinstance(event.data, kind):
                return event.subject
        time.sleep(0.02)
    raise AssertionError(f"no {kind.__name__} came")


def ask(data: DataDir, kind: CommandKind, offence_id: str, reason: str = "") -> str:
    with EventLog.open(data.events_db) as log:
        wish = CommandRequest(kind, offence_id, "Wang", "command line", reason=reason)
        return give_command(log, wish).id


def answered(data: DataDir, command: str) -> CommandAnswer:
    with EventLog.open(data.events_db) as log:
        answer = wait_for_answer(log, command, PATIENCE_S)
    assert answer is not None
    return answer


def story(data: DataDir) -> set[tuple[str, str]]:
    return {(event.id, event.data.model_dump_json()) for event in events_of(data)}


def of(data: DataDir, offence_id: str) -> list[Event]:
    return [
        event
        for event in events_of(data)
        if isinstance(event.data, OffenceData) and event.subject == offence_id
    ]


def test_commands_are_carried_out_while_footage_plays_and_a_second_pass_tells_the_same(
    patient_site: Path, tmp_path: Path
) -> None:
    data = DataDir(tmp_path)
    with watching(patient_site, data, SLOW_S) as child:
        offence_id = wait_for(data, OffenceOpened)
        taken = answered(data, ask(data, CommandKind.TAKE_OVER, offence_id))
        calls_before = sum(isinstance(e.data, OffenceWarned) for e in of(data, offence_id))
        again = ask(data, CommandKind.TAKE_OVER, offence_id)
        ended = answered(data, ask(data, CommandKind.DISMISS, offence_id, "at work here"))
        late = answered(data, ask(data, CommandKind.DISPATCH, offence_id, "patrol"))
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    with watching(patient_site, data, 0) as child:
        assert child.wait(PATIENCE_S) == 0
    assert isinstance(taken.event.data, OffenceTakenOver)
    assert ended.event.data.state == "dismissed"  # type: ignore[attr-defined]
    assert late.refusal is not None and late.refusal.why is Refusal.ENDED
    with EventLog.open(data.events_db) as log:
        assert find_answer(log, again) is not None
    calls = sum(isinstance(event.data, OffenceWarned) for event in of(data, offence_id))
    assert calls == calls_before
    outcomes = [event for event in events_of(data) if isinstance(event.data, OutcomeData)]
    assert len(outcomes) == len({event.subject for event in outcomes}) == 2
    before = story(data)
    shutil.rmtree(data.recovery)
    with watching(patient_site, data, 0) as child:
        assert child.wait(PATIENCE_S) == 0
    assert story(data) == before


@pytest.mark.parametrize("kill_at", ["before it is taken up", "after it is answered"])
def test_kill_9_with_a_command_under_way_neither_loses_nor_doubles_it(
    patient_site: Path, tmp_path: Path, kill_at: str
) -> None:
    data, first_answer = DataDir(tmp_path), ""
    with watching(patient_site, data, SLOW_S) as child:
        offence_id = wait_for(data, OffenceOpened)
        if kill_at == "before it is taken up":
            child.send_signal(signal.SIGKILL)
            child.wait()
            command = ask(data, CommandKind.TAKE_OVER, offence_id)
        else:
            command = ask(data, CommandKind.TAKE_OVER, offence_id)
            first_answer = answered(data, command).event.id
            child.send_signal(signal.SIGKILL)
            child.wait()
    with watching(patient_site, data, 0) as child:
        assert child.wait(PATIENCE_S) == 0
    answers = [
        event
        for event in events_of(data)
        if getattr(event.data, "command_id", "") == command
        or getattr(getattr(event.data, "by_hand", None), "command_id", "") == command
    ]
    assert [type(event.data) for event in answers] == [OffenceTakenOver]
    assert first_answer in ("", answers[0].id)
    told = of(data, offence_id)
    taken_at = next(event.time for event in told if isinstance(event.data, OffenceTakenOver))
    assert all(e.time <= taken_at for e in told if isinstance(e.data, OffenceWarned))
    assert not any(isinstance(event.data, OffenceEscalated) for event in told)
    assert sum(isinstance(event.data, OutcomeData) for event in told) == 1


def test_on_a_live_camera_commands_are_carried_out_and_a_call_asked_for_too_long_ago_is_not(
    patient_site: Path, tmp_path: Path
) -> None:
    data = DataDir(tmp_path)
    with watching(patient_site, data, 0, is_live=True) as child:
        offence_id = wait_for(data, OffenceOpened)
        taken = answered(data, ask(data, CommandKind.TAKE_OVER, offence_id))
        child.send_signal(signal.SIGSTOP)
        late = ask(data, CommandKind.SPEAK, offence_id)
        time.sleep(5.5)  # what is asked for keeps its use for 5 s
        child.send_signal(signal.SIGCONT)
        refused = answered(data, late)
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    assert isinstance(taken.event.data, OffenceTakenOver)
    # the camera was silent as long as the program: the offence may have ended by that
    assert refused.refusal is not None
    assert refused.refusal.why in (Refusal.TOO_LATE, Refusal.ENDED)
    by_hand = [getattr(event.data, "by_hand", None) for event in of(data, offence_id)]
    assert [each.command for each in by_hand if each] == [CommandKind.TAKE_OVER]  # nothing was said


def test_a_command_about_nothing_known_is_on_record_as_refused(
    patient_site: Path, tmp_path: Path
) -> None:
    data = DataDir(tmp_path)
    with watching(patient_site, data, 0) as child:
        command = ask(data, CommandKind.TAKE_OVER, "ofc-nowhere")
        assert child.wait(PATIENCE_S) == 0
    refused = [event.data for event in events_of(data) if isinstance(event.data, CommandRefused)]
    assert [(each.command_id, each.why) for each in refused] == [(command, Refusal.UNKNOWN)]
