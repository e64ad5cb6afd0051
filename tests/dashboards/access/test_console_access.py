"""Access to the console: names, origins, tokens, and the address that it listens on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from console_people import write_people
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from dashboards.access.file_tokens import FileTokens
from dashboards.access.origin import is_allowed_host, is_allowed_origin
from dashboards.access.request_guard import RequestGuard
from dashboards.settings import ConsoleSettings
from domain.access.people_file import PeopleFile
from domain.data_dir import DataDir
from domain.errors import Stop


def _get(address: str, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def _masked(running_console) -> str:
    folder = next(running_console.staged.data.evidence.iterdir())
    return f"{running_console.address}/evidence/{folder.name}/first.masked.jpg"


def test_the_console_says_that_it_is_well(running_console):
    give_up_s = time.monotonic() + 120
    while True:
        status, body = _get(running_console.address + "/health")
        assert status == 200
        health = json.loads(body)
        assert health["ok"] is True
        if health["caught_up"] or time.monotonic() > give_up_s:
            break
        time.sleep(0.05)
    assert health["cameras"]["gate-late"] == "failed"


def test_no_file_of_the_vault_is_sent_without_a_key(running_console):
    address = _masked(running_console)
    assert _get(address)[0] == 403
    assert _get(address + "?until=99999999999&key=" + "0" * 64)[0] == 403
    assert _get(address.replace("first.masked.jpg", "clip.mp4"))[0] == 403
    assert _get(address.replace("first.masked.jpg", "../../events.sqlite"))[0] in (403, 404)


def test_a_key_fits_one_file_and_runs_out():
    keys = FileTokens()
    address = keys.address("evd-1", "clip.mp4", 60)
    until, key = (part.partition("=")[2] for part in address.partition("?")[2].split("&"))
    assert keys.is_valid("evd-1/clip.mp4", until, key)
    assert not keys.is_valid("evd-1/first.jpg", until, key)
    assert not keys.is_valid("evd-2/clip.mp4", until, key)
    assert not keys.is_valid("evd-1/clip.mp4", str(int(until) + 60), key)
    assert not FileTokens().is_valid("evd-1/clip.mp4", until, key)
    old = keys.address("evd-1", "clip.mp4", -10)
    until, key = (part.partition("=")[2] for part in old.partition("?")[2].split("&"))
    assert not keys.is_valid("evd-1/clip.mp4", until, key)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_endpoints_answer_no_page_of_another_site(running_console, headers):
    assert _get(running_console.address + "/health", **headers)[0] == 403
    assert _get(_masked(running_console), **headers)[0] == 403


@pytest.mark.parametrize("header", ["Origin", "Host"])
def test_the_wall_is_closed_to_pages_of_another_site(running_console, header):
    address = running_console.address.replace("http", "ws") + "/wall"
    value = {"Origin": "http://evil.example", "Host": "evil.example"}[header]
    request = HTTPRequest(address, headers={header: value})

    async def try_to_connect() -> None:
        await websocket_connect(request)

    with pytest.raises(HTTPClientError) as refused:
        asyncio.run(try_to_connect())
    assert refused.value.code == 403


def test_a_page_that_does_not_say_that_it_drew_gets_no_second_round(running_console):
    address = running_console.address.replace("http", "ws") + "/wall"

    async def listen() -> tuple[list[object], object]:
        socket = await websocket_connect(address)
        first = []
        while not first or first[-1] != "drawn?":
            first.append(await asyncio.wait_for(socket.read_message(), 20))
        try:  # the live camera writes five pictures in this time
            second = await asyncio.wait_for(socket.read_message(), 2)
        except TimeoutError:
            second = "nothing"
        socket.close()
        return first, second

    first, second = asyncio.run(listen())
    assert json.loads(str(first[0]))["boot"]
    assert sum(isinstance(each, bytes) for each in first) == 2  # one for each camera
    assert second == "nothing"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "console.example"])
def test_listening_to_others_needs_people_who_can_log_in(tmp_path: Path, address: str):
    data = DataDir(tmp_path)
    with pytest.raises(Stop, match="list of people"):
        ConsoleSettings(data, address=address)
    data.people.write_text("people: [{id: wang, name: Wang Fang, roles: [operator]}]")
    with pytest.raises(Stop, match="has a password"):
        ConsoleSettings(data, address=address)
    write_people(data, {"wang": "operator"})
    assert ConsoleSettings(data, address=address)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "127.9.9.9"])
def test_this_machine_may_always_listen_to_itself(tmp_path: Path, address: str):
    settings = ConsoleSettings(DataDir(tmp_path), address=address)
    assert f"{address}:80" in settings.hosts(80)
    assert "evil.example:80" not in settings.hosts(80)


@pytest.mark.parametrize(
    ("port", "origin", "host"),
    [
        (443, (), "127.0.0.1"),
        (80, (), "localhost"),
        (5006, ("Console.city.cn:443",), "console.city.cn"),
    ],
)
def test_a_usual_port_need_not_be_named(tmp_path: Path, port: int, origin: tuple, host: str):
    hosts = ConsoleSettings(DataDir(tmp_path), also_known_as=origin).hosts(port)
    assert is_allowed_host(host, hosts)
    assert is_allowed_origin(f"https://{host}", hosts)
    assert not is_allowed_host(host, ConsoleSettings(DataDir(tmp_path)).hosts(5006))
    guard = RequestGuard(PeopleFile(tmp_path / "people.yaml"), hosts, is_for_all=False)
    assert guard.cookie == f"forewarn-{port}"


def test_a_taken_port_is_named_and_ends_with_the_exit_code_of_a_wrong_set_up(
    running_console, tmp_path: Path
):
    port = running_console.address.rpartition(":")[2]
    command = [sys.executable, "-m", "forewarn", "console", "--data", str(tmp_path)]
    ended = subprocess.run(
        [*command, "--port", port], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 78
    assert f"port {port}" in ended.stderr
    assert "--port" in ended.stderr


def test_the_help_of_the_command_line_does_not_load_panel():
    script = (
        "import sys, forewarn.commands.console; print(any('panel' == m or 'bokeh' == m "
        "for m in sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert ended.stdout.strip() == "False"
