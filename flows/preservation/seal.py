"""Turn the end of an offence into sealed evidence: clip, pictures, numbers, row, event.

What cannot be had (footage that is gone, a picture that cannot be decoded) is named in the record,
which is then incomplete; it is sealed all the same. What may be had later (a server that is away,
a full disk, a tail still being recorded) raises TryAgain, and nothing is left half-done.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import structlog

from domain.errors import PutAside, Stop
from domain.events.catalog import Event, EvidenceSealed, OutcomeData, narrow_event
from domain.evidence import EvidenceRecord
from domain.ids import mint
from domain.site.site import Site
from evidence_store.custody.chain import last_standing, note_sealed
from evidence_store.custody.records_on_chain import check_not_erased
from evidence_store.files.folder_lock import shared_lock
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.recordings.footage_clips import FootageClip
from evidence_store.search.stored_table import TableDamaged
from evidence_store.vault.manifest import Seal, read_seal
from evidence_store.vault.verify_record import verify_record
from flows.preservation.clips import best_sighting, cut_clips
from flows.preservation.draft_record import DraftRecord, PreserveParts
from flows.preservation.numbers import explain_record
from flows.preservation.pictures import describe_subject, take_pictures
from flows.preservation.sounds import gather_sounds

log = structlog.get_logger()


def preserve(event: Event, history: Sequence[Event], parts: PreserveParts) -> Event[EvidenceSealed]:
    """Seal the evidence of one offence in vault and table; done already, it only says so again.

    `event` is how the offence ended (one of OUTCOME_TYPES); `history` are its events before, in order,
    for numbers.json.

    Raises:
        TryAgain: something that may come back is away; call again later.
        AlreadyErased: its record was sealed and erased before this was asked again.
        Stop: the set-up is wrong.
    """
    ended = narrow_event(event, OutcomeData)
    if ended is None:
        raise Stop(f"{event.id}: only the end of an offence can be preserved, got {event.type}")
    evidence_id = mint("evd", ended.data.offence_id)
    record = _find_sealed(evidence_id, parts)
    if record is None:
        record = _seal(evidence_id, ended, history, parts)
    seal = _register(ended, record, parts)
    return _sealed_event(ended, record, seal)


def _find_sealed(evidence_id: str, parts: PreserveParts) -> EvidenceRecord | None:
    """Return an earlier run's record, if it is whole; move a damaged one aside, never overwrite it."""
    vault = parts.vault
    folder = vault.folder_of(evidence_id)
    if not folder.exists():
        return None
    # neither a record that only cannot be opened here nor one that comes under another key is damaged
    vault.check_keys(evidence_id)
    with shared_lock(folder):
        record = vault.read(evidence_id)
        if record is not None and _is_ours(record, parts):
            return record

    def note_aside(aside: Path) -> None:
        parts.custody.append("set aside", evidence_id, {"folder": aside.name})

    vault.set_aside(evidence_id, note_aside)
    return None


def _is_ours(record: EvidenceRecord, parts: PreserveParts) -> bool:
    """Tell whether a sealed folder is what this site sealed: by its chain, and by its key's signature.

    What is not would become so: its sealing is noted in the chain, under the site's signature.
    """
    vault, custody = parts.vault, parts.custody
    sealing = last_standing(custody.about(record.evidence_id), "sealed")
    seal = read_seal(vault.folder_of(record.evidence_id))
    if seal is None or (
        sealing and sealing["details"].get("manifest_sha256") != seal.manifest_sha256
    ):
        return False
    # a site may have had no key when it sealed it
    must_be_signed = bool(sealing["key_id"]) if sealing else custody.signer is not None
    return not verify_record(record, vault, custody.own_keys, must_be_signed=must_be_signed)


def _seal(
    evidence_id: str, ended: Event[OutcomeData], history: Sequence[Event], parts: PreserveParts
) -> EvidenceRecord:
    """Gather everything in a draft folder, and seal it."""
    outcome = ended.data
    with reraise_as_try_again(f"evidence {evidence_id}", parts.vault.folder):
        parts.site.storage.kept_free.check_room(parts.vault.folder)
    with parts.vault.draft(evidence_id) as folder:
        # in the draft: whoever erases writes to the chain first, and then deletes drafts
        check_not_erased(evidence_id, parts.custody)
        draft = DraftRecord(folder, beat=parts.beat)
        clips = cut_clips(draft, outcome, parts)
        take_pictures(draft, clips, outcome, parts.site, parts.models)
        vectors = describe_subject(draft, clips, outcome, parts.models)
        calls = gather_sounds(draft, history, parts.sounds)
        details = explain_record(
            ended, history, clips, parts.site, draft.remarks, calls, parts.models.details
        )
        record = _record(evidence_id, ended, draft, clips, vectors, parts)
        parts.beat()
        record = parts.vault.seal(folder, record, draft.roles, details, parts.custody.signer)
    log.info(
        "evidence_sealed",
        evidence_id=evidence_id,
        offence_id=outcome.offence_id,
        complete=record.complete,
        clip_s=round(record.clip_duration_s, 1),
    )
    return record


