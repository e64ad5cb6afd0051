"""`forewarn evidence`: list, show, search and verify what was sealed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from forewarn.commands.evidence_out import IdArgument, export, verify
from forewarn.evidence_lookup import evidence_record, evidence_table
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
    import numpy as np

    from domain.evidence import EvidenceRecord
    from evidence_store.vault import Vault

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="What was sealed, and whether it still is."
)

WIDTH_IN_A_PIPE = 160

CameraOption = Annotated[str | None, typer.Option("--camera", help="Only this camera.")]
RuleOption = Annotated[str | None, typer.Option("--rule", help="Only this rule.")]
OutcomeOption = Annotated[
    str | None,
    typer.Option("--outcome", help="Only this outcome: complied, lapsed, escalated, unknown."),
]
SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", help="Only offences that ended at or after this time (UTC)."),
]


class Likeness(StrEnum):
    """What a search goes by."""

    EMBEDDING = "embedding"
    APPEARANCE = "appearance"


@app.command("list")
def list_evidence(
    camera: CameraOption = None,
    rule: RuleOption = None,
    outcome: OutcomeOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Sealed records, those that ended last first.

    Example: forewarn evidence list --outcome escalated --since 2026-03-02
    """
    records = evidence_table(data_dir(data)).list(camera, rule, outcome, _utc(since), limit)
    if as_json:
        for record in records:
            print_json(_as_json(record))
        return
    if not records:
        console.print("No evidence yet. `forewarn run SITE` keeps some for each ended offence.")
        return
    _out().print(_listing([(record, None) for record in records]))


@app.command()
def show(
    evidence_id: IdArgument,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="Also tell where the originals are; is logged.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", help="Why the originals are needed; goes into the log.")
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Write readable copies of what is shown there."),
    ] = None,
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """One record: its facts and where its files are.

    Only copies with masked faces are pointed to. The originals (clip, snapshots) need --unmasked
    and a reason; who, when, which and why are added to the custody chain, signed. Where originals
    are encrypted, --to writes copies that can be opened; delete them when they have been seen.

    Example: forewarn evidence show evd-0123456789abcdef --unmasked --reason "appeal 17" --to /tmp/17
    """
    from evidence_store.access_log import log_access
    from evidence_store.open_vault import open_vault
    from evidence_store.roles import is_original
    from evidence_store.site_key import open_chain

    folder, key_folder = data_dir(data), keys_dir(keys)
    record, vault = evidence_record(folder, evidence_id), open_vault(folder, key_folder)
    originals = [file.name for file in record.files if is_original(file.role)]
    if unmasked:
        log_access(open_chain(folder, key_folder), record.evidence_id, reason, originals)
    names = [file.name for file in record.files if unmasked or not is_original(file.role)]
    if to:
        shown = _copies(vault, record.evidence_id, names, to)
    else:
        shown = {name: str(vault.path_of(record.evidence_id, name)) for name in names}
    if as_json:
        print_json(_as_json(record) | {"paths": shown})
        return
    _out().print(_facts(record))
    _out().print(_files(record, shown))
    if not to and any(vault.is_encrypted(record.evidence_id, name) for name in names):
        console.print("The originals are encrypted; --to DIR writes copies that can be opened.")
    if originals and not unmasked:
        console.print(
            "The originals are not for everybody's eyes: "
            f"forewarn evidence show {record.evidence_id} --unmasked --reason TEXT"
        )


