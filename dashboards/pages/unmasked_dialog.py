"""Play an unmasked clip to who may see it, once the reason is on record."""

from __future__ import annotations

import asyncio

import panel as pn
import panel_material_ui as pmui

from dashboards.access.file_tokens import UNMASKED_FOR_S
from dashboards.access.visitor import Visitor
from dashboards.context import ConsoleContext
from dashboards.display_names import DisplayNames
from dashboards.html.rendering import render
from dashboards.pages.page_frame import typed_text
from dashboards.settings import ConsoleSettings
from dashboards.texts import in_language
from domain.access.decisions import Asker, NotAllowed
from domain.access.permissions import Permission
from domain.errors import ForewarnError
from domain.events.catalog import EvidenceFile, EvidenceSealed
from evidence_store.access.gate import Gate
from evidence_store.access.viewing import log_access


class UnmaskedDialog:
    """A button, a question and a player, for one evidence record at a time."""

    def __init__(self, context: ConsoleContext, names: DisplayNames, visitor: Visitor) -> None:
        self._context, self._names, self._visitor = context, names, visitor
        self._evidence: EvidenceSealed | None = None
        say = names.say
        self._button = pmui.Button(
            label=say("unmasked.button"), variant="outlined", visible=False, margin=(12, 0, 0, 0)
        )
        self._reason = pmui.TextAreaInput(
            label=say("unmasked.reason"), rows=3, sizing_mode="stretch_width"
        )
        self._confirm = pmui.Button(label=say("unmasked.confirm"), color="primary")
        self._cancel = pmui.Button(label=say("unmasked.cancel"), variant="text")
        self._fault = pmui.Alert(severity="error", visible=False, sizing_mode="stretch_width")
        self._player = pn.pane.HTML("", sizing_mode="stretch_width", margin=(12, 0, 0, 0))
        self._dialog = pmui.Dialog(
            pmui.Typography(say("unmasked.explain")),
            self._reason,
            self._fault,
            pmui.Row(self._confirm, self._cancel),
            title=say("unmasked.title"),
            close_on_click=True,
            width_option="sm",
        )
        self._button.on_click(self._ask)
        self._cancel.on_click(self._close)
        self._confirm.on_click(self._log_and_play)
        self.view = pmui.Column(
            self._button, self._player, self._dialog, sizing_mode="stretch_width", margin=0
        )

    def offer(self, evidence: EvidenceSealed | None) -> None:
        """Stand ready for this record; what was open for another one is closed."""
        if evidence is self._evidence:
            return
        self._evidence = evidence
        self._player.object = ""
        self._dialog.open = False
        may_see = self._visitor.may(Permission.SEE_UNMASKED)
        self._button.visible = may_see and _clip(evidence) is not None

    def _ask(self, _: object) -> None:
        self._reason.value = ""
        self._fault.visible = False
        self._dialog.open = True

    def _close(self, _: object) -> None:
        self._dialog.open = False

    async def _log_and_play(self, _: object) -> None:
        evidence, clip = self._evidence, _clip(self._evidence)
        if evidence is None or clip is None:
            return
        reason = typed_text(self._reason)
        if not reason:
            self._complain(self._names.say("unmasked.need_reason"))
            return
        asker = self._visitor.asker
        try:
            await asyncio.to_thread(
                _log_access, self._context.settings, asker, evidence.evidence_id, reason, clip.name
            )
        except NotAllowed as error:
            why_not = error.decision.why_not
            self._complain(in_language(why_not, self._names.lang) if why_not else str(error))
            return
        except (ForewarnError, OSError) as error:
            self._complain(self._names.say("unmasked.not_logged", reason=error))
            return
        self._dialog.open = False
        address = self._context.tokens.of_session(self._visitor.handle).address(
            evidence.evidence_id, clip.name, UNMASKED_FOR_S
        )
        self._player.object = render("unmasked_player.html", names=self._names, address=address)

    def _complain(self, message: str) -> None:
        self._fault.param.update(object=message, visible=True)


def _log_access(
    settings: ConsoleSettings, asker: Asker, evidence_id: str, reason: str, name: str
) -> None:
    """Ask for a grant, which records a refusal, and record the access before it happens."""
    gate = Gate.open(settings.data, settings.keys)
    log_access(gate.allow(asker, Permission.SEE_UNMASKED, evidence_id, reason), [name])


def _clip(evidence: EvidenceSealed | None) -> EvidenceFile | None:
    files = evidence.files if evidence else ()
    return next((file for file in files if file.role == "clip"), None)
