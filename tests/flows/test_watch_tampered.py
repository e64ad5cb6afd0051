"""The watch flow over footage that was out of focus for a while: records, but holds its tongue."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import yaml_site

from domain.data_dir import DataDir
from domain.events.catalog import CameraFitness, OffenceWithheld
from event_log.log import EventLog
from tests.support import watch_child
from tests.support.forked import fork

FPS = 10


def write_blurred(clip: Path, target: Path, until_s: float, blurred_s: tuple[float, float]) -> None:
    """Write a copy of the clip's start that is out of focus in between."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as copy:
        video = copy.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "10"})
        video.width, video.height, video.pix_fmt = 768, 576, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number >= until_s * FPS:
                break
            picture = frame.to_ndarray(format="rgb24")
            if blurred_s[0] <= number / FPS < blurred_s[1]:
                picture = cv2.GaussianBlur(picture, (0, 0), 4)
            out = av.VideoFrame.from_ndarray(picture, "rgb24")
            out.pts, out.time_base = number, Fraction(1, FPS)
            copy.mux(video.encode(out))
        copy.mux(video.encode(None))


def test_an_unsharp_camera_records_the_offence_and_calls_when_it_sees_well_again(
    sample_clip: Path, tmp_path: Path
) -> None:
    write_blurred(sample_clip, tmp_path / "blurred.mp4", 16, (2, 10))
    site_file = yaml_site.write(tmp_path / "site.yaml", {"north": "blurred.mp4"})
    data = DataDir(tmp_path / "var")
    # its scripted detector sees somebody in the zone all the while
    assert fork(watch_child.main, site_file, data, 0.0, False).wait(120) == 0
    events = [logged.event for logged in EventLog.open(data.events_db).read(limit=1000)]
    fitness = [event.data for event in events if isinstance(event.data, CameraFitness)]
    assert [each.reasons for each in fitness] == [("picture-out-of-focus",), ()]
    kinds = [event.type.split(".")[2] for event in events if ".offence." in event.type]
    assert kinds == ["opened", "withheld", "warned", "escalated"]
    withheld = next(event.data for event in events if isinstance(event.data, OffenceWithheld))
    assert withheld.reasons == ("picture-out-of-focus",)
    warned = next(event for event in events if event.type.endswith("warned.v1"))
    opened = next(event for event in events if event.type.endswith("opened.v1"))
    _, recovered = [event for event in events if isinstance(event.data, CameraFitness)]
    assert opened.time < recovered.time == warned.time
