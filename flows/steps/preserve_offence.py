"""Turn the end of an offence into sealed evidence: clip, pictures, numbers, row, event.

What cannot be had (footage that is gone, a picture that cannot be decoded) is named in the record,
which is then incomplete; it is sealed all the same. What may be had later (a server that is away,
a full disk, a tail still being recorded) raises TryAgain, and nothing is left half-done.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import structlog

from domain.errors import Stop
from domain.events import Event, EvidenceSealed, OutcomeData, Sighting
from domain.evidence import EvidenceRecord
from domain.ids import mint
from domain.site import Site
from evidence_store.custody import note_sealed
from evidence_store.erasure import check_not_erased
from evidence_store.folder_lock import as_it_is
from evidence_store.manifest import Seal, read_seal
from evidence_store.verify import verify_record
from flows.steps.preserve_clips import cut_clips
from flows.steps.preserve_gathering import Gathering
from flows.steps.preserve_likeness import describe_subject
from flows.steps.preserve_moments import best_sighting
from flows.steps.preserve_parts import PreserveParts
from flows.steps.preserve_pictures import take_pictures
from flows.steps.preserve_sounds import gather_sounds
from flows.steps.preserve_story import tell_story

log = structlog.get_logger()


def preserve(event: Event, history: Sequence[Event], parts: PreserveParts) -> Event:
    """Seal the evidence of one offence; done already, it only says so again.

    Args:
        event: how the offence ended (one of OUTCOME_TYPES).
        history: the offence's events before, in order; goes into numbers.json.
    Returns:
        the EvidenceSealed event; the record lies in the vault and in the table.
    Raises:
        TryAgain: something that may come back is away; call again later.
        AlreadyErased: its record was sealed and erased before this was asked again.
        Stop: the set-up is wrong.
    """
    data = event.data
    if not isinstance(data, OutcomeData):
        raise Stop(f"{event.id}: only the end of an offence can be preserved, got {event.type}")
    evidence_id = mint("evd", data.offence_id)
    record = _find_sealed(evidence_id, parts)
    if record is None:
        record = _seal(evidence_id, event, data, history, parts)
        log.info(
            "evidence_sealed",
            evidence_id=evidence_id,
            offence_id=data.offence_id,
            complete=record.complete,
            clip_s=round(record.clip_duration_s, 1),
        )
    folder = parts.vault.folder_of(evidence_id)
    with as_it_is(folder):  # else an erasure could go by between the record and its row
        check_not_erased(evidence_id, parts.custody)
        # first the chain: a row that it does not know of would look slipped in
        note_sealed(parts.custody, folder, data.offence_id)
        parts.table.put([record])
        seal = read_seal(folder)
    assert seal is not None  # it was just written, or verified
    return _sealed_event(event, record, seal)


def _find_sealed(evidence_id: str, parts: PreserveParts) -> EvidenceRecord | None:
    """An earlier run's record, if it is whole; a damaged one is moved aside, never overwritten."""
    vault = parts.vault
    if not vault.folder_of(evidence_id).exists():
        return None
    vault.check_keys(evidence_id)  # a record that only cannot be opened here is not damaged
    with as_it_is(vault.folder_of(evidence_id)):  # one that comes under another key is not either
        record = vault.read(evidence_id)
        if record is not None and not verify_record(record, vault):
            return record

    def tell(aside: Path) -> None:
        parts.custody.append("set aside", evidence_id, {"folder": aside.name})

    vault.set_aside(evidence_id, tell)
    return None


def _seal(
    evidence_id: str,
    event: Event,
    data: OutcomeData,
    history: Sequence[Event],
    parts: PreserveParts,
) -> EvidenceRecord:
    with parts.vault.draft(evidence_id) as folder:
        # in the draft: whoever erases tells the chain first, and then deletes drafts
        check_not_erased(evidence_id, parts.custody)
        gathering = Gathering(folder)
        clips = cut_clips(gathering, data, parts)
        take_pictures(gathering, clips, data, parts.site, parts.models)
        embedding, appearance = describe_subject(gathering, clips, data, parts.models)
        calls = gather_sounds(gathering, history, parts.sounds)
        record = EvidenceRecord(
            evidence_id=evidence_id,
            offence_id=data.offence_id,
            site_id=data.site_id,
            camera_id=data.camera_id,
            zone_id=data.zone_id,
            rule_id=data.rule_id,
            subject_id=data.subject_id,
            outcome=data.state,
            first_seen_at=data.first_seen_at,
            ended_at=event.time,
            dwell_s=data.dwell_s,
            rungs_spoken=len(data.rung_sightings),
            best_score=best_sighting(data).score,
            subject_height_px=_height_px(data.first_sighting),
            clip_duration_s=sum(clip.cut.duration_s for clip in clips),
            clip_from_at=clips[0].from_at if clips else data.first_seen_at,
            complete=not gathering.missing,
            missing=tuple(gathering.missing),
            files=(),
            embedding=embedding,
            appearance=appearance,
            model_versions=parts.models.versions,
            software_version=parts.software_version,
            category=_category(data.rule_id, parts.site),
        )
        story = tell_story(
            event, history, clips, parts.site, gathering.remarks, calls, parts.models.details
        )
        return parts.vault.seal(folder, record, gathering.roles, story, parts.custody.signer)


def _category(rule_id: str, site: Site) -> str:
    try:
        return site.rule(rule_id).category or ""
    except KeyError:  # the site file has lost the rule meanwhile
        return ""


def _height_px(sighting: Sighting) -> float:
    return sighting.box_xyxy[3] - sighting.box_xyxy[1]


def _sealed_event(event: Event, record: EvidenceRecord, seal: Seal) -> Event:
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
        time=event.time,
        data=sealed,
    )
