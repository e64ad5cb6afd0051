"""Evidence of an offence during which the machine's clock was set back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest

from domain.events.catalog import Event, EvidenceSealed, Sighting
from evidence_store.media.stills import decode_picture, grab_frame
from evidence_store.recordings.recorder import SegmentRecorder
from flows.preservation.draft_record import PreserveParts
from flows.preservation.seal import preserve

LIVE = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
STEP_AT_S = 25.0


@pytest.mark.parametrize("step_s", [-20.0, -3600.0])
def test_an_offence_that_spans_a_step_has_its_own_footage(
    step_s: float,
    parts: PreserveParts,
    sample_clip: Path,
    tmp_path: Path,
    seen: Callable[..., Sighting],
    offence: Callable[..., Event],
) -> None:
    def told(at_s: float) -> tuple[datetime, datetime]:
        steady_at = LIVE + timedelta(seconds=at_s)
        return steady_at + timedelta(seconds=step_s if at_s >= STEP_AT_S else 0), steady_at

    recorder = SegmentRecorder(tmp_path / "recordings", "gate-early")
    with av.open(str(sample_clip)) as container:
        for packet in container.demux(video=0):
            if packet.size:
                recorder.write(packet, *told(float(packet.pts * packet.time_base)))
    recorder.close()
    at, steady_at = told(31.0)
    last = seen(31.0, at).model_copy(update={"steady_at": steady_at})
    first = seen(20.0, LIVE + timedelta(seconds=20))
    assert last.at < first.at
    ended = offence(f"stepped {step_s}", first, seen(31.0, steady_at))
    changed = {"sighting": last, "last_sighting": last}
    ended = replace(ended, data=ended.data.model_copy(update=changed))
    sealed = preserve(ended, (), parts).data
    assert isinstance(sealed, EvidenceSealed)
    assert sealed.complete, sealed.missing
    folder = parts.vault.folder_of(sealed.evidence_id)
    for name, at_s in (("first", 20.0), ("last", 31.0)):
        picture = decode_picture((folder / f"{name}.jpg").read_bytes(), name)
        assert np.abs(picture.astype(int) - grab_frame(sample_clip, at_s)).mean() < 3
    with av.open(str(folder / "clip.mp4")) as clip:
        assert clip.duration is not None
        assert 16.9 < clip.duration / 1e6 < 26
