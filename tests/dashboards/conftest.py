"""A data folder as a running system fills it: pictures of the sample clip, live state, events."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from console_people import PEOPLE_ROLES, write_people
from real_browser import browser as browser
from real_browser import page as page

from domain.data_dir import DataDir
from domain.events import (
    AnnouncementMade,
    CameraChanged,
    Event,
    EventData,
    EvidenceFile,
    EvidenceSealed,
    OffenceComplied,
    OffenceEscalated,
    OffenceOpened,
    OffenceWarned,
    Sighting,
)
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from domain.ids import mint
from domain.live_view import LiveTrack, LiveView, write_whole
from domain.site import BothLanguages, Site
from domain.site_file import load_site
from event_log.log import EventLog
from evidence_store.encrypted_file import ENDING, encrypt_file
from evidence_store.encryption_keys import EncryptionKeyFolder, find_encryption_keys
from evidence_store.keys import KeyFolder
from evidence_store.roles import is_original
from evidence_store.table import EvidenceTable

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TILE_WIDTH_PX = 640
# where people stand on the clip, by its second: (box, track id)
PEOPLE = {
    10.0: [((348.0, 199.0, 383.0, 275.0), 3), ((375.0, 178.0, 408.0, 257.0), 4)],
    50.0: [((555.0, 238.0, 594.0, 352.0), 11), ((614.0, 273.0, 642.0, 376.0), 12)],
}


@dataclass(slots=True)
class StagedSite:
    """Plays the watch process and the vault, one step at a time."""

    data: DataDir
    site: Site
    clip: Path
    log: EventLog
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def show(
        self,
        camera_id: str,
        media_time_s: float,
        states: tuple[tuple[str, int], ...] = (),
        status: Any = "up",
        reason: str = "",
    ) -> LiveView:
        """Write a camera's tile; `states` are (state, rung number) of its people in order."""
        people = PEOPLE[media_time_s]
        told = [*states, *[(None, 0)] * (len(people) - len(states))]
        view = LiveView(
            camera_id=camera_id,
            status=status,
            reason=reason,
            captured_at=START + timedelta(seconds=media_time_s),
            width_px=768,
            height_px=576,
            tracks=tuple(
                LiveTrack(
                    track_id=track_id,
                    box_xyxy=box,
                    score=0.7,
                    state=state,
                    rung_number=rung,
                    dwell_s=7.4,
                )
                for (box, track_id), (state, rung) in zip(people, told, strict=True)
            ),
        )
        write_whole(self.data.live / f"{camera_id}.jpg", jpeg_at(self.clip, media_time_s))
        view.write(self.data.live)
        return view

    def keep_alive(self, view: LiveView) -> threading.Event:
        """Write this state again and again, as a live camera does, until the event is set."""
        silence = threading.Event()

        def run() -> None:
            while not self._stop.is_set() and not silence.wait(0.4):
                view.write(self.data.live)

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()
        return silence

    def stop(self) -> None:
        """Let all live cameras fall silent."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def offence(
        self, number: int, ends: str | None = None, calls: int = 1, camera_id: str = "gate-early"
    ) -> str:
        """Log an offence with its calls, spoken, and how it ended; returns its id."""
        opened_at = START + timedelta(seconds=10 * number)
        offence_id = mint("ofc", "staged", camera_id, number)
        rungs = self.site.ladder("three-calls").rungs
        first = _sighting(opened_at - timedelta(seconds=4))
        self.write(
            offence_id,
            opened_at,
            OffenceOpened(
                **self._about(offence_id, camera_id, "opened", opened_at, 4.0),
                threshold_s=4.0,
                first_sighting=first,
            ),
        )
        for index in range(calls):
            at = opened_at + timedelta(seconds=3 * index)
            text = rungs[index].text
            assert text is not None
            words = BothLanguages(zh=text.zh, en=text.en)
            self._call(offence_id, camera_id, at, index + 1, words)
        ended_at = opened_at + timedelta(seconds=3 * calls + 1)
        outcome: dict[str, Any] = {
            **self._about(offence_id, camera_id, ends or "", ended_at, 5.0 + 3 * calls),
            "first_sighting": first,
            "rung_sightings": (_sighting(opened_at),),
            "last_sighting": _sighting(ended_at),
        }
        if ends == "complied":
            self.write(
                offence_id, ended_at, OffenceComplied(**outcome, basis="seen outside the zone")
            )
        elif ends == "escalated":
            self.write(offence_id, ended_at, OffenceEscalated(**outcome))
        return offence_id

    def _call(
        self, offence_id: str, camera_id: str, at: datetime, number: int, text: BothLanguages
    ) -> None:
        about = self._about(offence_id, camera_id, "warned", at, 1.0 + 3 * number)
        self.write(
            offence_id,
            at,
            OffenceWarned(
                **about, rung_id=f"r{number}", rung_number=number, rung_count=3, text=text
            ),
        )
        spoken = AnnouncementMade(
            offence_id=offence_id,
            camera_id=camera_id,
            rung_id=f"r{number}",
            rung_number=number,
            warned_event_id="evt-0",
            result="written" if number < 3 else "too late",
            reason="" if number < 3 else "due 9 s ago",
            languages=("zh", "en"),
            text=text,
            audio_file="announcements/a.wav",
            audio_sha256="0" * 64,
            audio_duration_s=6.5,
            engine="espeak-ng",
        )
        self.write(offence_id, at + timedelta(seconds=1), spoken)

    def seal(self, offence_id: str, camera_id: str, outcome: str, media_time_s: float) -> str:
        """Put a record into the vault: two masked pictures, two originals and the clip, encrypted."""
        evidence_id = mint("evd", offence_id)
        folder = self.data.evidence / evidence_id
        folder.mkdir(parents=True)
        picture = jpeg_at(self.clip, media_time_s)
        roles: dict[str, tuple[Any, bytes]] = {
            "first.jpg": ("snapshot", picture),
            "last.jpg": ("snapshot", picture),
            "first.masked.jpg": ("masked snapshot", picture),
            "last.masked.jpg": ("masked snapshot", picture),
            "clip.mp4": ("clip", self.clip.read_bytes()),
        }
        key = find_encryption_keys(self.data.keys).current
        assert key is not None
        for name, (role, content) in roles.items():
            if is_original(role):
                path = folder / f"{name}{ENDING}"
                encrypt_file(io.BytesIO(content), path, f"{evidence_id}/{name}", key)
            else:
                (folder / name).write_bytes(content)
        files = tuple(
            EvidenceFile(name=name, role=role, sha256="0" * 64, size_bytes=len(content))
            for name, (role, content) in roles.items()
        )
        sealed = EvidenceSealed(
            evidence_id=evidence_id,
            offence_id=offence_id,
            site_id=self.site.site.id,
            camera_id=camera_id,
            rule_id="no-lingering",
            outcome=outcome,
            complete=True,
            missing=(),
            files=files,
        )
        self.write(offence_id, START + timedelta(seconds=70), sealed)
        self._put(sealed, files)
        return evidence_id

    def _put(self, sealed: EvidenceSealed, files: tuple[EvidenceFile, ...]) -> None:
        """Add the record's row; records of one camera look more alike than others."""
        seed = int(sealed.offence_id[-8:], 16)
        alike = 100 if sealed.camera_id == "gate-early" else 200
        record = EvidenceRecord(
            evidence_id=sealed.evidence_id,
            offence_id=sealed.offence_id,
            site_id=sealed.site_id,
            camera_id=sealed.camera_id,
            zone_id="forecourt-early",
            rule_id=sealed.rule_id,
            subject_id="track-7",
            outcome=sealed.outcome,
            first_seen_at=START,
            ended_at=START + timedelta(seconds=seed % 60),
            dwell_s=12.0,
            rungs_spoken=2,
            best_score=0.8,
            subject_height_px=110.0,
            clip_duration_s=20.0,
            clip_from_at=START,
            complete=True,
            missing=(),
            files=files,
            embedding=_unit_vector(EMBEDDING_SIZE, alike, seed),
            appearance=_unit_vector(APPEARANCE_SIZE, alike, seed),
            model_versions="staged",
            software_version="staged",
        )
        EvidenceTable.open(self.data.lancedb).put([record])

    def camera_changed(self, camera_id: str, status: Any, reason: str = "") -> None:
        """Log that a camera came or went."""
        data = CameraChanged(
            site_id=self.site.site.id,
            camera_id=camera_id,
            status=status,
            reason=reason,
            frames_read=0,
            frames_put_aside=0,
        )
        self.write(camera_id, START, data)

    def write(self, subject: str, at: datetime, data: EventData) -> None:
        """Append one event to the log."""
        event_id = mint("evt", subject, data.event_type, at)
        self.log.append([Event(event_id, "forewarn/campus/staged", subject, at, data)])

    def _about(
        self, offence_id: str, camera_id: str, state: str, at: datetime, dwell_s: float
    ) -> dict[str, Any]:
        return {
            "offence_id": offence_id,
            "site_id": self.site.site.id,
            "camera_id": camera_id,
            "zone_id": "forecourt-early",
            "rule_id": "no-lingering",
            "subject_id": "track-7",
            "state": state,
            "first_seen_at": at - timedelta(seconds=dwell_s),
            "dwell_s": dwell_s,
            "sighting": _sighting(at),
        }


