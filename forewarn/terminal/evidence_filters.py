"""Options that select evidence records, the same for every command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from evidence_store.search.filters import RecordFilter

CameraOption = Annotated[str | None, typer.Option("--camera", help="Only this camera.")]
ZoneOption = Annotated[str | None, typer.Option("--zone", help="Only this zone.")]
RuleOption = Annotated[str | None, typer.Option("--rule", help="Only this rule.")]
OutcomeOption = Annotated[
    str | None,
    typer.Option("--outcome", help="Only this outcome, such as complied or dismissed."),
]
CategoryOption = Annotated[
    str | None,
    typer.Option("--category", help="Only rules of this category, such as street/loitering."),
]
FromOption = Annotated[
    datetime | None,
    typer.Option("--from", "--since", help="Only offences that ended at or after this time (UTC)."),
]
ToOption = Annotated[
    datetime | None, typer.Option("--to", help="Only offences that ended before this time (UTC).")
]


def wanted(
    camera: str | None = None,
    zone: str | None = None,
    rule: str | None = None,
    outcome: str | None = None,
    category: str | None = None,
    track: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
) -> RecordFilter:
    """Make a filter of the options."""

    return RecordFilter(
        camera_id=camera,
        zone_id=zone,
        rule_id=rule,
        outcome=outcome,
        category=category,
        subject_id=track,
        from_at=_utc(from_at),
        to_at=_utc(to_at),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
