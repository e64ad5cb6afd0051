"""A disk that is full before a run has begun ends it with a sentence, to be tried again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import TryAgain
from tests.support.small_disk import SmallDisk

ROOT = Path(__file__).resolve().parents[3]


# too small for a server's backends: it fills while they are copied
@pytest.mark.parametrize("is_full_before", [True, False])
def test_a_run_that_finds_no_room_says_so(
    is_full_before: bool, small_disk: SmallDisk, tmp_path: Path
) -> None:
    title = {"zh": "门", "en": "Gate"}
    cameras = [{"id": "gate", "title": title, "url": "rtsp://127.0.0.1:9/live"}]
    site = tmp_path / "site.yaml"
    site.write_text(json.dumps({"site": {"id": "gate", "title": title}, "cameras": cameras}))
    if is_full_before:
        small_disk.fill()
    words = ["run", str(site), "--data", str(small_disk.folder / "data"), "--unsealed"]
    done = subprocess.run(
        [sys.executable, "-m", "forewarn", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "No space left on device; make room" in done.stderr
    assert done.returncode == TryAgain.exit_code
