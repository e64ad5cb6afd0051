"""Buttons for an open offence: each asks for what its command needs, then writes the command."""

from __future__ import annotations

import asyncio
import secrets
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
    commands_for,
    give,
    hold_of,
    texts_to_speak,
)
from dashboards.display_names import DisplayNames
from dashboards.pages.page_frame import typed_text
from dashboards.texts import in_language
from domain.access.permissions import Permission
from domain.errors import ForewarnError
from domain.events.commands import NEEDS_REASON, CommandKind, Hold

_COLOURS = {CommandKind.DISMISS: "error", CommandKind.SPEAK: "warning"}


class OperatorPanel:
    """The operator's commands for the offence that is shown."""

    def __init__(self, context: ConsoleContext, names: DisplayNames, visitor: Visitor) -> None:
        self._context, self._names, self._visitor = context, names, visitor
        self._offence: OffenceView | None = None  # that is shown
        self._asked: OffenceView | None = None  # that the open dialog is about
        self._command = CommandKind.TAKE_OVER
        self._key = ""
        self._despite: tuple[Hold, ...] = ()  # holds that were shown in the open dialog
        say = names.say
        self._buttons = {kind: self._button(kind) for kind in ORDER}
        self._explain = pmui.Typography("")
        self._who = pmui.TextInput(label=say("operate.who"), sizing_mode="stretch_width")
        self._who.visible = not visitor.is_listed  # who logged in does not type a name
        self._reason = pmui.TextAreaInput(label="", rows=3, sizing_mode="stretch_width")
        self._text = pmui.Select(
            label=say("operate.text"), options=texts_to_speak(names), sizing_mode="stretch_width"
        )
        self._zh = pmui.TextInput(label=say("operate.zh"), sizing_mode="stretch_width")
        self._en = pmui.TextInput(label=say("operate.en"), sizing_mode="stretch_width")
        self._confirm = pmui.Button(label=say("operate.confirm"), color="primary", disabled=True)
        self._cancel = pmui.Button(label=say("operate.cancel"), variant="text")
        self._fault = pmui.Alert(severity="error", visible=False, sizing_mode="stretch_width")
        self._dialog = pmui.Dialog(
            *(self._explain, self._text, self._zh, self._en, self._who, self._reason, self._fault),
            pmui.Row(self._confirm, self._cancel),
            close_on_click=True,
            width_option="sm",
        )
        self._cancel.on_click(self._close)
        self._confirm.on_click(self._write)
        for field in (self._who, self._reason, self._zh, self._en):
            # value_input follows every key, value only once the field is left
            field.param.watch(self._look_again, ["value_input", "value"])
        self._text.param.watch(self._look_again, "value")
        self._row = pmui.FlexBox(*self._buttons.values(), gap="8px", margin=(0, 0, 8, 0))
        self._row.visible = False
        self.view = pmui.Column(self._row, self._dialog, sizing_mode="stretch_width", margin=0)

    def offer(self, offence: OffenceView) -> None:
        """Stand ready for this offence; an open dialog stays about the one it was opened for."""
        self._offence = offence
        possible = commands_for(offence) if self._visitor.may(Permission.COMMAND) else ()
        self._row.visible = bool(possible)
        for kind, button in self._buttons.items():
            button.visible = kind in possible

    def _button(self, kind: CommandKind) -> pmui.Button:
        label = self._names.say(f"operate.{kind.value.replace(' ', '_')}")
        made = pmui.Button(
            label=label, variant="outlined", color=_COLOURS.get(kind, "primary"), margin=0
        )
        made.on_click(partial(self._open, kind))
        return made

    def _open(self, kind: CommandKind, _: object) -> None:
        """Ask what is needed; from here to the confirmation it is one command."""
        self._command, self._asked, self._key = kind, self._offence, secrets.token_hex(8)
        self._despite = ()
        say, word = self._names.say, kind.value.replace(" ", "_")
        is_speech = kind is CommandKind.SPEAK
        holder = self._asked.taken_by if self._asked else ""
        explained = say(f"operate.explain_{word}")
        if kind is CommandKind.TAKE_OVER and holder:
            explained = say("operate.explain_take_from", who=holder)
        self._explain.object = explained
        needs = "needed" if kind in NEEDS_REASON else "optional"
        self._reason.param.update(value="", value_input="", label=say(f"operate.reason_{needs}"))
        self._text.param.update(value=NEXT_CALL, visible=is_speech)
        for field in (self._zh, self._en):
            field.param.update(value="", value_input="")
        self._fault.visible = False
        self._confirm.param.update(label=say("operate.confirm"), color="primary")
        self._dialog.title = self._names.command(kind)
        self._look_again()
        self._dialog.open = True

    def _close(self, _: object) -> None:
        self._dialog.open = False

    def _form(self) -> CommandForm:
        fields = (self._who, self._reason, self._zh, self._en)
        who, reason, zh, en = (typed_text(field) for field in fields)
        who = self._visitor.asker.name or who
        return CommandForm(who, reason, self._text.value or NEXT_CALL, zh, en, self._despite)

    def _look_again(self, *_: object) -> None:
        """Enable the confirmation once nothing is missing."""
        is_own = self._command is CommandKind.SPEAK and self._text.value == OWN_WORDS
        self._zh.visible = self._en.visible = is_own
        self._confirm.disabled = self._form().lacks(self._command)

    async def _write(self, _: object) -> None:
        form, offence = self._form(), self._asked
        if offence is None or form.lacks(self._command):
            return
        decision = self._visitor.decide(Permission.COMMAND)
        if decision.why_not is not None:
            self._complain(in_language(decision.why_not, self._names.lang))
            return
        checked = decision if self._visitor.is_listed else None
        self._confirm.disabled = True
        try:
            answer = await asyncio.to_thread(
                give, self._context.settings, self._command, offence, form, self._key, checked
            )
        except (ForewarnError, OSError) as error:
            self._complain(self._names.say("operate.not_written", reason=error))
            return
        hold = hold_of(answer)
        if hold is not None and hold not in self._despite:
            self._ask_again_despite(hold)
            return
        if answer is not None and answer.refusal is not None:
            why = self._names.refusal(answer.refusal.why)
            self._complain(self._names.say("operate.refused", why=why))
            return
        self._dialog.open = False

    def _ask_again_despite(self, hold: Hold) -> None:
        """Ask for a reason and a second press: whoever speaks now takes it on themselves."""
        self._despite, self._key = (*self._despite, hold), secrets.token_hex(8)
        say, word = self._names.say, hold.replace("-", "_")
        self._reason.label = say("operate.reason_needed")
        self._confirm.param.update(label=say(f"operate.despite_{word}"), color="error")
        self._complain(say(f"operate.held_{word}"))

    def _complain(self, message: str) -> None:
        self._fault.param.update(object=message, visible=True)
        self._look_again()
