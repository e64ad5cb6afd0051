"""A camera that sends on is followed to its own host and to those that the site file names, no further."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from footage_files import write_clip
from misleading_cameras import Answering, Asked, http_camera, rtsp_camera
from site_values import camera

from domain.cameras.credentials import Credentials
from domain.site.cameras import Camera
from flows.sources.media.footage import StreamUnusable, open_footage
from flows.sources.media.redirects import RedirectRefused, find_redirect, is_own_host

OTHER = "127.0.0.2"
WORDS = ("admin", "s3cret/pass")
BASIC = "Basic YWRtaW46czNjcmV0L3Bhc3M="  # of the two
OPEN = {"http": http_camera, "rtsp": rtsp_camera}


def sends_on(location: str) -> Answering:
    return lambda path, _: (302, {"Location": location}, b"")


def asks_for_password(path: str, password: str) -> Any:
    if password:
        return 404, {}, b""
    return 401, {"WWW-Authenticate": 'Basic realm="camera"'}, b""


@pytest.fixture(params=["http", "rtsp"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def internal(scheme: str) -> Iterator[Asked]:
    """Run a server of another host that nobody named, and that asks for a password."""
    with OPEN[scheme](asks_for_password, OTHER) as asked:
        yield asked


def stream(scheme: str, at: Asked, **more: Any) -> Camera:
    return camera(url=f"{scheme}://{at.host}:{at.port}/live", **more)


def refused(given: Camera, credentials: Credentials | None = None) -> str:
    with pytest.raises(StreamUnusable) as caught:
        open_footage(given, Path(), credentials=credentials)
    return caught.value.message.en


def test_another_host_is_not_asked(scheme: str, internal: Asked) -> None:
    location = f"{scheme}://{OTHER}:{internal.port}/inside"
    with OPEN[scheme](sends_on(location)) as own:
        words = refused(stream(scheme, own), Credentials(*WORDS))
    assert f"sends on to {OTHER}, which the site file does not allow" in words
    assert internal.requests == []


def test_a_host_that_the_site_file_names_is_asked_and_hears_no_password(
    scheme: str, internal: Asked
) -> None:
    location = f"{scheme}://{OTHER}:{internal.port}/inside"
    with OPEN[scheme](sends_on(location)) as own:
        words = refused(stream(scheme, own, redirects_to=[OTHER]), Credentials(*WORDS))
    assert "is the address right" in words
    assert {path.strip("/") for path, _ in internal.requests} == {"inside"}
    assert {password for _, password in internal.requests} == {""}


def test_the_cameras_own_host_is_followed_and_hears_the_password(scheme: str) -> None:
    def answering(path: str, password: str) -> Any:
        if not password:
            return 401, {"WWW-Authenticate": 'Basic realm="camera"'}, b""
        if path.endswith("live"):
            return 302, {"Location": "/elsewhere"}, b""
        return 404, {}, b""

    with OPEN[scheme](answering) as own:
        refused(stream(scheme, own), Credentials(*WORDS))
    assert ("elsewhere", BASIC) in {(path.strip("/"), said) for path, said in own.requests}


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "{scheme}://127.0.0.1:1@{other}/",
        "{scheme}://{other}\\@127.0.0.1/",
        "//{other}/",
    ],
)
def test_what_is_no_stream_of_an_allowed_host_is_not_followed(scheme: str, location: str) -> None:
    with OPEN[scheme](sends_on(location.format(scheme=scheme, other=OTHER))) as own:
        words = refused(stream(scheme, own))
    assert "which the site file does not allow" in words


def test_the_stream_at_the_end_of_allowed_redirects_is_opened(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mkv", frames=5, fps=5)
    clip = (tmp_path / "clip.mkv").read_bytes()
    with http_camera(lambda *_: (200, {}, clip), OTHER) as media:
        onward = f"http://{OTHER}:{media.port}/clip.mkv"
        with http_camera(
            lambda path, _: (302, {"Location": "/2" if path == "/live" else onward}, b"")
        ) as own:
            given = stream("http", own, redirects_to=[OTHER])
            container, video = open_footage(given, Path(), credentials=Credentials(*WORDS))
            with container:
                assert sum(1 for _ in container.decode(video)) == 5
    assert {password for _, password in media.requests} == {""}


def test_a_password_of_an_encrypted_address_is_not_told_in_the_clear() -> None:
    given = camera(url="https://10.0.0.1/live")
    assert is_own_host(given, "https://10.0.0.1:8443/2")
    assert not is_own_host(given, "http://10.0.0.1/2")


def test_a_host_is_allowed_however_its_letters_are_written() -> None:
    with (
        http_camera(lambda *_: (404, {}, b"")) as media,
        http_camera(sends_on(f"http://LocalHost:{media.port}/inside")) as own,
    ):
        given = stream("http", own, redirects_to=["LOCALHOST"])
        assert find_redirect(given, None, 10) == f"http://LocalHost:{media.port}/inside"


def test_redirects_without_end_are_given_up(scheme: str) -> None:
    with OPEN[scheme](sends_on("/again")) as own, pytest.raises(RedirectRefused):
        find_redirect(stream(scheme, own), None, 10)


def test_a_camera_that_only_fails_does_not_send_on(scheme: str) -> None:
    with OPEN[scheme](lambda *_: (503, {}, b"")) as own:
        assert find_redirect(stream(scheme, own), None, 10) is None


def test_a_host_that_drips_its_answer_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            with contextlib.suppress(OSError):
                peer, _ = server.accept()
                peer.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                while True:
                    peer.sendall(b"a")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        given = camera(url=f"http://127.0.0.1:{server.getsockname()[1]}/live")
        asking = threading.Thread(target=find_redirect, args=(given, None, 0.5), daemon=True)
        asking.start()
        asking.join(60)
        assert not asking.is_alive()
