"""A camera's own loudspeaker gets each call at most once, by the ONVIF back channel."""

from __future__ import annotations

import audioop
import contextlib
import socketserver
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from closed_port import closed_port
from hypothesis import given
from hypothesis import strategies as st
from network_speaker import PASSWORD, TONE, USER
from rtsp_speaker import SDP, Camera, rtsp_speaker

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.site.speech.speakers import SpeakerSettings
from flows.speech.careful_speaker import CarefulSpeaker
from flows.speech.devices.back_channel import find_back_channel
from flows.speech.devices.rtsp_player import RtspPlayer
from flows.speech.speaker import NoSpeaker, Spoken


def call(camera: Camera, folder: Path, password: str = PASSWORD, **more: Any) -> Spoken:
    given = {"id": "cam", "kind": "rtsp", "url": camera.url, "timeout_s": 10.0} | more
    if camera.has_password:
        given |= {"user": USER, "password_env": "CAM_PASSWORD"}
    chosen = SpeakerSettings.model_validate(given)
    speaker = CarefulSpeaker(chosen, RtspPlayer(chosen, password), DataDir(folder))
    return speaker.speak("gate", "evt-1", TONE)


@pytest.mark.parametrize(
    ("codec", "payload_type", "rtpmap", "decode"),
    [
        ("PCMU", 0, "", audioop.ulaw2lin),
        ("PCMA", 8, "", audioop.alaw2lin),
        ("PCMA", 97, "a=rtpmap:97 PCMA/8000/1\n", audioop.alaw2lin),
    ],
)
def test_the_camera_hears_the_sound_whole_in_its_own_encoding(
    tmp_path: Path, codec: str, payload_type: int, rtpmap: str, decode: Any
) -> None:
    with rtsp_speaker(payload_type=payload_type, rtpmap=rtpmap) as camera:
        spoken = call(camera, tmp_path)
    assert (spoken.result, spoken.speaker_id) == ("played", "cam")
    heard = np.frombuffer(decode(camera.heard, 2), "<i2").astype(float)
    assert len(heard) == 1600
    assert int(np.abs(np.fft.rfft(heard)).argmax()) * 8000 / 1600 == 440
    assert camera.methods == ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]
    assert camera.urls["SETUP"] == f"{camera.url}/track3"
    heads = [struct.unpack("!BBHII", packet[:12]) for packet in camera.packets]
    assert [head[1] for head in heads] == [0x80 | payload_type, *[payload_type] * 9]
    first = heads[0]
    for number, head in enumerate(heads):
        assert head[2] == (first[2] + number) % 65_536
        assert head[3] == (first[3] + 160 * number) % 2**32


def test_a_password_is_given_and_each_answer_counted(tmp_path: Path) -> None:
    with rtsp_speaker(has_password=True) as camera:
        assert call(camera, tmp_path).result == "played"
    assert camera.methods[:2] == ["DESCRIBE", "DESCRIBE"]


def test_a_wrong_password_is_found_before_anything_is_heard(tmp_path: Path) -> None:
    with rtsp_speaker(has_password=True) as camera:
        spoken = call(camera, tmp_path, password="wrong")
    assert spoken.result == "refused" and "are user and CAM_PASSWORD right?" in spoken.reason
    assert camera.packets == [] and "SETUP" not in camera.methods


@pytest.mark.parametrize(
    ("status_of", "result", "words"),
    [
        ({"DESCRIBE": "551 Option not supported"}, "refused", "it has no ONVIF back channel"),
        ({"DESCRIBE": "404 Not Found"}, "refused", "answered 404 Not Found to DESCRIBE"),
        ({"SETUP": "461 Unsupported Transport"}, "refused", "answered 461"),
        ({"SETUP": "453 Not Enough Bandwidth"}, "busy", "answered 453"),
        ({"PLAY": "503 Service Unavailable"}, "busy", "answered 503"),
    ],
)
def test_a_camera_that_will_not_play_says_why_and_gets_no_sound(
    tmp_path: Path, status_of: dict[str, str], result: str, words: str
) -> None:
    with rtsp_speaker(status_of=status_of) as camera:
        spoken = call(camera, tmp_path)
    assert spoken.result == result and words in spoken.reason
    assert camera.packets == []


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY"])
def test_a_camera_that_falls_silent_before_the_sound_may_be_asked_again(
    tmp_path: Path, method: str
) -> None:
    with rtsp_speaker(silent_at=method) as camera:
        with pytest.raises(NoSpeaker, match="is it on"):
            call(camera, tmp_path, timeout_s=0.3)
        assert list(tmp_path.rglob("*.json")) == []
        camera.silent_at = ""
        assert call(camera, tmp_path).result == "played"


