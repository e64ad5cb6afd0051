"""The search form follows the user's choices, and not a browser that lags behind."""

from __future__ import annotations

import asyncio

from dashboards.display_names import DisplayNames
from dashboards.selections import SearchSelection
from domain.site.loading import load_site


def _form(site_file, evidence_id):
    # with Panel it takes two seconds of each worker that only looks which tests there are
    from dashboards.pages.search_form import SearchForm

    picks = []

    async def picked(selection):
        picks.append(selection)

    names = DisplayNames(load_site(site_file), "en")
    return SearchForm(names, SearchSelection(evidence_id=evidence_id), picked), picks


def test_a_browser_that_is_slow_to_take_the_records_cannot_unpick_what_the_address_names(
    sample_site_file,
):
    async def slow_browser():
        form, picks = _form(sample_site_file, "evd-1")
        before = form.record_select
        form.offer([], has_server=True, takes_words=False)
        before.value = ""  # what the browser says of the options that are gone
        await asyncio.sleep(0)
        return form, picks

    form, picks = asyncio.run(slow_browser())
    assert picks == []
    assert form.selection.evidence_id == "evd-1"
    assert form.record_select.value == "evd-1"


def test_a_user_can_pick_nothing_again(sample_site_file):
    async def unpicked():
        form, picks = _form(sample_site_file, "evd-1")
        form.offer([], has_server=True, takes_words=False)
        form.record_select.value = ""
        await asyncio.sleep(0)
        return picks

    assert [selection.evidence_id for selection in asyncio.run(unpicked())] == [None]
