"""A site, its parts with models that need no server, and offences on the sample clip."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from domain.coco_classes import COCO_IDS
from domain.detections import Detections
from domain.errors import TryAgain
from domain.events.announcements import AnnouncementMade
from domain.events.catalog import (
    Event,
    EventData,
    OffenceComplied,
    OffenceData,
    OffenceOpened,
    OffenceWarned,
    Sighting,
)
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE
from domain.frames import SampledFrame
from domain.ids import mint
from domain.site.loading import load_site
from evidence_store.custody.chain import CustodyChain
from evidence_store.keys.signing_keys import new_signer
from evidence_store.recordings.footage import SiteFootage
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.vault import Vault
from flows.preservation.draft_record import PreserveModels, PreserveParts

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SOUND = b"RIFF, as it was played"
BOX = (300.0, 150.0, 360.0, 290.0)


@dataclass
class KnownFaces:
    """Says that there is one face, in the middle of each picture; may be away for a while."""

    failures: int = 0
    error: Exception = field(default_factory=lambda: TryAgain("triton: busy"))

    def find_in_all(
        self, images_rgb: Sequence[np.ndarray], min_score: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        if self.failures > 0:
            self.failures -= 1
            raise self.error
        return [(_middle(image), np.array([0.9], np.float32)) for image in images_rgb]


def _middle(image_rgb: np.ndarray) -> np.ndarray:
    height, width = image_rgb.shape[:2]
    return np.array([[width * 0.45, height * 0.45, width * 0.55, height * 0.55]], np.float32)


@dataclass
class KnownPeople:
    """Says that people stand where they are told to, in pictures of the whole clip's size."""

    boxes: tuple[tuple[float, float, float, float], ...] = ()

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        return [self._look(frame) for frame in frames]

    def _look(self, frame: SampledFrame) -> Detections:
        boxes = self.boxes if frame.stamp.width_px == 768 else ()
        return Detections(
            frame.stamp,
            np.array(boxes, np.float32).reshape(-1, 4),
            np.full(len(boxes), 0.8, np.float32),
            np.full(len(boxes), COCO_IDS["person"], np.int64),
        )


class MeanColours:
    """Embeds crops by their colours: enough to tell one picture from another."""

    def embed(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([colours(crop, EMBEDDING_SIZE) for crop in crops_rgb])


def colours(crop: np.ndarray, size: int) -> np.ndarray:
    counts = np.resize(np.bincount(crop.reshape(-1), minlength=256), size).astype(np.float32)
    return counts / np.linalg.norm(counts)


@pytest.fixture
def known_faces() -> type[KnownFaces]:
    return KnownFaces


@pytest.fixture
def known_people() -> type[KnownPeople]:
    return KnownPeople


@pytest.fixture
def parts(tmp_path: Path, sample_site_file: Path) -> PreserveParts:
    site = load_site(sample_site_file)
    return PreserveParts(
        site=site,
        footage=SiteFootage(site, sample_site_file.parent, tmp_path / "recordings"),
        models=PreserveModels(
            embedder=MeanColours(),
            faces=KnownFaces(),
            people=KnownPeople(),
            describe=lambda crop: colours(crop, APPEARANCE_SIZE),
            versions="detector=aaaaaaaaaaaa",
        ),
        vault=Vault(tmp_path / "evidence"),
        table=EvidenceTable.open(tmp_path / "lancedb"),
        custody=CustodyChain(tmp_path / "custody.jsonl", new_signer()),
        software_version="0.1.0",
    )


def _seen(media_s: float, at: datetime | None = None, score: float = 0.7) -> Sighting:
    """Make a sighting on the sample clip, whose time base is 1/10240."""
    return Sighting(
        at=at or START + timedelta(seconds=media_s),
        media_time_s=media_s,
        pts=round(media_s * 10240),
        time_base="1/10240",
        box_xyxy=BOX,
        score=score,
        frame_width_px=768,
        frame_height_px=576,
    )


def _offence(name: str = "a", first: Sighting | None = None, last: Sighting | None = None) -> Event:
    first, last = first or _seen(8.0), last or _seen(16.4)
    data = OffenceComplied(
        offence_id=mint("ofc", name),
        site_id="campus",
        camera_id="gate-early",
        zone_id="forecourt-early",
        rule_id="no-lingering",
        subject_id="gate-early/3",
        state="complied",
        first_seen_at=first.at,
        dwell_s=(last.at - first.at).total_seconds(),
        sighting=last,
        first_sighting=first,
        rung_sightings=(_seen(first.media_time_s + 4, first.at + timedelta(seconds=4), score=0.9),),
        last_sighting=last,
        basis="seen outside the zone",
    )
    return Event(
        mint("evt", name),
        "forewarn/campus/gate-early",
        data.offence_id,
        last.at + timedelta(seconds=1),
        data,
    )


def _before(ended: Event) -> tuple[Event, Event, Event]:
    """Return what was logged before an offence ended: opened, warned, announced."""
    assert isinstance(ended.data, OffenceComplied)
    facts = ended.data.model_dump(
        exclude={*OffenceComplied.model_fields} - {*OffenceData.model_fields}
    )
    opened = OffenceOpened.model_validate(
        {**facts, "state": "opened", "threshold_s": 4, "first_sighting": ended.data.first_sighting}
    )
    warned = OffenceWarned.model_validate(
        {
            **facts,
            "state": "warned",
            "rung_id": "persuade",
            "rung_number": 1,
            "rung_count": 3,
            "text": {"zh": "请离开", "en": "Please leave"},
        }
    )
    warned_id = mint("evt", ended.id, warned.event_type)
    announced = AnnouncementMade(
        offence_id=facts["offence_id"],
        camera_id=facts["camera_id"],
        rung_id="persuade",
        rung_number=1,
        warned_event_id=warned_id,
        result="written",
        languages=("zh", "en"),
        text=warned.text,
        audio_file=f"announcements/{warned_id}.wav",
        audio_sha256=hashlib.sha256(SOUND).hexdigest(),
        audio_duration_s=1.0,
        engine="espeak-ng",
    )

    def event(data: EventData) -> Event:
        event_id = mint("evt", ended.id, data.event_type)
        return Event(event_id, ended.source, ended.subject, ended.time, data)

    return event(opened), event(warned), event(announced)


@pytest.fixture
def sounds(tmp_path: Path) -> Callable[[Event], Path]:
    """Put the sound of an offence's call where the announcer would have."""

    def put(ended: Event) -> Path:
        announced = _before(ended)[2].data
        assert isinstance(announced, AnnouncementMade) and announced.audio_file
        path = tmp_path / announced.audio_file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(SOUND)
        return path

    return put


@pytest.fixture
def seen() -> Callable[..., Sighting]:
    """Make a sighting: seen(media_s, at, score)."""
    return _seen


@pytest.fixture
def offence() -> Callable[..., Event]:
    """Make the end of an offence: offence(name, first, last)."""
    return _offence


@pytest.fixture
def before() -> Callable[[Event], tuple[Event, Event, Event]]:
    """Make what was logged before an offence ended."""
    return _before
