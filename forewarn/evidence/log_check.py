"""Check the event log of a data folder against what its custody chain signed of it."""

from __future__ import annotations

from typing import Any

from domain.data_dir import DataDir
from event_log.chain_check import LogChainReport, SignedHead, check_rows
from event_log.log import EventLog
from event_log.row_chain import LogHead
from evidence_store.custody.chain import LOG_HEAD
from evidence_store.verify_data_folder import Verifier


def check_event_log(data: DataDir, verifier: Verifier) -> LogChainReport:
    """Check every row that is chained; where there is no log, only whether one was signed.

    Raises:
        TryAgain, Stop: the log cannot be read.
    """
    signed = _signed_heads(verifier)
    if not data.events_db.exists():
        report = LogChainReport()
        if signed:
            report.note(f"{data.events_db.name}: is missing, {signed[-1].signed_in} signed it")
        return report
    with EventLog.open(data.events_db) as log:
        report = check_rows(log, signed, verifier.chain.forgotten)
        if report.problems and (later := _reread(verifier)) is not None:
            # rows may have been erased since the chain was read
            report = check_rows(log, _signed_heads(later), later.chain.forgotten)
    return report


def remarks_on(report: LogChainReport) -> list[str]:
    """Say from which row on the check counts, where that is not the first."""
    if not report.before:
        return []
    since = (
        f"rows from {report.from_row} on are chained"
        if report.from_row
        else "no row is chained yet"
    )
    return [f"event log: {since}; of {report.before} before, only their number is known"]


def what_holds(report: LogChainReport) -> str:
    """Say how much of the log holds, and how much of that nobody has signed yet."""
    told = f"{report.rows:,} rows of the event log are as they were written, {report.erased:,} were erased."
    if not report.since:
        return told
    behind = (
        f"behind the last that was signed ({report.signed_in})"
        if report.signed_in
        else "signed by nobody"
    )
    return (
        f"{told} {report.since:,} are {behind}: whoever can write the file can have written them."
    )


def _signed_heads(verifier: Verifier) -> list[SignedHead]:
    heads = []
    for number, head in sorted(verifier.chain.log_heads.items()):
        row = head.get("row")
        known = LogHead(
            str(head.get("log_id")), row if type(row) is int else 0, str(head.get("link"))
        )
        heads.append(SignedHead(known, f"custody entry {number}"))
    return heads


def _reread(verifier: Verifier) -> Verifier | None:
    """Return the verifier with the chain as it is now; None where nothing was added."""
    later = verifier.with_chain_reread()
    return later if later.chain.last_number > verifier.chain.last_number else None


def head_facts(data: DataDir) -> dict[str, Any]:
    """Return the head of the log's chain as a member of custody details; {} where there is none."""
    if not data.events_db.exists():
        return {}
    with EventLog.open(data.events_db) as log:
        head = log.head()
    return {LOG_HEAD: head.to_json()} if head else {}
