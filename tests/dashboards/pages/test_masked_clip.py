"""A masked clip is for everybody at the console; the unmasked one needs a reason."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from dashboards.access.file_tokens import FileTokens
from dashboards.data.offence_projection import OffenceProjection
from dashboards.display_names import DisplayNames
from dashboards.html.history import history
from domain.events.catalog import EvidenceErased, EvidenceMasked
from domain.site.loading import load_site
from tests.support.example_events import one_of_each


def test_the_history_plays_the_masked_clip_once_it_is_made(sample_site_file: Path) -> None:
    names, keys = DisplayNames(load_site(sample_site_file), "en"), FileTokens()
    events = [each for each in one_of_each() if not isinstance(each.data, EvidenceErased)]
    masked = next(each.data for each in events if isinstance(each.data, EvidenceMasked))

    def shown(*, with_clip: bool) -> str:
        book = OffenceProjection(ZoneInfo("UTC"))
        book.take(each for each in events if with_clip or each.data is not masked)
        return history(book.offences[masked.offence_id], names, keys)

    assert "<video" not in shown(with_clip=False)
    page = shown(with_clip=True)
    assert f"/evidence/{masked.evidence_id}/added/clip.masked.mp4?until=" in page
    assert "clip.mp4?" not in page, "the original's address is not in the page"
