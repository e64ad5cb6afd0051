"""A staged offence's record as the preserve and mask flows leave it: sealed, signed, masked, with its story."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from staged_evidence import row_of
from staged_pictures import START, jpeg_at
from staged_site import StagedSite

from domain.events.catalog import Event, EvidenceMasked, EvidenceSealed, OutcomeData
from domain.evidence import EvidenceRecord
from domain.ids import mint
from evidence_store.custody.chain import note_sealed
from evidence_store.keys.encryption_keys import find_encryption_keys
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.additions import add_files
from evidence_store.vault.vault import Vault
from tests.support.kept_evidence import chain_of

CLIP_S, CLIP_PICTURES = 79.5, 795  # of the sample clip, which stands for the record's


def story_of(staged: StagedSite, history: list[Event]) -> dict[str, Any]:
    """Tell what numbers.json tells of an offence; each call has a sound, call-1.wav, ..."""
    calls = [event for event in history if event.type.startswith("forewarn.announcement.")]
    rule, camera = staged.site.rule("no-lingering"), staged.site.camera("gate-early")
    return {
        "rule": rule.model_dump(mode="json"),
        "camera": camera.model_dump(mode="json", include={"id", "title"}),
        "history": [as_json(event) for event in history],
        "outcome": next(as_json(event) for event in history if isinstance(event.data, OutcomeData)),
        "calls": [
            {"event_id": event.id, "file": f"call-{number}.wav"}
            for number, event in enumerate(calls, start=1)
        ],
        "clips": [
            {
                "name": "clip.mp4",
                "from_at": START.isoformat(),
                "to_at": (START + timedelta(seconds=CLIP_S)).isoformat(),
                "packets": CLIP_PICTURES,
                "stream_s": "0.0",
            }
        ],
    }


def as_json(event: Event) -> dict[str, Any]:
    """Spell an event as numbers.json does."""
    data = event.data.model_dump(mode="json")
    return {"id": event.id, "type": event.type, "time": event.time.isoformat(), "data": data}


def seal_whole(staged: StagedSite, offence_id: str, outcome: str) -> EvidenceRecord:
    """Seal a staged offence's record, mask its clip, and log, list and sign all of it."""
    evidence_id, data = mint("evd", offence_id), staged.data
    history = [logged.event for logged in staged.log.about(offence_id)]
    about: dict[str, Any] = {"evidence_id": evidence_id, "offence_id": offence_id}
    about |= {"site_id": staged.site.site.id, "camera_id": "gate-early"}
    sealed = EvidenceSealed(
        **about, rule_id="no-lingering", outcome=outcome, complete=True, missing=(), files=()
    )
    vault, chain = Vault(data.evidence, find_encryption_keys(data.keys)), chain_of(data)
    picture, clip = jpeg_at(staged.clip, 10.0), staged.clip.read_bytes()
    story = story_of(staged, history)
    contents = {"clip.mp4": ("clip", clip)}
    for moment in ("first", "rung-1", "last"):
        contents[f"{moment}.jpg"] = ("snapshot", picture)
        contents[f"{moment}.masked.jpg"] = ("masked snapshot", picture)
    for call in story["calls"]:
        contents[call["file"]] = ("announcement", b"RIFF")
    with vault.draft(evidence_id) as draft:
        for name, (_, content) in contents.items():
            (draft / name).write_bytes(content)
        roles = {name: role for name, (role, _) in contents.items()}
        record = vault.seal(draft, row_of(sealed), roles, story, chain.signer)
    note_sealed(chain, vault.folder_of(evidence_id), offence_id)
    with vault.draft(evidence_id) as draft:
        (draft / "clip.masked.mp4").write_bytes(clip)
        roles = {"clip.masked.mp4": "masked clip"}
        added = add_files(vault, chain, evidence_id, draft, roles, {})
        # what was added is a folder of the record's now
    EvidenceTable.open(data.lancedb).put([record])
    at = START + timedelta(seconds=70)
    staged.write(offence_id, at, sealed.model_copy(update={"files": record.files}))
    staged.write(evidence_id, at, EvidenceMasked(**about, files=added))
    return record
