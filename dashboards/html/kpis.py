"""Draw the row of numbers at the top of the live page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from dashboards.data.poller import ConsoleData, day_of, has_live_camera
from dashboards.data.tiles import Tile
from dashboards.display_names import DisplayNames
from dashboards.html.rendering import render
from dashboards.html.retention import ring_alerts
from dashboards.html.storage import storage_alerts
from dashboards.html.uncertainty import covered_places, hidden_since

REASONS_SHOWN = 3
CLOCK_SHOWN_FOR = timedelta(hours=1)  # after the machine's clock was set


@dataclass(frozen=True, slots=True)
class KpiCard:
    """One number with its label."""

    number: str
    label: str
    css_class: str  # is-open, is-good, is-alert, is-bad, cameras; "" for a calm one
    reasons: tuple[str, ...] = ()  # lines below the label


def kpis(snapshot: ConsoleData, names: DisplayNames) -> str:
    """Draw open offences, the day's outcomes, and which cameras are down and why."""
    cards = [
        _open(snapshot, names),
        _count("warned", "", snapshot, names),
        _count("complied", "is-good", snapshot, names),
        _count("escalated", "is-alert", snapshot, names),
        _cameras(snapshot, names),
    ]
    alerts = [
        *_log_alerts(snapshot, names),
        *_site_alerts(snapshot, names),
        *_clock_alerts(snapshot, names),
        *storage_alerts(snapshot.disks.values(), snapshot.backlogs.values(), names),
        *ring_alerts(snapshot.rings.values(), names),
    ]
    return render("kpis.html", cards=cards, alerts=alerts)


def _open(snapshot: ConsoleData, names: DisplayNames) -> KpiCard:
    """Count the open offences, and those of them whose subject is hidden."""
    offences = snapshot.offences.values()
    open_now = sum(offence.is_open for offence in offences)
    hidden = sum(hidden_since(offence, snapshot) is not None for offence in offences)
    reasons = (names.say("kpi.hidden", count=hidden),) if hidden else ()
    return KpiCard(str(open_now), names.say("kpi.open"), "is-open" if open_now else "", reasons)


def _count(state: str, mood: str, snapshot: ConsoleData, names: DisplayNames) -> KpiCard:
    """Count the day's offences that reached a state."""
    is_live = has_live_camera(names.site)
    day = day_of(snapshot, names.timezone, is_live)
    label = (
        names.say(f"kpi.{state}_today")
        if is_live or snapshot.latest_at is None
        else names.say(f"kpi.{state}_on", day=day.strftime("%m-%d"))
    )
    number = snapshot.counts.get((day, state), 0)
    return KpiCard(str(number), label, mood if number else "")


def _cameras(snapshot: ConsoleData, names: DisplayNames) -> KpiCard:
    tiles = list(snapshot.tiles.values())
    down = [tile for tile in tiles if not tile.is_up]
    reasons = [_camera_down(tile, names) for tile in down[:REASONS_SHOWN]]
    if len(down) > REASONS_SHOWN:
        reasons.append(names.say("kpi.more_cameras", count=len(down) - REASONS_SHOWN))
    reasons += [
        names.say("kpi.covered", camera=names.camera(tile.camera_id), places=places)
        for tile in tiles
        if (places := covered_places(tile, names))
    ][:REASONS_SHOWN]
    number = names.say("kpi.cameras_value", up=len(tiles) - len(down), all=len(tiles))
    css_class = "cameras is-bad" if down else "cameras"
    return KpiCard(number, names.say("kpi.cameras"), css_class, tuple(reasons))


def _camera_down(tile: Tile, names: DisplayNames) -> str:
    facts = {
        "camera": names.camera(tile.camera_id),
        "status": names.say(f"wall.status_{tile.status}"),
        "reason": tile.reason_in(names.lang),
    }
    if tile.status == "stale" and tile.replaced_at is not None:
        return names.say("kpi.camera_since", since=names.clock(tile.replaced_at), **facts)
    return names.say("kpi.camera_reason", **facts)


def _log_alerts(snapshot: ConsoleData, names: DisplayNames) -> list[str]:
    if snapshot.log_problem:
        return [names.say("page.log_problem", reason=snapshot.log_problem)]
    return [] if snapshot.is_caught_up else [names.say("page.catching_up")]


def _site_alerts(snapshot: ConsoleData, names: DisplayNames) -> list[str]:
    if (changed := snapshot.site_file) is None:
        return []
    return [changed.reason_zh if names.lang == "zh" else changed.reason]


def _clock_alerts(snapshot: ConsoleData, names: DisplayNames) -> list[str]:
    """Tell that the machine's clock was set, for an hour of events after it."""
    clock = snapshot.clock
    if clock is None:
        return []
    if snapshot.latest_at is not None and snapshot.latest_at - clock.to_at > CLOCK_SHOWN_FOR:
        return []
    reason = clock.reason_zh if names.lang == "zh" else clock.reason
    return [names.say("page.clock_stepped", at=names.date_and_clock(clock.to_at), reason=reason)]
