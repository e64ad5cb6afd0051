"""A live camera's watch process is killed in the second in which an offence opened, and started again."""

from __future__ import annotations

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from old_recovery import unpack
from ruamel.yaml import YAML

from domain.data_dir import DataDir
from domain.events.catalog import (
    Event,
    OffenceOpened,
    OffenceTakenOver,
    OffenceUnknown,
    OffenceWarned,
    OutcomeData,
)
from domain.events.commands import CommandKind, Refusal
from event_log.commands import CommandAnswer, CommandRequest, give_command, wait_for_answer
from event_log.log import EventLog
from forewarn.site.put_in_force import apply_file
from tests.support import watch_child
from tests.support.forked import Forked, fork

PATIENCE_S = 60.0


@pytest.fixture
def site_that_waits(sample_site_file: Path, tmp_path: Path) -> Callable[[float], Path]:
    """One camera of the sample, quick calls, and an absence of so many seconds tolerated."""

    def make(restart_tolerance_s: float) -> Path:
        yaml = YAML()
        site = yaml.load(sample_site_file.read_text("utf-8"))
        site["cameras"] = site["cameras"][:1]
        site["cameras"][0]["url"] = str(sample_site_file.parent / "crossing.mp4")
        site["rules"][0]["condition"]["present"]["zones"] = ["forecourt-early"]
        site["rules"][0] |= {"threshold_s": 1, "gap_tolerance_s": 0.5}
        site["rules"][0]["restart_tolerance_s"] = restart_tolerance_s
        site["ladders"][0]["escalate_after_s"] = 1
        for rung in site["ladders"][0]["rungs"]:
            rung["after_s"] = 1
        path = tmp_path / "site.yaml"
        yaml.dump(site, path)
        return path

    return make


@contextmanager
def watching(site_file: Path, data: DataDir) -> Iterator[Forked]:
    child = fork(watch_child.main, site_file, data, 0.0, True, said=log_of(data))
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def log_of(data: DataDir) -> Path:
    data.root.mkdir(parents=True, exist_ok=True)
    return data.root / "child.log"


def events_of(data: DataDir) -> list[Event]:
    if not data.events_db.exists():
        return []
    with EventLog.open(data.events_db) as log:
        return [logged.event for logged in log.read(limit=10_000)]


def wait_until(data: DataDir, is_there: Callable[[Event], bool]) -> Event:
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        for event in events_of(data):
            if is_there(event):
                return event
        time.sleep(0.02)
    raise AssertionError("it did not come")


def killed_as_it_opened(site_file: Path, data: DataDir) -> str:
    """Id of an offence that the log knows, and hardly any saved state."""
    with watching(site_file, data) as child:
        opened = wait_until(data, lambda event: isinstance(event.data, OffenceOpened))
        child.send_signal(signal.SIGKILL)
        child.wait()
    return opened.subject


def ask(data: DataDir, kind: CommandKind, offence_id: str) -> str:
    with EventLog.open(data.events_db) as log:
        return give_command(log, CommandRequest(kind, offence_id, "Wang", "command line")).id


def answered(data: DataDir, command: str) -> CommandAnswer:
    with EventLog.open(data.events_db) as log:
        answer = wait_for_answer(log, command, PATIENCE_S)
    assert answer is not None
    return answer


def story(data: DataDir, offence_id: str) -> Counter[str]:
    """How often each kind of event came for the offence."""
    mine = [event for event in events_of(data) if event.subject == offence_id]
    return Counter(event.type.removeprefix("forewarn.").removesuffix(".v1") for event in mine)


def test_who_is_still_there_climbs_on_each_rung_once_and_commands_are_carried_out(
    site_that_waits: Callable[[float], Path], tmp_path: Path
) -> None:
    data, site_file = DataDir(tmp_path / "data"), site_that_waits(60)
    offence_id = killed_as_it_opened(site_file, data)
    take_over = ask(data, CommandKind.TAKE_OVER, offence_id)
    with watching(site_file, data) as child:
        taken = answered(data, take_over)
        assert isinstance(taken.event.data, OffenceTakenOver)
        back = answered(data, ask(data, CommandKind.HAND_BACK, offence_id))
        assert back.refusal is None
        wait_until(data, lambda event: isinstance(event.data, OutcomeData))
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    assert story(data, offence_id) == {
        "offence.opened": 1,
        "offence.warned": 3,
        "offence.taken-over": 1,
        "offence.handed-back": 1,
        "offence.escalated": 1,
        "command.given": 2,
    }
    assert {
        event.subject for event in events_of(data) if isinstance(event.data, OffenceOpened)
    } == {offence_id}


