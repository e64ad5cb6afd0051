"""The words of a call: a rung's text, filled with what is known when it comes due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

from domain.call_text import FIELDS_OF_THE_MOMENT, CallFacts, fields_in, fill
from domain.facts import BothLanguages
from domain.rungs import LANGUAGES, Recording
from domain.site import Camera, Ladder, Rule, Rung, Site
from flows.speech.compose import CallWords


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a call on one camera may name; what has no title there is named by its id."""

    place: BothLanguages
    camera: BothLanguages
    zones: Mapping[str, BothLanguages] = field(default_factory=dict)  # and lines
    timezone: str = "UTC"

    @classmethod
    def of(cls, site: Site, camera: Camera) -> Self:
        """As the site file has it."""
        zones = {zone.id: zone.title for zone in camera.zones}
        zones |= {line.id: line.title for line in camera.lines}
        return cls(site.site.title, camera.title, zones, site.site.timezone)

    @classmethod
    def unnamed(cls, site_id: str, camera_id: str) -> Self:
        """Ids alone."""
        return cls(_by_id(site_id), _by_id(camera_id))


def words_of(
    text: BothLanguages,
    surroundings: Surroundings,
    rule: Rule,
    *,
    zone_id: str,
    dwell_s: float,
    rung_number: int,
    rung_count: int,
    at: datetime,
) -> BothLanguages:
    """The words that are spoken.

    Args:
        text: may have fields; it has passed domain.call_text.check_call_text().
        at: event time, any zone.
    """
    facts = CallFacts(
        place=surroundings.place,
        camera=surroundings.camera,
        zone=surroundings.zones.get(zone_id) or _by_id(zone_id),
        rule=rule.title,
        law=rule.legal_basis,
        dwell_s=dwell_s,
        rung_number=rung_number,
        rung_count=rung_count,
        at=at.astimezone(ZoneInfo(surroundings.timezone)),
    )
    return fill(text, facts)


def as_recorded(words: BothLanguages, recordings: Sequence[Recording]) -> BothLanguages:
    """The words with what recordings in Chinese and English say in their place."""
    for each in recordings:
        if each.language in LANGUAGES:
            said = {each.language: getattr(each.says, each.language)}
            words = words.model_copy(update=said)
    return words


def words_of_rung(
    rung: Rung,
    ladder: Ladder,
    surroundings: Surroundings,
    rule: Rule,
    *,
    zone_id: str,
    dwell_s: float = 0.0,
    at: datetime = datetime(2000, 1, 1, tzinfo=UTC),
) -> CallWords:
    """The whole call that a rung makes; it announces, so it has a text."""
    assert rung.text is not None
    text = words_of(
        rung.text,
        surroundings,
        rule,
        zone_id=zone_id,
        dwell_s=dwell_s,
        rung_number=ladder.rungs.index(rung) + 1,
        rung_count=len(ladder.rungs),
        at=at,
    )
    return CallWords(as_recorded(text, rung.recordings), ladder.languages, rung.recordings)


def words_known_beforehand(site: Site) -> set[CallWords]:
    """Every call of a site that says nothing of the moment, such as the time."""
    known: set[CallWords] = set()
    for camera, rule, zone_id in _watched(site):
        ladder = site.ladder(rule.ladder)
        for rung in ladder.rungs:
            if not rung.announces or rung.text is None or _says_the_moment(rung, ladder):
                continue
            surroundings = Surroundings.of(site, camera)
            known.add(words_of_rung(rung, ladder, surroundings, rule, zone_id=zone_id))
        for text in (each.text for each in site.operators.texts):
            if not _of_the_moment(text, spoken_without_recordings(ladder)):
                words = words_of_operator(
                    text, Surroundings.of(site, camera), rule, zone_id, ladder
                )
                known.add(words)
    return known


def spoken_without_recordings(ladder: Ladder) -> tuple[str, ...]:
    """Languages of words that come without recordings, so that only the voice can say them."""
    return tuple(each for each in ladder.languages if each in LANGUAGES) or LANGUAGES


def words_of_operator(
    text: BothLanguages, surroundings: Surroundings, rule: Rule, zone_id: str, ladder: Ladder
) -> CallWords:
    """A text of the site's operators as it would be said beside some rule's calls."""
    words = words_of(
        text,
        surroundings,
        rule,
        zone_id=zone_id,
        dwell_s=0.0,
        rung_number=1,  # an operator's text names no rung
        rung_count=1,
        at=datetime(2000, 1, 1, tzinfo=UTC),
    )
    return CallWords(words, spoken_without_recordings(ladder))


def _says_the_moment(rung: Rung, ladder: Ladder) -> bool:
    recorded = {each.language for each in rung.recordings}
    spoken = [language for language in LANGUAGES if language in {*ladder.languages} - recorded]
    assert rung.text is not None
    return _of_the_moment(rung.text, spoken)


def _of_the_moment(text: BothLanguages, languages: Iterable[str]) -> bool:
    return any(fields_in(getattr(text, each)) & FIELDS_OF_THE_MOMENT for each in languages)


def _watched(site: Site) -> Iterator[tuple[Camera, Rule, str]]:
    for camera in site.cameras:
        here = {each.id for each in camera.zones} | {each.id for each in camera.lines}
        for rule in site.rules:
            for place_id in here.intersection(rule.condition.places()):
                yield camera, rule, place_id


def _by_id(name: str) -> BothLanguages:
    return BothLanguages(zh=name, en=name)
