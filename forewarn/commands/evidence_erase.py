"""`forewarn evidence erase` and `retention`: by request, and what the site file's terms say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from domain.acts import Act
from domain.errors import Stop
from domain.site_file import load_site
from forewarn.asking import ByOption, chain_for, leave_to
from forewarn.logging_setup import set_up_logging
from forewarn.options import (
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
    from evidence_store.due import Standing
    from evidence_store.eraser import Erased

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
    from evidence_store.erasure import Request
    from forewarn.keeping import Keeper

    if not reason.strip():
        raise Stop("erasing needs a reason for its certificate; add --reason TEXT")
    folder = data_dir(data)
    set_up_logging("keep", folder.logs / "keep.log")
    leave = leave_to(Act.ERASE, folder, keys_dir(keys), by, ",".join(evidence), reason)
    keeper = Keeper.open(folder, keys_dir(keys), despite_broken_chain=despite_broken_chain)
    keeper = replace(keeper, chain=leave.chain)
    requests = [
        Request(each, reason.strip(), leave.who, with_events=with_events)
        for each in dict.fromkeys(evidence)
    ]
    if not yes:
        console.print(f"This cannot be undone: {', '.join(each.evidence_id for each in requests)}")
        typer.confirm("Erase?", abort=True, err=True)
    with console.status("erasing", spinner="dots") as status:
        done = keeper.erase(requests, lambda words: status.update(f"erasing: {words}"))
    _tell(done, as_json)


def retention(
    site_file: Annotated[Path, typer.Argument(metavar="SITE", help="Whose terms count.")],
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
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """What is due by the site file's terms, what is held, what comes next; --apply erases it.

    A running `forewarn run` does this by itself. Goes on where an earlier call was killed.

    Example: forewarn evidence retention site.yaml --dry-run

    Example: forewarn evidence retention site.yaml --apply
    """
    from forewarn.keeping import Keeper
    from forewarn.retaining import retain

    site, now = load_site(site_file), datetime.now(UTC)
    folder = data_dir(data)
    set_up_logging("keep", folder.logs / "keep.log")
    keeper = Keeper.open(folder, keys_dir(keys), despite_broken_chain=despite_broken_chain)
    if apply and (despite_broken_chain or erased_in):
        # what the site file's terms say needs nobody's leave: the run does it by itself
        chain = chain_for(Act.ERASE, folder, keys_dir(keys), by)
        keeper = replace(keeper, chain=chain)
    if not apply:
        if erased_in:
            again = keeper.erased_elsewhere(erased_in)
            console.print(f"{len(again)} records were erased before and go with --apply.")
        _tell_due(keeper.standings(site), len(keeper.report.erasing), now, as_json)
        return
    with console.status("looking", spinner="dots") as status:
        again = keeper.erased_elsewhere(erased_in) if erased_in else []
        done = keeper.erase(again) if again else []
        done += retain(keeper, site, now, beat=lambda words: status.update(f"erasing: {words}"))
    _tell(done, as_json)


def _tell(done: list[Erased], as_json: bool) -> None:
    for each in done:
        if as_json:
            print_json(_as_json(each))
        else:
            _tell_one(each)
    if not done and not as_json:
        console.print("Nothing was due.")
    if any(each.problems for each in done):
        raise typer.Exit(1)


def _tell_one(each: Erased) -> None:
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
    _tell_shared(searched["shared_with"])
    for copy in each.entry["details"]["exports"]:
        masked = "masked" if copy["masked"] else "with originals"
        console.print(
            f"[yellow]cannot be reached:[/yellow] an export ({masked}) of {copy['at']} by {copy['who']}",
            highlight=False,
            soft_wrap=True,
        )


def _tell_shared(shared: dict[str, dict[str, str]]) -> None:
    from evidence_store.erasure import same_footage

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


def _tell_due(found: list[Standing], begun: int, now: datetime, as_json: bool) -> None:
    due = [each for each in found if each.is_due(now)]
    held = [each for each in found if each.held_by]
    coming = next((each for each in found if not each.is_due(now) and not each.held_by), None)
    if as_json:
        told = {"records": len(found), "erasing": begun, "due": [_standing(each) for each in due]}
        told |= {"held": [_standing(each) for each in held]}
        print_json(told | {"next": _standing(coming) if coming else None})
        return
    if begun:
        console.print(f"{begun} erasures were begun and go on with --apply.")
    table = Table(box=None, pad_edge=False)
    for title in ("due", "outcome", "term"):
        table.add_column(title)
    counts = Counter((each.outcome, f"{each.term} ({each.because})") for each in due)
    for (outcome, term), count in sorted(counts.items()):
        table.add_row(str(count), outcome, term)
    if counts:
        console.print(table)
    console.print(f"{len(due)} of {len(found)} records are due, {len(held)} are held.")
    if coming:
        console.print(
            f"next: {coming.evidence_id} ({coming.outcome}), {coming.due_at:%Y-%m-%d %H:%M} UTC"
        )


def _standing(each: Standing) -> dict[str, Any]:
    return {
        "evidence_id": each.evidence_id,
        "outcome": each.outcome,
        "kept_since": each.kept_since.isoformat(),
        "term": each.term,
        "because": each.because,
        "due_at": each.due_at.isoformat(),
        "held_by": list(each.held_by),
    }