def test_an_open_offence_goes_on_by_another_revision_of_the_site_file(
    site_that_waits: Callable[[float], Path], tmp_path: Path
) -> None:
    """As `forewarn site apply` does it: all programs end in order, and start by what was frozen."""
    data, site_file = DataDir(tmp_path / "data"), site_that_waits(60)

    def frozen() -> Path:
        return data.site / f"{apply_file(site_file, data).revision.number:06}.yaml"

    with watching(frozen(), data) as child:
        warned = wait_until(data, lambda event: isinstance(event.data, OffenceWarned))
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    assert story(data, warned.subject)["offence.warned"] < 3
    site_file.write_text(
        site_file.read_text("utf-8").replace("threshold_s: 1\n", "threshold_s: 2\n"), "utf-8"
    )
    with watching(frozen(), data) as child:
        wait_until(data, lambda event: isinstance(event.data, OutcomeData))
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    assert sorted(path.name for path in data.site.glob("*.yaml")) == ["000001.yaml", "000002.yaml"]
    assert story(data, warned.subject) == {
        "offence.opened": 1,
        "offence.warned": 3,
        "offence.escalated": 1,
    }
    openings = [each for each in events_of(data) if isinstance(each.data, OffenceOpened)]
    assert {each.subject for each in openings} == {warned.subject}


@pytest.mark.parametrize("is_fresh", [False, True], ids=["resumed", "with nothing saved"])
def test_after_a_pause_beyond_the_tolerance_it_ends_as_unknown_once_and_commands_are_refused(
    site_that_waits: Callable[[float], Path], tmp_path: Path, is_fresh: bool
) -> None:
    data, site_file = DataDir(tmp_path / "data"), site_that_waits(0.5)
    offence_id = killed_as_it_opened(site_file, data)
    if is_fresh:
        shutil.rmtree(data.recovery)
    time.sleep(1.0)  # longer than the tolerance
    dispatch = ask(data, CommandKind.TAKE_OVER, offence_id)
    with watching(site_file, data) as child:
        refused = answered(data, dispatch).refusal
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    assert refused is not None and refused.why is Refusal.ENDED
    told = story(data, offence_id)
    assert (told["offence.opened"], told["offence.unknown"]) == (1, 1)
    assert told["offence.warned"] <= 1
    ended = [event for event in events_of(data) if event.subject == offence_id]
    (outcome,) = [event.data for event in ended if isinstance(event.data, OutcomeData)]
    assert isinstance(outcome, OffenceUnknown)
    assert "restart" in outcome.reason and "重新启动" in outcome.reason_zh
    assert len(outcome.rung_sightings) == told["offence.warned"]


def an_old_versions(store: Path) -> None:
    shutil.rmtree(store)
    unpack(store.parents[1] / "old")
    shutil.copytree(store.parents[1] / "old" / "recovery" / store.name, store)


def overwritten(store: Path) -> None:
    path = store / "part-0.sqlite3"
    path.with_name(f"{path.name}-wal").unlink()  # it would mend the file
    data = bytearray(path.read_bytes())
    data[4096:16_384] = b"\xa5" * (16_384 - 4096)
    path.write_bytes(data)


def missing(store: Path) -> None:
    for path in store.iterdir():
        path.unlink()


@pytest.mark.parametrize("spoil", [an_old_versions, overwritten, missing])
def test_where_saved_state_cannot_be_used_it_is_set_aside_and_the_offence_goes_on_from_the_log(
    site_that_waits: Callable[[float], Path], tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    data, site_file = DataDir(tmp_path / "data"), site_that_waits(60)
    offence_id = killed_as_it_opened(site_file, data)
    spoil(data.recovery / "watch")
    with watching(site_file, data) as child:
        wait_until(data, lambda event: isinstance(event.data, OutcomeData))
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    assert story(data, offence_id) == {
        "offence.opened": 1,
        "offence.warned": 3,
        "offence.escalated": 1,
    }
    opened = [each for each in events_of(data) if isinstance(each.data, OffenceOpened)]
    assert {each.subject for each in opened} == {offence_id}
    assert len(list(data.recovery.glob("watch.set-aside-*"))) == 1
    assert log_of(data).read_text("utf-8").count("saved_state_set_aside") == 1


def test_offences_that_an_older_version_left_open_end_once(
    sample_site_file: Path, tmp_path: Path
) -> None:
    data = DataDir(tmp_path / "data")
    unpack(data.root)
    before = events_of(data)
    opened = {each.subject for each in before if isinstance(each.data, OffenceOpened)}
    left_open = opened - {each.subject for each in before if isinstance(each.data, OutcomeData)}
    assert left_open
    with watching(sample_site_file, data) as child:
        for offence_id in left_open:
            wait_until(
                data,
                lambda event, id_=offence_id: (  # type: ignore[misc]
                    event.subject == id_ and isinstance(event.data, OutcomeData)
                ),
            )
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    after = events_of(data)
    assert after[: len(before)] == before
    ends = [each for each in after[len(before) :] if each.subject in left_open]
    assert [type(each.data) for each in ends] == [OffenceUnknown] * len(left_open)
    (aside,) = data.recovery.glob("watch.set-aside-*")
    assert "an older version saved it" in (aside / "why-set-aside.txt").read_text("utf-8")
