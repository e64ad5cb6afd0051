"""Put what is known of a record into the reader's words: facts, calls, custody, verification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboards.data.record_lookup import StoredRecord
from dashboards.display_names import DisplayNames
from dashboards.html.history_steps import step_lines
from dashboards.html.step_lines import StepLine
from dashboards.texts import catalogue
from domain.events.catalog import AnnouncementMade
from evidence_store.custody.chain import Entry

# whoever may read the access log is told who did these, and why
ACCESS_KINDS = frozenset({"viewed", "exported", "refused"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a record; `code` where people copy it: an id, a hash, a version."""

    label: str
    value: str
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call: its words, what came of it, and its sound."""

    clock: str
    zh: str
    en: str
    results: list[StepLine]
    sound: str  # address of the sound as it was made; "": none was kept


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file of a record."""

    name: str
    what: str  # its role and size
    sha256: str


@dataclass(frozen=True, slots=True)
class CustodyLine:
    """One entry of the custody chain about a record."""

    number: int
    at: str
    who: str
    what: str
    why: str  # "": no reason was given


def facts_of(stored: StoredRecord, names: DisplayNames) -> list[Fact]:
    """List a record's facts, ids and hashes last."""
    record = stored.record
    camera = ((stored.story.get("camera") or {}).get("title") or {}).get(names.lang)
    category = (stored.story.get("category_title") or {}).get(names.lang)
    score = names.say("record.of_score", score=f"{record.best_score:.2f}")
    words = {
        "camera": str(camera or names.camera(record.camera_id)),
        "zone": names.place(record.camera_id, record.zone_id),
        "category": str(category or names.category(record.rule_id) or record.category),
        "first_seen": names.date_and_clock(record.first_seen_at),
        "ended": names.date_and_clock(record.ended_at),
        "dwell": names.duration(record.dwell_s),
        "rungs": str(record.rungs_spoken),
        "height": f"{record.subject_height_px:.0f} px",
        "score": score,
        "missing": "; ".join(record.missing),
    }
    codes = {
        "evidence_id": record.evidence_id,
        "offence_id": record.offence_id,
        "subject_id": record.subject_id,
        "camera_id": record.camera_id,
        "rule_id": record.rule_id,
        "manifest": stored.manifest_sha256,
        "key": stored.key_id,
        "models": record.model_versions,
        "software": record.software_version,
    }
    return [
        *(Fact(names.say(f"record.fact_{key}"), value) for key, value in words.items() if value),
        *(
            Fact(names.say(f"record.fact_{key}"), value, is_code=True)
            for key, value in codes.items()
            if value
        ),
    ]


def call_lines(
    stored: StoredRecord, names: DisplayNames, address: Callable[[str], str]
) -> list[CallLine]:
    """List the calls with what came of each; `address` gives the one of a file by its name."""
    sounds = {
        str(call.get("event_id")): call.get("file") for call in stored.story.get("calls") or ()
    }
    kept = {file.name for file in stored.record.files if file.role == "announcement"}
    lines = []
    for event in stored.offence.history if stored.offence else ():
        made = event.data
        if isinstance(made, AnnouncementMade):
            name = sounds.get(event.id)
            sound = address(name) if name in kept else ""
            clock = names.clock(event.time)
            results = step_lines(made, names)
            lines.append(CallLine(clock, made.text.zh, made.text.en, results, sound))
    return lines


def file_lines(stored: StoredRecord, names: DisplayNames) -> list[FileLine]:
    """Describe the record's files, and the masked copies that were added to it."""
    lines = []
    for file in [*stored.record.files, *stored.masked_clips]:
        role = _named("record.role_", file.role, names)
        what = f"{role} · {file.size_bytes / 1000:,.0f} kB"
        lines.append(FileLine(file.name, what, file.sha256))
    return lines


def custody_lines(
    entries: Sequence[Entry], names: DisplayNames, *, names_lookers: bool
) -> list[CustodyLine]:
    """Describe entries of the chain, the newest first.

    `names_lookers` False: who looked at a record or took it away, and why, is not told.
    """
    lines = []
    for entry in reversed(entries):
        is_told = names_lookers or entry["kind"] not in ACCESS_KINDS
        lines.append(
            CustodyLine(
                int(entry["number"]),
                _moment(entry, names),
                str(entry["who"]) if is_told else names.say("record.in_access_log"),
                _named("custody.", str(entry["kind"]), names),
                str(_details(entry).get("reason") or "") if is_told else "",
            )
        )
    return lines


def verification_line(stored: StoredRecord, names: DisplayNames) -> StepLine:
    """Say when the record was hashed again last, and what came of it."""
    own = [entry for entry in stored.entries if entry["kind"] == "verified"]
    of_all = [entry for entry in stored.checks if entry["number"] > _sealed_at(stored)]
    last = max([*own, *of_all], key=lambda entry: int(entry["number"]), default=None)
    if last is None:
        return StepLine(names.say("record.never_verified"), "not-spoken")
    facts = {"when": _moment(last, names), "who": str(last["who"])}
    problems = int(_details(last).get("problems") or 0)
    if not problems:
        return StepLine(names.say("record.verified", **facts), "spoken")
    # a check of all records does not say which of them it found fault with
    key = "record.verified_faults" if last["evidence_id"] else "record.verified_others"
    return StepLine(names.say(key, count=problems, **facts), "not-spoken")


def _sealed_at(stored: StoredRecord) -> int:
    sealed = (int(entry["number"]) for entry in stored.entries if entry["kind"] == "sealed")
    return max(sealed, default=0)


def _named(prefix: str, word: str, names: DisplayNames) -> str:
    """Name a word of the store; as it is where the catalogue does not know it."""
    key = prefix + word.replace(" ", "_").replace("-", "_")
    return names.say(key) if key in catalogue() else word


def _moment(entry: Entry, names: DisplayNames) -> str:
    return names.date_and_clock(datetime.fromisoformat(str(entry["at"])))


def _details(entry: Entry) -> dict[str, Any]:
    details = entry.get("details")
    return details if isinstance(details, dict) else {}
