"""Colours and type of all pages: dark and calm, for rooms that are dark at night.

Contrast of text on its ground is at least 7:1 (WCAG AAA); no state is told by colour alone.
"""

from __future__ import annotations

FONTS = (
    "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans CJK SC', "
    "'Microsoft YaHei', 'PingFang SC', sans-serif"
)

THEME = {
    "palette": {
        "primary": {"main": "#7dd3fc", "contrastText": "#0b1220"},
        "error": {"main": "#f87171"},
        "warning": {"main": "#fbbf24"},
        "success": {"main": "#86efac"},
        "background": {"default": "#0b1220", "paper": "#111a2b"},
        "text": {"primary": "#e8eef7", "secondary": "#b4c2d6"},
        "divider": "#24324a",
    },
    "typography": {"fontFamily": FONTS, "fontSize": 15, "button": {"textTransform": "none"}},
    "shape": {"borderRadius": 8},
    "components": {
        "MuiAppBar": {
            "styleOverrides": {
                "root": {
                    "backgroundColor": "#111a2b",
                    "color": "#e8eef7",
                    "boxShadow": "none",
                    "borderBottom": "1px solid #24324a",
                }
            }
        },
        "MuiPaper": {
            "styleOverrides": {
                "root": {"backgroundImage": "none", "border": "1px solid #24324a"},
            }
        },
    },
}

# of the ladder's states: on the wall's boxes, in the table, in the history
STATE_COLOURS = {
    "suspected": "#94a3b8",
    "opened": "#fde047",
    "warned": "#fb923c",
    "complied": "#86efac",
    "lapsed": "#94a3b8",
    "exempted": "#cbd5e1",
    "escalated": "#f87171",
    "taken-over": "#67e8f9",
    "dismissed": "#f0abfc",
    "merged": "#94a3b8",
    "unknown": "#c4b5fd",
}

STATE_CSS = "\n".join(
    f".state.{state} {{ color: {colour}; border-color: {colour}; }}"
    for state, colour in STATE_COLOURS.items()
)

CHIP_CSS = (
    """
.state { display: inline-block; min-width: 5.2em; text-align: center; font-weight: 700;
  font-size: 14px; line-height: 20px; padding: 1px 8px; border: 1.5px solid #94a3b8;
  border-radius: 999px; color: #cbd5e1; }
.state.escalated { background: #f87171; color: #1a0606 !important; }
.state.taken-over { background: #67e8f9; color: #04191d !important; }
.state.dispatched { color: #fdba74; border-color: #fdba74; }
.state.warned { background: #fb923c; color: #1c0d02 !important; }
"""
    + STATE_CSS
)

PAGE_CSS = f"""
body, :host {{ font-family: {FONTS}; }}
a {{ color: #7dd3fc; }}
a:focus-visible, button:focus-visible {{ outline: 3px solid #7dd3fc; outline-offset: 2px; }}
"""

KPI_CSS = """
.kpis { margin-bottom: 12px; display: grid; grid-template-columns: repeat(4, minmax(120px, 1fr)) minmax(220px, 2fr); gap: 12px; }
.kpi { background: #111a2b; border: 1px solid #24324a; border-radius: 8px; padding: 10px 16px; }
.kpi .number { font-size: 36px; line-height: 1.15; font-weight: 700; color: #e8eef7; font-variant-numeric: tabular-nums; }
.kpi .label { font-size: 15px; color: #b4c2d6; }
.kpi.is-alert { border-color: #f87171; } .kpi.is-alert .number { color: #fca5a5; }
.kpi.is-open .number { color: #fdba74; }
.kpi.is-good .number { color: #86efac; }
.kpi.is-bad { border-color: #f59e0b; } .kpi.is-bad .number { color: #fcd34d; }
.kpi .why { font-size: 14px; line-height: 1.4; color: #fde68a; overflow-wrap: anywhere; }
.problem { background: #451a03; border: 1px solid #f59e0b; color: #fef3c7; border-radius: 8px;
  padding: 10px 16px; margin-bottom: 12px; font-size: 15px; overflow-wrap: anywhere; }
@media (max-width: 1000px) { .kpis { grid-template-columns: repeat(2, minmax(0, 1fr)); } .kpi.cameras { grid-column: 1 / -1; } }
"""

HISTORY_CSS = (
    CHIP_CSS
    + """
.history { color: #e8eef7; font-size: 15px; line-height: 1.45; }
.history h2 { font-size: 19px; margin: 0 0 2px; display: flex; gap: 12px; align-items: center; flex-wrap: wrap; }
.history .facts { color: #b4c2d6; margin: 0 0 12px; overflow-wrap: anywhere; }
.history ol { list-style: none; margin: 0; padding: 0; }
.history li { display: grid; grid-template-columns: 84px 1fr; gap: 4px 12px; padding: 8px 0; border-top: 1px solid #24324a; }
.history.trouble li { display: block; overflow-wrap: anywhere; }
.history time { font-variant-numeric: tabular-nums; color: #b4c2d6; }
.history .now { background: #2a2411; border-left: 4px solid #fbbf24; color: #fde68a; font-weight: 600; margin: 0 0 8px; padding: 6px 10px; }
.history .what { font-weight: 600; }
.history .said { color: #dbe6f3; margin-top: 2px; }
.history .not-spoken { color: #fcd34d; font-weight: 600; }
.history .written { color: #c4b5fd; }
.history .spoken { color: #86efac; }
.history .detail { color: #b4c2d6; overflow-wrap: anywhere; }
.snapshots { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px; margin-top: 12px; }
.snapshots figure { margin: 0; } .snapshots img { width: 100%; border-radius: 6px; border: 1px solid #24324a; display: block; }
svg.subject { width: 100%; display: block; border-radius: 6px; background: #060b14; }
svg.subject rect { fill: none; stroke: #fde047; stroke-width: 2.5; vector-effect: non-scaling-stroke; }
.snapshots figcaption { font-size: 14px; color: #b4c2d6; padding-top: 4px; }
.empty { color: #b4c2d6; font-size: 16px; padding: 20px 4px; }
"""
)

