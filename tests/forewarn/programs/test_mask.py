"""The mask program deals with what an earlier one left."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from domain.data_dir import DataDir
from forewarn.programs.settings import ProgramSettings
from forewarn.site.at_start import apply_at_start
from forewarn.site.put_in_force import read_checked_content

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 240.0


def test_plain_originals_that_a_killed_one_left_are_gone_once_the_next_one_works(
    tmp_path: Path, site_key: Path, sample_site_file: Path
) -> None:
    data = DataDir(tmp_path / "data")
    apply_at_start(read_checked_content(sample_site_file), data)
    left = data.evidence / ".evd-00112233aabbccdd.x7_f2k9q"
    left.mkdir(parents=True)
    (left / "clip.mp4").write_bytes(b"everybody can be seen in it")
    settings = ProgramSettings(
        data, "127.0.0.1:1", until_end=False, shows_live=False, keys=site_key
    )
    command = [sys.executable, "-m", "forewarn.programs.mask", *settings.to_argv()]
    with subprocess.Popen(command, cwd=ROOT) as program:
        give_up_at = time.monotonic() + PATIENCE_S
        while not (data.beats / "mask").exists() and time.monotonic() < give_up_at:
            time.sleep(0.05)
        remaining = list(data.evidence.glob(".evd-*"))
        program.terminate()
        assert program.wait(PATIENCE_S) == 0
    assert (data.beats / "mask").exists()
    assert remaining == []