def _unit_vector(size: int, alike: int, seed: int) -> np.ndarray:
    shared = np.random.default_rng(alike).normal(size=size)
    own = np.random.default_rng(seed).normal(size=size)
    vector = shared + 0.5 * own
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _sighting(at: datetime) -> Sighting:
    media_time_s = max(0.0, (at - START).total_seconds())
    return Sighting(
        at=at,
        media_time_s=media_time_s,
        pts=round(media_time_s * 12800),
        time_base="1/12800",
        box_xyxy=PEOPLE[10.0][0][0],
        score=0.7,
        frame_width_px=768,
        frame_height_px=576,
    )


def jpeg_at(clip: Path, media_time_s: float) -> bytes:
    """The clip's frame at that second as a tile."""
    with av.open(str(clip)) as container:
        container.seek(int(media_time_s * 1_000_000))
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= media_time_s - 0.01:
                height = round(frame.height * TILE_WIDTH_PX / frame.width)
                image = cv2.resize(frame.to_ndarray(format="bgr24"), (TILE_WIDTH_PX, height))
                return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    raise AssertionError(f"{clip} has no frame at {media_time_s} s")


@contextmanager
def stage(root: Path, clip: Path, site_file: Path) -> Iterator[StagedSite]:
    """An empty data folder of the sample site, ready to be filled."""
    data = DataDir(root)
    data.live.mkdir(parents=True)
    EncryptionKeyFolder(data.keys).create()
    log = EventLog.open(data.events_db)
    made = StagedSite(data, load_site(site_file), clip, log)
    try:
        yield made
    finally:
        made.stop()
        log.close()


