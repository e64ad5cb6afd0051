"""Typeset the summary of an exported record, in Chinese and English; the pages are `summary.typ`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.custody.chain import Entry
from evidence_store.custody.time_stamper import stamp_on_record
from evidence_store.export.typeset import moment_text, typeset
from evidence_store.media.stills import decode_picture
from evidence_store.vault.manifest import read_seal

_TEMPLATE = Path(__file__).with_name("summary.typ")


def write_summaries(
    record: EvidenceRecord, story: dict[str, Any], entries: Sequence[Entry], folder: Path
) -> None:
    """Write summary.zh.pdf and summary.en.pdf into an export's folder, which holds the files that leave.

    `story` is what the record's numbers.json tells, `entries` what the custody chain does.

    Raises:
        Stop: the typesetter or its font is not installed.
    """
    paths = [folder / "record" / name for name in _pictures_of(record)]
    pictures = [path for path in paths if _is_picture(path)]

    def facts_in(language: str) -> dict[str, Any]:
        facts = _facts(record, story, entries, folder, language)
        return facts | {"pictures": [path.name for path in pictures]}

    typeset(_TEMPLATE, facts_in, folder, pictures)


def _facts(
    record: EvidenceRecord,
    story: dict[str, Any],
    entries: Sequence[Entry],
    folder: Path,
    language: str,
) -> dict[str, Any]:
    seal, stamp = read_seal(folder / "record"), stamp_on_record(entries)
    title = (story.get("camera") or {}).get("title") or {}
    return {
        "language": language,
        "evidence_id": record.evidence_id,
        "offence_id": record.offence_id,
        "camera": title.get(language, record.camera_id),
        "zone": record.zone_id,
        "rule": _rule(record, story, language),
        "outcome": record.outcome,
        "first_seen_at": moment_text(record.first_seen_at),
        "ended_at": moment_text(record.ended_at),
        "dwell_s": f"{record.dwell_s:.1f}",
        "calls": _calls(story, language),
        "complete": record.complete,
        "missing": list(record.missing),
        "models": record.model_versions,
        "software": record.software_version,
        "manifest_sha256": seal.manifest_sha256 if seal else "",
        "key_id": seal.key_id if seal else "",
        "stamp": f"{moment_text(stamp[0])} · {stamp[1]}" if stamp else "",
        "files": [
            {
                "name": file.name,
                "role": file.role,
                "sha256": file.sha256,
                "here": (folder / "record" / file.name).is_file(),
            }
            for file in record.files
        ],
        "custody": [
            {
                "at": moment_text(str(entry["at"])),
                "who": str(entry["who"]),
                "kind": str(entry["kind"]),
                "reason": _reason(entry),
            }
            for entry in entries
        ],
    }


def _rule(record: EvidenceRecord, story: dict[str, Any], language: str) -> str:
    """Return the rule's title, its category and its legal basis; else its id."""
    rule = story.get("rule") or {}
    named = [
        (rule.get("title") or {}).get(language, record.rule_id),
        (story.get("category_title") or {}).get(language) or rule.get("category") or "",
        (rule.get("legal_basis") or {}).get(language, ""),
    ]
    return " · ".join(str(name) for name in named if name)


def _reason(entry: Entry) -> str:
    """Return an entry's reason, and for a hold who answers for it and until when."""
    details = entry["details"]
    parts = [str(details.get("reason", "")), str(details.get("owner", ""))]
    until = str(details.get("until", ""))
    return " · ".join(filter(None, [*parts, f"→ {moment_text(until)}" if until else ""]))


def _calls(story: dict[str, Any], language: str) -> list[dict[str, str]]:
    """Return each rung that came due: when, and its text."""
    return [
        {
            "at": moment_text(str(event.get("time", ""))),
            "text": str(event["data"]["text"].get(language, "")),
        }
        for event in story.get("history") or []
        if isinstance(event.get("data", {}).get("text"), dict)
        and str(event.get("type", "")).startswith("forewarn.offence.warned.")
    ]


def _pictures_of(record: EvidenceRecord) -> list[str]:
    """Return the names of the pictures to show, in order of time: those drawn on; else the masked ones."""
    for role in ("drawn snapshot", "masked snapshot"):
        names = sorted(file.name for file in record.files if file.role == role)
        # first, rung-1, …, last
        if names:
            return sorted(names, key=lambda name: name.startswith("last"))
    return []


def _is_picture(path: Path) -> bool:
    """Return False where it is missing or cannot be decoded: the export goes on without it."""
    try:
        decode_picture(path.read_bytes(), path.name)
    except (OSError, PutAside):
        return False
    return True
