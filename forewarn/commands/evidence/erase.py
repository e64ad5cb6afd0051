"""`forewarn evidence erase` and `retention`: erase by request, and by the site file's terms."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import structlog
import typer
from rich.table import Table

from domain.access.permissions import Permission
from domain.cameras.believed_clock import BelievedClock
from domain.errors import Stop
from domain.site.loading import load_site
from event_log.site_in_force import site_in_force
from forewarn.programs.logging_setup import set_up_logging
from forewarn.terminal.identity import ByOption, authorize, authorized_chain
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
    print_json,
)

if TYPE_CHECKING:  # LanceDB takes a second to load
    from evidence_store.erasure.eraser import Erased
    from evidence_store.erasure.retention_schedule import RecordTerm

log = structlog.get_logger()

DespiteOption = Annotated[
    bool,
    typer.Option(
        "--despite-broken-chain",
        help="The custody chain does not hold, and no hold can be missing from it.",
    ),
]


def erase(
    evidence: Annotated[
        list[str], typer.Option("--evidence", metavar="EVIDENCE_ID", help="Which; may be repeated.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the certificate.")] = "",
    by: ByOption = "",
    with_events: Annotated[
        bool,
        typer.Option("--with-events", help="Also delete what the event log tells of the offence."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    despite_broken_chain: DespiteOption = False,
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Erase records for good: row, vectors, pictures, clips, and the footage in the recordings.

    Every file of the data folder is then searched for pieces of them; only what is found nowhere gets
    its certificate, a signed entry of the custody chain. What is held is not erased. Exports and
    backups cannot be reached: those known of are named.

    Exit code 0: erased and certified. 1: begun, but something is still there; each is named, and the
    next call goes on.

    Example: forewarn evidence erase --evidence evd-0123456789abcdef --reason "subject's request 4" \
    --by wang-fang
    """
    from casework.retention.service import RetentionService
    from evidence_store.erasure.erasure_request import Request

    if not reason.strip():
        raise Stop("erasing needs a reason for its certificate; add --reason TEXT")
    folder = data_dir(data)
    set_up_logging("keep", folder.logs / "keep.log")
    grant = authorize(Permission.ERASE, folder, keys_dir(keys), by, ",".join(evidence), reason)
    service = RetentionService.open(
        folder, keys_dir(keys), despite_broken_chain=despite_broken_chain
    )
    service = replace(service, chain=grant.chain)
    requests = [
        Request(evidence_id, reason.strip(), grant.who, with_events=with_events)
        for evidence_id in dict.fromkeys(evidence)
    ]
    if not yes:
        console.print(
            f"This cannot be undone: {', '.join(request.evidence_id for request in requests)}"
        )
        typer.confirm("Erase?", abort=True, err=True)
    with console.status("erasing", spinner="dots") as status:
        done = service.erase(requests, lambda words: status.update(f"erasing: {words}"))
    _print_erased(done, as_json)


RETENTION_HELP = """What is due by the site file's terms, what is held, what comes next; --apply erases it.

A running `forewarn run` does this by itself. Goes on where an earlier call was killed.

Example: forewarn evidence retention site.yaml --dry-run

Example: forewarn evidence retention --apply
"""


