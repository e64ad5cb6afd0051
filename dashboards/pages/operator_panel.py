"""Buttons for an open offence: each asks for what its command needs, then writes the command.

While a dialog is open the ladder waits, for a minute at most and once for each person: nobody loses against it
who is still typing.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from functools import partial

import panel_material_ui as pmui

from dashboards.access.visitor import Visitor
from dashboards.context import ConsoleContext
from dashboards.data.offence_projection import OffenceView
from dashboards.data.operator_commands import (
    NEXT_CALL,
    ORDER,
    OWN_WORDS,
    CommandForm,
    can_wait_for,
    commands_for,
    give,
    hold_of,
    texts_to_speak,
)
from dashboards.display_names import DisplayNames
from dashboards.pages.page_frame import typed_text
from dashboards.texts import in_language
from domain.access.decisions import Decision
from domain.access.permissions import Permission
from domain.errors import ForewarnError
from domain.events.commands import LONGEST_PAUSE_S, NEEDS_REASON, CommandKind, Hold

# reasons for a dismissal, of the texts for a false alarm
BECAUSE = ("nothing_there", "staff", "thing", "test")
_COLOURS = {CommandKind.DISMISS: "error", CommandKind.SPEAK: "warning"}


@dataclass(frozen=True, slots=True)
class _Pause:
    """The ladder of an offence waits for a dialog."""

    offence: OffenceView
    key: str  # of the dialog
    who: str
    since_s: float  # of time.monotonic


class OperatorPanel:
    """The operator's commands for the offence that is shown."""

    def __init__(self, context: ConsoleContext, names: DisplayNames, visitor: Visitor) -> None:
        self._context, self._names, self._visitor = context, names, visitor
        self._offence: OffenceView | None = None  # that is shown
        self._asked: OffenceView | None = None  # that the open dialog is about
        self._command = CommandKind.TAKE_OVER
        self._key = ""
        self._pause: _Pause | None = None  # the ladder waits for the open dialog
        self._despite: tuple[Hold, ...] = ()  # holds that were shown in the open dialog
        say = names.say
        self._buttons = {kind: self._button(kind) for kind in ORDER}
        self._explain = pmui.Typography("")
        self._who = pmui.TextInput(label=say("operate.who"), sizing_mode="stretch_width")
        self._who.visible = not visitor.is_listed  # who logged in does not type a name
        self._reason = pmui.TextAreaInput(label="", rows=3, sizing_mode="stretch_width")
        reasons = {say(f"alarm.because_{each}"): say(f"alarm.because_{each}") for each in BECAUSE}
        self._because = pmui.Select(
            label=say("operate.because"), options={"": "", **reasons}, sizing_mode="stretch_width"
        )
        self._text = pmui.Select(
            label=say("operate.text"), options=texts_to_speak(names), sizing_mode="stretch_width"
        )
        self._zh = pmui.TextInput(label=say("operate.zh"), sizing_mode="stretch_width")
        self._en = pmui.TextInput(label=say("operate.en"), sizing_mode="stretch_width")
        self._confirm = pmui.Button(label=say("operate.confirm"), color="primary", disabled=True)
        self._cancel = pmui.Button(label=say("operate.cancel"), variant="text")
        self._fault = pmui.Alert(severity="error", visible=False, sizing_mode="stretch_width")
        self._said = pmui.Alert(severity="warning", visible=False, sizing_mode="stretch_width")
        self._dialog = pmui.Dialog(
            *(self._explain, self._text, self._zh, self._en, self._who),
            *(self._because, self._reason, self._fault),
            pmui.Row(self._confirm, self._cancel),
            close_on_click=True,
            width_option="sm",
        )
        self._cancel.on_click(self._close)
        self._dialog.param.watch(self._left, "open")
        self._confirm.on_click(self._write)
        for field in (self._who, self._reason, self._zh, self._en):
            # value_input follows every key, value only once the field is left
            field.param.watch(self._look_again, ["value_input", "value"])
        self._who.param.watch(self._name_typed, "value")
        self._text.param.watch(self._look_again, "value")
        self._because.param.watch(self._take_reason, "value")
        self._row = pmui.FlexBox(*self._buttons.values(), gap="8px", margin=(0, 0, 8, 0))
        self._row.visible = False
        self.view = pmui.Column(
            self._row, self._said, self._dialog, sizing_mode="stretch_width", margin=0
        )

    def offer(self, offence: OffenceView) -> None:
        """Stand ready for this offence; an open dialog stays about the one it was opened for."""
        if self._offence is None or self._offence.offence_id != offence.offence_id:
            self._said.visible = False
        self._offence = offence
        possible = commands_for(offence) if self._visitor.may(Permission.COMMAND) else ()
        self._row.visible = bool(possible)
        for kind, button in self._buttons.items():
            button.visible = kind in possible
        self._buttons[CommandKind.TAKE_OVER].label = self._names.say(
            "hand.command_take_over" if self._is_one_press(offence) else "operate.take_over"
        )

    def _is_one_press(self, offence: OffenceView) -> bool:
        """Tell whether taking over asks for nothing: who it is is known, and nobody has it."""
        return self._visitor.is_listed and not offence.taken_by

    def _button(self, kind: CommandKind) -> pmui.Button:
        label = self._names.say(f"operate.{kind.value.replace(' ', '_')}")
        made = pmui.Button(
            label=label, variant="outlined", color=_COLOURS.get(kind, "primary"), margin=0
        )
        made.on_click(partial(self._open, kind))
        return made

    async def _open(self, kind: CommandKind, _: object) -> None:
        """Ask what is needed; from here to the confirmation it is one command."""
        self._command, self._asked, self._key = kind, self._offence, secrets.token_hex(8)
        self._despite, self._pause, self._said.visible = (), None, False
        offence = self._asked
        if kind is CommandKind.TAKE_OVER and offence and self._is_one_press(offence):
            self._reason.param.update(value="", value_input="")
            await self._write(None)
            return
        say, word = self._names.say, kind.value.replace(" ", "_")
        is_speech = kind is CommandKind.SPEAK
        holder = self._asked.taken_by if self._asked else ""
        explained = say(f"operate.explain_{word}")
        if kind is CommandKind.TAKE_OVER and holder:
            explained = say("operate.explain_take_from", who=holder)
        self._explain.object = explained
        needs = "needed" if kind in NEEDS_REASON else "optional"
        self._reason.param.update(value="", value_input="", label=say(f"operate.reason_{needs}"))
        self._because.param.update(value="", visible=kind is CommandKind.DISMISS)
        self._text.param.update(value=NEXT_CALL, visible=is_speech)
        for field in (self._zh, self._en):
            field.param.update(value="", value_input="")
        self._fault.visible = False
        self._confirm.param.update(label=say("operate.confirm"), color="primary")
        self._dialog.title = self._names.command(kind)
        self._look_again()
        self._dialog.open = True
        await self._wait_for_it()

    async def _wait_for_it(self) -> None:
        """Have the ladder wait for the open dialog; where that cannot be, the dialog works all the same."""
        offence, key, who = self._asked, self._key, self._form().who
        decision = self._visitor.decide(Permission.COMMAND)
        if offence is None or not can_wait_for(offence, who) or decision.why_not is not None:
            return
        pause = _Pause(offence, key, who, time.monotonic())
        is_written = await self._note(CommandKind.PAUSE, pause, decision)
        if not is_written:
            return
        if self._dialog.open and self._key == key:
            self._pause = pause
        else:  # closed meanwhile
            await self._end(pause)

    async def _name_typed(self, _: object) -> None:
        """Have the ladder wait once it is known for whom, where nobody logs in."""
        if self._dialog.open and self._pause is None:
            await self._wait_for_it()

    async def _left(self, _: object) -> None:
        """Let the ladder go on once the dialog is closed, and nothing was asked for."""
        if not self._dialog.open:
            pause, self._pause = self._pause, None
            await self._end(pause)

    async def _end(self, pause: _Pause | None) -> None:
        """Let the ladder go on, unless it does so by itself or the offence has ended."""
        if pause is None or time.monotonic() - pause.since_s >= LONGEST_PAUSE_S:
            return
        now = self._context.poller.snapshot.offences.get(pause.offence.offence_id)
        if now is not None and now.is_open:
            await self._note(CommandKind.RESUME, pause, self._visitor.decide(Permission.COMMAND))

    async def _note(self, kind: CommandKind, pause: _Pause, decision: Decision) -> bool:
        """Write that the ladder is to wait, or not to; return whether that could be."""
        checked = decision if self._visitor.is_listed else None
        settings, form = self._context.settings, CommandForm(pause.who)
        try:
            await asyncio.to_thread(give, settings, kind, pause.offence, form, pause.key, checked)
        except (ForewarnError, OSError):  # what is asked for in the dialog will say so
            return False
        return True

    def _close(self, _: object) -> None:
        self._dialog.open = False

    def _form(self) -> CommandForm:
        fields = (self._who, self._reason, self._zh, self._en)
        who, reason, zh, en = (typed_text(field) for field in fields)
        who = self._visitor.asker.name or who
        return CommandForm(who, reason, self._text.value or NEXT_CALL, zh, en, self._despite)

    def _take_reason(self, _: object) -> None:
        """Put a reason that was chosen where it can be added to."""
        if self._because.value:
            self._reason.param.update(value=self._because.value, value_input=self._because.value)

    def _look_again(self, *_: object) -> None:
        """Enable the confirmation once nothing is missing."""
        is_own = self._command is CommandKind.SPEAK and self._text.value == OWN_WORDS
        self._zh.visible = self._en.visible = is_own
        self._confirm.disabled = self._form().lacks(self._command)

    async def _write(self, _: object) -> None:
        form, offence, key = self._form(), self._asked, self._key
        if offence is None or form.lacks(self._command):
            return
        decision = self._visitor.decide(Permission.COMMAND)
        if decision.why_not is not None:
            self._dialog.open = False
            self._tell(in_language(decision.why_not, self._names.lang))
            return
        checked = decision if self._visitor.is_listed else None
        self._confirm.disabled = True
        pause, self._pause = self._pause, None  # carried out, the command ends it
        settings, command = self._context.settings, self._command
        if command is not CommandKind.SPEAK:  # what comes of it is told beside the buttons
            self._dialog.open = False
        try:
            answer = await asyncio.to_thread(give, settings, command, offence, form, key, checked)
        except (ForewarnError, OSError) as error:
            self._tell(self._names.say("operate.not_written", reason=error))
            await self._end(pause)
            return
        is_still_open = self._dialog.open and self._key == key
        hold = hold_of(answer)
        if is_still_open and hold is not None and hold not in self._despite:
            self._pause = pause
            self._ask_again_despite(hold)
            return
        if is_still_open:
            self._dialog.open = False
        if answer is not None and answer.refusal is not None:
            why = self._names.refusal(answer.refusal.why)
            self._tell(self._names.say("operate.refused", why=why))
            await self._end(pause)

    def _ask_again_despite(self, hold: Hold) -> None:
        """Ask for a reason and a second press: whoever speaks now takes it on themselves."""
        self._despite, self._key = (*self._despite, hold), secrets.token_hex(8)
        say, word = self._names.say, hold.replace("-", "_")
        self._reason.label = say("operate.reason_needed")
        self._confirm.param.update(label=say(f"operate.despite_{word}"), color="error")
        self._complain(say(f"operate.held_{word}"))

    def _tell(self, message: str) -> None:
        """Say why nothing was done, beside the buttons."""
        self._said.param.update(object=message, visible=True)

    def _complain(self, message: str) -> None:
        self._fault.param.update(object=message, visible=True)
        self._look_again()
