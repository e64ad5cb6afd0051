"""`forewarn audit`: check that evidence is true, clear, complete and accurate."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import typer
from rich.progress import Progress
from rich.table import Table

from domain.errors import Stop
from forewarn.terminal.custody_note import note_custody
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
)

MANY_FINDINGS = 40  # more than anybody reads on a screen


def audit(
    site: Annotated[
        Path | None,
        typer.Option(
            "--site",
            help="Site file, for records that do not carry their rule; else the one in force.",
        ),
    ] = None,
    trend: Annotated[
        bool,
        typer.Option(
            "--trend", help="Run none: show how often each check failed, and why, over time."
        ),
    ] = False,
    by: Annotated[
        Literal["day", "audit"],
        typer.Option(
            "--by", help="With --trend: by the day an offence ended, or by audit, to compare them."
        ),
    ] = "day",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Check every evidence record: true, clear, complete, accurate.

    Runs in a process of its own and sends nothing anywhere. The report is kept in the data
    folder's audits/; where the key is at hand, the custody chain tells of it. Exit code 1 when a record fails a check.

    Example: forewarn audit --json | jq '.findings[] | .evidence_id + ": " + .reason.en'
    Over time: forewarn audit --trend --by day
    """
    folder = data_dir(data)
    if trend:
        from forewarn.terminal.audit_trend import show_trend

        show_trend(folder, by, as_json=as_json)
        return
    report_text, code = _run(folder.root, site, quiet=as_json)
    report = json.loads(report_text)
    if report["records"]:
        counts = {"records": report["records"], "records_failed": report["records_failed"]}
        note_custody(folder, keys_dir(keys), "audited", "", counts)
    if as_json:
        print(report_text.strip(), flush=True)
    else:
        _show(report)
    raise typer.Exit(code)


def _run(root: Path, site: Path | None, *, quiet: bool) -> tuple[str, int]:
    """Run the audit in a process of its own and return what it printed.

    Returns:
        (the report as JSON, 0 or 1).
    Raises:
        Stop: the audit itself failed; its words are in the message.
    """
    command = [sys.executable, "-m", "validation", "--data", str(root)]
    command += ["--site", str(site)] if site else []
    with (
        Progress(console=console, transient=True, disable=quiet) as bars,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process,
    ):
        assert process.stdout is not None and process.stderr is not None
        words: list[str] = []
        follower = threading.Thread(target=_follow, args=(process.stderr, bars, words))
        follower.start()
        report_text = process.stdout.read()
        follower.join()
    if process.returncode not in (0, 1) or not report_text:
        message = "\n".join(words[-5:]) or f"exit code {process.returncode}"
        raise Stop(f"the audit could not be run: {message.removeprefix('error: ')}")
    return report_text, process.returncode


def _follow(lines: IO[str], bars: Progress, words: list[str]) -> None:
    """Move the bar by the process's progress lines; keep its other lines."""
    task = bars.add_task("measuring", total=None)
    for line in lines:
        parts = line.split()
        if len(parts) == 4 and parts[0] == "measured":
            bars.update(task, completed=int(parts[1]), total=int(parts[3]))
        else:
            words.append(line.rstrip())


def _show(report: dict[str, Any]) -> None:
    table = Table(title=f"{report['records']} records, {report['records_failed']} with findings")
    for title in ("group", "check", "examined", "failed"):
        table.add_column(title, justify="right" if title in ("examined", "failed") else "left")
    group = ""
    for check in report["checks"]:
        if check["group"] != group:
            table.add_section()
        failed = f"[red]{check['failed']}[/red]" if check["failed"] else "0"
        table.add_row(
            check["group"] if check["group"] != group else "",
            f"{check['title']['en']} · {check['title']['zh']}",
            str(check["examined"]),
            failed,
        )
        group = check["group"]
    console.print(table)
    for finding in report["findings"][:MANY_FINDINGS]:
        console.print(
            f"{finding['evidence_id']}  [red]{finding['group']}[/red]  "
            f"{finding['reason']['en']} · {finding['reason']['zh']}",
            highlight=False,
            soft_wrap=True,
        )
    left_out = len(report["findings"]) - MANY_FINDINGS
    if left_out > 0:
        console.print(f"… and {left_out} more; --json has them all")
