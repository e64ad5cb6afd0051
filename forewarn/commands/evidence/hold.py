"""`forewarn evidence hold`, `release`, `holds`: protect evidence from erasure until it is released."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from domain.access.permissions import Permission
from domain.errors import Stop
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

if TYPE_CHECKING:  # LanceDB takes a second to load
    from casework.retention.service import RetentionService
    from evidence_store.erasure.legal_holds import Hold

ReasonOption = Annotated[str, typer.Option("--reason", help="Why; goes into the custody chain.")]
RecordArgument = Annotated[
    str | None, typer.Argument(metavar="[EVIDENCE_ID]", help="The record; else --camera.")
]
OwnerOption = Annotated[
    str, typer.Option("--owner", help="Who answers for it, and may say when it ends.")
]
UntilOption = Annotated[
    datetime | None,
    typer.Option("--until", help="Ends by itself then (UTC); else it has to be released."),
]
CameraOption = Annotated[
    str | None, typer.Option("--camera", help="Hold a camera's recordings, without a record.")
]
FromOption = Annotated[datetime | None, typer.Option("--from", help="Footage held, from (UTC).")]
ToOption = Annotated[datetime | None, typer.Option("--to", help="Footage held, to (UTC).")]
AroundOption = Annotated[
    float, typer.Option("--around", min=0, help="Seconds of footage before and after a record.")
]


def hold(
    evidence_id: RecordArgument = None,
    reason: ReasonOption = "",
    owner: OwnerOption = "",
    until: UntilOption = None,
    camera: CameraOption = None,
    from_at: FromOption = None,
    to_at: ToOption = None,
    around_s: AroundOption = 60.0,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Keep a record, or a stretch of a camera's recordings, until it is released.

    Nothing that is held is erased, by its term or by hand, nor dropped from the recordings. Reason,
    owner and end become a signed entry of the custody chain.

    Example: forewarn evidence hold evd-0123456789abcdef --reason "appeal 17" --owner "legal department"

    Example: forewarn evidence hold --camera gate --from 2026-03-02T08:00 --to 2026-03-02T08:20 \
    --reason "police request 9/26" --owner "duty lawyer" --until 2026-09-30
    """
    from casework.retention.placing import hold_record, place_hold
    from evidence_store.erasure.legal_holds import Hold, new_hold_id

    service = _open(data, keys, Permission.HOLD, by, evidence_id or "", reason)
    if (evidence_id is None) == (camera is None):
        raise Stop("needs either an EVIDENCE_ID or --camera with --from and --to")
    ends_at = _utc(until) if until else None
    if evidence_id is not None:
        placed = hold_record(service, evidence_id, reason, owner, ends_at, around_s)
    elif camera is None or from_at is None or to_at is None:
        raise Stop("holding a camera's recordings needs --from and --to, such as 2026-03-02T08:00")
    else:
        footage = (camera, _utc(from_at), _utc(to_at))
        held = Hold(new_hold_id(), "", *footage, reason.strip(), owner.strip(), ends_at)
        placed = place_hold(service, held)
    if as_json:
        print_json(_as_json(placed))
        return
    what = placed.evidence_id or f"the recordings of {placed.camera_id}"
    console.print(f"{placed.hold_id}: {what} held", highlight=False, soft_wrap=True)
    console.print(f"until {placed.until:%Y-%m-%d %H:%M} UTC" if placed.until else "until released")


def release(
    wanted: Annotated[
        str, typer.Argument(metavar="HOLD_ID|EVIDENCE_ID", help="One hold, or all of a record.")
    ],
    reason: ReasonOption = "",
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Let go of a hold: from now on the terms of the site file count again.

    Example: forewarn evidence release hld-0123456789abcdef --reason "case 17 closed"
    """
    from casework.retention.placing import release_holds

    service = _open(data, keys, Permission.RELEASE, by, wanted, reason)
    found = release_holds(service, wanted, reason)
    if as_json:
        print_json({"released": [standing.hold_id for standing in found]})
        return
    for standing in found:
        console.print(f"{standing.hold_id}: released", highlight=False)


HOLDS_HELP = """What is held, why, who answers for it, and until when.

Example: forewarn evidence holds
"""


def holds(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Print the holds in force."""
    from evidence_store.erasure.legal_holds import standing_holds

    found = standing_holds(data_dir(data))
    if as_json:
        for standing in found:
            print_json(_as_json(standing))
        return
    if not found:
        console.print("Nothing is held.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("hold", "evidence", "camera", "footage (UTC)", "until", "owner", "reason"):
        table.add_column(title, overflow="fold")
    for standing in found:
        footage = f"{standing.from_at:%Y-%m-%d %H:%M:%S} … {standing.to_at:%H:%M:%S}"
        until = f"{standing.until:%Y-%m-%d %H:%M}" if standing.until else "released"
        named = standing.evidence_id or "(recordings only)"
        table.add_row(
            standing.hold_id,
            named,
            standing.camera_id,
            footage,
            until,
            printable(standing.owner),
            printable(standing.reason),
        )
    console.print(table)


def _open(
    data: Any, keys: Any, act: Permission, by: str, about: str, reason: str
) -> RetentionService:
    """Open the retention service for somebody who may do this; raise what the gate raises."""
    from casework.retention.service import RetentionService

    folder, key_folder = data_dir(data), keys_dir(keys)
    chain = authorized_chain(act, folder, key_folder, by, about, reason)
    # to hold, and to let go, is allowed whatever state the chain is in
    return replace(
        RetentionService.open(folder, key_folder, despite_broken_chain=True), chain=chain
    )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as_json(each: Hold) -> dict[str, Any]:
    return {"evidence_id": each.evidence_id, **each.to_json()}
