"""Nothing that a person or a camera can name becomes markup, whichever template shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError
from pydantic import BaseModel

from dashboards.access.file_tokens import FileTokens
from dashboards.data.alarm_views import AlarmView
from dashboards.data.evidence_lookup import EvidenceFound
from dashboards.data.offence_projection import OffenceProjection
from dashboards.data.poller import ConsoleData
from dashboards.data.record_lookup import RecordsBeside, StoredRecord
from dashboards.data.tiles import Tile
from dashboards.display_names import DisplayNames
from dashboards.html.alarm_rows import trouble
from dashboards.html.audit_trend import audit_html
from dashboards.html.history import history, nothing_picked
from dashboards.html.kpis import kpis
from dashboards.html.record.page import bar_of, fault_page, record_page, records_beside
from dashboards.html.rendering import TEMPLATES, render
from dashboards.html.search_results import found_cards, note, recent_cards
from dashboards.html.subject_picture import SubjectPicture
from dashboards.selections import SearchSelection
from domain.access.permissions import Permission
from domain.base import BothLanguages
from domain.events.catalog import (
    EVENT_DATA,
    AnnouncementMade,
    Event,
    EvidenceErased,
    EvidenceFile,
    EvidenceSealed,
)
from domain.evidence import EvidenceRecord
from evidence_store.erasure.legal_holds import Hold
from tests.support.example_events import one_of_each
from tests.support.sealed_record import a_record
from validation.report import AuditReport, CheckSummary, DayCount, Finding

CALM = "calm"
# a script, both quotes, an entity, a template's expression, and characters that turn the direction
HOSTILE = "\u202e\"'><script>alert(1)</script>&amp;{{ 7 * 7 }}\u2066"
WHEN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
KEYS = FileTokens(b"s" * 32)


@dataclass(frozen=True, slots=True)
class SpelledNames(DisplayNames):
    """Names whose every text holds the same words."""

    words: str = ""

    def say(self, key: str, **facts: object) -> str:
        return self.words + "".join(str(value) for value in facts.values())


def spelled(value: Any, words: str) -> Any:
    """Put the words in every free text of a value, and of all that it holds."""
    if isinstance(value, BaseModel):
        chosen = {name for name, field in type(value).model_fields.items() if _is_free(field)}
        return value.model_copy(
            update={
                name: spelled(getattr(value, name), words)
                if name in chosen
                else _inside(value, name, words)
                for name in type(value).model_fields
            }
        )
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{f.name: spelled(getattr(value, f.name), words) for f in fields(value)}
        )
    if isinstance(value, tuple):
        return tuple(spelled(item, words) for item in value)
    return words if type(value) is str else value


def _is_free(field: Any) -> bool:
    return str in (field.annotation, *get_args(field.annotation))


def _inside(value: BaseModel, name: str, words: str) -> Any:
    held = getattr(value, name)
    return held if isinstance(held, str) else spelled(held, words)


def names_of(words: str) -> DisplayNames:
    return SpelledNames(None, "en", words)


def events_of(words: str) -> list[Event]:
    return [
        replace(event, data=spelled(event.data, words).model_copy(update={"offence_id": "ofc"}))
        if "offence_id" in type(event.data).model_fields
        else replace(event, data=spelled(event.data, words))
        for event in one_of_each()
    ]


def book_of(words: str, *, is_erased: bool) -> OffenceProjection:
    book = OffenceProjection(ZoneInfo("UTC"))
    book.take(
        event
        for event in events_of(words)
        if is_erased or not isinstance(event.data, EvidenceErased)
    )
    return book


def draw_history(words: str) -> str:
    kept = book_of(words, is_erased=False).offences["ofc"]
    assert isinstance(kept.evidence, EvidenceSealed)
    evidence = kept.evidence.model_copy(update={"files": files_of(words), "complete": False})
    drawn = [history(replace(kept, evidence=evidence), names_of(words), KEYS, [words])]
    drawn.append(history(replace(kept, is_dispatched=True, asked=()), names_of(words), KEYS))
    erased = book_of(words, is_erased=True).offences["ofc"]
    return "".join([*drawn, history(erased, names_of(words), KEYS)])


def files_of(words: str) -> tuple[EvidenceFile, ...]:
    return tuple(
        EvidenceFile(name=f"{start}{words}", role="masked snapshot", sha256="0" * 64, size_bytes=1)
        for start in ("first", "last", "rung-1.", "")
    )


def draw_kpis(words: str) -> str:
    tile = Tile(words, 1, None, b"", 0.0, "failed", words, words)
    rings = book_of(words, is_erased=False).rings
    data = ConsoleData(tiles={words: tile}, rings=rings, log_problem=words)
    return kpis(data, names_of(words))


def record_of(words: str) -> EvidenceRecord:
    texts = dict.fromkeys(
        ("evidence_id", "offence_id", "camera_id", "rule_id", "outcome", "zone_id"), words
    )
    record: Any = SimpleNamespace(**texts, files=files_of(words), first_seen_at=WHEN, dwell_s=1.0)
    return record


def draw_recent(words: str) -> str:
    return recent_cards([record_of(words)], SearchSelection(text=words), names_of(words), KEYS, {})


def draw_found(words: str) -> str:
    bare: Any = record_of(words)
    bare.files = ()
    matches: Any = [
        SimpleNamespace(record=each, similarity=0.5) for each in (record_of(words), bare)
    ]
    found = EvidenceFound(record_of(words), matches)
    return found_cards(found, SearchSelection(camera_id=words), names_of(words), KEYS, {})


def draw_audit(words: str) -> str:
    both = BothLanguages(zh=words, en=words)
    summary = CheckSummary(check="size", group="clear", title=both, examined=2, failed=1)
    finding = Finding(evidence_id=words, check="size", group="clear", value="", reason=both)
    day = DayCount(day=WHEN.date(), check="size", examined=2, failed=1)
    report = AuditReport(
        ran_at=WHEN,
        records=2,
        records_failed=1,
        checks=(summary,),
        findings=(finding,),
        days=(day,),
    )
    return audit_html([report], names_of(words)) + audit_html([], names_of(words))


def draw_navigation(words: str) -> str:
    names = names_of(words)
    return render(
        "navigation.html",
        names=names,
        current="live",
        pages=["live"],
        person=words,
        other_lang="zh",
    )


def draw_trouble(words: str) -> str:
    alarm = AlarmView(
        *(words, words, "ordinary", words, True, 1, 0, (words,), "", "", ""),
        *(BothLanguages(zh=words, en=words), WHEN, WHEN, words, (words,), ()),
    )
    return trouble(alarm, names_of(words))


def draw_login(words: str) -> str:
    texts = dict.fromkeys(("site", "fault", "who", "next_page", "other", "other_language"), words)
    return render("login.html", say=names_of(words).say, lang="en", fonts="serif", **texts)


def bar(words: str) -> dict[str, Any]:
    return bar_of(names_of(words), "evd-1", ["live"], words, words)


def draw_record(words: str) -> str:
    kept = book_of(words, is_erased=False).offences["ofc"]
    both = {"zh": words, "en": words}
    story = {
        "rule": {"title": both, "legal_basis": both},
        "camera": {"title": both},
        "category_title": both,
        "calls": [
            {"event_id": event.id, "file": f"call{words}.wav"}
            for event in kept.history
            if isinstance(event.data, AnnouncementMade)
        ],
    }
    sound = EvidenceFile(
        name=f"call{words}.wav", role="announcement", sha256="0" * 64, size_bytes=1
    )
    record = replace(
        spelled(a_record(), words), files=(*files_of(words), sound), first_seen_at=WHEN
    )
    entry = {"number": 1, "at": WHEN.isoformat(), "who": words, "kind": words}
    hold = Hold(words, words, words, WHEN, WHEN, words, words)
    stored = StoredRecord(
        *(record, story, kept),
        ({**entry, "details": {"reason": words}},),
        ({**entry, "evidence_id": "", "details": {}},),
        (EvidenceFile(name=words, role="masked clip", sha256="0" * 64, size_bytes=1),),
        *((hold,), words, words),
    )
    unplayed = replace(stored, masked_clips=())
    drawn = [
        record_page(each, names_of(words), KEYS, frozenset(Permission), bar(words))
        for each in (stored, unplayed)
    ]
    return "".join(drawn)


def draw_beside(words: str) -> str:
    match: Any = SimpleNamespace(record=record_of(words), similarity=0.5)
    beside = RecordsBeside(words, words, (match,), (record_of(words),))
    return records_beside(beside, names_of(words), KEYS)


def draw_fault(words: str) -> str:
    return fault_page(words, names_of(words), {**bar(words), "person": None})


DRAWN: dict[str, Callable[[str], str]] = {
    "audit.html": draw_audit,
    "card.html": draw_found,
    "found_cards.html": draw_found,
    "history.html": draw_history,
    "kpis.html": draw_kpis,
    "login.html": draw_login,
    "macros.html": draw_history,
    "navigation.html": draw_navigation,
    "no_login.html": lambda words: render("no_login.html", names=names_of(words), command=words),
    "note.html": note,
    "nothing_picked.html": lambda words: nothing_picked(names_of(words)),
    "picture.html": lambda words: render(
        "picture.html", picture=SubjectPicture(words, words, None)
    ),
    "recent_cards.html": draw_recent,
    "trouble.html": draw_trouble,
    "record.html": draw_record,
    "record_beside.html": draw_beside,
    "record_document.html": draw_fault,
    "record_fault.html": draw_fault,
    "unmasked_player.html": lambda words: render(
        "unmasked_player.html", names=names_of(words), address=words
    ),
}


class Parsed(HTMLParser):
    """The elements of a page with the names of their attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.texts += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_each_template_is_drawn_here() -> None:
    assert set(DRAWN) == {path.name for path in Path(TEMPLATES).iterdir()}


@pytest.mark.parametrize("template", sorted(DRAWN))
def test_a_hostile_text_stays_a_text(template: str) -> None:
    calm, hostile = (DRAWN[template](words) for words in (CALM, HOSTILE))
    assert Parsed(hostile).elements == Parsed(calm).elements
    assert hostile.count("<script") == calm.count("<script")  # a page's own
    assert any(HOSTILE in text for text in Parsed(hostile).texts), "it is shown, whole"


def test_every_event_of_an_offence_is_fed_to_the_history() -> None:
    assert {type(event.data) for event in events_of(HOSTILE)} == set(EVENT_DATA)


def test_a_value_that_a_template_misses_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("note.html")
