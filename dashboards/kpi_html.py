"""The row of numbers at the top of the live page, as HTML."""

from __future__ import annotations

from html import escape

from dashboards.keeping_html import rings_over
from dashboards.names import Names
from dashboards.poller import Snapshot, day_of, has_live_camera

REASONS_SHOWN = 3


def kpis(snapshot: Snapshot, names: Names) -> str:
    """Open now, the day's outcomes, cameras that are up and why the others are not."""
    is_live = has_live_camera(names.site)
    day = day_of(snapshot, names.timezone, is_live)
    open_now = sum(each.is_open for each in snapshot.offences.values())

    def count(what: str, state: str, mood: str) -> str:
        label = (
            names.say(f"kpi.{what}_today")
            if is_live or snapshot.latest_at is None
            else names.say(f"kpi.{what}_on", day=day.strftime("%m-%d"))
        )
        number = snapshot.counts.get((day, state), 0)
        return _card(str(number), label, mood if number else "")

    return (
        _problem(snapshot, names)
        + rings_over(snapshot.rings.values(), names)
        + '<div class="kpis" role="status">'
        + _card(str(open_now), names.say("kpi.open"), "is-open" if open_now else "")
        + count("warned", "warned", "")
        + count("complied", "complied", "is-good")
        + count("escalated", "escalated", "is-alert")
        + _cameras(snapshot, names)
        + "</div>"
    )


def _card(number: str, label: str, mood: str, more: str = "", kind: str = "") -> str:
    return (
        f'<div class="kpi {kind} {mood}"><div class="number">{escape(number)}</div>'
        f'<div class="label">{escape(label)}</div>{more}</div>'
    )


def _cameras(snapshot: Snapshot, names: Names) -> str:
    tiles = list(snapshot.tiles.values())
    down = [tile for tile in tiles if not tile.is_up]
    reasons = [
        names.say(
            "kpi.camera_reason",
            camera=names.camera(tile.camera_id),
            status=names.say(f"wall.status_{tile.status}"),
            reason=tile.reason_in(names.lang),
        )
        for tile in down[:REASONS_SHOWN]
    ]
    if len(down) > REASONS_SHOWN:
        reasons.append(names.say("kpi.more_cameras", count=len(down) - REASONS_SHOWN))
    value = names.say("kpi.cameras_value", up=len(tiles) - len(down), all=len(tiles))
    why = "".join(f'<div class="why">{escape(reason)}</div>' for reason in reasons)
    return _card(value, names.say("kpi.cameras"), "is-bad" if down else "", why, "cameras")


def _problem(snapshot: Snapshot, names: Names) -> str:
    if snapshot.log_problem:
        said = names.say("page.log_problem", reason=snapshot.log_problem)
    elif not snapshot.is_caught_up:
        said = names.say("page.catching_up")
    else:
        return ""
    return f'<div class="problem" role="alert">{escape(said)}</div>'
