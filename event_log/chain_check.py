"""Check the chain of the log's rows, and tell what is erased from what was changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select, text

from event_log.log import EventLog
from event_log.row_chain import (
    FIRST_ROW,
    LogHead,
    first_link,
    has_chain,
    has_digest,
    link_after,
)
from event_log.tables import CHAIN, EVENTS

ROWS_AT_ONCE = 5000
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head of the chain that somebody signed, and by which words that is told."""

    head: LogHead
    signed_in: str  # "custody entry 17"


@dataclass
class LogChainReport:
    """What the chain says of the log."""

    rows: int = 0  # that are there and as they were written
    erased: int = 0  # that were erased, and that is told of
    from_row: int = 0  # the first that is chained; 0: none is
    before: int = 0  # rows before it, of which nothing is known
    head: LogHead | None = None  # as far as it was checked
    signed_in: str = ""  # what signed the last head that was; "": none was
    since: int = 0  # of `rows`, those behind that head: who can write the log can have written them
    problems: list[str] = field(default_factory=list)

    def note(self, problem: str) -> None:
        """Name a problem, as long as there are few."""
        if len(self.problems) < MOST_NAMED:
            self.problems.append(problem)
        elif len(self.problems) == MOST_NAMED:
            self.problems.append("event log: and more rows")


def check_rows(
    log: EventLog, signed: Sequence[SignedHead], erased: Sequence[tuple[int, int]]
) -> LogChainReport:
    """Check every row that is chained, and that the chain is the one whose heads were signed.

    `erased` are the stretches of rows, first and last, whose erasure is told of elsewhere; any other row that
    is gone was removed.

    Raises:
        TryAgain, Stop: as EventLog.read.
    """
    report, told = LogChainReport(), _Told(erased)
    # one that was signed later does not stand for those before, which say what the same row was then
    by_row = defaultdict(list)
    for each in signed:
        if each.head.log_id == log.log_id:
            by_row[each.head.row].append(each)
    link, last = first_link(log.log_id), 0
    _check_schema(log, report)
    for row in _chained(log):
        seq = row["chained"]
        if not _is_whole(row):
            report.note(f"event log, row {seq!r:.40}: its link was changed")
            continue
        if not report.from_row:
            report.from_row = seq
        expected = link_after(link, seq, row["digest"])
        if expected != row["link"]:
            report.note(f"event log, row {seq}: does not go on from the row before")
        link, last = row["link"], seq
        _check_row(row, told, report)
        for head in by_row.pop(seq, []):
            report.signed_in, report.since = head.signed_in, 0
            if head.head.link != link.hex():
                report.note(
                    f"event log, row {seq}: is not what {head.signed_in} signed: the rows up to it were written anew"
                )
    report.head = LogHead(log.log_id, last, link.hex()) if last else None
    for seq, (head, *_) in sorted(by_row.items()):
        what = f"ends at row {last}" if seq > last else f"has no link at row {seq}"
        report.note(
            f"event log: {what}, {head.signed_in} signed row {seq}: rows are gone, or an older copy lies here"
        )
    for each in signed:
        if each.head.log_id != log.log_id:
            report.note(f"event log: {each.signed_in} signed another log, which is not here")
    _check_unchained(log, report)
    return report


def _chained(log: EventLog) -> Iterator[dict[str, Any]]:
    """Yield every link with its row; the row's columns are None where it is gone."""
    with log.reading("check its chain") as connection:
        if not has_chain(connection):
            return
    joined = CHAIN.outerjoin(EVENTS, CHAIN.c.seq == EVENTS.c.seq)
    columns = (CHAIN.c.seq.label("chained"), CHAIN.c.salt, CHAIN.c.digest, CHAIN.c.link, *EVENTS.c)
    wanted = select(*columns).select_from(joined).order_by(CHAIN.c.seq).limit(ROWS_AT_ONCE)
    after = -1
    while True:
        with log.reading("check its chain") as connection:
            page = connection.execute(wanted.where(CHAIN.c.seq > after)).mappings().all()
        for row in page:
            yield dict(row)
        if len(page) < ROWS_AT_ONCE:
            return
        after = page[-1]["chained"]


def _is_whole(row: dict[str, Any]) -> bool:
    """Tell whether a link holds what links hold: SQLite keeps any kind of value in any column."""
    return (
        type(row["chained"]) is int
        and isinstance(row["salt"], bytes | None)
        and isinstance(row["digest"], bytes)
        and isinstance(row["link"], bytes)
    )


def _check_row(row: dict[str, Any], told: _Told, report: LogChainReport) -> None:
    seq, salt = row["chained"], row["salt"]
    is_there = row["id"] is not None
    if is_there and has_digest(row):
        report.rows += 1
        report.since += 1
    elif is_there:
        report.note(f"event log, row {seq} ({row['type']} of {row['subject']}): was changed")
    elif salt is None and told.has(seq):
        report.erased += 1
    else:
        why = "" if salt is not None else ", though the custody chain tells of no erasure"
        report.note(f"event log, row {seq}: was removed{why}")


def _check_schema(log: EventLog, report: LogChainReport) -> None:
    """Name what would change or hide rows when they are written or read."""
    wanted = text(
        "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY name"
    )
    with log.reading("check its tables") as connection:
        found = connection.execute(wanted).all()
    for kind, name in found:
        report.note(f"event log: has a {kind} {name!r:.40}, which forewarn did not make")


def _check_unchained(log: EventLog, report: LogChainReport) -> None:
    """Count the rows before the chain, and name those after its beginning that it does not hold."""
    before = select(func.count()).select_from(EVENTS).where(EVENTS.c.seq >= FIRST_ROW)
    if report.from_row:
        before = before.where(EVENTS.c.seq < report.from_row)
    with log.reading("check its chain") as connection:
        report.before = connection.execute(before).scalar() or 0
        # a number below the first is read by nobody who reads on, but found by its id
        is_invented = EVENTS.c.seq < FIRST_ROW
        if report.from_row:
            is_behind = EVENTS.c.seq > report.from_row
            is_invented |= is_behind & EVENTS.c.seq.not_in(select(CHAIN.c.seq))
        invented = select(EVENTS.c.seq, EVENTS.c.type, EVENTS.c.subject).where(is_invented)
        rows = connection.execute(invented.order_by(EVENTS.c.seq).limit(MOST_NAMED + 1)).all()
    for row in rows:
        report.note(
            f"event log, row {row.seq} ({row.type} of {row.subject}): was not written by forewarn"
        )


class _Told:
    """Stretches of rows, asked for in growing order."""

    def __init__(self, stretches: Sequence[tuple[int, int]]) -> None:
        self._stretches = sorted(stretches)
        self._at = 0

    def has(self, seq: int) -> bool:
        """Tell whether a row, with a larger number than those before, is in one of them."""
        while self._at < len(self._stretches) and self._stretches[self._at][1] < seq:
            self._at += 1
        return self._at < len(self._stretches) and self._stretches[self._at][0] <= seq


def stretches_of(seqs: Sequence[int]) -> list[list[int]]:
    """Return numbers as first and last of each stretch, which for old events are few; JSON values."""
    ordered = sorted({*seqs})
    starts = [0, *(n + 1 for n, (one, other) in enumerate(pairwise(ordered)) if other != one + 1)]
    ends = [*(start - 1 for start in starts[1:]), len(ordered) - 1]
    return [
        [ordered[start], ordered[end]] for start, end in zip(starts, ends, strict=True) if ordered
    ]
