"""Fill a rung's text with what is known when it comes due: the words of a call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

from domain.base import BothLanguages
from domain.site.cameras import Camera
from domain.site.ladders import LANGUAGES, Ladder, Recording, Rung
from domain.site.rules import Rule
from domain.site.site import Site
from domain.site.speech.call_text import FIELDS_OF_THE_MOMENT, CallFacts, fields_in, fill
from flows.speech.voice.compose import CallWords


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a call on one camera may name; what has no title there is named by its id."""

    place: BothLanguages
    camera: BothLanguages
    zones: Mapping[str, BothLanguages] = field(default_factory=dict)  # and lines
    timezone: str = "UTC"

    @classmethod
    def of(cls, site: Site, camera: Camera) -> Self:
        """Read the titles from the site file."""
        zones = {zone.id: zone.title for zone in camera.zones}
        zones |= {line.id: line.title for line in camera.lines}
        return cls(site.site.title, camera.title, zones, site.site.timezone)

    @classmethod
    def unnamed(cls, site_id: str, camera_id: str) -> Self:
        """Name everything by its id alone."""
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
    """Return the words that are spoken.

    `text` may have fields; it has passed domain.site.speech.call_text.check_call_text(). `zone_id` is
    of the zone or line, `dwell_s` how long the subject has stayed; rungs count from 1; `at` is event
    time, any zone.
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
    """Replace words by what recordings in Chinese and English say in their place."""
    for recording in recordings:
        if recording.language in LANGUAGES:
            recorded = {recording.language: getattr(recording.says, recording.language)}
            words = words.model_copy(update=recorded)
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
    """Return the whole call that a rung makes; it announces, so it has a text."""
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
    """Return every call of a site that says nothing of the moment, such as the time."""
    known: set[CallWords] = set()
    for camera, rule, zone_id in _watched(site):
        ladder = site.ladder(rule.ladder)
        for rung in ladder.rungs:
            if not rung.announces or rung.text is None or _says_the_moment(rung, ladder):
                continue
            surroundings = Surroundings.of(site, camera)
            known.add(words_of_rung(rung, ladder, surroundings, rule, zone_id=zone_id))
        for text in (operator_text.text for operator_text in site.operators.texts):
            if not _of_the_moment(text, spoken_without_recordings(ladder)):
                words = words_of_operator(
                    text, Surroundings.of(site, camera), rule, zone_id, ladder
                )
                known.add(words)
    return known


def spoken_without_recordings(ladder: Ladder) -> tuple[str, ...]:
    """Return languages of words that come without recordings, so that only the voice can say them."""
    return tuple(language for language in ladder.languages if language in LANGUAGES) or LANGUAGES


def words_of_operator(
    text: BothLanguages, surroundings: Surroundings, rule: Rule, zone_id: str, ladder: Ladder
) -> CallWords:
    """Return a text of the site's operators as it would be said beside some rule's calls."""
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
    recorded = {recording.language for recording in rung.recordings}
    spoken = [language for language in LANGUAGES if language in {*ladder.languages} - recorded]
    assert rung.text is not None
    return _of_the_moment(rung.text, spoken)


def _of_the_moment(text: BothLanguages, languages: Iterable[str]) -> bool:
    return any(fields_in(getattr(text, language)) & FIELDS_OF_THE_MOMENT for language in languages)


def _watched(site: Site) -> Iterator[tuple[Camera, Rule, str]]:
    for camera in site.cameras:
        places = {zone.id for zone in camera.zones} | {line.id for line in camera.lines}
        for rule in site.rules:
            for place_id in places.intersection(rule.condition.places()):
                yield camera, rule, place_id


def _by_id(name: str) -> BothLanguages:
    return BothLanguages(zh=name, en=name)
