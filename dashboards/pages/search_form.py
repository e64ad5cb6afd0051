"""The form of the search page: a record, a picture or words, what to compare, which filters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import panel_material_ui as pmui

from dashboards.display_names import DisplayNames
from dashboards.selections import SearchSelection
from dashboards.settings import MAX_UPLOAD_BYTES
from domain.evidence import EvidenceRecord
from domain.offence_states import FINAL, State

MAX_WORDS = 300  # a pair of models reads less than that
# the browser is stopped only far above the limit: the server's message says more than its tooltip
BROWSER_MAX_BYTES = 3 * MAX_UPLOAD_BYTES


class SearchForm:
    """The form; calls back with the new selection whenever it changes."""

    def __init__(
        self,
        names: DisplayNames,
        selection: SearchSelection,
        on_pick: Callable[[SearchSelection], Awaitable[None]],
    ) -> None:
        self._names, self._on_pick = names, on_pick
        self.selection = selection
        self._is_clearing = False
        say = names.say
        named = {selection.evidence_id: selection.evidence_id} if selection.evidence_id else {}
        self.record_select = self._record_select({"—": "", **named})
        # shown once it is known that a pair of models for words is installed
        self._words = pmui.TextInput(
            label=say("search.words"), value=selection.text, visible=False, max_length=MAX_WORDS
        )
        self._upload = pmui.FileInput(
            label=say("search.upload"), variant="outlined", max_file_size=BROWSER_MAX_BYTES
        )
        self._upload_note = pmui.Typography(say("search.upload_hint"), variant="body2")
        self._by = pmui.RadioButtonGroup(
            label=say("search.by"),
            options={
                say("search.by_best"): "best",
                say("search.by_appearance"): "appearance",
                say("search.by_embedding"): "embedding",
                say("search.by_both"): "both",
            },
            value=selection.by,
        )
        self._camera = self._filter("camera", selection.camera_id, self._cameras())
        self._rule = self._filter("rule", selection.rule_id, self._rules())
        self._outcome = self._filter(
            "outcome",
            selection.outcome,
            {names.state(state): state.value for state in State if _can_be_sealed(state)},
        )
        self._from_at = self._moment("from", selection.from_at)
        self._to_at = self._moment("to", selection.to_at)
        filters = (self._camera, self._rule, self._outcome, self._from_at, self._to_at)
        for widget in (self._by, *filters):
            widget.sizing_mode = "stretch_width"
            widget.param.watch(self._changed, "value")
        self._upload.sizing_mode = "stretch_width"
        self._upload.param.watch(self._uploaded, "value")
        self._words.sizing_mode = "stretch_width"
        self._words.param.watch(self._worded, "value")
        self.view = pmui.Paper(
            pmui.Typography(say("search.title"), variant="h6"),
            self.record_select,
            pmui.Typography(say("search.or"), variant="body2"),
            self._upload,
            self._upload_note,
            self._words,
            pmui.Divider(sizing_mode="stretch_width"),
            self._by,
            *filters,
            sx={"p": 2},
            sizing_mode="stretch_width",
            margin=0,
        )

    def offer(self, records: Sequence[EvidenceRecord], has_server: bool, takes_words: bool) -> None:
        """Fill in what can be picked, and say so where uploads cannot be compared."""
        self._words.visible = takes_words
        labels = {record.evidence_id: self._label(record) for record in records}
        options = {"—": ""} | _titled(labels.__getitem__, labels)
        picked = self.selection.evidence_id
        if picked and picked not in options.values():
            options[picked] = picked
        # a new widget: the old one keeps the label of a value that stays, and a slow browser that
        # gets new options sends back that nothing is picked
        offered = self._record_select(options)
        self.view.objects = [
            offered if widget is self.record_select else widget for widget in self.view.objects
        ]
        self.record_select = offered
        if not has_server:
            hint = self._names.say("search.upload_hint")
            self._upload_note.object = f"{hint} {self._names.say('search.no_server')}"

    def _record_select(self, options: dict[str, str]) -> pmui.Select:
        select = pmui.Select(
            label=self._names.say("search.pick_record"),
            options=options,
            value=self.selection.evidence_id or "",
            searchable=True,
            sizing_mode="stretch_width",
        )
        select.param.watch(self._changed, "value")
        return select

    async def _changed(self, event: Any) -> None:
        # a select that was replaced may still send events
        if self._is_clearing or event.obj not in self.view.objects:
            return
        evidence_id = self.record_select.value or None
        is_new_record = evidence_id is not None and evidence_id != self.selection.evidence_id
        keeps_upload = self.selection.upload is not None and not is_new_record
        if is_new_record:
            self._clear(self._words)
        self.selection = replace(
            self.selection,
            evidence_id=None if keeps_upload else evidence_id,
            upload=self.selection.upload if keeps_upload else None,
            text="" if is_new_record else self.selection.text,
            by=self._by.value,
            camera_id=self._camera.value or None,
            rule_id=self._rule.value or None,
            outcome=self._outcome.value or None,
            from_at=self._at_site(self._from_at.value),
            to_at=self._at_site(self._to_at.value),
        )
        await self._on_pick(self.selection)

    async def _worded(self, event: Any) -> None:
        if self._is_clearing:
            return
        self._clear(self.record_select)
        self.selection = replace(
            self.selection, evidence_id=None, upload=None, text=str(event.new).strip()
        )
        await self._on_pick(self.selection)

    def _clear(self, *widgets: pmui.Select | pmui.TextInput) -> None:
        """Empty widgets, without taking that for a choice."""
        self._is_clearing = True
        for widget in widgets:
            widget.value = ""
        self._is_clearing = False

    async def _uploaded(self, event: Any) -> None:
        if not event.new:
            return
        self._clear(self.record_select, self._words)
        self.selection = replace(
            self.selection,
            evidence_id=None,
            text="",
            upload=bytes(event.new),
            upload_name=str(self._upload.filename or ""),
        )
        await self._on_pick(self.selection)

    def _filter(self, name: str, value: str | None, options: dict[str, str]) -> pmui.Select:
        everything = {self._names.say("search.all"): ""}
        known = value is None or value in options.values()
        return pmui.Select(
            label=self._names.say(f"search.{name}"),
            options=everything | options | ({} if known else {str(value): str(value)}),
            value=value or "",
        )

    def _moment(self, name: str, value: datetime | None) -> pmui.DatetimePicker:
        """Make a picker for a date and a time of day at the site; empty: no bound."""
        local = value.astimezone(self._names.timezone).replace(tzinfo=None) if value else None
        return pmui.DatetimePicker(
            label=self._names.say(f"search.{name}"),
            value=local,
            enable_seconds=False,
            military_time=True,
            clearable=True,
        )

    def _at_site(self, local: datetime | None) -> datetime | None:
        return local.replace(tzinfo=self._names.timezone) if local else None

    def _cameras(self) -> dict[str, str]:
        site = self._names.site
        return _titled(self._names.camera, (camera.id for camera in site.cameras) if site else ())

    def _rules(self) -> dict[str, str]:
        site = self._names.site
        return _titled(self._names.rule, (rule.id for rule in site.rules) if site else ())

    def _label(self, record: EvidenceRecord) -> str:
        return self._names.say(
            "search.record_label",
            time=self._names.date_and_clock(record.first_seen_at),
            camera=self._names.camera(record.camera_id),
            outcome=self._names.state(record.outcome),
        )


def _titled(title: Callable[[str], str], ids: Iterable[str]) -> dict[str, str]:
    """Map titles to ids; where two share a title, the ids tell them apart."""
    options: dict[str, str] = {}
    for id_ in ids:
        name = title(id_)
        options[f"{name} ({id_})" if name in options else name] = id_
    return options


def _can_be_sealed(state: State) -> bool:
    return state in FINAL and state is not State.DROPPED
