"""A camera's picture is live only while its files are fresh."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from dashboards.data.poller import Poller
from dashboards.data.tiles import TileReader
from dashboards.settings import ConsoleSettings
from dashboards.wall_socket import encode_tile


def _age_files(staged, camera_id: str, seconds: float) -> float:
    then = time.time() - seconds
    for ending in ("json", "jpg"):
        os.utime(staged.data.live / f"{camera_id}.{ending}", (then, then))
    return then


def _reader(staged) -> TileReader:
    return TileReader(staged.data.live, "gate-early", stale_after_s=3.0)


def test_a_fresh_picture_is_up_and_is_not_sent_twice(staged):
    staged.show("gate-early", 10.0)
    reader = _reader(staged)
    first = reader.read(None)
    assert first.status == "up"
    assert first.jpeg.startswith(b"\xff\xd8")
    assert reader.read(None) is first


def test_a_new_picture_is_a_new_version(staged):
    staged.show("gate-early", 10.0)
    reader = _reader(staged)
    first = reader.read(None)
    staged.show("gate-early", 50.0)
    second = reader.read(None)
    assert second.version > first.version
    assert second.jpeg != first.jpeg


def test_a_picture_that_was_old_when_the_console_started_is_stale(staged):
    staged.show("gate-early", 10.0)
    then = _age_files(staged, "gate-early", 12)
    tile = _reader(staged).read(None)
    assert tile.status == "stale"
    assert 11 < tile.age_s < 60
    assert tile.replaced_at is not None
    assert tile.replaced_at.timestamp() == pytest.approx(then, abs=0.001)


def test_files_from_the_future_do_not_stay_fresh_for_ever(staged):
    staged.show("gate-early", 10.0)
    _age_files(staged, "gate-early", -3600)
    reader = TileReader(staged.data.live, "gate-early", stale_after_s=0.2)
    assert reader.read(None).status == "up"
    time.sleep(0.3)
    assert reader.read(None).status == "stale"


def test_a_camera_that_ended_says_so_instead_of_going_stale(staged):
    staged.show("gate-early", 10.0, status="ended", reason="the footage is over")
    _age_files(staged, "gate-early", 60)
    tile = _reader(staged).read(None)
    assert (tile.status, tile.reason) == ("ended", "the footage is over")


def test_a_tile_tells_why_in_the_readers_language_and_in_english_where_there_is_no_other(staged):
    view = staged.show("gate-early", 10.0, status="failed", reason="gate-early: gone")
    assert _reader(staged).read(None).reason_in("zh") == "gate-early: gone"
    view.model_copy(update={"reason_zh": "gate-early：已断开"}).write(staged.data.live)
    tile = _reader(staged).read(None)
    assert tile.reason_in("zh") == "gate-early：已断开"
    assert tile.reason_in("en") == "gate-early: gone"


def test_a_camera_that_never_gave_a_picture_shows_what_the_log_says(staged):
    staged.camera_changed("gate-late", "failed", "gate-late: no video in notes.txt")
    poller = Poller(ConsoleSettings(staged.data, staged.site))
    poller.start()
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            tile = poller.snapshot.tiles.get("gate-late")
            if tile is not None and tile.status == "failed":
                break
            time.sleep(0.05)
    finally:
        poller.stop()
    assert tile is not None
    assert (tile.status, tile.reason) == ("failed", "gate-late: no video in notes.txt")
    assert poller.snapshot.tiles["gate-early"].status == "waiting"


def test_half_written_state_is_no_state(staged):
    (staged.data.live / "gate-early.json").write_text('{"camera_id": "gate-ea')
    assert _reader(staged).read(None).status == "waiting"


def test_a_frame_on_the_wire_is_its_length_its_facts_and_the_picture(staged):
    staged.show("gate-early", 10.0, (("warned", 2),))
    tile = _reader(staged).read(None)
    wire = encode_tile(tile)
    length = int(np.frombuffer(wire[:4], ">u4")[0])
    assert b'"state": "warned"' in wire[4 : 4 + length]
    assert wire[4 + length :] == tile.jpeg
