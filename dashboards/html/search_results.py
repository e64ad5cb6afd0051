"""Draw evidence records and matches as cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from dashboards.access.file_tokens import MASKED_FOR_S, FileTokens
from dashboards.data.evidence_lookup import EvidenceFound
from dashboards.data.offence_projection import OffenceView
from dashboards.display_names import DisplayNames
from dashboards.html.rendering import render
from dashboards.html.subject_picture import SubjectPicture, masked_pictures, sighting_of
from dashboards.html.uncertainty import perhaps_notes
from dashboards.selections import SearchSelection
from domain.evidence import EvidenceRecord
from evidence_store.search.similarity import Match

ADDRESS_TIME = "%Y-%m-%dT%H:%M"

# by id; old ones are not known any more, and their pictures are shown whole
Offences = Mapping[str, OffenceView]


@dataclass(frozen=True, slots=True)
class RecordCard:
    """One record in the reader's words."""

    evidence_id: str
    state: str  # how the offence ended
    facts: list[str]
    picture: SubjectPicture | None  # None: there is no masked one
    record_address: str  # of the record's own page
    percent: int | None = None  # how similar it is; None where nothing was compared
    use_address: str = ""  # of a search with this record; "" for the record that was searched with


def address_of(selection: SearchSelection, names: DisplayNames) -> str:
    """Return the search page's address for a selection, to keep, share and load again; an upload has none."""
    values = {
        "lang": names.lang,
        "evidence": selection.evidence_id,
        "text": selection.text or None,
        "by": selection.by if selection.by != "best" else None,
        "camera": selection.camera_id,
        "rule": selection.rule_id,
        "outcome": selection.outcome,
        "from": _spell(selection.from_at, names),
        "to": _spell(selection.to_at, names),
    }
    return "/search?" + urlencode({name: value for name, value in values.items() if value})


def _spell(moment: datetime | None, names: DisplayNames) -> str | None:
    """Write a moment as the site's clock shows it, to the minute."""
    return moment.astimezone(names.timezone).strftime(ADDRESS_TIME) if moment else None


def recent_cards(
    records: Iterable[EvidenceRecord],
    selection: SearchSelection,
    names: DisplayNames,
    tokens: FileTokens,
    offences: Offences,
) -> str:
    """Draw records to pick from, below a hint to pick one or to upload a picture."""
    cards = [record_card(record, None, selection, names, tokens, offences) for record in records]
    return render("recent_cards.html", names=names, cards=cards)


def found_cards(
    found: EvidenceFound,
    selection: SearchSelection,
    names: DisplayNames,
    tokens: FileTokens,
    offences: Offences,
) -> str:
    """Draw what was compared, then the matches, most similar first."""
    query = None
    if found.query is not None:
        query = record_card(found.query, None, selection, names, tokens, offences, is_query=True)
    compared = names.say(
        "search.all_compared" if found.is_exact else "search.by_index", fitting=f"{found.fitting:,}"
    )
    if found.by_likeness:
        left_out = f"{found.not_described:,}"
        compared += " " + names.say("search.by_likeness", not_described=left_out)
    return render(
        "found_cards.html",
        names=names,
        query=query,
        compared=compared,
        cards=[
            record_card(match.record, percent_of(match), selection, names, tokens, offences)
            for match in found.matches
        ],
    )


def record_address(evidence_id: str, names: DisplayNames) -> str:
    """Return the address of a record's own page."""
    return f"/record/{quote(evidence_id, safe='')}?lang={names.lang}"


def note(text: str) -> str:
    """Draw a line for people where there are no cards."""
    return render("note.html", text=text)


def percent_of(match: Match) -> int:
    """Return how similar a match is, in percent."""
    # cosine below 0 means "nothing in common", which people read as 0 %
    return round(100 * max(0.0, min(1.0, match.similarity)))


def record_card(
    record: EvidenceRecord,
    percent: int | None,
    selection: SearchSelection,
    names: DisplayNames,
    tokens: FileTokens,
    offences: Offences,
    is_query: bool = False,
) -> RecordCard:
    """Describe a record; `percent` None: nothing was compared; `is_query`: it is what was searched with."""
    facts = [
        names.date_and_clock(record.first_seen_at),
        names.camera(record.camera_id),
        names.rule(record.rule_id),
        names.say("search.dwell", dwell=names.duration(record.dwell_s)),
    ]
    if offence := offences.get(record.offence_id):
        facts += perhaps_notes(offence, names)
    use = replace(selection, evidence_id=record.evidence_id, upload=None, text="")
    return RecordCard(
        record.evidence_id,
        record.outcome,
        facts,
        _picture(record, names, tokens, offences),
        record_address(record.evidence_id, names),
        percent,
        "" if is_query else address_of(use, names),
    )


def _picture(
    record: EvidenceRecord, names: DisplayNames, tokens: FileTokens, offences: Offences
) -> SubjectPicture | None:
    pictures = masked_pictures(record.files)
    if not pictures:
        return None
    address = tokens.address(record.evidence_id, pictures[0].name, MASKED_FOR_S)
    sighting = sighting_of(pictures[0], offences.get(record.offence_id))
    return SubjectPicture(address, names.say("history.snapshot"), sighting, is_close_up=True)
