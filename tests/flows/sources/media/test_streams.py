"""Whatever goes wrong with a stream, its password is in no traceback."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from closed_port import closed_port
from footage_files import write_clip
from misleading_cameras import http_camera
from site_values import camera

from domain.cameras.credentials import Credentials
from domain.site.cameras import Camera
from evidence_store.media.faults import media_faults, unnamed_address
from flows.sources.media.decoder import Decoder
from flows.sources.media.footage import open_footage
from flows.sources.media.streams import open_stream

PASSWORD = "s3cret/pass"


def gate(url: str) -> Camera:
    return camera(url=url, user="admin", password_env="GATE_PASSWORD")


def texts(error: BaseException) -> Iterator[str]:
    """Yield what programs print of an error, and what they would of each that led to it."""
    yield "".join(traceback.format_exception(error))
    yield logging.Formatter().formatException((type(error), error, error.__traceback__))
    for cause in (error.__cause__, error.__context__):
        if cause is not None:
            yield repr(cause) + str(cause) + repr(vars(cause))
            yield from texts(cause)


@pytest.mark.parametrize("answer", ["closed", "401", "503", "nothing", "garbage"])
@pytest.mark.parametrize("opening", [open_footage, open_stream])
def test_an_error_at_opening_names_no_password(answer: str, opening: Any) -> None:
    statuses = {"401": 401, "503": 503}
    body = b"x" * 5000 if answer == "garbage" else b""
    with (
        closed_port() as nobody,
        http_camera(lambda *_: (statuses.get(answer, 200), {}, body)) as own,
    ):
        port = nobody if answer == "closed" else own.port
        given = gate(f"http://127.0.0.1:{port}/{{user}}/{{password}}")
        credentials = Credentials("admin", PASSWORD)
        with pytest.raises(Exception) as caught:  # whatever it is
            if opening is open_footage:
                open_footage(given, Path(), credentials=credentials)
            else:
                open_stream(given, credentials, 10, 10)
    said = "".join(texts(caught.value))
    assert said and "s3cret" not in said


def test_an_error_in_the_midst_names_no_password(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mkv"
    write_clip(clip, frames=50, fps=5)
    whole = clip.read_bytes()
    # promised and not sent: the stream breaks in the midst
    headers = {"Content-Length": str(len(whole) + 100_000)}
    with http_camera(lambda *_: (200, headers, whole[: len(whole) // 2])) as own:
        credentials = Credentials("admin", PASSWORD)
        given = gate(f"http://127.0.0.1:{own.port}/live")
        container, stream = open_footage(given, Path(), credentials=credentials)
        with container, pytest.raises(Exception) as caught, media_faults():  # whatever it is
            for _ in Decoder(container, stream, lambda _: None, lambda _: None).frames():
                pass
            raise AssertionError("the stream did not break")
    said = "".join(texts(caught.value))
    assert "s3cret" not in said and "did not break" not in said


def test_ffmpeg_names_the_address_unless_it_is_told_not_to() -> None:
    with closed_port() as port:
        url = f"http://admin:s3cret@127.0.0.1:{port}/"
        with pytest.raises(av.FFmpegError, match="s3cret"):
            av.open(url)
        with pytest.raises(av.FFmpegError) as caught, unnamed_address():
            av.open(url)
    assert "s3cret" not in "".join(texts(caught.value))
