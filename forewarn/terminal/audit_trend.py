"""Print what earlier audits found, over time: `forewarn audit --trend`."""

from __future__ import annotations

from rich.table import Table

from domain.data_dir import DataDir
from domain.errors import Stop
from forewarn.terminal.options import console, print_json
from validation.report import read_all
from validation.trend import Trend, trend_by_audit, trend_by_day


def show_trend(data: DataDir, by: str, *, as_json: bool) -> None:
    """Print how often each check failed.

    Args:
        data: the folder that was audited.
        by: "day" or "audit".
        as_json: for programs.
    Raises:
        Stop: nothing was audited there yet.
    """
    reports = read_all(data.audits)
    if not reports:
        raise Stop(
            f"{data.audits}: no audit has been run yet; run `forewarn audit --data {data.root}`"
        )
    trend = trend_by_audit(reports) if by == "audit" else trend_by_day(reports[-1])
    if as_json:
        print_json(trend.to_json() | {"last_audit_at": reports[-1].ran_at.isoformat()})
    else:
        _show(
            trend, f"failed / examined by {by}; last audit {reports[-1].ran_at:%Y-%m-%d %H:%M} UTC"
        )


def _show(trend: Trend, title: str) -> None:
    if not trend.columns:
        console.print("the last audit kept no days: run `forewarn audit` once more")
        return
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("group")
    table.add_column("check")
    for column in trend.columns:
        table.add_column(column[5:], justify="right")  # without the year
    group = ""
    for row in trend.rows:
        cells = [
            f"[red]{bad}[/red]/{of}" if bad else (f"0/{of}" if of else "·")
            for bad, of in zip(row.failed, row.examined, strict=True)
        ]
        label = row.group if row.group != group else ""
        table.add_row(label, f"{row.title.en} · {row.title.zh}", *cells)
        group = row.group
    console.print(table)
    for reason in trend.reasons:
        console.print(
            f"{reason.records} × {reason.reason.en} · {reason.reason.zh}  ({reason.evidence_id})",
            highlight=False,
            soft_wrap=True,
        )
