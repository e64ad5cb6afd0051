"""Measure each record before any judgement: one row of numbers and words a record.

Plain NumPy and Arrow; Great Expectations cannot look at pictures or hash files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.events.catalog import OffenceWarned
from domain.evidence import EvidenceRecord
from domain.ids import mint
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from domain.site.site import Site
from evidence_store.media.stills import crop_box, decode_picture
from evidence_store.table_of_vault import open_evidence_table
from evidence_store.vault.vault import Vault
from evidence_store.verify_data_folder import Verifier

# and a picture of each moment: first and last sighting, every rung that came due
WANTED_ROLES = {"clip": 1, "numbers": 1}
PICTURE_ROLES = ("snapshot", "masked snapshot", "drawn snapshot")
PAGE = 500

Progress = Callable[[int, int], None]  # records measured, of how many


def measure(data: DataDir, site: Site | None, progress: Progress) -> pd.DataFrame:
    """Measure every record of the table, and every sealed folder that the table does not list.

    Args:
        data: the folder to measure.
        site: where a record does not carry its rule, the site file's is used.
        progress: is called with records measured, and of how many.
    Returns:
        a row for each record; the columns are what checks.py names. NaN or None: not measured.
    Raises:
        TableDamaged: the evidence table cannot be read, or is gone.
    """
    verifier, table = Verifier.open(data), open_evidence_table(data)
    vault = verifier.vault
    ids = table.facts().column("evidence_id").to_pylist()
    unlisted = sorted(set(vault.ids()) - set(ids))
    total, rows = len(ids) + len(unlisted), []
    for evidence_id in [*ids, *unlisted]:
        record = table.get(evidence_id)
        rows.append(_measure(evidence_id, record, verifier, site))
        progress(len(rows), total)
    return pd.DataFrame(rows, columns=list(_blank("")) if not rows else None)


def _blank(evidence_id: str) -> dict[str, Any]:
    """Make a row of a record of which nothing could be measured."""
    return {
        "evidence_id": evidence_id,
        "ended_at": None,
        "has_row": False,
        "verify_problems": "",
        "id_fits_offence": True,
        "embedding_norm": np.nan,
        "appearance_norm": np.nan,
        "subject_height_px": np.nan,
        "sharpness": np.nan,
        "brightness": np.nan,
        "clip_duration_s": np.nan,
        "absent_parts": "",
        "missing": "",
        "rule_known": False,
        "score_over_minimum": np.nan,
        "dwell_over_threshold_s": np.nan,
        "lasted_s": np.nan,
        "clip_lead_s": np.nan,
        "outcome": "",
        "rungs_fit_outcome": None,
    }


def _measure(
    evidence_id: str, row: EvidenceRecord | None, verifier: Verifier, site: Site | None
) -> dict[str, Any]:
    vault = verifier.vault
    record = row or vault.read(evidence_id)
    measured = _blank(evidence_id)
    measured["has_row"] = row is not None
    if record is None:
        measured["verify_problems"] = f"{evidence_id}: numbers.json cannot be read"
        return measured
    measured["verify_problems"] = "; ".join(_verify(record, verifier))
    story = vault.story(evidence_id) if _is_id(evidence_id, vault) else {}
    rule, ladder = _rule_in_force(record.rule_id, story, site)
    measured |= (
        _identity(record) | _parts(record) | _rule_facts(record, rule, ladder, _words_spoken(story))
    )
    measured |= {
        "subject_height_px": record.subject_height_px,
        "clip_duration_s": record.clip_duration_s,
        "lasted_s": (record.ended_at - record.first_seen_at).total_seconds(),
        "outcome": record.outcome,
        "ended_at": record.ended_at,
    }
    if record.clip_duration_s > 0:
        lead_s = (record.first_seen_at - record.clip_from_at).total_seconds()
        measured["clip_lead_s"] = lead_s
    return measured | _picture(record, vault, story)


def _verify(record: EvidenceRecord, verifier: Verifier) -> list[str]:
    try:
        return [*verifier.problems_of(record), *verifier.problems]
    except ForewarnError as error:  # an id that could never have a folder
        return [str(error)]


def _is_id(evidence_id: str, vault: Vault) -> bool:
    try:
        vault.folder_of(evidence_id)
    except ForewarnError:
        return False
    return True


def _identity(record: EvidenceRecord) -> dict[str, Any]:
    norms = {
        "embedding_norm": float(np.linalg.norm(record.embedding)),
        "appearance_norm": float(np.linalg.norm(record.appearance)),
    }
    if not record.complete:  # zeros stand for "no picture of the subject"
        norms = {name: norm or np.nan for name, norm in norms.items()}
    return norms | {"id_fits_offence": record.evidence_id == mint("evd", record.offence_id)}


def _parts(record: EvidenceRecord) -> dict[str, Any]:
    roles: list[str] = [file.role for file in record.files]
    pictures = dict.fromkeys(PICTURE_ROLES, 2 + record.rungs_spoken)
    absent = [
        f"{role} ({roles.count(role)}/{wanted})"
        for role, wanted in (WANTED_ROLES | pictures).items()
        if roles.count(role) < wanted
    ]
    missing = "; ".join(record.missing)
    if not missing and not record.complete:
        missing = "incomplete, no reason given"
    return {"absent_parts": ", ".join(absent), "missing": missing}


def _rule_in_force(
    rule_id: str, story: dict[str, Any], site: Site | None
) -> tuple[Rule | None, Ladder | None]:
    """Return the rule and ladder sealed with the record; else the site file's."""
    if story.get("rule") and story.get("ladder"):
        return Rule.model_validate(story["rule"]), Ladder.model_validate(story["ladder"])
    try:
        rule = site.rule(rule_id) if site else None
        return rule, site.ladder(rule.ladder) if site and rule else None
    except KeyError:
        return None, None


