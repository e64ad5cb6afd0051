"""An operator's buttons without a browser: one press, a ladder that waits, and refusals that are told."""

# Panel is imported where it is needed: it takes two seconds

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from dashboards.data import operator_commands
from dashboards.data.offence_projection import OffenceProjection, OffenceView
from dashboards.display_names import DisplayNames
from dashboards.settings import ConsoleSettings
from domain.access.decisions import Asker, Decision
from domain.access.permissions import Permission
from domain.events.catalog import CommandGiven
from domain.events.commands import CommandKind

TAKE, PAUSE, RESUME = CommandKind.TAKE_OVER, CommandKind.PAUSE, CommandKind.RESUME
DISMISS = CommandKind.DISMISS


@dataclass
class Wang:
    """Somebody who logged in as an operator."""

    asker = Asker("Wang", "wang")
    is_listed = True

    def may(self, permission: Permission) -> bool:
        return True

    def decide(self, permission: Permission) -> Decision:
        return Decision(permission, self.asker, "operator")


@pytest.fixture
def open_panel(staged: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], Any]:
    """Make the panel of an offence that is open at the page, and has ended so in the log."""
    from dashboards.pages.operator_panel import OperatorPanel

    monkeypatch.setattr(operator_commands, "ANSWER_WAIT_S", 0.0)  # nobody watches here

    def make(ended: str | None) -> Any:
        offence_id = staged.offence(1, ended)
        book = OffenceProjection(DisplayNames(None, "en").timezone)
        book.take(each.event for each in staged.log.about(offence_id))
        seen: OffenceView = replace(book.offences[offence_id], state="warned")
        settings = ConsoleSettings(staged.data, staged.site)
        poller = SimpleNamespace(snapshot=SimpleNamespace(offences={offence_id: seen}))
        context: Any = SimpleNamespace(settings=settings, poller=poller)
        panel = OperatorPanel(context, DisplayNames(staged.site, "en"), Wang())  # type: ignore[arg-type]
        panel.offer(seen)
        return panel

    return make


def given(staged: Any) -> list[CommandKind]:
    return [e.event.data.command for e in staged.log.read(types=[CommandGiven.event_type])]


async def until(staged: Any, count: int) -> list[CommandKind]:
    """Wait for what is written in threads of the page."""
    while len(given(staged)) < count:
        await asyncio.sleep(0.01)
    return given(staged)


def test_taking_over_is_one_press_for_who_is_logged_in(staged: Any, open_panel: Any) -> None:
    panel = open_panel(None)
    asyncio.run(panel._open(TAKE, None))
    assert given(staged) == [TAKE]
    assert not panel._dialog.open and panel._buttons[TAKE].label == "Take over"
    taken = replace(panel._offence, taken_by="Li")
    panel.offer(taken)  # from somebody else it is asked for first
    asyncio.run(panel._open(TAKE, None))
    assert given(staged) == [TAKE] and panel._dialog.open


def test_the_ladder_waits_while_a_dialog_is_open_and_goes_on_when_it_is_cancelled(
    staged: Any, open_panel: Any
) -> None:
    panel = open_panel(None)

    async def open_and_cancel() -> list[CommandKind]:
        await panel._open(DISMISS, None)
        assert given(staged) == [PAUSE] and panel._dialog.open
        panel._dialog.open = False
        return await until(staged, 2)

    assert asyncio.run(open_and_cancel()) == [PAUSE, RESUME]


def test_where_nobody_logs_in_the_ladder_waits_once_a_name_is_typed(
    staged: Any, open_panel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wang, "asker", Asker("", ""))
    monkeypatch.setattr(Wang, "is_listed", False)
    panel = open_panel(None)

    async def open_and_type() -> list[CommandKind]:
        await panel._open(DISMISS, None)
        assert given(staged) == []
        panel._who.value = "Li"
        await asyncio.wait_for(until(staged, 1), 10)
        panel._dialog.open = False
        return await until(staged, 2)

    assert asyncio.run(open_and_type()) == [PAUSE, RESUME]


def test_what_is_confirmed_ends_the_wait_by_itself(staged: Any, open_panel: Any) -> None:
    panel = open_panel(None)

    async def open_and_confirm() -> None:
        await panel._open(DISMISS, None)
        assert panel._confirm.disabled
        panel._because.value = "staff at work"
        assert not panel._confirm.disabled
        await panel._write(None)
        await asyncio.sleep(0.1)

    asyncio.run(open_and_confirm())
    assert given(staged) == [PAUSE, DISMISS]
    logged = staged.log.read(types=[CommandGiven.event_type])
    assert logged[-1].event.data.reason == "staff at work"
    assert not panel._dialog.open and not panel._said.visible


def test_a_refused_command_closes_its_dialog_and_says_why(staged: Any, open_panel: Any) -> None:
    panel = open_panel("complied")  # a moment ago, and the page does not know yet

    async def open_and_confirm() -> None:
        await panel._open(CommandKind.SPEAK, None)
        assert panel._dialog.open
        await panel._write(None)

    asyncio.run(open_and_confirm())
    assert not panel._dialog.open
    assert panel._said.visible and panel._said.object == "Not done: the offence has ended"
