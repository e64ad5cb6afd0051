"""Write captions on drawn pictures: facts that were measured, and nothing that accuses."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from domain.base import BothLanguages
from domain.events.catalog import OutcomeData
from domain.events.wall_time import seconds_between
from domain.site.cameras import Camera, Line, Zone
from domain.site.site import Site
from evidence_store.media.annotation import Drawing
from flows.preservation.clips import Moment

_OUTCOMES = {
    "complied": BothLanguages(zh="经劝导后离开", en="left after a call"),
    "lapsed": BothLanguages(zh="劝导前离开", en="left before a call"),
    "escalated": BothLanguages(
        zh="劝导后仍停留，已请工作人员到场", en="stayed after all calls; a person was asked for"
    ),
    "exempted": BothLanguages(
        zh="劝导后仍停留，首次免予处理", en="stayed after all calls; let off the first time"
    ),
    "dismissed": BothLanguages(zh="工作人员已撤销", en="dismissed by an operator"),
    "merged": BothLanguages(
        zh="与较早的一次为同一对象，并入该次",
        en="the subject's older offence goes on; this one was merged into it",
    ),
    "unknown": BothLanguages(zh="结果不明（画面中断）", en="not known: the picture broke off"),
}
_NO_FINDING = BothLanguages(
    zh="疑似情形，系统观察所得，不构成对任何人的认定；除当事人外已遮挡。",
    en="Suspected only: what a system observed, no finding against anybody. All others are masked.",
)


def drawing_of(moment: Moment, outcome: OutcomeData, site: Site) -> Drawing:
    """Return place, box and caption of one moment's picture."""
    camera = _camera(site, outcome.camera_id)
    place = _place(camera, outcome.zone_id)
    lines = [_caption(moment, outcome, site, camera, chinese=chinese) for chinese in (True, False)]
    sighting = moment.sighting
    stayed_s = seconds_between(outcome.first_sighting, sighting)
    return Drawing(
        place=place[0],
        place_is_closed=place[1],
        box_xyxy=sighting.box_xyxy,
        label=f"{outcome.subject_id}  {stayed_s:.1f} s  {sighting.score:.2f}",
        caption=(
            *lines[0],
            *lines[1],
            f"{outcome.offence_id}  pts {sighting.pts} x {sighting.time_base} s",
        ),
    )


def _caption(
    moment: Moment, outcome: OutcomeData, site: Site, camera: Camera | None, *, chinese: bool
) -> list[str]:
    def say(text: BothLanguages | None, otherwise: str) -> str:
        return otherwise if text is None else text.zh if chinese else text.en

    sighting = moment.sighting
    rule_title = next((rule.title for rule in site.rules if rule.id == outcome.rule_id), None)
    stayed_s = seconds_between(outcome.first_sighting, sighting)
    where = " · ".join(
        (
            say(site.site.title, outcome.site_id),
            say(camera.title if camera else None, outcome.camera_id),
            say(_title_of_place(camera, outcome.zone_id), outcome.zone_id),
            say(rule_title, outcome.rule_id),
        )
    )
    moment_title = say(moment.title, moment.name)
    measured = (
        f"已停留 {stayed_s:.1f} 秒，检测分值 {sighting.score:.2f}"
        if chinese
        else f"there for {stayed_s:.1f} s, detector's score {sighting.score:.2f}"
    )
    lines = [f"{moment_title} · {_clock(sighting.at, site)} · {measured}", where]
    if moment.name == "last":
        ending = say(_OUTCOMES.get(outcome.state), outcome.state)
        lines.append(f"结果：{ending}" if chinese else f"Outcome: {ending}")
    return [*lines, say(_NO_FINDING, "")]


def _clock(at: datetime, site: Site) -> str:
    local = at.astimezone(ZoneInfo(site.site.timezone))
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {local:%Z (UTC%z)}"


def _camera(site: Site, camera_id: str) -> Camera | None:
    return next((camera for camera in site.cameras if camera.id == camera_id), None)


def _place(camera: Camera | None, place_id: str) -> tuple[tuple[tuple[float, float], ...], bool]:
    """Return corners as fractions, and whether they enclose an area; nothing where the site changed."""
    for zone in camera.zones if camera else ():
        if zone.id == place_id:
            return zone.polygon, True
    for line in camera.lines if camera else ():
        if line.id == place_id:
            return line.points, False
    return (), False


def _title_of_place(camera: Camera | None, place_id: str) -> BothLanguages | None:
    places: tuple[Zone | Line, ...] = (*camera.zones, *camera.lines) if camera else ()
    return next((place.title for place in places if place.id == place_id), None)