def _words_spoken(story: dict[str, Any]) -> int:
    """Count the calls that were an operator's words, and no rung of the ladder."""
    calls = [
        event["data"]
        for event in story.get("history", ())
        if event["type"] == OffenceWarned.event_type
    ]
    return sum(call.get("rung_number") == 0 for call in calls)


def _rule_facts(
    record: EvidenceRecord, rule: Rule | None, ladder: Ladder | None, words: int
) -> dict[str, Any]:
    if rule is None or ladder is None:
        return {"rule_known": False}
    rungs = len(ladder.rungs)
    climbed = record.rungs_spoken - words
    # a repeater's ladder begins higher
    all_of_them = {rungs}
    if ladder.repeat_window_s:
        all_of_them.add(rungs - ladder.repeat_starts_at + 1)
    # before the first rung that speaks nobody has been warned, whatever else was done
    silent = next((n for n, rung in enumerate(ladder.rungs) if rung.announces), rungs)
    fits = {
        "escalated": climbed in all_of_them,
        "exempted": climbed in all_of_them,
        "complied": record.rungs_spoken >= 1 and climbed <= rungs,
        "lapsed": record.rungs_spoken <= silent,
    }.get(record.outcome, climbed <= rungs)
    return {
        "rule_known": rule.id == record.rule_id,
        "score_over_minimum": round(record.best_score - rule.min_score, 4),
        "dwell_over_threshold_s": round(record.dwell_s - rule.threshold_s, 3),
        "rungs_fit_outcome": fits,
    }


def _picture(record: EvidenceRecord, vault: Vault, story: dict[str, Any]) -> dict[str, Any]:
    """Measure sharpness and light of the subject in the first snapshot; {} where there is none."""
    import cv2

    try:
        sides = story["outcome"]["data"]["first_sighting"]["box_xyxy"]
        left, top, right, bottom = (float(side) for side in sides)
        name = next(
            file.name
            for file in record.files
            if file.role == "snapshot" and file.name.startswith("first")
        )
        content = vault.read_bytes(record.evidence_id, name)
        crop = crop_box(decode_picture(content, name), (left, top, right, bottom))
    except (StopIteration, KeyError, TypeError, ValueError, OSError, ForewarnError):
        return {}
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return {
        "sharpness": round(float(cv2.Laplacian(grey, cv2.CV_64F).var()), 1),
        "brightness": round(float(grey.mean()), 1),
    }
