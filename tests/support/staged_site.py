"""A data folder as a running system fills it: pictures of the sample clip, live state, events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from staged_evidence import put_files, put_row
from staged_log import StagedLog
from staged_pictures import PEOPLE, START, jpeg_at

from domain.cameras.live_view import LiveTrack, LiveView
from domain.data_dir import DataDir
from domain.events.catalog import EvidenceSealed
from domain.files import write_atomically
from domain.ids import mint
from domain.site.loading import load_site
from event_log.log import EventLog
from evidence_store.keys.encryption_keys import EncryptionKeyFolder


@dataclass(slots=True)
class StagedSite(StagedLog):
    """Plays the watch process and the vault, one step at a time."""

    data: DataDir
    clip: Path
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
        drawn = [*states, *[(None, 0)] * (len(people) - len(states))]
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
                for (box, track_id), (state, rung) in zip(people, drawn, strict=True)
            ),
        )
        write_atomically(
            self.data.live / f"{camera_id}.jpg", jpeg_at(self.clip, media_time_s), durable=False
        )
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

    def seal(self, offence_id: str, camera_id: str, outcome: str, media_time_s: float) -> str:
        """Put a record into the vault, log it, and add its row; return its id."""
        evidence_id = mint("evd", offence_id)
        picture = jpeg_at(self.clip, media_time_s)
        files = put_files(self.data, evidence_id, picture, self.clip)
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
        put_row(self.data, sealed)
        return evidence_id


@contextmanager
def stage(root: Path, clip: Path, site_file: Path) -> Iterator[StagedSite]:
    """Make an empty data folder of the sample site, ready to be filled."""
    data = DataDir(root)
    data.live.mkdir(parents=True)
    EncryptionKeyFolder(data.keys).create()
    log = EventLog.open(data.events_db)
    made = StagedSite(load_site(site_file), log, data, clip)
    try:
        yield made
    finally:
        made.stop()
        log.close()
