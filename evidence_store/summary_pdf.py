"""The typeset summary of an exported record, in Chinese and English, by typst.

The pages are `summary.typ`; everything they say comes from the record, as data, so that no text of a
record can become markup.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.custody import Entry
from evidence_store.fonts import font_folder
from evidence_store.manifest import read_seal
from evidence_store.stamper import stamp_told
from evidence_store.stills import decode_picture

LANGUAGES = ("zh", "en")
_TEMPLATE = Path(__file__).with_name("summary.typ")


def write_summaries(
    record: EvidenceRecord, story: dict[str, Any], entries: Sequence[Entry], folder: Path
) -> None:
    """Write summary.zh.pdf and summary.en.pdf into an export's folder.

    Args:
        folder: holds record/ with the files that leave.
    Raises:
        Stop: the typesetter or its font is not installed.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix="forewarn-summary-") as name:
        root = Path(name)
        shutil.copyfile(_TEMPLATE, root / "summary.typ")
        pictures = [each for each in _pictures_of(record) if _is_picture(folder / "record" / each)]
        for each in pictures:
            shutil.copyfile(folder / "record" / each, root / each)
        for language in LANGUAGES:
            facts = _facts(record, story, entries, folder, language)
            told = json.dumps(facts | {"pictures": pictures}, ensure_ascii=False)
            (root / "facts.json").write_text(told, encoding="utf-8")
            pdf = typst.compile(
                str(root / "summary.typ"),
                root=str(root),
                font_paths=[str(font_folder())],
                ignore_system_fonts=True,
            )
            (folder / f"summary.{language}.pdf").write_bytes(pdf)


def _facts(
    record: EvidenceRecord,
    story: dict[str, Any],
    entries: Sequence[Entry],
    folder: Path,
    language: str,
) -> dict[str, Any]:
    """What the pages say, as JSON values in one language."""
    seal = read_seal(folder / "record")
    title = (story.get("camera") or {}).get("title") or {}
    return {
        "language": language,
        "evidence_id": record.evidence_id,
        "offence_id": record.offence_id,
        "camera": title.get(language, record.camera_id),
        "zone": record.zone_id,
        "rule": _rule(record, story, language),
        "outcome": record.outcome,
        "first_seen_at": _moment(record.first_seen_at),
        "ended_at": _moment(record.ended_at),
        "dwell_s": f"{record.dwell_s:.1f}",
        "calls": _calls(story, language),
        "complete": record.complete,
        "missing": list(record.missing),
        "models": record.model_versions,
        "software": record.software_version,
        "manifest_sha256": seal.manifest_sha256 if seal else "",
        "key_id": seal.key_id if seal else "",
        "stamp": _stamp(entries),
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
                "at": _moment(str(entry["at"])),
                "who": str(entry["who"]),
                "kind": str(entry["kind"]),
                "reason": _reason(entry),
            }
            for entry in entries
        ],
    }


def _rule(record: EvidenceRecord, story: dict[str, Any], language: str) -> str:
    """What the rule is called, its category and what it stands on; else its id."""
    rule = story.get("rule") or {}
    named = [
        (rule.get("title") or {}).get(language, record.rule_id),
        (story.get("category_title") or {}).get(language) or rule.get("category") or "",
        (rule.get("legal_basis") or {}).get(language, ""),
    ]
    return " · ".join(str(each) for each in named if each)


def _stamp(entries: Sequence[Entry]) -> str:
    told = stamp_told(entries)
    return f"{_moment(told[0])} · {told[1]}" if told else ""


def _reason(entry: Entry) -> str:
    """Why, and for a hold who answers for it and until when."""
    details = entry["details"]
    parts = [str(details.get("reason", "")), str(details.get("owner", ""))]
    until = str(details.get("until", ""))
    return " · ".join(filter(None, [*parts, f"→ {_moment(until)}" if until else ""]))


def _calls(story: dict[str, Any], language: str) -> list[dict[str, str]]:
    """Each rung that came due: when, and its text."""
    return [
        {
            "at": _moment(str(event.get("time", ""))),
            "text": str(event["data"]["text"].get(language, "")),
        }
        for event in story.get("history") or []
        if isinstance(event.get("data", {}).get("text"), dict)
        and str(event.get("type", "")).startswith("forewarn.offence.warned.")
    ]


def _pictures_of(record: EvidenceRecord) -> list[str]:
    """Names of the pictures to show, in order of time: those drawn on; else the masked ones."""
    for role in ("drawn snapshot", "masked snapshot"):
        names = sorted(file.name for file in record.files if file.role == role)
        if names:  # first, rung-1, .., last
            return sorted(names, key=lambda name: name.startswith("last"))
    return []


def _is_picture(path: Path) -> bool:
    """False where it is missing or cannot be decoded: the export goes on without it."""
    try:
        decode_picture(path.read_bytes(), path.name)
    except (OSError, PutAside):
        return False
    return True


def _moment(moment: datetime | str) -> str:
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return str(moment)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
