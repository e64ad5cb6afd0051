"""Classes and kinds have unique ids, and a category is a class or a kind of one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from site_values import TITLE

from domain.site.loading import shipped_taxonomy
from domain.site.taxonomy import Taxonomy

LAW = {"zh": "条例第三条", "en": "Article 3"}


def kind(kind_id: str, **changes: Any) -> dict[str, Any]:
    return {"id": kind_id, "title": {"zh": "摊位", "en": "Stall"}} | changes


def taxonomy(**kinds: list[dict[str, Any]]) -> Taxonomy:
    classes = [{"id": name, "title": TITLE, "kinds": each} for name, each in kinds.items()]
    return Taxonomy.model_validate({"classes": classes})


def test_every_class_and_every_kind_is_a_category_with_its_title() -> None:
    titles = taxonomy(street=[kind("stall"), kind("noise")], park=[kind("stall")]).categories()
    assert list(titles) == ["street", "street/stall", "street/noise", "park", "park/stall"]
    assert (titles["street"].en, titles["street"].zh) == ("Square", "广场")
    assert (titles["park/stall"].en, titles["park/stall"].zh) == ("Square: Stall", "广场·摊位")


def test_only_a_kind_suggests_a_law() -> None:
    both = taxonomy(street=[kind("stall", legal_basis=LAW), kind("noise")])
    suggested = {
        f"{one.id}/{kind.id}": kind.legal_basis for one in both.classes for kind in one.kinds
    }
    law = suggested.get("street/stall")
    assert law is not None and law.en == "Article 3"
    assert suggested.get("street/noise") is None
    assert suggested.get("street") is None
    assert suggested.get("moon/stall") is None


def test_ids_that_stand_twice_are_refused_and_named() -> None:
    with pytest.raises(ValidationError, match="ids of kinds of 'street' should be unique, 'stall'"):
        taxonomy(street=[kind("stall"), kind("stall")])
    twice = {"id": "street", "title": TITLE, "kinds": [kind("stall")]}
    with pytest.raises(ValidationError, match="ids of classes should be unique, 'street'"):
        Taxonomy.model_validate({"classes": [twice, twice]})


@pytest.mark.parametrize("classes", [[], [{"id": "street", "title": TITLE, "kinds": []}]])
def test_a_taxonomy_without_a_kind_is_refused(classes: list[Any]) -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        Taxonomy.model_validate({"classes": classes})


def test_the_shipped_taxonomy_is_read_once_and_has_words_for_all() -> None:
    shipped = shipped_taxonomy()
    assert shipped is shipped_taxonomy()
    titles = shipped.categories()
    assert "street/loitering" in titles
    assert all(title.zh and title.en for title in titles.values())
    assert len({title.en for title in titles.values()}) == len(titles)
