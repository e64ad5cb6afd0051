"""An event log that is filled as the watch process fills it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from staged_pictures import START, sighting_at

from casework.alarms.desk import AlarmDesk
from casework.alarms.policy import AlarmPolicy
from domain.base import BothLanguages
from domain.cameras.steady_clock import SteadyClock
from domain.events.catalog import (
    AlarmOpened,
    AnnouncementMade,
    CameraChanged,
    Event,
    EventData,
    OffenceComplied,
    OffenceEscalated,
    OffenceOpened,
    OffenceWarned,
)
from domain.ids import mint
from domain.site.site import Site
from event_log.log import EventLog


@dataclass(slots=True)
class StagedLog:
    """Logs what happens on a site, one event at a time."""

    site: Site
    log: EventLog

    def offence(
        self, number: int, ends: str | None = None, calls: int = 1, camera_id: str = "gate-early"
    ) -> str:
        """Log an offence with its calls, spoken, and how it ended; return its id."""
        opened_at = START + timedelta(seconds=10 * number)
        offence_id = mint("ofc", "staged", camera_id, number)
        rungs = self.site.ladder("three-calls").rungs
        first = sighting_at(opened_at - timedelta(seconds=4))
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
            "rung_sightings": (sighting_at(opened_at),),
            "last_sighting": sighting_at(ended_at),
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

    def open_alarms(self) -> list[str]:
        """Open what a person must answer, as the alarms program does; return the ids of new alarms."""
        desk = AlarmDesk(self.log, AlarmPolicy.of_site(self.site), SteadyClock())
        return [each.subject for each in desk.look() if isinstance(each.data, AlarmOpened)]

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
            "subject_id": f"{camera_id}/7",
            "state": state,
            "first_seen_at": at - timedelta(seconds=dwell_s),
            "dwell_s": dwell_s,
            "sighting": sighting_at(at),
        }
