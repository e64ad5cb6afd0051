"""Somebody asks for people to be told: the site, the request, and what the log says came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.data_dir import DataDir
from domain.events.catalog import Event, NotificationMade, NotificationRequested, Sighting
from domain.ids import mint
from domain.site.loading import load_site
from domain.site.site import Site
from event_log.log import EventLog
from tests.support.example_events import one_of_each

MADE = [NotificationMade.event_type]


def site_with(sample_site_file: Path, *recipients: dict[str, Any], **rung: Any) -> Site:
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    raw["site"]["console_url"] = "http://10.0.0.5:5006"
    raw["recipients"] = [
        {"url_env": "NOT_USED", "picture": False, "language": "en", **each} for each in recipients
    ]
    raw["ladders"][0]["rungs"][0] |= {"does": ["announce", "notify"], **rung}
    return Site.model_validate(raw)


def request(
    number: int = 1, at: datetime | None = None, whom: tuple[str, ...] = ("desk",)
) -> Event:
    """Make the request of a rung of the sample's rule; the frame lies at 8 s of the clip."""
    (like,) = (e for e in one_of_each() if isinstance(e.data, NotificationRequested))
    assert isinstance(like.data, NotificationRequested)
    at = at or datetime.now(UTC)
    offence_id = mint("ofc", "notify", number)
    sighting = Sighting(
        at=at,
        media_time_s=8.0,
        pts=8 * 10240,
        time_base="1/10240",
        box_xyxy=(300.0, 150.0, 360.0, 290.0),
        score=0.7,
        frame_width_px=768,
        frame_height_px=576,
    )
    told = like.data.model_copy(
        update={
            "offence_id": offence_id,
            "camera_id": "gate-early",
            "zone_id": "forecourt-early",
            "recipients": whom,
            "sighting": sighting,
        }
    )
    return Event(mint("evt", "request", number), "forewarn/campus/gate-early", offence_id, at, told)


def told(data: DataDir) -> list[NotificationMade]:
    with EventLog.open(data.events_db) as log:
        return [e.event.data for e in log.read(types=MADE)]  # type: ignore[misc]


def write(data: DataDir, *events: Event) -> None:
    with EventLog.open(data.events_db) as log:
        log.append(list(events))
