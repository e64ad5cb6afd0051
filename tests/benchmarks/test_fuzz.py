"""A sample of damaged clips, read by cameras as the watch program reads them: none ends it, all end."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzz.clips import damaged, make_seeds
from benchmarks.fuzz.trial import Tally, read_all

CLIPS = 200


@pytest.mark.long
def test_damaged_clips_neither_end_nor_hang_the_process_that_reads_them(tmp_path: Path) -> None:
    seeds = make_seeds(tmp_path / "seeds")
    clips = list(damaged(seeds, tmp_path / "clips", CLIPS, seed=11))
    tally = read_all(clips, a_process=100)
    assert (tally.lost, tally.not_ended) == ([], [])
    assert tally.ended + tally.failed == CLIPS and tally.frames > 1000
    assert tally.failed > 20  # damage that a reader gives up on
    assert tally.most_mb < 1000


def test_a_clip_that_kills_the_process_is_counted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [tmp_path / f"{number}.mp4" for number in range(3)]

    def ask(batch: list[Path]) -> tuple[int, dict[str, object] | None]:
        found = {"frames": 1, "ended": len(batch), "failed": 0, "most_mb": 1, "not_ended": []}
        return (-11, None) if clips[1] in batch else (0, found)

    monkeypatch.setattr("benchmarks.fuzz.trial._ask", ask)
    tally = read_all(clips, a_process=3)
    assert isinstance(tally, Tally)
    assert tally.lost == ["-11: 1.mp4"]
