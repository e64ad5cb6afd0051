from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.site.loading import SiteFileError, load_site
from domain.site.retention import CategoryTerms, Retention, end_of

ROOT = Path(__file__).resolve().parents[3]
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
TERMS = st.builds(
    lambda count, unit: f"{count} {unit}",
    st.integers(1, 9),
    st.sampled_from(["hours", "days", "weeks", "months", "years", "year"]),
)


def test_without_a_word_in_the_site_file_terms_are_short_and_end() -> None:
    kept = Retention()
    assert kept.term_of("complied", None) == ("30 days", "retention.complied")
    assert kept.term_of("escalated", "street/loitering") == ("2 years", "retention.escalated")
    assert kept.term_of("an outcome of next year", None) == ("30 days", "retention.other")


def test_a_category_has_terms_of_its_own_and_the_nearest_counts() -> None:
    kept = Retention(
        categories=(
            CategoryTerms(category="street", complied="10 days", escalated="3 years"),
            CategoryTerms(category="street/vending", complied="20 days"),
        )
    )
    assert kept.term_of("complied", "street/vending")[0] == "20 days"
    assert kept.term_of("escalated", "street/vending")[0] == "3 years"
    assert kept.term_of("complied", "street/loitering")[0] == "10 days"
    assert kept.term_of("complied", "streets")[0] == "30 days"
    assert kept.term_of("lapsed", "street/vending") == ("7 days", "retention.lapsed")


@pytest.mark.parametrize(
    "term", ["forever", "", "0 days", "30", "-1 days", "31 years", "9999 months"]
)
def test_nothing_is_kept_without_an_end(term: str) -> None:
    with pytest.raises(ValidationError):
        Retention(complied=term)


@given(TERMS, MOMENTS, MOMENTS)
def test_a_term_ends_later_than_it_begins_and_keeps_the_order(
    term: str, one: datetime, other: datetime
) -> None:
    first, second = sorted((one, other))
    assert end_of(term, first) > first
    assert end_of(term, first) <= end_of(term, second)


def test_months_and_years_follow_the_calendar() -> None:
    leap_day = datetime(2028, 2, 29, tzinfo=UTC)
    assert end_of("1 year", leap_day) == datetime(2029, 2, 28, tzinfo=UTC)
    assert end_of("12 hours", leap_day) - leap_day == timedelta(hours=12)


def test_a_wrong_term_or_category_is_named_with_its_line(tmp_path: Path) -> None:
    sample = (ROOT / "samples" / "site.yaml").read_text(encoding="utf-8")
    site_file = tmp_path / "site.yaml"
    site_file.write_text(sample + "\nretention:\n  complied: forever\n", encoding="utf-8")
    with pytest.raises(SiteFileError, match=r"held, with a reason") as raised:
        load_site(site_file)
    line = len(sample.splitlines()) + 3
    assert f"site.yaml:{line}:" in str(raised.value)
    wrong = "\nretention:\n  categories:\n    - {category: no-such, complied: 3 days}\n"
    site_file.write_text(sample + wrong, encoding="utf-8")
    with pytest.raises(SiteFileError, match=f"site.yaml:{line + 1}:.*no category 'no-such'"):
        load_site(site_file)


def test_terms_may_name_any_class_or_category_of_the_taxonomy(tmp_path: Path) -> None:
    sample = (ROOT / "samples" / "site.yaml").read_text(encoding="utf-8")
    site_file = tmp_path / "site.yaml"

    def with_terms(*categories: str) -> None:
        rows = "".join(f"    - {{category: {each}, complied: 3 days}}\n" for each in categories)
        text = f"{sample}\nretention:\n  categories:\n{rows}"
        site_file.write_text(text, encoding="utf-8")

    with_terms("traffic", "fire/blocked-exit")  # no rule of the sample has one
    kept = load_site(site_file).retention
    assert kept.term_of("complied", "traffic/parking") == (
        "3 days",
        "retention.categories[traffic].complied",
    )
    assert kept.term_of("complied", "fire/e-bike-indoors")[0] == "30 days"
    with_terms("trafic")
    with pytest.raises(SiteFileError, match="did you mean traffic"):
        load_site(site_file)
    with_terms("traffic", "traffic")
    with pytest.raises(SiteFileError, match="should be there once"):
        load_site(site_file)
