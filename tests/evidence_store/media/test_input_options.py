"""FFmpeg opens what it is told to open, and nothing that the thing itself names."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from footage_files import write_clip
from misleading_cameras import http_camera
from site_values import camera

from domain.errors import PutAside
from evidence_store.media.input_options import input_options
from evidence_store.media.packet_writer import FORMATS
from evidence_store.media.packets import open_video
from flows.sources.media.footage import FootageUnusable, StreamUnusable, open_footage
from flows.speech.voice.recorded import decode

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2.5,\n{clip}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile {clip}\n"


@pytest.mark.parametrize(("name", "text"), [("d.mp4", CONCAT), ("d.m3u8", HLS), ("d.wav", CONCAT)])
def test_a_file_that_is_a_list_opens_no_other_file(name: str, text: str, tmp_path: Path) -> None:
    write_clip(tmp_path / "beside.mp4", frames=5, fps=5)
    path = tmp_path / name
    path.write_text(text.format(clip="beside.mp4"))
    with pytest.raises(FootageUnusable, match="a playlist or a list of other files"):
        open_footage(camera(url=name), tmp_path)
    with pytest.raises(PutAside, match="a list of other files"):
        open_video(path)
    with pytest.raises(PutAside, match="cannot be decoded"):
        decode(path)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("application/vnd.apple.mpegurl", HLS.format(clip="{other}")),
        ("application/vnd.apple.mpegurl", HLS.format(clip="file://{clip}")),
        ("application/vnd.apple.mpegurl", HLS.format(clip="concat:{other}|file://{clip}")),
        ("text/plain", CONCAT.format(clip="{other}")),
        ("text/plain", CONCAT.format(clip="{clip}")),
        ("application/sdp", "v=0\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n"),
    ],
)
def test_an_http_camera_makes_us_open_nothing_else(kind: str, text: str, tmp_path: Path) -> None:
    write_clip(tmp_path / "beside.mp4", frames=5, fps=5)

    def answering(path: str, _: str) -> tuple[int, dict[str, str], bytes]:
        other = f"http://127.0.0.1:{own.port}/inside.mp4"
        body = text.format(other=other, clip=tmp_path / "beside.mp4").encode()
        return 200, {"Content-Type": kind}, body

    with http_camera(answering) as own:
        url = f"http://127.0.0.1:{own.port}/live.m3u8"
        with pytest.raises(StreamUnusable):
            open_footage(camera(url=url), Path())
    assert {path for path, _ in own.requests} == {"/live.m3u8"}


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_what_we_write_can_be_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip{suffix}"
    write_clip(path, frames=5, fps=5)
    with av.open(str(path), options=input_options()) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5


def test_all_names_of_formats_are_known_to_ffmpeg() -> None:
    named = set(input_options()["format_whitelist"].split(","))
    known = {name for format_ in av.formats_available for name in format_.split(",")}
    assert named <= known, named - known
