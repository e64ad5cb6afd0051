"""Records and matches as cards, in HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dashboards.evidence_lookup import Found
from dashboards.file_keys import MASKED_FOR_S, FileKeys
from dashboards.history_html import masked_pictures
from dashboards.names import Names
from dashboards.offence_rows import state_chip
from dashboards.offences import Offence
from dashboards.picks import SearchPick
from dashboards.subject_picture import picture, sighting_of
from domain.evidence import EvidenceRecord

if TYPE_CHECKING:  # LanceDB takes a second to load
    from evidence_store.alike import Match

ADDRESS_TIME = "%Y-%m-%dT%H:%M"

# by id; old ones are not known any more, and their pictures are shown whole
Offences = Mapping[str, Offence]


def address_of(pick: SearchPick, names: Names) -> str:
    """The search page's address for a pick, so that it can be kept, shared and loaded again."""
    asked = {"lang": names.lang, **_query_of(pick, names)}
    return "/search?" + urlencode({name: value for name, value in asked.items() if value})


def _query_of(pick: SearchPick, names: Names) -> dict[str, str | None]:
    """The pick as parameters of an address; an upload has none."""
    return {
        "evidence": pick.evidence_id,
        "text": pick.text or None,
        "by": pick.by if pick.by != "appearance" else None,
        "camera": pick.camera_id,
        "rule": pick.rule_id,
        "outcome": pick.outcome,
        "from": _spell(pick.from_at, names),
        "to": _spell(pick.to_at, names),
    }


def _spell(moment: datetime | None, names: Names) -> str | None:
    """A moment as the site's clock shows it, to the minute."""
    return moment.astimezone(names.timezone).strftime(ADDRESS_TIME) if moment else None


def recent_cards(
    records: Iterable[EvidenceRecord],
    pick: SearchPick,
    names: Names,
    keys: FileKeys,
    offences: Offences,
) -> str:
    """Records to pick from."""
    cards = "".join(_card(record, None, pick, names, keys, offences) for record in records)
    return f'<div class="cards">{cards}</div>' if cards else note(names.say("search.no_records"))


def found_cards(
    found: Found, pick: SearchPick, names: Names, keys: FileKeys, offences: Offences
) -> str:
    """What was compared, then the matches, most similar first."""
    asked = ""
    if found.query is not None:
        card = _card(found.query, None, pick, names, keys, offences, is_query=True)
        asked = f'<h2>{escape(names.say("search.query"))}</h2><div class="cards">{card}</div>'
    if not found.matches:
        return asked + note(names.say("search.no_results"))
    heading = escape(names.say("search.results", count=len(found.matches)))
    how = "search.all_compared" if found.is_exact else "search.by_index"
    compared = f'<p class="how">{escape(names.say(how, fitting=f"{found.fitting:,}"))}</p>'
    cards = "".join(_match(match, pick, names, keys, offences) for match in found.matches)
    return f'{asked}<h2 role="status">{heading}</h2>{compared}<div class="cards">{cards}</div>'


def note(said: str) -> str:
    """A line for people where there are no cards."""
    return f'<p class="empty" role="status">{escape(said)}</p>'


def _match(match: Match, pick: SearchPick, names: Names, keys: FileKeys, offences: Offences) -> str:
    # cosine below 0 means "nothing in common", which people read as 0 %
    percent = round(100 * max(0.0, min(1.0, match.similarity)))
    return _card(match.record, percent, pick, names, keys, offences)


def _card(
    record: EvidenceRecord,
    percent: int | None,
    pick: SearchPick,
    names: Names,
    keys: FileKeys,
    offences: Offences,
    is_query: bool = False,
) -> str:
    facts = "<br>".join(
        escape(each)
        for each in (
            names.date_and_clock(record.first_seen_at),
            names.camera(record.camera_id),
            names.rule(record.rule_id),
            names.say("search.dwell", dwell=names.duration(record.dwell_s)),
        )
    )
    bar = ""
    if percent is not None:
        said = escape(names.say("search.similarity", percent=percent))
        bar = f'<div class="similarity"><b>{said}</b><span style="width:{percent}%"></span></div>'
    use = ""
    if not is_query:
        link = address_of(
            replace(pick, evidence_id=record.evidence_id, upload=None, text=""), names
        )
        said = escape(names.say("search.use_this"))
        use = f'<a class="use" href="{escape(link, quote=True)}">{said}</a>'
    return (
        f'<article class="card" data-evidence="{escape(record.evidence_id, quote=True)}">'
        f"{_picture(record, names, keys, offences)}{bar}"
        f'<div class="facts">{state_chip(record.outcome, names)}<br>{facts}</div>{use}</article>'
    )


def _picture(record: EvidenceRecord, names: Names, keys: FileKeys, offences: Offences) -> str:
    pictures = masked_pictures(record.files)
    if not pictures:
        return f'<div class="no-picture">{escape(names.say("search.no_picture"))}</div>'
    address = keys.address(record.evidence_id, pictures[0].name, MASKED_FOR_S)
    sighting = sighting_of(pictures[0], offences.get(record.offence_id))
    return picture(address, names.say("history.snapshot"), sighting, is_close_up=True)
