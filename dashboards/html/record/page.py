"""Draw the page of one record: clip, pictures, calls, facts, custody, and what may be done with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from dashboards.access.file_tokens import MASKED_FOR_S, FileTokens
from dashboards.data.record_lookup import RecordsBeside, StoredRecord
from dashboards.display_names import DisplayNames
from dashboards.html.history import caption_of, steps_of
from dashboards.html.record.clips import clip_players, why_no_clip
from dashboards.html.record.facts import (
    call_lines,
    custody_lines,
    facts_of,
    file_lines,
    verification_line,
)
from dashboards.html.rendering import render
from dashboards.html.search_results import percent_of, record_address, record_card
from dashboards.html.subject_picture import SubjectPicture, masked_pictures, sighting_of
from dashboards.selections import SearchSelection
from dashboards.texts import LANGS, section
from domain.access.permissions import Permission
from evidence_store.vault.file_roles import is_original


def record_page(
    stored: StoredRecord,
    names: DisplayNames,
    tokens: FileTokens,
    may: Collection[Permission],
    bar: dict[str, Any],
) -> str:
    """Draw a record for somebody with these permissions; `bar` is what `bar_of` gives."""
    record, story = stored.record, stored.story

    def address(name: str) -> str:
        return tokens.address(record.evidence_id, name, MASKED_FOR_S)

    pictures = [
        SubjectPicture(
            address(file.name), caption_of(file, names), sighting_of(file, stored.offence)
        )
        for file in masked_pictures(record.files)
    ]
    players = clip_players(stored, names, address)
    return render(
        "record.html",
        **bar,
        names=names,
        stored=stored,
        heading=title_of(stored, names),
        facts=facts_of(stored, names),
        players=players,
        no_clip="" if players else why_no_clip(stored, names),
        pictures=pictures,
        calls=call_lines(stored, names, address),
        steps=steps_of(stored.offence, names) if stored.offence else [],
        files=file_lines(stored, names),
        originals=sum(is_original(file.role) for file in record.files),
        verification=verification_line(stored, names),
        custody=custody_lines(
            stored.entries, names, names_lookers=Permission.READ_ACCESS_LOG in may
        ),
        holds=[(hold, _until(hold.until, names)) for hold in stored.holds],
        legal_basis=_legal_basis(story, names),
        may={permission.value for permission in may},
    )


def fault_page(text: str, names: DisplayNames, bar: dict[str, Any]) -> str:
    """Draw one sentence where no record can be shown."""
    heading = names.say("record.title")
    return render("record_fault.html", **bar, names=names, heading=heading, text=text)


def records_beside(beside: RecordsBeside, names: DisplayNames, tokens: FileTokens) -> str:
    """Draw where one may go on to from a record: before, after, alike, at the same place."""
    everything = SearchSelection()
    alike = [
        record_card(match.record, percent_of(match), everything, names, tokens, {})
        for match in beside.alike
    ]
    near = [
        record_card(record, None, everything, names, tokens, {}) for record in beside.same_place
    ]
    return render(
        "record_beside.html",
        names=names,
        older=record_address(beside.older, names) if beside.older else "",
        newer=record_address(beside.newer, names) if beside.newer else "",
        alike=alike,
        near=near,
    )


def title_of(stored: StoredRecord, names: DisplayNames) -> str:
    """Return the rule's title as it was when the record was sealed; else as the site has it now."""
    titles = (stored.story.get("rule") or {}).get("title") or {}
    return str(titles.get(names.lang) or names.rule(stored.record.rule_id))


def bar_of(
    names: DisplayNames, wanted: str, pages: Collection[str], person: str | None, command: str
) -> dict[str, Any]:
    """Gather what the bar of a page needs.

    `wanted` is the id in the address; `person` None: nobody is logged in, and then `command` makes a list
    of people.
    """
    return {
        "current": f"record/{wanted}",
        "pages": pages,
        "person": person,
        "command": command,
        "other_lang": next(lang for lang in LANGS if lang != names.lang),
        "texts": section("player", names.lang),
    }


def _until(until: datetime | None, names: DisplayNames) -> str:
    return names.date_and_clock(until) if until else names.say("keeping.released_by")


def _legal_basis(story: Mapping[str, Any], names: DisplayNames) -> str:
    return str(((story.get("rule") or {}).get("legal_basis") or {}).get(names.lang) or "")
