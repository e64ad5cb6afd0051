"""What every answer says to browsers, and who keeps a connection open without asking."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest
from console_people import ask
from console_process import console_process
from ruamel.yaml import YAML

PATHS = (
    *("/", "/live", "/search", "/audit", "/login", "/health", "/wall", "/nowhere"),
    *("/evidence/evd-1/clip.mp4", "/favicon.ico", "/static/js/bokeh.min.js", "/live/autoload.js"),
)


@pytest.mark.parametrize("path", PATHS)
def test_no_answer_may_be_framed_guessed_at_or_read_by_another_site(running_console, path):
    answer, _ = ask(running_console, path, Origin=running_console.address)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", ["/live/autoload.js", "/live/autoload-js", "/live/metadata"])
def test_pages_are_not_offered_for_embedding(running_console, path):
    answer, _ = ask(running_console, f"{path}?bokeh-autoload-element=x")
    assert answer.status == 404


def test_the_sites_title_stays_a_title(staged, sample_site_file, tmp_path):
    yaml = YAML()
    site = yaml.load(sample_site_file.read_text())
    site["site"]["title"] = dict.fromkeys(("zh", "en"), '"><script>alert(2)</script>')
    for camera in site["cameras"]:
        camera["url"] = str(sample_site_file.parent / camera["url"])
    yaml.dump(site, tmp_path / "titled.yaml")
    with console_process(staged, tmp_path / "titled.yaml", tmp_path / "out.log") as (address, _):
        _, page = ask(SimpleNamespace(address=address), "/live")
    assert b'<meta name="title"' in page
    assert b"<script>alert" not in page


def test_a_request_that_is_never_finished_is_closed(running_console):
    host, _, port = running_console.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=120) as half_open:
        half_open.sendall(b"GET /health HTTP/1.1\r\nHost: ")
        assert half_open.recv(100) == b""
