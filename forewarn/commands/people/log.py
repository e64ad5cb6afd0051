"""`forewarn people log`: print acts on evidence, and refusals, by person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from domain.access.permissions import Permission
from domain.errors import PutAside
from evidence_store.custody.chain import Entry
from evidence_store.files.canonical_json import from_canonical
from forewarn.terminal.identity import ByOption, authorized_chain
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
    print_json,
    printable,
)

# what people do; the program's own entries (sealed, stamped, ...) are not of interest here
_BY_PEOPLE = frozenset(
    {
        "viewed",
        "exported",
        "held",
        "released",
        "erasing",
        "key created",
        "key rotated",
        "encryption on",
        "encryption off",
        "re-encrypted",
        "backed up",
        "restored",
        "people changed",
        "refused",
    }
)


def people_log(
    who: Annotated[str, typer.Option("--who", help="Only this person, by id or name.")] = "",
    kind: Annotated[
        str, typer.Option("--kind", help="Only such entries: viewed, exported, refused, ...")
    ] = "",
    from_at: Annotated[datetime | None, typer.Option("--from", help="From then on (UTC).")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the last.")] = 100,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Who looked at what is unmasked, exported, held, erased or was refused; when, why, by which role.

    Out of the custody chain, whose links and signatures `forewarn evidence verify` checks. Commands about
    open offences are in the event log: forewarn events.

    Example: forewarn people log --kind refused --from 2026-03-01

    Example: forewarn people log --who wang-fang --json
    """
    folder = data_dir(data)
    chain = authorized_chain(Permission.READ_ACCESS_LOG, folder, keys_dir(keys), by)
    from_at = from_at.replace(tzinfo=UTC) if from_at and not from_at.tzinfo else from_at
    found = [entry for entry in _entries(chain.lines()) if _fits(entry, who, kind, from_at)][
        -limit:
    ]
    if as_json:
        for entry in found:
            print_json(_act_of(entry))
        return
    if not found:
        console.print("No such entry.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("when (UTC)", "who", "role", "what", "about", "why"):
        table.add_column(title, overflow="fold")
    for entry in found:
        act = _act_of(entry)
        when, what = act["at"][:19].replace("T", " "), act["kind"]
        what += f": {act['act']}" if what == "refused" else ""
        cells = (when, act["who"], act["role"], what, act["about"], act["why"])
        # what somebody typed must hide no entry, its own included
        table.add_row(*map(printable, cells))
    console.print(table)


def _entries(lines: Any) -> Any:

    for line in lines:
        try:
            entry = from_canonical(line.rstrip(b"\n"))
        except PutAside:
            continue  # cut off or damaged: `verify` names it
        if isinstance(entry, dict) and entry.get("kind") in _BY_PEOPLE:
            yield entry


def _fits(entry: Entry, who: str, kind: str, from_at: datetime | None) -> bool:
    act = _act_of(entry)
    if who and who not in (act["who"], act["person"]):
        return False
    if kind and kind != act["kind"]:
        return False
    return from_at is None or datetime.fromisoformat(act["at"]) >= from_at


def _act_of(entry: Entry) -> dict[str, str]:
    details = entry["details"]
    right = details.get("authority", {})
    about = entry["evidence_id"] or details.get("about") or ""
    if entry["kind"] == "people changed":
        about = f"{details.get('person')} {details.get('what')}"
    return {
        "at": str(entry["at"]),
        "who": str(entry["who"]),
        "person": str(right.get("person") or details.get("person") or ""),
        "role": str(right.get("role", "")),
        "proof": str(right.get("proof") or details.get("proof") or ""),
        "account": str(right.get("account") or details.get("account") or ""),
        "kind": str(entry["kind"]),
        "act": str(right.get("act") or details.get("act") or ""),
        "about": str(about),
        "why": str(details.get("why") or details.get("reason") or ""),
    }
