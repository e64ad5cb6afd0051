"""The poller publishes alarms as they stand, and says when it has not read the log for a while."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from casework.alarms.desk import AlarmActor, AlarmDesk
from casework.alarms.moves import AlarmAction
from casework.alarms.policy import AlarmPolicy
from dashboards.data import poller as poller_module
from dashboards.data.poller import Poller
from dashboards.settings import ConsoleSettings
from domain.cameras.steady_clock import SteadyClock
from domain.errors import TryAgain


def _look(poller: Poller) -> None:
    poller._publish({}, poller._read_log())


@pytest.fixture
def poller(staged):
    made = Poller(ConsoleSettings(staged.data, staged.site))
    yield made
    made._log.close()


def test_an_alarm_is_published_when_it_opens_and_when_it_moves(staged, poller):
    _look(poller)
    assert poller.snapshot.alarms == {}
    offence_id = staged.offence(1, "escalated")
    (alarm_id,) = staged.open_alarms()
    _look(poller)
    assert poller.snapshot.alarms[alarm_id].offence_id == offence_id
    history = poller.snapshot.offences[offence_id].history
    assert "alarm" in history[-1].type
    version = poller.snapshot.version
    _look(poller)
    assert poller.snapshot.version == version  # nothing is drawn anew
    desk = AlarmDesk(staged.log, AlarmPolicy("campus"), SteadyClock())
    desk.move(alarm_id, AlarmAction.ACKNOWLEDGE, AlarmActor("Wang Fang", "console"))
    _look(poller)
    assert poller.snapshot.alarms[alarm_id].holder == "Wang Fang"


def test_a_console_that_is_started_later_knows_the_alarms_and_their_stories(staged, poller):
    offence_id = staged.offence(1, "escalated")
    (alarm_id,) = staged.open_alarms()
    _look(poller)
    assert list(poller.snapshot.alarms) == [alarm_id]
    told = [each.type.split(".")[1] for each in poller.snapshot.offences[offence_id].history]
    assert told.count("alarm") == 1


def test_alarms_that_cannot_be_read_are_tried_again_and_no_event_is_lost(
    staged, poller, monkeypatch
):
    _look(poller)
    offence_id = staged.offence(1, "escalated")
    staged.open_alarms()

    def fail(log):
        raise TryAgain("busy")

    with monkeypatch.context() as patched:
        patched.setattr(poller_module, "read_alarm_views", fail)
        _look(poller)
    assert poller.snapshot.log_problem == "busy" and not poller.snapshot.alarms
    assert poller.behind_s > 0
    _look(poller)
    assert len(poller.snapshot.alarms) == 1 and not poller.snapshot.log_problem
    assert offence_id in poller.snapshot.offences


def test_how_long_the_log_was_not_read_to_its_end_is_known(poller, monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: clock.now_s, now_s=100.0)
    monkeypatch.setattr(poller_module, "time", clock)
    poller._read_log()
    clock.now_s = 104.5
    assert poller.behind_s == 4.5