@app.command()
def search(
    image: Annotated[
        Path | None,
        typer.Option("--image", help="A picture of somebody (JPEG, PNG, ...), cut out closely."),
    ] = None,
    like: Annotated[
        str | None, typer.Option("--like", metavar="EVIDENCE_ID", help="The subject of a record.")
    ] = None,
    by: Annotated[
        Likeness,
        typer.Option(
            "--by", help="What is compared: the embedder's view, or the colours of the clothes."
        ),
    ] = Likeness.EMBEDDING,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 10,
    camera: CameraOption = None,
    rule: RuleOption = None,
    outcome: OutcomeOption = None,
    since: SinceOption = None,
    triton: Annotated[
        str | None,
        typer.Option(
            "--triton",
            metavar="HOST:PORT",
            help="Embed --image on this Triton server; else on the one that runs for the data "
            "folder, else on one started for it.",
        ),
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Records whose subject looks most like a picture or another record's subject.

    Likeness is a hint for a person who compares, never an identity.

    Example: forewarn evidence search --like evd-0123456789abcdef --by appearance

    Example: forewarn evidence search --image walker.jpg --camera gate-early
    """
    folder = data_dir(data)
    if (image is None) == (like is None):
        raise Stop("needs either --image FILE or --like EVIDENCE_ID; --help shows an example")
    table = evidence_table(folder)
    if like is not None:
        vector = getattr(evidence_record(folder, like), by.value)
        if not vector.any():
            raise PutAside(f"{like}: has no picture of its subject to compare with")
    else:
        assert image is not None
        vector = _vector_of(image, by, triton, folder)
    found = table.search(
        vector,
        by=by.value,
        k=limit,
        camera_id=camera,
        rule_id=rule,
        outcome=outcome,
        since=_utc(since),
    )
    if as_json:
        for record, similarity in found:
            print_json(_as_json(record) | {"similarity": round(similarity, 4)})
        return
    if not found:
        console.print("Nothing found.")
        return
    _out().print(_listing([(record, similarity) for record, similarity in found]))


app.command()(verify)
app.command()(export)


def _copies(vault: Vault, evidence_id: str, names: list[str], to: Path) -> dict[str, str]:
    """Readable copies of a record's files, by name.

    Raises:
        TryAgain: they cannot be written.
    """
    from evidence_store.vault import saying_what_failed

    target = to.expanduser().resolve()
    with saying_what_failed(f"copies of {evidence_id}", target):
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in names:
            vault.copy_out(evidence_id, name, target / name)
    return {name: str(target / name) for name in names}


def _vector_of(image: Path, by: Likeness, triton: str | None, folder: DataDir) -> np.ndarray:
    from evidence_store.stills import decode_picture

    try:
        picture = decode_picture(image.read_bytes(), str(image))
    except OSError as error:
        raise PutAside(f"{image}: cannot be read: {error.strerror}") from error
    if by is Likeness.APPEARANCE:
        from models.appearance import describe

        return describe(picture)
    from forewarn.serving import serving
    from models.serving.client import Embedder, connect

    with serving(triton, folder) as server:
        connection = connect(server.address)
        try:
            embedded: np.ndarray = Embedder(connection).embed([picture])[0]
            return embedded
        finally:
            connection.close()


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _out() -> Console:
    """Stdout: as wide as the terminal, or wide enough that nothing is cut off in a pipe."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_PIPE)


def _listing(rows: list[tuple[EvidenceRecord, float | None]]) -> Table:
    table = Table(box=None, pad_edge=False)
    has_likeness = rows[0][1] is not None
    for title in ("evidence", "ended (UTC)", "camera", "rule", "outcome", "stay", "calls", "whole"):
        table.add_column(title, no_wrap=title in ("evidence", "ended (UTC)"))
    if has_likeness:
        table.add_column("likeness")
    for record, similarity in rows:
        cells = [
            record.evidence_id,
            record.ended_at.strftime("%Y-%m-%d %H:%M:%S"),
            record.camera_id,
            record.rule_id,
            record.outcome,
            f"{record.dwell_s:.1f} s",
            str(record.rungs_spoken),
            "yes" if record.complete else "NO",
        ]
        table.add_row(*cells, *([f"{similarity:.3f}"] if similarity is not None else []))
    return table


def _facts(record: EvidenceRecord) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _as_json(record).items():
        if name not in ("files", "missing"):
            table.add_row(name, str(value))
    for reason in record.missing:
        table.add_row("[red]missing[/red]", reason)
    return table


def _files(record: EvidenceRecord, shown: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("file", "what", "bytes", "SHA-256", "where"):
        table.add_column(title, overflow="fold")
    for file in record.files:
        where = shown.get(file.name, "(original, not shown)")
        table.add_row(file.name, file.role, str(file.size_bytes), file.sha256[:16] + "…", where)
    return table


def _as_json(record: EvidenceRecord) -> dict[str, Any]:
    """The record without its vectors."""
    facts: dict[str, Any] = {
        name: getattr(record, name)
        for name in record.__slots__
        if name not in ("embedding", "appearance", "files", "missing")
    }
    for name, value in facts.items():
        if isinstance(value, datetime):
            facts[name] = value.astimezone(UTC).isoformat()
    facts["missing"] = list(record.missing)
    facts["files"] = [file.model_dump() for file in record.files]
    return facts
