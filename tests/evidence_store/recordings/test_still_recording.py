"""The end of a recording is waited for while somebody may be writing it, and no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.events.catalog import Sighting
from evidence_store.recordings.footage import SiteFootage, StillRecording


class OneLiveCamera:
    """As much of a site as the finder asks."""

    is_live = True

    def camera(self, camera_id: str) -> OneLiveCamera:
        return self


def find_until(ahead: timedelta, folder: Path) -> None:
    """Look for footage of a live camera, of which nothing was recorded, up to some time from now."""
    to_at = datetime.now(UTC) + ahead
    footage = SiteFootage(OneLiveCamera(), folder, folder)  # type: ignore[arg-type]
    footage.find("gate", to_at - timedelta(seconds=30), to_at, Sighting.model_construct())


@pytest.mark.parametrize("ahead_s", [-5, 0, 5])
def test_what_ends_about_now_is_waited_for(ahead_s: float, tmp_path: Path) -> None:
    with pytest.raises(StillRecording):
        find_until(timedelta(seconds=ahead_s), tmp_path)


@pytest.mark.parametrize("ahead_s", [-3600, -60, 60, 3600])
def test_what_a_clock_that_was_set_put_far_away_is_not_waited_for(
    ahead_s: float, tmp_path: Path
) -> None:
    find_until(timedelta(seconds=ahead_s), tmp_path)