NAV_CSS = """
nav { display: flex; gap: 6px; align-items: center; font-size: 16px; width: 100%; }
nav a { color: #cbd5e1; text-decoration: none; padding: 6px 14px; border-radius: 6px; }
nav a:hover { background: #1c2a42; }
nav a[aria-current] { background: #24324a; color: #fff; font-weight: 600; }
nav a:focus-visible { outline: 3px solid #7dd3fc; outline-offset: 1px; }
nav .site { color: #b4c2d6; padding: 0 18px 0 14px; border-left: 1px solid #3b4d6b; margin-left: 12px; white-space: nowrap; }
nav .gap { flex: 1; }
nav form { display: flex; gap: 8px; align-items: center; margin: 0; white-space: nowrap; }
nav .who { color: #b4c2d6; max-width: 14em; overflow: hidden; text-overflow: ellipsis; }
nav button { font: inherit; color: #cbd5e1; background: none; border: 1px solid #3b4d6b; border-radius: 6px; padding: 5px 12px; cursor: pointer; }
nav button:hover { background: #1c2a42; }
nav button:focus-visible { outline: 3px solid #7dd3fc; outline-offset: 1px; }
"""

BELL_CSS = """
.bell { font: inherit; font-size: 15px; color: #cbd5e1; background: none; border: 1px solid #3b4d6b; border-radius: 6px;
  padding: 5px 12px; cursor: pointer; white-space: nowrap; }
.bell:hover { background: #1c2a42; }
.bell[data-sound=on] { color: #86efac; border-color: #86efac; }
.bell:not([data-sound=on]) { color: #fde68a; border-color: #f59e0b; }
.bell:focus-visible { outline: 3px solid #7dd3fc; outline-offset: 1px; }
"""

NO_LOGIN_CSS = """
.no-login { margin: 0; padding: 8px 16px; font-size: 14px; color: #fde68a; background: #2a2411; border-bottom: 1px solid #54471b; }
"""

SEARCH_CSS = (
    CHIP_CSS
    + """
h2 { font-size: 18px; margin: 4px 0 10px; color: #e8eef7; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 14px; margin-bottom: 20px; }
.card { background: #111a2b; border: 1px solid #24324a; border-radius: 8px; overflow: hidden; display: flex; flex-direction: column; }
.card img { width: 100%; aspect-ratio: 4 / 3; object-fit: contain; background: #060b14; display: block; }
.card svg.subject { width: 100%; aspect-ratio: 4 / 3; display: block; background: #060b14; }
.card svg.subject rect { fill: none; stroke: #fde047; stroke-width: 2.5; vector-effect: non-scaling-stroke; }
.no-picture { aspect-ratio: 4 / 3; display: flex; align-items: center; justify-content: center; background: #060b14; color: #b4c2d6; }
.similarity { position: relative; padding: 8px 12px 10px; font-size: 16px; color: #e8eef7; background: #16213a; }
.similarity span { position: absolute; left: 0; bottom: 0; height: 4px; background: #7dd3fc; }
.card .facts { padding: 10px 12px; font-size: 14px; line-height: 1.55; color: #c6d2e2; flex: 1; overflow-wrap: anywhere; }
.card a.use { padding: 9px 12px; border-top: 1px solid #24324a; color: #7dd3fc; text-decoration: none; font-size: 15px; }
.card a.use:hover { background: #1a2740; }
.card a.use:focus-visible { outline: 3px solid #7dd3fc; outline-offset: -3px; }
.empty { color: #c6d2e2; font-size: 16px; padding: 4px 0 12px; margin: 0; overflow-wrap: anywhere; }
.how { color: #c6d2e2; font-size: 14px; margin: 0 0 8px; }
"""
)

AUDIT_CSS = """
.audit { color: #e8eef7; font-size: 15px; line-height: 1.45; }
.audit h1 { font-size: 22px; margin: 0 0 4px; } .audit h2 { font-size: 18px; margin: 22px 0 6px; }
.audit p { color: #b4c2d6; margin: 0 0 10px; }
.audit .trend { overflow-x: auto; }
.audit table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.audit th { text-align: left; font-weight: 600; color: #b4c2d6; padding: 4px 10px 4px 0; white-space: nowrap; }
.audit thead th { font-size: 13px; font-weight: 400; padding: 4px; text-align: center; }
.audit td { width: 44px; min-width: 44px; height: 28px; text-align: center; border: 2px solid #0b1220; color: #fff; }
.audit td.none { background: #0f1727; } .audit td.fine { background: #14532d; color: #bbf7d0; }
.audit td.bad { font-weight: 700; }
.audit tbody th.group { color: #e8eef7; padding-top: 12px; }
.audit ul { margin: 0; padding: 0; list-style: none; } .audit li { padding: 6px 0; border-top: 1px solid #24324a; overflow-wrap: anywhere; }
.audit a { color: #7dd3fc; }
.audit a:focus-visible { outline: 3px solid #7dd3fc; outline-offset: 1px; }
"""
