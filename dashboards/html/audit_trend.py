"""Draw what audits found over time, for the audit page."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.display_names import DisplayNames
from dashboards.html.rendering import render
from dashboards.texts import in_language
from validation.report import AuditReport
from validation.trend import Trend, trend_by_audit, trend_by_day

# from a few to all of the examined: amber to red, each dark enough for white digits
_SHADES = ("#92400e", "#b45309", "#c2410c", "#b91c1c")


@dataclass(frozen=True, slots=True)
class TrendCell:
    """How many records failed one check on one day or in one audit."""

    css_class: str  # none (nothing was examined), fine or bad
    hint: str  # the numbers in words
    number: str = ""
    shade: str = ""  # colour of the ground; "": the class gives it


@dataclass(frozen=True, slots=True)
class TrendLine:
    """One check over time, in the reader's words."""

    group: str  # the kind of check
    title: str
    cells: list[TrendCell]


def audit_html(reports: list[AuditReport], names: DisplayNames) -> str:
    """Draw the whole page below the bar; reports come oldest first, [] where no audit has been run."""
    if not reports:
        return render("audit.html", names=names, latest=None)
    by_day, by_audit = trend_by_day(reports[-1]), trend_by_audit(reports)
    return render(
        "audit.html",
        names=names,
        latest=reports[-1],
        reasons=by_day.reasons,
        day_columns=by_day.columns,
        day_lines=_lines(by_day, names),
        audit_columns=by_audit.columns,
        audit_lines=_lines(by_audit, names),
    )


def _lines(trend: Trend, names: DisplayNames) -> list[TrendLine]:
    return [
        TrendLine(
            names.say(f"audit.group_{row.group}"),
            in_language(row.title, names.lang),
            [
                _cell(*cell, names)
                for cell in zip(trend.columns, row.failed, row.examined, row.shares, strict=True)
            ],
        )
        for row in trend.rows
    ]


def _cell(
    column: str, failed: int, examined: int, share: float | None, names: DisplayNames
) -> TrendCell:
    key = "audit.cell_none" if share is None else "audit.cell"
    hint = names.say(key, column=column, failed=failed, examined=examined)
    if share is None:
        return TrendCell("none", hint)
    if not failed:
        return TrendCell("fine", hint, "0")
    shade = _SHADES[min(len(_SHADES) - 1, int(share * len(_SHADES)))]
    return TrendCell("bad", hint, str(failed), shade)