def retention(
    site_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SITE]", help="Whose terms count; else those of the site file in force."
        ),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply/--dry-run", help="Erase what is due, or only say what is.")
    ] = False,
    erased_in: Annotated[
        Path | None,
        typer.Option(
            "--erased-in",
            metavar="FILE",
            help="After restoring a backup: a later custody.jsonl; what it says was erased goes again.",
        ),
    ] = None,
    despite_broken_chain: DespiteOption = False,
    clock_is_right: Annotated[
        bool,
        typer.Option(
            "--clock-is-right",
            help="With --apply: the clock jumped ahead, and what it says now is right.",
        ),
    ] = False,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Erase what is due, or print what is."""
    from casework.retention.service import RetentionService, erase_due
    from flows.notices.still import remove_old_pictures

    folder = data_dir(data)
    site = load_site(site_file) if site_file else site_in_force(folder).site
    set_up_logging("keep", folder.logs / "keep.log")
    service = RetentionService.open(
        folder, keys_dir(keys), despite_broken_chain=despite_broken_chain
    )
    if apply and (despite_broken_chain or erased_in or clock_is_right):
        # what the site file's terms say needs nobody's leave: the run does it by itself
        chain = authorized_chain(Permission.ERASE, folder, keys_dir(keys), by)
        service = replace(service, chain=chain)
    believed = BelievedClock(folder.believed_clock).look(is_right=apply and clock_is_right)
    now = believed.at
    if believed.doubt:
        log.warning("clock_not_believed", reason=believed.doubt)
        console.print(f"[yellow]note:[/yellow] {believed.doubt}", highlight=False, soft_wrap=True)
    if not apply:
        if erased_in:
            again = service.erased_elsewhere(erased_in)
            console.print(f"{len(again)} records were erased before and go with --apply.")
        _print_due(service.standings(site), len(service.report.erasing), now, as_json)
        return
    with console.status("looking", spinner="dots") as status:
        again = service.erased_elsewhere(erased_in) if erased_in else []
        done = service.erase(again) if again else []
        done += erase_due(service, site, now, beat=lambda words: status.update(f"erasing: {words}"))
    # a site that notifies nobody any more has no notifier to do it
    remove_old_pictures(folder)
    _print_erased(done, as_json)


def _print_erased(done: list[Erased], as_json: bool) -> None:
    for erased in done:
        if as_json:
            print_json(_as_json(erased))
        else:
            _print_one(erased)
    if not done and not as_json:
        console.print("Nothing was due.")
    if any(erased.problems for erased in done):
        raise typer.Exit(1)


def _print_one(each: Erased) -> None:
    for problem in each.problems:
        console.print(f"[red]not ended:[/red] {problem}", highlight=False, soft_wrap=True)
    if each.entry is None:
        return
    searched = each.entry["details"]["searched"]
    console.print(
        f"{each.evidence_id}: erased; {searched['marks']} pieces of it looked for in "
        f"{searched['files']} files, none found. Certificate: custody entry {each.entry['number']}",
        highlight=False,
        soft_wrap=True,
    )
    for name, why in each.kept:
        console.print(f"[yellow]kept:[/yellow] {name}, for {why}", highlight=False, soft_wrap=True)
    _print_shared(searched["shared_with"])
    for copy in each.entry["details"]["exports"]:
        masked = "masked" if copy["masked"] else "with originals"
        console.print(
            f"[yellow]cannot be reached:[/yellow] an export ({masked}) of {copy['at']} by {copy['who']}",
            highlight=False,
            soft_wrap=True,
        )


def _print_shared(shared: dict[str, dict[str, str]]) -> None:
    from evidence_store.erasure.erasure_request import same_footage

    same, scenery = same_footage(shared)
    for place, names in same.items():
        console.print(
            f"[yellow]same footage:[/yellow] {place} shows it, too ({', '.join(names)}), and stays",
            highlight=False,
            soft_wrap=True,
        )
    if scenery:
        console.print(f"{scenery} other records show some of the same still scenery.")


def _as_json(each: Erased) -> dict[str, Any]:
    return {
        "evidence_id": each.evidence_id,
        "erased": each.entry is not None,
        "problems": each.problems,
        "custody_number": each.entry["number"] if each.entry else None,
        **({"certificate": each.entry["details"]} if each.entry else {}),
    }


def _print_due(found: list[RecordTerm], begun: int, now: datetime, as_json: bool) -> None:
    due = [record for record in found if record.is_due(now)]
    held = [record for record in found if record.held_by]
    coming = next(
        (record for record in found if not record.is_due(now) and not record.held_by), None
    )
    if as_json:
        facts = {
            "records": len(found),
            "erasing": begun,
            "due": [_standing(record) for record in due],
        }
        facts |= {"held": [_standing(record) for record in held]}
        print_json(facts | {"next": _standing(coming) if coming else None})
        return
    if begun:
        console.print(f"{begun} erasures were begun and go on with --apply.")
    table = Table(box=None, pad_edge=False)
    for title in ("due", "outcome", "term"):
        table.add_column(title)
    counts = Counter((record.outcome, f"{record.term} ({record.because})") for record in due)
    for (outcome, term), count in sorted(counts.items()):
        table.add_row(str(count), outcome, term)
    if counts:
        console.print(table)
    console.print(f"{len(due)} of {len(found)} records are due, {len(held)} are held.")
    if coming:
        console.print(
            f"next: {coming.evidence_id} ({coming.outcome}), {coming.due_at:%Y-%m-%d %H:%M} UTC"
        )


def _standing(each: RecordTerm) -> dict[str, Any]:
    return {
        "evidence_id": each.evidence_id,
        "outcome": each.outcome,
        "kept_since": each.kept_since.isoformat(),
        "term": each.term,
        "because": each.because,
        "due_at": each.due_at.isoformat(),
        "held_by": list(each.held_by),
    }
