"""Know what a record is about: a person is shown without a face, a thing as it is, a place not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from domain.events.catalog import Box
from domain.site.conditions import Condition
from domain.site.site import Site

SubjectKind = Literal["person", "thing", "place"]
PERSON = "person"


@dataclass(frozen=True, slots=True)
class MaskSubject:
    """Whom or what a picture is about, and where; stays visible."""

    box_xyxy: Box  # pixels
    kind: SubjectKind = "person"


def subject_kind(condition: Condition | None) -> SubjectKind:
    """Tell what an offence under a condition is about; a person wherever it may be one.

    `place`: that nobody is there, or so many are, is said of a zone, and nobody in it is meant. None,
    of a rule that is not known any more, may mean anybody.
    """
    if condition is None:
        return "person"
    classes = {name for names in _classes_of_subjects(condition) for name in names}
    if not classes:
        return "place"
    return "person" if PERSON in classes else "thing"


def kind_of_rule(site: Site, rule_id: str) -> SubjectKind:
    """Tell what a rule's offences are about; of a rule that the site file has lost: a person."""
    rule = next((rule for rule in site.rules if rule.id == rule_id), None)
    return subject_kind(rule.condition if rule else None)


def _classes_of_subjects(condition: Condition) -> Iterator[tuple[str, ...]]:
    for part in condition.parts():
        yield from _classes_of_subjects(part)
    plain = condition.present or condition.stationary or condition.line_crossed
    if plain is not None:
        yield plain.classes
