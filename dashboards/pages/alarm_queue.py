"""The queue of alarms as a Panel component, and the moves that people make in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import JSComponent

from casework.alarms.reading import MoveRefused
from casework.alarms.words import STATES
from dashboards.access.visitor import Visitor
from dashboards.context import ConsoleContext
from dashboards.data.alarm_moves import AlarmWish, move_alarm
from dashboards.data.alarm_views import AlarmView, people_to_send, queue_of
from dashboards.data.poller import ConsoleData
from dashboards.display_names import DisplayNames
from dashboards.html.alarm_rows import Thumbnails, alarm_row
from dashboards.html.offence_rows import Row, compare
from dashboards.texts import in_language, section
from domain.access.permissions import Permission
from domain.errors import ForewarnError

_HERE = Path(__file__).parent
# one script: Panel loads a component's script as one module, which cannot import another of ours
_SCRIPTS = ("alarm_actions.js", "alarm_queue.js")


class AlarmGrid(JSComponent):
    """The queue's values that its script shares; see alarm_queue.js."""

    texts = param.Dict(default={})  # of the page, by name
    rows = param.List(default=[])  # Row, as the page is first drawn
    order = param.List(default=[])  # ids of the open ones, as the page is first drawn
    news = param.Dict(
        default={}
    )  # "rows" that came or changed, ids that are "gone", the new "order"
    may_move = param.Boolean(default=False)
    needs_name = param.Boolean(default=False)  # nobody is logged in: names are typed
    people = param.List(default=[])  # names of who could be sent
    offence_id = param.String(default="")  # that the page's address names
    alarm_id = param.String(default="")  # likewise
    clock_ms = param.Integer(default=0)  # the console's clock, ms since 1970, told every second
    picked = param.String(default="")  # id of the alarm whose row was picked
    wish = param.Dict(default={})  # what somebody wants done, with a nonce; see AlarmWish
    answer = param.Dict(default={})  # to the wish of that nonce

    _esm = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    _stylesheets: ClassVar[list[str]] = [(_HERE / "alarm_queue.css").read_text(encoding="utf-8")]


class AlarmQueue:
    """Draws the snapshot's alarms, carries out wishes, and calls back with the alarm that was picked."""

    def __init__(
        self,
        context: ConsoleContext,
        names: DisplayNames,
        visitor: Visitor,
        on_pick: Callable[[AlarmView], None],
        offence_id: str = "",
        alarm_id: str = "",
    ) -> None:
        self._context, self._names, self._visitor = context, names, visitor
        self._on_pick = on_pick
        self._thumbnails = Thumbnails(context.tokens.of_session(visitor.handle))
        self._drawn: dict[str, Row] = {}
        self._order: list[str] = []
        self.view = AlarmGrid(
            texts=section("alarm", names.lang),
            needs_name=not visitor.is_listed,
            offence_id=offence_id,
            alarm_id=alarm_id,
            clock_ms=_now_ms(),
            sizing_mode="stretch_width",
            margin=0,
        )
        # what was picked before may be picked again, after a row of the other list
        self.view.param.watch(self._picked, "picked", onlychanged=False)
        self.view.param.watch(self._wished, "wish")

    def begin(self, snapshot: ConsoleData) -> None:
        """Give the page its first rows, before it is drawn."""
        self._drawn, self._order = self._rows(snapshot), _order(snapshot)
        self._offer(snapshot)
        self.view.param.update(rows=list(self._drawn.values()), order=self._order)

    def show(self, snapshot: ConsoleData) -> None:
        """Send the page the rows that came or changed, which went, and in which order they stand."""
        rows, order = self._rows(snapshot), _order(snapshot)
        changes = compare(self._drawn, rows.values(), "alarm_id")
        if not changes and order == self._order:
            return
        self._drawn, self._order = rows, order
        self._offer(snapshot)
        self.view.news = {"rows": list(changes.rows), "gone": list(changes.gone), "order": order}

    def live_on(self) -> None:
        """Tell the page what time it is here."""
        self.view.clock_ms = _now_ms()

    def _offer(self, snapshot: ConsoleData) -> None:
        people = people_to_send(self._context.guard.people(), snapshot.alarms.values())
        self.view.param.update(may_move=self._visitor.may(Permission.COMMAND), people=people)

    def _rows(self, snapshot: ConsoleData) -> dict[str, Row]:
        return {
            alarm_id: alarm_row(alarm, snapshot, self._names, self._thumbnails)
            for alarm_id, alarm in snapshot.alarms.items()
        }

    def _picked(self, event: param.parameterized.Event) -> None:
        alarm = self._context.poller.snapshot.alarms.get(event.new)
        if alarm is not None:
            self._on_pick(alarm)

    async def _wished(self, event: param.parameterized.Event) -> None:
        answer = await self.carry_out(event.new)
        self.view.answer = {"nonce": event.new.get("nonce"), **answer}

    async def carry_out(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what the page's script asks for, and say in the reader's words what came of it."""
        say, lang = self._names.say, self._names.lang
        decision = self._visitor.decide(Permission.COMMAND)
        if decision.why_not is not None:
            return _refused(in_language(decision.why_not, lang))
        try:
            wish = AlarmWish.read(asked)
            data, is_listed = self._context.settings.data, self._visitor.is_listed
            alarm = await asyncio.to_thread(move_alarm, data, wish, decision, is_listed)
        except MoveRefused as error:
            return _refused(say("alarm.refused", why=in_language(error.why, lang)))
        except (ForewarnError, OSError, ValueError) as error:
            return _refused(say("alarm.not_written", reason=error))
        row = alarm_row(alarm, self._context.poller.snapshot, self._names, self._thumbnails)
        states = (words for name, words in STATES.items() if name == alarm.state)
        state = in_language(next(states), lang)
        text = say("alarm.done", place=row["place"], state=state)
        return {"is_done": True, "text": text, "row": row}


def _refused(text: str) -> dict[str, Any]:
    return {"is_done": False, "text": text, "row": None}


def _order(snapshot: ConsoleData) -> list[str]:
    return [alarm.alarm_id for alarm in queue_of(snapshot.alarms.values())]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
