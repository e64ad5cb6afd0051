"""What the user picks on the search page: a record or a picture, what to compare, which filters."""

# mypy: allow-untyped-calls
# (Panel and its Material components are not annotated)
from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import panel_material_ui as pmui

from dashboards.names import Names
from dashboards.picks import SearchPick
from dashboards.settings import MAX_UPLOAD_BYTES
from domain.evidence import EvidenceRecord
from domain.ladder import FINAL, State

# the browser is stopped only far above the limit: the server's message says more than its tooltip
MAX_WORDS = 300  # a pair of models reads less than that
BROWSER_MAX_BYTES = 3 * MAX_UPLOAD_BYTES


class SearchForm:
    """The form; calls back with the new pick whenever it changes."""

    def __init__(
        self, names: Names, pick: SearchPick, on_pick: Callable[[SearchPick], Awaitable[None]]
    ) -> None:
        self._names, self._on_pick = names, on_pick
        self.pick = pick
        self._is_offering = False
        say = names.say
        named = {pick.evidence_id: pick.evidence_id} if pick.evidence_id else {}
        self.record_select = self._record_select({"—": "", **named})
        # shown once it is known that a pair of models for words is installed
        self._words = pmui.TextInput(
            label=say("search.words"), value=pick.text, visible=False, max_length=MAX_WORDS
        )
        self._upload = pmui.FileInput(
            label=say("search.upload"),
            variant="outlined",
            max_file_size=BROWSER_MAX_BYTES,
        )
        self._upload_note = pmui.Typography(say("search.upload_hint"), variant="body2")
        self._by = pmui.RadioButtonGroup(
            label=say("search.by"),
            options={
                say("search.by_appearance"): "appearance",
                say("search.by_embedding"): "embedding",
                say("search.by_both"): "both",
            },
            value=pick.by,
        )
        self._camera = self._filter("camera", pick.camera_id, self._cameras())
        self._rule = self._filter("rule", pick.rule_id, self._rules())
        self._outcome = self._filter(
            "outcome",
            pick.outcome,
            {names.state(state): state.value for state in State if _can_be_sealed(state)},
        )
        self._from_at = self._moment("from", pick.from_at)
        self._to_at = self._moment("to", pick.to_at)
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
        picked = self.pick.evidence_id
        if picked and picked not in options.values():
            options[picked] = picked
        # a new widget: the old one keeps the label of a value that stays, and a browser that is
        # slow to take new options sends back that nothing is picked
        offered = self._record_select(options)
        self.view.objects = [
            offered if each is self.record_select else each for each in self.view.objects
        ]
        self.record_select = offered
        if not has_server:
            hint = self._names.say("search.upload_hint")
            self._upload_note.object = f"{hint} {self._names.say('search.no_server')}"

    def _record_select(self, options: dict[str, str]) -> pmui.Select:
        select = pmui.Select(
            label=self._names.say("search.pick_record"),
            options=options,
            value=self.pick.evidence_id or "",
            searchable=True,
            sizing_mode="stretch_width",
        )
        select.param.watch(self._changed, "value")
        return select

    async def _changed(self, event: Any) -> None:
        # a select that was replaced may still be heard of
        if self._is_offering or event.obj not in self.view.objects:
            return
        evidence_id = self.record_select.value or None
        is_new_record = evidence_id is not None and evidence_id != self.pick.evidence_id
        keeps_upload = self.pick.upload is not None and not is_new_record
        if is_new_record:
            self._clear_words()
        self.pick = replace(
            self.pick,
            evidence_id=None if keeps_upload else evidence_id,
            upload=self.pick.upload if keeps_upload else None,
            text="" if is_new_record else self.pick.text,
            by=self._by.value,
            camera_id=self._camera.value or None,
            rule_id=self._rule.value or None,
            outcome=self._outcome.value or None,
            from_at=self._at_site(self._from_at.value),
            to_at=self._at_site(self._to_at.value),
        )
        await self._on_pick(self.pick)

    async def _worded(self, event: Any) -> None:
        if self._is_offering:
            return
        self._clear_record()
        self.pick = replace(self.pick, evidence_id=None, upload=None, text=str(event.new).strip())
        await self._on_pick(self.pick)

    def _clear_record(self) -> None:
        self._is_offering = True
        self.record_select.value = ""
        self._is_offering = False

    def _clear_words(self) -> None:
        self._is_offering = True
        self._words.value = ""
        self._is_offering = False

    async def _uploaded(self, event: Any) -> None:
        if not event.new:
            return
        self._clear_record()
        self._clear_words()
        self.pick = replace(
            self.pick,
            evidence_id=None,
            text="",
            upload=bytes(event.new),
            upload_name=str(self._upload.filename or ""),
        )
        await self._on_pick(self.pick)

    def _filter(self, name: str, value: str | None, options: dict[str, str]) -> pmui.Select:
        everything = {self._names.say("search.all"): ""}
        known = value is None or value in options.values()
        return pmui.Select(
            label=self._names.say(f"search.{name}"),
            options=everything | options | ({} if known else {str(value): str(value)}),
            value=value or "",
        )

    def _moment(self, name: str, value: datetime | None) -> pmui.DatetimePicker:
        """A date and a time of day at the site; empty: no bound."""
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
        return _titled(self._names.camera, (each.id for each in site.cameras) if site else ())

    def _rules(self) -> dict[str, str]:
        site = self._names.site
        return _titled(self._names.rule, (each.id for each in site.rules) if site else ())

    def _label(self, record: EvidenceRecord) -> str:
        return self._names.say(
            "search.record_label",
            time=self._names.date_and_clock(record.first_seen_at),
            camera=self._names.camera(record.camera_id),
            outcome=self._names.state(record.outcome),
        )


def _titled(title: Callable[[str], str], ids: Iterable[str]) -> dict[str, str]:
    """Title -> id; where two share a title, the ids tell them apart."""
    options: dict[str, str] = {}
    for each in ids:
        name = title(each)
        options[f"{name} ({each})" if name in options else name] = each
    return options


def _can_be_sealed(state: State) -> bool:
    return state in FINAL and state is not State.DROPPED
