"""`forewarn people log`: who did what to evidence, and who was refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from domain.acts import Act
from forewarn.asking import ByOption, chain_for
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

if TYPE_CHECKING:
    from evidence_store.custody import Entry

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
    chain = chain_for(Act.READ_ACCESS_LOG, folder, keys_dir(keys), by)
    from_at = from_at.replace(tzinfo=UTC) if from_at and not from_at.tzinfo else from_at
    found = [each for each in _entries(chain.lines()) if _fits(each, who, kind, from_at)][-limit:]
    if as_json:
        for each in found:
            print_json(_told(each))
        return
    if not found:
        console.print("No such entry.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("when (UTC)", "who", "role", "what", "about", "why"):
        table.add_column(title, overflow="fold")
    for each in found:
        told = _told(each)
        when, what = told["at"][:19].replace("T", " "), told["kind"]
        what += f": {told['act']}" if what == "refused" else ""
        table.add_row(when, told["who"], told["role"], what, told["about"], told["why"])
    console.print(table)


def _entries(lines: Any) -> Any:
    from domain.errors import PutAside
    from evidence_store.canonical_json import from_canonical

    for line in lines:
        try:
            entry = from_canonical(line.rstrip(b"\n"))
        except PutAside:
            continue  # cut off or damaged: `verify` names it
        if isinstance(entry, dict) and entry.get("kind") in _BY_PEOPLE:
            yield entry


def _fits(entry: Entry, who: str, kind: str, from_at: datetime | None) -> bool:
    told = _told(entry)
    if who and who not in (told["who"], told["person"]):
        return False
    if kind and kind != told["kind"]:
        return False
    return from_at is None or datetime.fromisoformat(told["at"]) >= from_at


def _told(entry: Entry) -> dict[str, str]:
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
