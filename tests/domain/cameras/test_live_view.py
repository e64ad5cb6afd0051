"""A camera's live view is read as it was written, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.cameras.live_view import LiveTrack, LiveView, read_live_view

VIEW = LiveView(
    camera_id="gate",
    status="up",
    captured_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    width_px=768,
    height_px=576,
    tracks=(LiveTrack(track_id=7, box_xyxy=(1.5, 2, 3, 4), score=0.5, state="warned"),),
    unfit=("no-sign-in-place",),
)


def test_a_view_comes_back_whole_and_only_its_own_file_changes(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    VIEW.write(folder)
    VIEW.model_copy(update={"camera_id": "lawn", "status": "failed"}).write(folder)
    assert read_live_view(folder, "gate") == VIEW
    assert sorted(path.name for path in folder.iterdir()) == ["gate.json", "lawn.json"]


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", b'{"camera_id": "gate"'])
def test_what_is_missing_or_damaged_is_no_view(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "gate.json").write_bytes(content)
    assert read_live_view(tmp_path, "gate") is None


def test_a_view_of_a_newer_version_with_more_to_say_is_no_view(tmp_path: Path) -> None:
    VIEW.write(tmp_path)
    path = tmp_path / "gate.json"
    path.write_text(path.read_text("utf-8").replace("{", '{"mood": "calm",', 1), encoding="utf-8")
    assert read_live_view(tmp_path, "gate") is None
