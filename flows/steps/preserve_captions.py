"""What is written on drawn pictures: facts that were measured, and nothing that accuses."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from domain.events import OutcomeData
from domain.site import BothLanguages, Camera, Line, Site, Zone
from evidence_store.drawing import Drawing
from flows.steps.preserve_moments import Moment

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
    "unknown": BothLanguages(zh="结果不明（画面中断）", en="not known: the picture broke off"),
}
_NO_FINDING = BothLanguages(
    zh="疑似情形，系统观察所得，不构成对任何人的认定；除当事人外已遮挡。",
    en="Suspected only: what a system observed, no finding against anybody. All others are masked.",
)


def drawing_of(moment: Moment, data: OutcomeData, site: Site) -> Drawing:
    """Place, box and caption of one moment's picture."""
    camera = _camera(site, data.camera_id)
    place = _place(camera, data.zone_id)
    lines = [_caption(moment, data, site, camera, chinese=chinese) for chinese in (True, False)]
    seen = moment.sighting
    stayed_s = (seen.at - data.first_seen_at).total_seconds()
    return Drawing(
        place=place[0],
        place_is_closed=place[1],
        box_xyxy=seen.box_xyxy,
        label=f"{data.subject_id}  {stayed_s:.1f} s  {seen.score:.2f}",
        caption=(*lines[0], *lines[1], f"{data.offence_id}  pts {seen.pts} x {seen.time_base} s"),
    )


def _caption(
    moment: Moment, data: OutcomeData, site: Site, camera: Camera | None, *, chinese: bool
) -> list[str]:
    def say(text: BothLanguages | None, otherwise: str) -> str:
        return otherwise if text is None else text.zh if chinese else text.en

    seen = moment.sighting
    rule = next((each.title for each in site.rules if each.id == data.rule_id), None)
    stayed_s = (seen.at - data.first_seen_at).total_seconds()
    where = " · ".join(
        (
            say(site.site.title, data.site_id),
            say(camera.title if camera else None, data.camera_id),
            say(_title_of_place(camera, data.zone_id), data.zone_id),
            say(rule, data.rule_id),
        )
    )
    moment_title = say(moment.title, moment.name)
    measured = (
        f"已停留 {stayed_s:.1f} 秒，检测分值 {seen.score:.2f}"
        if chinese
        else f"there for {stayed_s:.1f} s, detector's score {seen.score:.2f}"
    )
    lines = [f"{moment_title} · {_clock(seen.at, site)} · {measured}", where]
    if moment.name == "last":
        outcome = say(_OUTCOMES.get(data.state), data.state)
        lines.append(f"结果：{outcome}" if chinese else f"Outcome: {outcome}")
    return [*lines, say(_NO_FINDING, "")]


def _clock(at: datetime, site: Site) -> str:
    local = at.astimezone(ZoneInfo(site.site.timezone))
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {local:%Z (UTC%z)}"


def _camera(site: Site, camera_id: str) -> Camera | None:
    return next((each for each in site.cameras if each.id == camera_id), None)


def _place(camera: Camera | None, place_id: str) -> tuple[tuple[tuple[float, float], ...], bool]:
    """Corners as fractions, and whether they enclose an area; nothing where the site changed."""
    for zone in camera.zones if camera else ():
        if zone.id == place_id:
            return zone.polygon, True
    for line in camera.lines if camera else ():
        if line.id == place_id:
            return line.points, False
    return (), False


def _title_of_place(camera: Camera | None, place_id: str) -> BothLanguages | None:
    places: tuple[Zone | Line, ...] = (*camera.zones, *camera.lines) if camera else ()
    return next((each.title for each in places if each.id == place_id), None)
