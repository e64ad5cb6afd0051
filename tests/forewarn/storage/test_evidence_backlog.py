"""Evidence that waits for too long is told of, once, and that it has caught up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.events.catalog import Event, EvidenceMasked, EvidenceSealed, OutcomeData
from domain.ids import mint
from event_log.log import EventLog
from forewarn.storage.evidence_backlog import EvidenceBacklog
from tests.support.example_events import one_of_each


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "events.sqlite") as opened:
        yield opened


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def events_of(number: int) -> tuple[Event, Event, Event]:
    """Make the end of an offence, its sealing and its masking."""
    offence_id = f"ofc-{number}"
    evidence_id = mint("evd", offence_id)
    examples = one_of_each()
    ended = next(each for each in examples if isinstance(each.data, OutcomeData))
    sealed = next(each for each in examples if isinstance(each.data, EvidenceSealed))
    masked = next(each for each in examples if isinstance(each.data, EvidenceMasked))
    return (
        replace(ended, id=f"evt-ended-{number}", subject=offence_id),
        replace(sealed, id=f"evt-sealed-{number}", subject=evidence_id),
        replace(masked, id=f"evt-masked-{number}", subject=evidence_id),
    )


def test_a_backlog_is_told_of_once_and_once_that_it_is_over(log: EventLog) -> None:
    """Before: 800 offences ended, 277 were sealed after 20 minutes, and nobody was told."""
    clock = Clock()
    backlog = EvidenceBacklog("campus", clock)
    for number in range(3):
        log.append(events_of(number)[:1])
    assert backlog.look(log) == []
    clock.now_s += 119
    assert backlog.look(log) == []
    clock.now_s += 31
    (behind,) = backlog.look(log)
    assert (behind.work, behind.is_behind, behind.count) == ("sealing", True, 3)
    assert behind.oldest_s == 150
    assert "evidence of 3 ended offences is not sealed yet" in behind.reason
    assert behind.reason_zh.startswith("3 起")
    assert backlog.look(log) == []
    for number in range(3):
        log.append(events_of(number)[1:2])
    (over,) = backlog.look(log)
    assert (over.work, over.is_behind, over.count) == ("sealing", False, 0)


def test_what_waits_to_be_masked_has_more_time(log: EventLog) -> None:
    clock = Clock()
    backlog = EvidenceBacklog("campus", clock)
    ended, sealed, masked = events_of(1)
    log.append([ended, sealed])
    assert backlog.look(log) == []
    clock.now_s += 899
    assert backlog.look(log) == []
    clock.now_s += 2
    assert [(news.work, news.is_behind) for news in backlog.look(log)] == [("masking", True)]
    log.append([masked])
    assert [(news.work, news.is_behind) for news in backlog.look(log)] == [("masking", False)]


def test_what_an_earlier_run_told_is_ended_by_the_next(log: EventLog) -> None:
    clock = Clock()
    backlog = EvidenceBacklog("campus", clock)
    log.append(events_of(1)[:1])
    backlog.look(log)
    clock.now_s += 200
    (behind,) = backlog.look(log)
    log.append(events_of(1)[1:2])
    after = EvidenceBacklog("campus", clock)
    after.take_up(behind)
    assert [news.is_behind for news in after.look(log)] == [False]


def test_a_backlog_at_the_limit_is_not_told_of_in_turns(log: EventLog) -> None:
    clock = Clock()
    backlog = EvidenceBacklog("campus", clock)
    log.append(events_of(1)[:1])
    backlog.look(log)
    clock.now_s += 50
    log.append(events_of(2)[:1])
    backlog.look(log)
    clock.now_s += 75
    assert [news.is_behind for news in backlog.look(log)] == [True]
    log.append(events_of(1)[1:2])
    assert backlog.look(log) == []  # the next has waited for 75 s
    clock.now_s += 45
    assert backlog.look(log) == []
    log.append(events_of(2)[1:2])
    assert [news.is_behind for news in backlog.look(log)] == [False]


def test_an_older_copy_of_the_log_is_counted_anew(tmp_path: Path) -> None:
    """It has the same id, and by now as many events as were read."""
    path, clock = tmp_path / "events.sqlite", Clock()
    backlog = EvidenceBacklog("campus", clock)
    with EventLog.open(path) as log:
        log.append(events_of(0)[:1])
    shutil.copy(path, tmp_path / "copy")
    with EventLog.open(path) as log:
        log.append(events_of(1)[:1])
        assert backlog.look(log) == []
    for left in tmp_path.glob("events.sqlite*"):
        left.unlink()
    shutil.copy(tmp_path / "copy", path)
    with EventLog.open(path) as log:
        log.append(events_of(2)[:1])
        assert backlog.look(log) == []
        clock.now_s += 200
        (behind,) = backlog.look(log)
        assert behind.count == 2
        log.append([*events_of(0)[1:2], *events_of(2)[1:2]])
        (over,) = backlog.look(log)
        assert not over.is_behind and over.count == 0
