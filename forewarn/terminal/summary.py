"""Summarise a run: offences, calls, evidence and whether it verifies."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from domain.data_dir import DataDir
from domain.events.catalog import (
    AnnouncementMade,
    CameraChanged,
    EvidenceSealed,
    OffenceData,
    OffenceWarned,
    OutcomeData,
)
from domain.site.site import Site
from evidence_store.search.stored_table import TableDamaged
from evidence_store.search.table import EvidenceTable
from evidence_store.table_of_vault import open_evidence_table


@dataclass(frozen=True)
class OffenceLine:
    """One offence in a line."""

    offence_id: str
    camera_id: str
    rule_id: str
    first_seen_at: datetime
    dwell_s: float
    calls: int
    spoken: int
    outcome: str
    evidence_id: str
    verified: bool
    complete: bool  # nothing was missing when it was sealed


@dataclass(frozen=True)
class Summary:
    """All of a data folder's offences."""

    site_id: str
    cameras: dict[str, str]  # last status of each, with the reason if there is one
    offences: tuple[OffenceLine, ...]
    outcomes: dict[str, int]
    announcements: dict[str, int]  # by result
    evidence_sealed: int
    evidence_verified: int
    evidence_incomplete: int
    problems: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def summarise(data: DataDir, site: Site, keys: Path | None) -> Summary:
    """Read the event log, and check every sealed record as `evidence verify --keys` does."""
    from event_log.log import EventLog

    events = [logged.event for logged in _all(EventLog.open(data.events_db))]
    outcomes = [event.data for event in events if isinstance(event.data, OutcomeData)]
    sealed = {
        event.data.offence_id: event.data
        for event in events
        if isinstance(event.data, EvidenceSealed)
    }
    faults = verify(data, sorted(seal.evidence_id for seal in sealed.values()), keys)
    calls = Counter(e.data.offence_id for e in events if isinstance(e.data, OffenceWarned))
    made = [event.data for event in events if isinstance(event.data, AnnouncementMade)]
    spoken = Counter(call.offence_id for call in made if call.was_spoken)
    lines = tuple(
        _line(data_, calls, spoken, sealed, faults)
        for data_ in sorted(outcomes, key=lambda each: (each.first_seen_at, each.offence_id))
    )
    return Summary(
        site_id=site.site.id,
        cameras=_cameras([e.data for e in events if isinstance(e.data, CameraChanged)]),
        offences=lines,
        outcomes=dict(Counter(line.outcome for line in lines)),
        announcements=dict(Counter(call.result for call in made)),
        evidence_sealed=len(sealed),
        evidence_verified=sum(not faults[seal.evidence_id] for seal in sealed.values()),
        evidence_incomplete=sum(not seal.complete for seal in sealed.values()),
        problems=tuple(
            [fault for found in faults.values() for fault in found]
            + [
                f"{line.offence_id}: ended but no evidence is sealed"
                for line in lines
                if not line.evidence_id
            ]
        ),
    )


def _all(log: Any) -> Any:
    after = 0
    while page := log.read(after_seq=after, limit=5000):
        yield from page
        after = page[-1].seq


def verify(data: DataDir, evidence_ids: list[str], keys: Path | None) -> dict[str, list[str]]:
    """Find the problems of each record, [] where it verifies, and of all under ""; `keys` as the run has them."""
    from evidence_store.verify_data_folder import Verifier

    if not evidence_ids:
        return {}
    verifier = Verifier.open(data, keys)
    faults = {"": list(verifier.problems)}
    table: EvidenceTable | None = None
    try:
        table = open_evidence_table(data)
        table.check_readable()
    except TableDamaged as error:
        faults[""].append(str(error))
        table = None
    for evidence_id in evidence_ids:
        faults[evidence_id] = verifier.problems_of_id(evidence_id, table)
    return faults


def _line(
    data: OffenceData,
    calls: Counter[str],
    spoken: Counter[str],
    sealed: dict[str, EvidenceSealed],
    faults: dict[str, list[str]],
) -> OffenceLine:
    record = sealed.get(data.offence_id)
    evidence_id = record.evidence_id if record else ""
    return OffenceLine(
        offence_id=data.offence_id,
        camera_id=data.camera_id,
        rule_id=data.rule_id,
        first_seen_at=data.first_seen_at,
        dwell_s=data.dwell_s,
        calls=calls[data.offence_id],
        spoken=spoken[data.offence_id],
        outcome=data.state,
        evidence_id=evidence_id,
        verified=bool(evidence_id) and not faults[evidence_id],
        complete=record is not None and record.complete,
    )


def _cameras(changes: list[CameraChanged]) -> dict[str, str]:
    return {
        change.camera_id: f"{change.status}: {change.reason}" if change.reason else change.status
        for change in changes
    }


_COLOURS = {
    "complied": "green",
    "escalated": "red",
    "unknown": "yellow",
    "lapsed": "dim",
    "dismissed": "dim",
    "merged": "dim",
}


def show_summary(found: Summary, site: Site, terminal: Console) -> None:
    """Print a table and a few totals."""
    title = f"{site.site.title.zh} · {site.site.title.en}"
    table = Table(title=title, header_style="bold", box=None, title_justify="left")
    several = len(site.rules) > 1  # else the column would say the same in each line
    headings = ["since", "camera", *(["rule"] if several else []), "stayed", "calls", "outcome"]
    for heading in (*headings, "evidence", "whole"):
        right = heading in ("stayed", "calls")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    zone = ZoneInfo(site.site.timezone)
    for line in found.offences:
        colour = _COLOURS.get(line.outcome, "white")
        table.add_row(
            line.first_seen_at.astimezone(zone).strftime("%H:%M:%S"),
            line.camera_id,
            *([line.rule_id] if several else []),
            f"{line.dwell_s:.1f} s",
            f"{line.spoken}/{line.calls}",
            f"[{colour}]{line.outcome}[/{colour}]",
            line.evidence_id,
            _whole(line),
        )
    terminal.print(table)
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(found.outcomes.items()))
    spoken = ", ".join(f"{count} {name}" for name, count in sorted(found.announcements.items()))
    terminal.print(f"offences   {len(found.offences)}: {outcomes or 'none'}")
    terminal.print(f"calls      {spoken or 'none'}")
    terminal.print(
        f"evidence   {found.evidence_sealed} sealed, {found.evidence_verified} verified"
        + (f", {found.evidence_incomplete} with gaps" if found.evidence_incomplete else ""),
        highlight=False,
    )
    for camera_id, state in found.cameras.items():
        terminal.print(f"camera     {camera_id}: {state}", highlight=False)
    for problem in found.problems:
        terminal.print(f"[red]problem[/red]    {problem}", highlight=False)


def _whole(line: OffenceLine) -> str:
    """Say whether the record verifies, and whether something was missing when it was sealed."""
    if not line.verified:
        return "[red]NO[/red]"
    return "[green]yes[/green]" if line.complete else "[yellow]gaps[/yellow]"
