"""A notice says its reason in both languages, or nothing where all is well."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.base import BothLanguages
from domain.cameras.status import WATCHED, CameraNotice, CameraStatus, ReadCounts

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "reason", "reason_zh"),
    [(None, "", ""), (BothLanguages(zh="没有画面", en="no picture"), "no picture", "没有画面")],
)
def test_the_reason_is_there_in_both_languages_or_in_neither(
    said: BothLanguages | None, reason: str, reason_zh: str
) -> None:
    notice = CameraNotice("gate", "stalled", said, AT, ReadCounts(9, 1), 1.5)
    assert (notice.reason, notice.reason_zh) == (reason, reason_zh)


@pytest.mark.parametrize(
    ("status", "is_watched"),
    [("up", True), ("slow", True), ("ended", False), ("stalled", False), ("failed", False)],
)
def test_only_a_camera_that_gives_pictures_is_watched(
    status: CameraStatus, is_watched: bool
) -> None:
    assert (status in WATCHED) == is_watched
