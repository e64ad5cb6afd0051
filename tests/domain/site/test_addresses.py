"""A camera's address is a stream of a known scheme or a file, and holds no password."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from site_values import camera


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        camera(**changes)
    (fault,) = caught.value.errors()
    return str(fault["msg"])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("rtps://10.0.0.1/1", "got the scheme 'rtps'; is rtsp:// or rtsps:// meant?"),
        ("RTSP://10.0.0.1/1", "is rtsp:// or rtsps:// meant?"),
        ("htp://10.0.0.1/1", "is http:// or https:// meant?"),
        ("file:clip.mp4", "is file:// meant?"),
        ("rtsp:/10.0.0.1/1", "is rtsp:// or rtsps:// meant?"),
        ("concat:a.mp4|b.mp4", "a file of such a name is written ./"),
        ("concat://a.mp4|b.mp4", "'concat'"),
        ("subfile,,start,0,end,9,,:/etc/passwd", "'subfile,,start,0,end,9,,'"),
        ("cache:file:/etc/passwd", "'cache'"),
        ("crypto:clip.mp4", "'crypto'"),
        ("tcp://10.0.0.1:80", "'tcp'"),
        ("lavfi:testsrc", "'lavfi'"),
        ("rtsp:///live", "needs a host"),
        ("http://10.0.0.1:port/", "a port that is a number"),
        ("http://10.0.0.1/ HTTP/1.1\r\nX: y", "no spaces or control characters"),
    ],
)
def test_no_other_protocol_of_ffmpeg_is_taken(url: str, words: str) -> None:
    assert words in refusal(url=url)


@pytest.mark.parametrize("url", ["./a:b.mp4", "clip 12:30.mp4", "a@b.mp4", "rtsps://h/1"])
def test_names_of_files_and_all_four_schemes_are_taken(url: str) -> None:
    assert camera(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:s3cret@10.0.0.1/1",
        "rtsp://admin@10.0.0.1/s3cret",
        "rtps://admin:s3cret@10.0.0.1/1",
        "rtsp://admin:12/s3cret@10.0.0.1/1",
        "http://10.0.0.1/video.cgi?loginuse=admin&loginpas=s3cret",
        "http://10.0.0.1/video.cgi?usr=admin&pw=s3cret",
        "//admin:s3cret@10.0.0.1/1",
        "rtsp://10.0.0.1/user=admin_password=s3cret_channel=1_stream=0.sdp",
    ],
)
def test_a_password_in_the_url_is_refused_with_the_cure_and_not_repeated(url: str) -> None:
    words = refusal(url=url)
    with pytest.raises(ValidationError) as caught:
        camera(url=url)
    assert "s3cret" not in str(caught.value)
    assert "use user and password_env" in words
    assert "s3cret" not in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": "admin"}, "belong together"),
        ({"password_env": "GATE_PASSWORD"}, "belong together"),
        ({"url": "rtsp://10.0.0.1/{password}"}, "name it by user and password_env"),
        ({"url": "a.mp4", "user": "admin", "password_env": "GATE"}, "for streams, not for files"),
        ({"url": "a.mp4", "redirects_to": ["10.0.0.2"]}, "for streams, not for files"),
        ({"password_env": "hunter 2"}, "should match pattern"),
    ],
)
def test_user_and_password_env_go_with_a_stream(changes: dict[str, Any], words: str) -> None:
    assert words in refusal(**{"url": "rtsp://10.0.0.1/1"} | changes)