def _record(
    evidence_id: str,
    ended: Event[OutcomeData],
    draft: DraftRecord,
    clips: Sequence[FootageClip],
    vectors: tuple[np.ndarray, np.ndarray],
    parts: PreserveParts,
) -> EvidenceRecord:
    outcome = ended.data
    embedding, appearance = vectors
    _, top, _, bottom = outcome.first_sighting.box_xyxy
    return EvidenceRecord(
        evidence_id=evidence_id,
        offence_id=outcome.offence_id,
        site_id=outcome.site_id,
        camera_id=outcome.camera_id,
        zone_id=outcome.zone_id,
        rule_id=outcome.rule_id,
        subject_id=outcome.subject_id,
        outcome=outcome.state,
        first_seen_at=outcome.first_seen_at,
        ended_at=ended.time,
        dwell_s=outcome.dwell_s,
        rungs_spoken=len(outcome.rung_sightings),
        best_score=best_sighting(outcome).score,
        subject_height_px=bottom - top,
        clip_duration_s=sum(clip.cut.duration_s for clip in clips),
        clip_from_at=clips[0].from_at if clips else outcome.first_seen_at,
        complete=not draft.missing,
        missing=tuple(draft.missing),
        files=(),  # the vault lists them when it seals
        embedding=embedding,
        appearance=appearance,
        model_versions=_versions(outcome, parts.models.versions),
        software_version=parts.software_version,
        category=_category(outcome.rule_id, parts.site),
    )


def _versions(outcome: OutcomeData, of_all: str) -> str:
    """Return the versions of the models, with that of a detector which few cameras use and this one did."""
    sightings = (outcome.first_sighting, *outcome.rung_sightings)
    seen_by = [sighting.seen_by for sighting in sightings if sighting.seen_by]
    return " ".join(dict.fromkeys([of_all, *seen_by]))


def _register(ended: Event[OutcomeData], record: EvidenceRecord, parts: PreserveParts) -> Seal:
    """Enter a sealed record in the custody chain and in the table."""
    folder = parts.vault.folder_of(record.evidence_id)
    parts.beat()
    # without the lock an erasure could go by between the record and its row
    with shared_lock(folder):
        check_not_erased(record.evidence_id, parts.custody)
        # first the chain: a row that it does not know of would look slipped in
        note_sealed(parts.custody, folder, record.offence_id, parts.log_head())
        try:
            parts.table.put([record])
        except TableDamaged as error:
            # the vault is the truth: sealing goes on, and the row is made with the table
            log.warning("evidence_table_damaged", reason=str(error))
            reason = "lancedb/ is damaged or gone: `forewarn evidence rebuild-table` makes it anew"
            parts.row_aside.note(ended, PutAside(reason), "row")
        seal = read_seal(folder)
    assert seal is not None  # it was just written, or verified
    return seal


def _category(rule_id: str, site: Site) -> str:
    try:
        return site.rule(rule_id).category or ""
    except KeyError:  # the site file has lost the rule meanwhile
        return ""


def _sealed_event(
    ended: Event[OutcomeData], record: EvidenceRecord, seal: Seal
) -> Event[EvidenceSealed]:
    sealed = EvidenceSealed(
        evidence_id=record.evidence_id,
        offence_id=record.offence_id,
        site_id=record.site_id,
        camera_id=record.camera_id,
        rule_id=record.rule_id,
        outcome=record.outcome,
        complete=record.complete,
        missing=record.missing,
        files=record.files,
        manifest_sha256=seal.manifest_sha256,
        signed_by=seal.key_id,
    )
    return Event(
        id=mint("evt", record.evidence_id, sealed.event_type),
        source=f"forewarn/{record.site_id}/preserve",
        subject=record.evidence_id,
        time=ended.time,
        data=sealed,
    )
