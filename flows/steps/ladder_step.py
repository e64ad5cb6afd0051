"""Bytewax's face of ZoneLadder, one for each camera, rule and zone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bytewax.operators import StatefulBatchLogic

from domain.cameras import CameraNotice
from domain.events import Event
from domain.site import Site
from flows.steps.ladder import ZoneLadder
from flows.steps.offence import Offence, OffenceWriter
from flows.steps.zones import Presence


@dataclass(frozen=True, slots=True)
class ZoneNotice:
    """News of a camera, for one of its ladders."""

    key: str
    notice: CameraNotice


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one subject stands, for the live page."""

    camera_id: str
    track_id: int
    state: str
    rung_number: int
    dwell_s: float


@dataclass(frozen=True, slots=True)
class ZoneStandings:
    """Everybody on one ladder after one frame."""

    key: str
    camera_id: str
    standings: tuple[Standing, ...]


LadderState = tuple[dict[int, Offence], datetime | None]
ZoneItem = Presence | ZoneNotice
LadderOut = Event | ZoneStandings


def zone_keys(site: Site) -> dict[str, list[str]]:
    """Keys of the ladders that watch each camera."""
    return {
        camera.id: [
            f"{camera.id}|{rule.id}|{zone.id}"
            for rule in site.rules
            for zone in camera.zones
            if zone.id in rule.zones
        ]
        for camera in site.cameras
    }


def make_ladder(site: Site, key: str) -> ZoneLadder:
    """The ladder of one key."""
    camera_id, rule_id, zone_id = key.split("|")
    rule = site.rule(rule_id)
    ladder = site.ladder(rule.ladder)
    return ZoneLadder(rule, ladder, OffenceWriter(site.site.id, camera_id, zone_id, rule, ladder))


class LadderLogic(StatefulBatchLogic[ZoneItem, LadderOut, LadderState]):
    """Runs one ladder; the key is learned from the first item."""

    def __init__(
        self,
        make: Callable[[str], ZoneLadder],
        resume: LadderState | None,
        *,
        tells_standings: bool,
    ) -> None:
        self._make = make
        self._resume = resume
        self._tells_standings = tells_standings
        self._ladder: ZoneLadder | None = None

    def on_batch(self, values: list[ZoneItem]) -> tuple[list[LadderOut], bool]:
        """Events in order; with `tells_standings`, also who stands where after the last frame."""
        ladder = self._ladder_for(values[0].key)
        out: list[LadderOut] = []
        for value in values:
            if isinstance(value, ZoneNotice):
                out += ladder.notice(value.notice)
            else:
                out += ladder.step(value)
        if self._tells_standings:
            out.append(_standings(values[-1].key, ladder))
        return out, StatefulBatchLogic.RETAIN

    def _ladder_for(self, key: str) -> ZoneLadder:
        if self._ladder is None:
            self._ladder = self._make(key)
            if self._resume is not None:
                self._ladder.offences, self._ladder.last_at = copy.deepcopy(self._resume)
        return self._ladder

    def on_eof(self) -> tuple[list[LadderOut], bool]:
        """A stop is not the end of an offence: it goes on after the restart."""
        return [], StatefulBatchLogic.RETAIN

    def snapshot(self) -> LadderState:
        """A copy: Bytewax pickles it later, when the ladder has moved on."""
        if self._ladder is None:
            return self._resume or ({}, None)
        return copy.deepcopy(self._ladder.offences), self._ladder.last_at


def _standings(key: str, ladder: ZoneLadder) -> ZoneStandings:
    camera_id = key.split("|")[0]
    return ZoneStandings(
        key=key,
        camera_id=camera_id,
        standings=tuple(
            Standing(
                camera_id=camera_id,
                track_id=track_id,
                state=offence.state.value,
                rung_number=len(offence.rungs),
                dwell_s=offence.stayed_s(offence.last.at),
            )
            for track_id, offence in ladder.offences.items()
        ),
    )
