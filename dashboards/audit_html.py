"""What audits found, over time, as HTML for the audit page."""

from __future__ import annotations

from html import escape

from dashboards.names import Names
from dashboards.texts import in_language
from validation.report import AuditReport
from validation.trend import Trend, TrendRow, trend_by_audit, trend_by_day

# from a few to all of the examined: amber to red, each dark enough for white digits
_SHADES = ("#92400e", "#b45309", "#c2410c", "#b91c1c")


def audit_html(reports: list[AuditReport], names: Names) -> str:
    """The whole page below the bar.

    Args:
        reports: oldest first; [] where no audit has been run.
    """
    heading = f"<h1>{escape(names.say('audit.heading'))}</h1>"
    if not reports:
        return f'<div class="audit">{heading}<p>{escape(names.say("audit.none_yet"))}</p></div>'
    latest = reports[-1]
    summary = names.say(
        "audit.summary",
        time=names.date_and_clock(latest.ran_at),
        records=latest.records,
        failed=latest.records_failed,
    )
    days = trend_by_day(latest)
    by_day = _table(days, names) if days.columns else _paragraph(names.say("audit.no_days"))
    by_audit = _table(trend_by_audit(reports), names)
    return (
        f'<div class="audit">{heading}{_paragraph(summary)}{_paragraph(names.say("audit.help"))}'
        f"<h2>{escape(names.say('audit.why'))}</h2>{_reasons(days, names)}"
        f"<h2>{escape(names.say('audit.by_day'))}</h2>{by_day}"
        f"<h2>{escape(names.say('audit.by_audit'))}</h2>{by_audit}</div>"
    )


def _reasons(trend: Trend, names: Names) -> str:
    if not trend.reasons:
        return _paragraph(names.say("audit.all_well"))
    example = escape(names.say("audit.example"))
    lines = []
    for each in trend.reasons:
        reason = in_language(each.reason, names.lang)
        said = escape(names.say("audit.why_line", records=each.records, reason=reason))
        link = f"/search?lang={names.lang}&evidence={escape(each.evidence_id, quote=True)}"
        lines.append(f'<li>{said} <a href="{escape(link)}">{example}</a></li>')
    return f"<ul>{''.join(lines)}</ul>"


def _table(trend: Trend, names: Names) -> str:
    heads = "".join(f'<th scope="col">{escape(_short(each))}</th>' for each in trend.columns)
    body, group = "", ""
    for row in trend.rows:
        if row.group != group:
            group = row.group
            title = escape(names.say(f"audit.group_{group}"))
            span = len(trend.columns) + 1
            body += f'<tr><th class="group" colspan="{span}" scope="rowgroup">{title}</th></tr>'
        body += _row(row, trend, names)
    head = f'<tr><th scope="col">{escape(names.say("audit.check"))}</th>{heads}</tr>'
    return (
        f'<div class="trend" tabindex="0"><table><thead>{head}</thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: TrendRow, trend: Trend, names: Names) -> str:
    cells = "".join(
        _cell(column, failed, examined, share, names)
        for column, failed, examined, share in zip(
            trend.columns, row.failed, row.examined, row.shares, strict=True
        )
    )
    return f'<tr><th scope="row">{escape(in_language(row.title, names.lang))}</th>{cells}</tr>'


def _cell(column: str, failed: int, examined: int, share: float | None, names: Names) -> str:
    key = "audit.cell_none" if share is None else "audit.cell"
    said = escape(names.say(key, column=column, failed=failed, examined=examined), quote=True)
    if share is None:
        return f'<td class="none" title="{said}" aria-label="{said}"></td>'
    if not failed:
        return f'<td class="fine" title="{said}" aria-label="{said}">0</td>'
    shade = _SHADES[min(len(_SHADES) - 1, int(share * len(_SHADES)))]
    style = f"background:{shade}"
    return f'<td class="bad" style="{style}" title="{said}" aria-label="{said}">{failed}</td>'


def _short(column: str) -> str:
    """Without the year, which the tooltip has."""
    return column[5:]


def _paragraph(said: str) -> str:
    return f"<p>{escape(said)}</p>"