def test_a_camera_that_is_off_was_not_asked(tmp_path: Path) -> None:
    with closed_port() as port, pytest.raises(NoSpeaker, match="is it on"):
        call(Camera(url=f"rtsp://127.0.0.1:{port}/live"), tmp_path)


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [
        ({"closes_after": 3}, "unknown whether played"),
        ({"silent_at": "TEARDOWN"}, "timed out"),
        ({"status_of": {"TEARDOWN": "500 Internal Server Error"}}, "unknown whether played"),
    ],
)
def test_what_went_wrong_after_the_sound_began_is_told_as_uncertain(
    tmp_path: Path, behaviour: dict[str, Any], result: str
) -> None:
    with rtsp_speaker(**behaviour) as camera:
        spoken = call(camera, tmp_path, timeout_s=4.0 if "silent_at" in behaviour else 10.0)
        again = CarefulSpeaker(
            SpeakerSettings(id="cam", kind="rtsp", url=camera.url),
            RtspPlayer(SpeakerSettings(id="cam", kind="rtsp", url=camera.url), None),
            DataDir(tmp_path),
        ).find_spoken("gate", "evt-1")
    assert spoken.result == result and again == spoken
    assert camera.packets


def test_data_that_the_camera_sends_meanwhile_is_passed_over(tmp_path: Path) -> None:
    with rtsp_speaker(chatters=True) as camera:
        assert call(camera, tmp_path).result == "played"
    assert len(camera.heard) == 1600


@pytest.mark.parametrize(
    ("track", "words"),
    [
        ("m=audio 0 RTP/AVP 97\na=sendonly\na=rtpmap:97 MPEG4-GENERIC/16000\n", "MPEG4-GENERIC"),
        ("m=audio 0 RTP/AVP 0\na=recvonly\n", "no audio track with a=sendonly"),
        ("", "no audio track with a=sendonly"),
    ],
)
def test_a_description_without_a_back_channel_we_can_use_is_refused(track: str, words: str) -> None:
    with pytest.raises(PutAside, match=words):
        find_back_channel(f"v=0\ns=camera\n{track}", "rtsp://camera/live")


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://cam/live/", "track3", "rtsp://cam/live/track3"),
        ("rtsp://cam/live", "track3", "rtsp://cam/live/track3"),
        ("rtsp://cam/live", "rtsp://other/x", "rtsp://other/x"),
        ("rtsp://cam/live", "/x", "rtsp://cam/x"),
        ("rtsp://cam/live?ch=1", "track3", "rtsp://cam/live?ch=1/track3"),
        ("rtsp://cam/live", "*", "rtsp://cam/live"),
        ("rtsp://cam:8554/live", "/x y", None),
    ],
)
def test_the_tracks_address_is_found_however_it_is_written(
    base: str, control: str, url: str | None
) -> None:
    text = SDP.format(payload_type=0, rtpmap="").replace("track3", control)
    if url is None:
        with pytest.raises(PutAside, match="with an address"):
            find_back_channel(text, base)
    else:
        assert find_back_channel(text, base).url == url


@given(text=st.text(max_size=200), lines=st.lists(st.sampled_from(SDP.splitlines()), max_size=12))
def test_no_description_breaks_the_search(text: str, lines: list[str]) -> None:
    description = "\n".join([*lines, text, "m=", *lines, f"m=audio 0 RTP/AVP {text}", *lines])
    with contextlib.suppress(PutAside):
        assert find_back_channel(description, "rtsp://cam/live").payload_type < 128


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"RTSP/1.0 fine\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"x" * 100_000,
        b"$\x00\xff\xffshort",
        b"",
    ],
)
def test_what_is_no_rtsp_at_all_counts_as_no_speaker(tmp_path: Path, answer: bytes) -> None:
    class Talk(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4_096)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        odd = Camera(url=f"rtsp://127.0.0.1:{server.server_address[1]}/live")
        with pytest.raises(NoSpeaker):
            call(odd, tmp_path)
        server.shutdown()
