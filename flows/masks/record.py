"""Make masked copies of a sealed record's clips, after it was sealed."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import structlog
from av.error import FFmpegError
from pydantic import ValidationError

from domain.errors import PutAside, Stop, TryAgain
from domain.events.base import OutcomeData, Sighting, TrackPoint
from domain.events.catalog import DATA_BY_TYPE, Event, EvidenceFile, EvidenceMasked, EvidenceSealed
from domain.ids import mint
from domain.site.conditions import Condition
from domain.site.rules import Rule
from domain.site.storage import ALL_MAY_BE_USED, KeptFree
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.records_on_chain import check_not_erased
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.vault.additions import add_files, added_files, faults_of_added
from evidence_store.vault.clip_times import ClipTimes
from evidence_store.vault.vault import Vault
from flows.masks.clip import MaskTools, mask_clip
from flows.masks.subject import subject_kind
from flows.masks.subject_path import PathPoint

log = structlog.get_logger()

DISK_TROUBLE = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO, errno.EDQUOT)


def mask_record(
    sealed: Event,
    vault: Vault,
    chain: CustodyChain,
    tools: MaskTools,
    models: str = "",
    kept_free: KeptFree = ALL_MAY_BE_USED,
) -> Event[EvidenceMasked]:
    """Mask every clip of a record; done already, it only says so again.

    `sealed` is an EvidenceSealed; `models` are the versions in use, for the custody chain. What could
    not be masked is named in the event. Nothing is begun where less than `kept_free` is left.

    Raises:
        TryAgain: something that may come back is away; call again later.
        Stop: the set-up is wrong.
    """
    data = sealed.data
    if not isinstance(data, EvidenceSealed):
        raise Stop(f"{sealed.id}: only sealed evidence can be masked, got {sealed.type}")
    clips = [file for file in data.files if file.role == "clip"]
    files = _made_before(data.evidence_id, vault, chain)
    reason = ""
    if not files and clips:
        try:
            files = _make(data.evidence_id, clips, vault, chain, tools, models, kept_free)
            log.info("evidence_masked", evidence_id=data.evidence_id, clips=len(files))
        except PutAside as error:
            reason = str(error)
            log.warning("evidence_not_masked", evidence_id=data.evidence_id, reason=reason)
        except (TryAgain, Stop):
            raise
        except Exception as error:  # one strange clip must not hold up all that come after it
            reason = f"{type(error).__name__}: {error}"
            log.exception("evidence_not_masked", evidence_id=data.evidence_id)
    return _masked_event(sealed, data, files, reason or ("" if clips else "it has no clip"))


def _made_before(evidence_id: str, vault: Vault, chain: CustodyChain) -> tuple[EvidenceFile, ...]:
    files = added_files(chain.about(evidence_id))
    return () if faults_of_added(vault, evidence_id, files) else files


def _make(
    evidence_id: str,
    clips: list[EvidenceFile],
    vault: Vault,
    chain: CustodyChain,
    tools: MaskTools,
    models: str,
    kept_free: KeptFree,
) -> tuple[EvidenceFile, ...]:
    if not vault.folder_of(evidence_id).is_dir():
        raise PutAside(f"{evidence_id}: is not in the vault any more")
    with reraise_as_try_again(f"masked clips of {evidence_id}", vault.folder):
        kept_free.check_room(vault.folder)
    story = vault.story(evidence_id)
    outcome, kind = _outcome(story), subject_kind(_condition(story))
    details: dict[str, Any] = {"models": models, "clips": {}}
    with vault.draft(evidence_id) as folder:
        # in the draft: whoever erases tells the chain first, and then deletes drafts
        check_not_erased(evidence_id, chain)
        roles = {}
        for clip in clips:
            plain = folder / clip.name
            vault.copy_out(evidence_id, clip.name, plain)
            name = f"{Path(clip.name).stem}.masked.mp4"
            track = _track(story, outcome, clip.name)
            try:
                done = mask_clip(plain, folder / name, track, tools, kind)
            except FFmpegError as error:
                if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
                    raise  # not the clip's fault: tried again
                raise PutAside(f"{clip.name}: cannot be masked: {error}") from error
            plain.unlink()
            roles[name] = "masked clip"
            details["clips"][name] = {"from": clip.name, "from_sha256": clip.sha256, **done}
        return add_files(vault, chain, evidence_id, folder, roles, details)


def _outcome(story: dict[str, Any]) -> OutcomeData:
    try:
        outcome = DATA_BY_TYPE[story["outcome"]["type"]].model_validate(story["outcome"]["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise PutAside(f"its numbers do not tell where the subject was: {error}") from error
    if not isinstance(outcome, OutcomeData):
        raise PutAside("its numbers do not tell how the offence ended")
    return outcome


def _condition(story: dict[str, Any]) -> Condition | None:
    """Return the condition of the rule in force; None: no longer known when the record was sealed."""
    try:
        return Rule.model_validate(story["rule"]).condition
    except (KeyError, ValidationError):
        return None


def _track(story: dict[str, Any], outcome: OutcomeData, clip: str) -> list[PathPoint]:
    """Return where the subject is known to be, in the clip's own time."""
    times = ClipTimes.of(story, outcome, clip)
    if times is None:
        return []
    sightings = (outcome.first_sighting, *outcome.rung_sightings, outcome.last_sighting)
    places = {}
    points: list[TrackPoint | Sighting] = [*outcome.track, *sightings]
    for point in points:
        at_s = times.media_time_s(point)
        if at_s is not None:
            places[round(at_s, 3)] = PathPoint(at_s, point.box_xyxy)
    return sorted(places.values(), key=lambda place: place.at_s)


def masked_event_id(evidence_id: str) -> str:
    """Return the id of the event that says what came of masking a record."""
    return mint("evt", evidence_id, EvidenceMasked.event_type)


def _masked_event(
    sealed: Event, data: EvidenceSealed, files: tuple[EvidenceFile, ...], reason: str
) -> Event[EvidenceMasked]:
    masked = EvidenceMasked(
        evidence_id=data.evidence_id,
        offence_id=data.offence_id,
        site_id=data.site_id,
        camera_id=data.camera_id,
        files=files,
        reason=reason,
    )
    return Event(
        id=masked_event_id(data.evidence_id),
        source=f"forewarn/{data.site_id}/mask",
        subject=data.evidence_id,
        time=sealed.time,
        data=masked,
    )
