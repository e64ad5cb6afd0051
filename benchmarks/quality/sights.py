"""Ask the real detector (in this process; Triton serves the same) what it sees on the clips, or look up what it said.

Joining views and describing colours is done anew each time, by today's code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from benchmarks.quality.footage import FRAMES_OF, STARTS_AT, EvalData
from benchmarks.quality.kept_answers import KeptInference
from benchmarks.quality.likenesses import Likenesses
from domain.detections import Detections
from domain.frames import SampledFrame
from domain.site.views import View
from flows.detection.zoomed_views import detect_closely
from flows.sources.sampler import DETECTOR_SIDE_PX, GRID_SLACK


def sampled_frames(
    data: EvalData, name: str, views: Sequence[View] = (), side_px: int = DETECTOR_SIDE_PX
) -> Iterator[SampledFrame]:
    """Yield every frame of a clip, shrunk as the watch flow shrinks it."""
    import av

    from flows.sources.media.decoder import Decoder
    from flows.sources.sampler import Sampler

    with av.open(str(data.clip(name))) as container:
        stream = container.streams.video[0]
        decoder = Decoder(container, stream, lambda packet: None, lambda time_s: None)
        sampler = Sampler(name, 1000, lambda *size_px: views, side_px=side_px)
        for media_time_s, frame in islice(decoder.frames(), FRAMES_OF.get(name)):
            at = STARTS_AT + timedelta(seconds=media_time_s)
            yield sampler.sample(frame, decoder.time_base, media_time_s, at)


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """What the detect step makes of a clip at one frame rate."""

    frames: list[int]  # which of the clip's
    seen: list[Detections]


def look(
    data: EvalData,
    name: str,
    views: Sequence[View],
    areas: Sequence[View],
    rates: Sequence[float],
) -> dict[float, Sights]:
    """Return what the detect step makes of the frames of each rate, looked at in these views.

    `areas` are where rules look for people's feet, as fractions of the picture; (): everywhere.
    """
    from models.serving.client import Detector

    detector = Detector(KeptInference())
    told = {fps: Sights([], []) for fps in rates}
    likenesses = {fps: Likenesses(areas) for fps in rates}
    last_cells = dict.fromkeys(rates, -1)
    for number, frame in enumerate(sampled_frames(data, name, views)):
        (seen,) = detect_closely(detector.detect, [frame])
        for fps, sights in told.items():
            # of a grid of so many a second, as the sampler picks them
            cell = int(frame.stamp.media_time_s * fps + GRID_SLACK)
            if cell > last_cells[fps]:
                last_cells[fps] = cell
                sights.frames.append(number)
                sights.seen.append(likenesses[fps].added_to(frame, seen))
    return told
