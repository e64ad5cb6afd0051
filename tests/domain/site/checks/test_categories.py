"""A category that the taxonomy does not have is answered with the nearest that it has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_values import rule

from domain.site.checks.categories import category_faults
from domain.site.loading import shipped_taxonomy
from domain.site.retention import CategoryTerms

TAXONOMY = shipped_taxonomy()
KNOWN = sorted(TAXONOMY.categories())


@given(st.lists(st.sampled_from(KNOWN)))
def test_what_the_taxonomy_has_is_no_fault(categories: list[str]) -> None:
    rules = [rule(category=category) for category in categories]
    terms = [CategoryTerms(category=category) for category in categories]
    assert list(category_faults([*rules, rule()], terms, TAXONOMY, "x")) == []


@pytest.mark.parametrize(
    ("category", "words"),
    [
        ("street/loiterin", "did you mean street/loitering"),
        ("loitering", "did you mean street/loitering"),
        ("zzzz", "it has "),
    ],
)
def test_a_rule_with_an_unknown_category_is_named_with_what_is_near(
    category: str, words: str
) -> None:
    ((place, said),) = category_faults([rule(), rule(category=category)], [], TAXONOMY, "city.yaml")
    assert place == ("rules", 1, "category")
    assert said.startswith(f"city.yaml has no category {category!r}; {words}")


def test_terms_of_a_category_that_no_rule_has_are_checked_too() -> None:
    terms = [CategoryTerms(category=KNOWN[0]), CategoryTerms(category="moon")]
    ((place, _),) = category_faults([], terms, TAXONOMY, "x")
    assert place == ("retention", "categories", 1, "category")
