"""Turn the end of an offence into sealed evidence: clip, pictures, numbers, row, event.

What cannot be had (footage that is gone, a picture that cannot be decoded) is named in the record,
which is then incomplete; it is sealed all the same. What may be had later (a server that is away,
a full disk, a tail still being recorded) raises TryAgain, and nothing is left half-done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import structlog

from domain.errors import ForewarnError, PutAside, Stop, TryAgain
from domain.events import Event, EvidenceSealed, OutcomeData, Sighting
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from domain.ids import mint
from domain.site import Site
from evidence_store.custody import CustodyChain, note_sealed
from evidence_store.footage import FootageClip, FootageFinder, cut_footage, grab_sighting
from evidence_store.manifest import Seal, read_seal
from evidence_store.masking import mask_regions
from evidence_store.stills import crop_box, encode_jpeg
from evidence_store.table import EvidenceTable
from evidence_store.vault import Vault
from evidence_store.verify import verify_record
from flows.steps.preserve_faces import FindsFaces, find_all_faces
from flows.steps.preserve_story import tell_story

log = structlog.get_logger()
_T = TypeVar("_T")


class Embeds(Protocol):
    """What subjects look like, as vectors (models/serving's Embedder)."""

    def embed(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        """(n, 1280) float32 of unit length. Raises TryAgain while the server is away."""


@dataclass(frozen=True)
class PreserveModels:
    """The models that evidence needs."""

    embedder: Embeds
    faces: FindsFaces
    describe: Callable[[np.ndarray], np.ndarray]  # crop -> (256,): models/appearance
    versions: str  # "detector=<sha12> embedder=<sha12> face-detector=<sha12>"


@dataclass(frozen=True)
class PreserveParts:
    """What the front door hands to the preserve flow."""

    site: Site
    footage: FootageFinder
    models: PreserveModels
    vault: Vault
    table: EvidenceTable
    custody: CustodyChain  # its key signs the records, too
    software_version: str
    lead_s: float = 3.0  # footage before the first sighting
    tail_s: float = 3.0  # and after the last


def preserve(event: Event, history: Sequence[Event], parts: PreserveParts) -> Event:
    """Seal the evidence of one offence; done already, it only says so again.

    Args:
        event: how the offence ended (one of OUTCOME_TYPES).
        history: the offence's events before, in order; goes into numbers.json.
    Returns:
        the EvidenceSealed event; the record lies in the vault and in the table.
    Raises:
        TryAgain: something that may come back is away; call again later.
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
    record = vault.read(evidence_id)
    if record is not None and not verify_record(record, vault):
        return record
    aside = vault.set_aside(evidence_id)
    parts.custody.append("set aside", evidence_id, {"folder": aside.name})
    return None


@dataclass
class _Gathering:
    """Files and reasons, as the parts of one record come in."""

    folder: Path
    roles: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def attempt(self, part: str, make: Callable[[], _T]) -> _T | None:
        """Make one part; why it could not be made is put on record."""
        try:
            return make()
        except (TryAgain, Stop, OSError):
            raise
        except ForewarnError as error:
            self.missing.append(f"{part}: {error}")
        except Exception as error:  # one strange file must not hold up all evidence after it
            log.exception("evidence_part_failed", part=part)
            self.missing.append(f"{part}: {type(error).__name__}: {error}")
        return None

    def write(self, name: str, role: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)
        self.roles[name] = role


def _seal(
    evidence_id: str,
    event: Event,
    data: OutcomeData,
    history: Sequence[Event],
    parts: PreserveParts,
) -> EvidenceRecord:
    with parts.vault.draft(evidence_id) as folder:
        gathering = _Gathering(folder)
        clips = _cut_clips(gathering, data, parts)
        _take_snapshots(gathering, clips, data, parts.models)
        embedding, appearance = _describe_subject(gathering, clips, data, parts.models)
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
            best_score=max(each.score for each in _sightings(data)),
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
        )
        story = tell_story(event, history, clips, parts.site, gathering.remarks)
        return parts.vault.seal(folder, record, gathering.roles, story, parts.custody.signer)


def _cut_clips(gathering: _Gathering, data: OutcomeData, parts: PreserveParts) -> list[FootageClip]:
    """Cut first sighting to last, with lead and tail; say what the clips do not show."""
    first, last = data.first_sighting, data.last_sighting
    from_at = first.at - timedelta(seconds=parts.lead_s)
    to_at = last.at + timedelta(seconds=parts.tail_s)
    footage = parts.footage.find(data.camera_id, from_at, to_at, first)
    clips = (
        gathering.attempt("clip", lambda: cut_footage(footage, gathering.folder, "clip"))
        if footage.pieces
        else None
    ) or []
    # lead and tail are a courtesy: a gap there is on record, but takes nothing from the evidence
    for gap in footage.gaps:
        is_needed = gap.from_at < last.at and gap.to_at > first.at
        (gathering.missing if is_needed else gathering.remarks).append(f"clip: {gap}")
    for clip in clips:
        gathering.roles[clip.cut.path.name] = "clip"
    if clips:
        gathering.missing += [
            f"clip: does not show the {name} at {each.at.isoformat()}"
            for name, each in _moments(data)
            if all(clip.place_of(each) is None for clip in clips)
        ]
    return clips


def _moments(data: OutcomeData) -> list[tuple[str, Sighting]]:
    """What a clip has to show, with names for people."""
    rungs = [(f"warning {n}", each) for n, each in enumerate(data.rung_sightings, start=1)]
    return [("first sighting", data.first_sighting), *rungs, ("last sighting", data.last_sighting)]


def _sightings(data: OutcomeData) -> list[Sighting]:
    return [each for _, each in _moments(data)]


def _take_snapshots(
    gathering: _Gathering,
    clips: Sequence[FootageClip],
    data: OutcomeData,
    models: PreserveModels,
) -> None:
    """First and last sighting as pictures: as they are, and with the faces masked."""
    for name, sighting in (("first", data.first_sighting), ("last", data.last_sighting)):
        image = _grab(gathering, f"{name} snapshot", clips, sighting)
        if image is None:
            continue
        gathering.write(f"{name}.jpg", "snapshot", encode_jpeg(image))
        boxes = find_all_faces(image, sighting.box_xyxy, models.faces)
        masked = encode_jpeg(mask_regions(image, boxes))
        gathering.write(f"{name}.masked.jpg", "masked snapshot", masked)


def _grab(
    gathering: _Gathering, part: str, clips: Sequence[FootageClip], sighting: Sighting
) -> np.ndarray | None:
    grabbed = gathering.attempt(part, lambda: grab_sighting(clips, sighting))
    if grabbed is None:
        return None
    image, remark = grabbed
    if remark:
        gathering.missing.append(f"{part}: {remark}")
    return image


def _describe_subject(
    gathering: _Gathering,
    clips: Sequence[FootageClip],
    data: OutcomeData,
    models: PreserveModels,
) -> tuple[np.ndarray, np.ndarray]:
    """Embedding and appearance of the subject where it was seen best; zeros where it was not."""
    best = max(_sightings(data), key=lambda each: each.score)

    def describe() -> tuple[np.ndarray, np.ndarray]:
        image, _ = grab_sighting(clips, best)
        crop = crop_box(image, best.box_xyxy)
        embedding = np.asarray(models.embedder.embed([crop]), np.float32).reshape(-1)
        appearance = np.asarray(models.describe(crop), np.float32).reshape(-1)
        _check_vector("embedding", embedding, EMBEDDING_SIZE)
        _check_vector("appearance", appearance, APPEARANCE_SIZE)
        return embedding, appearance

    described = gathering.attempt("likeness", describe)
    if described is None:
        return np.zeros(EMBEDDING_SIZE, np.float32), np.zeros(APPEARANCE_SIZE, np.float32)
    return described


def _check_vector(name: str, vector: np.ndarray, size: int) -> None:
    if vector.shape != (size,) or not np.isfinite(vector).all():
        raise PutAside(f"the {name} should be {size} finite numbers, got {vector.shape}")


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