@pytest.fixture
def staged(tmp_path: Path, sample_clip: Path, sample_site_file: Path) -> Iterator[StagedSite]:
    """A staged site of this test's own."""
    with stage(tmp_path / "var", sample_clip, sample_site_file) as made:
        yield made


@dataclass(frozen=True, slots=True)
class RunningConsole:
    """A real `forewarn console` in a process of its own."""

    staged: StagedSite
    address: str  # "http://127.0.0.1:<port>"
    pid: int
    output: Path
    escalated_id: str  # the offence whose evidence has pictures of two rungs and a clip


@pytest.fixture(scope="module")
def running_console(
    tmp_path_factory: pytest.TempPathFactory, sample_clip: Path, sample_site_file: Path
) -> Iterator[RunningConsole]:
    """A console without a login, over a site with two closed offences, one open one, and evidence."""
    folder = tmp_path_factory.mktemp("console")
    with run_console(folder, sample_clip, sample_site_file, people={}) as console:
        yield console


@pytest.fixture(scope="module")
def closed_console(
    tmp_path_factory: pytest.TempPathFactory, sample_clip: Path, sample_site_file: Path
) -> Iterator[RunningConsole]:
    """The same behind a login: tests/support/console_people.py says whose."""
    folder = tmp_path_factory.mktemp("closed")
    with run_console(folder, sample_clip, sample_site_file, people=PEOPLE_ROLES) as console:
        yield console


@pytest.fixture
def own_console(
    staged: StagedSite, sample_site_file: Path
) -> Callable[[int], AbstractContextManager[RunningConsole]]:
    """Starts a console at that port (0: any free one) over this test's own site."""
    escalated = staged.offence(2, "escalated", calls=3)

    @contextmanager
    def start(port: int = 0) -> Iterator[RunningConsole]:
        output = staged.data.root / "console.log"
        with console_process(staged, sample_site_file, output, port) as (address, pid):
            yield RunningConsole(staged, address, pid, output, escalated)

    return start


@contextmanager
def run_console(
    folder: Path, sample_clip: Path, sample_site_file: Path, people: Mapping[str, str]
) -> Iterator[RunningConsole]:
    """A console in a process of its own."""
    with stage(folder / "var", sample_clip, sample_site_file) as staged:
        if people:
            write_people(staged.data, people)
            KeyFolder(staged.data.keys).create()
        complied = staged.offence(1, "complied", calls=1)
        escalated = staged.offence(2, "escalated", calls=3)
        late = staged.offence(3, "complied", calls=2, camera_id="gate-late")
        staged.offence(4, None, calls=2)
        staged.seal(complied, "gate-early", "complied", 10.0)
        staged.seal(escalated, "gate-early", "escalated", 10.0)
        staged.seal(late, "gate-late", "complied", 50.0)
        staged.keep_alive(staged.show("gate-early", 10.0, (("warned", 2),)))
        staged.show("gate-late", 50.0, (), "failed", "gate-late: no picture for 10 s; is it on?")
        output = folder / "console.log"
        with console_process(staged, sample_site_file, output) as (address, pid):
            yield RunningConsole(staged, address, pid, output, escalated)


@contextmanager
def console_process(
    staged: StagedSite, site_file: Path, output: Path, port: int = 0
) -> Iterator[tuple[str, int]]:
    """Its address and process id; it must end without an error."""
    command = [sys.executable, "-m", "forewarn", "console", "--data", str(staged.data.root)]
    command += ["--site", str(site_file), "--port", str(port), "--no-open"]
    with output.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    try:
        page = _wait_for_address(process, output)
        yield page.removesuffix("/live"), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        ended = process.wait(timeout=30)
    assert ended == 0, output.read_text()


def _wait_for_address(process: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://[^ ]+/live", output.read_text())
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"the console did not start: {output.read_text()}")
