"""A camera's password is in nothing that a run prints or keeps, and what it keeps is closed to others."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from closed_port import closed_port
from misleading_cameras import http_camera

from domain.data_dir import DataDir
from domain.events.catalog import CameraChanged
from event_log.log import EventLog

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 180.0
PASSWORD = "Pa55 w/rd@9"
FORMS = {
    PASSWORD,
    quote(PASSWORD),
    quote(PASSWORD, safe=""),
    quote_plus(PASSWORD),
    base64.b64encode(f"admin:{PASSWORD}".encode()).decode(),
}

pytestmark = [pytest.mark.slow, pytest.mark.triton]


def write_site(target: Path, urls: dict[str, str]) -> Path:
    """Write a site file, which is YAML as all JSON is."""
    secret = {"user": "admin", "password_env": "CAMERA_PASSWORD"}
    cameras = [
        {"id": name, "title": {"zh": "相机", "en": "Camera"}, "url": url} | secret
        for name, url in urls.items()
    ]
    site = {"site": {"id": "gate", "title": {"zh": "门", "en": "Gate"}}, "cameras": cameras}
    target.write_text(json.dumps(site), "utf-8")
    return target


def failed(data: DataDir) -> set[str]:
    """Return the ids of the cameras whose failure is logged."""
    if not data.events_db.exists():
        return set()
    with EventLog.open(data.events_db) as log:
        found = [each.event.data for each in log.read(types=[CameraChanged.event_type])]
    return {e.camera_id for e in found if isinstance(e, CameraChanged) and e.status == "failed"}


def test_no_output_of_a_run_holds_a_cameras_password(tmp_path: Path, triton_address: str) -> None:
    data = DataDir(tmp_path / "data")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CAMERA_PASSWORD": PASSWORD}
    data.root.mkdir()
    data.root.chmod(0o755)  # as versions before made it
    told = (tmp_path / "told").open("ab")

    def forewarn(*argv: object) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "forewarn", *map(str, argv)]
        return subprocess.Popen(words, cwd=ROOT, env=environment, stdout=told, stderr=told)

    with told, closed_port() as port, http_camera(lambda *_: (503, {}, b"busy")) as busy:
        urls = {
            "closed": f"rtsp://127.0.0.1:{port}/live",
            "placed": f"rtsp://127.0.0.1:{port}/user={{user}}&password={{password}}&channel=1",
            "busy": f"http://127.0.0.1:{busy.port}/live",
        }
        site = write_site(tmp_path / "site.yaml", urls)
        run = forewarn("run", site, "--data", data.root, "--unsealed", "--live-view", "--triton", triton_address)  # fmt: skip
        try:
            give_up_at = time.monotonic() + PATIENCE_S
            while failed(data) != set(urls):
                assert run.poll() is None and time.monotonic() < give_up_at, failed(data)
                time.sleep(0.2)
        finally:
            run.terminate()
            run.wait(PATIENCE_S)
        assert forewarn("check", site).wait(PATIENCE_S) == 65
        assert forewarn("check", site, "--json").wait(PATIENCE_S) == 65
        assert forewarn("events", "--data", data.root).wait(PATIENCE_S) == 0
        assert forewarn("backup", "create", tmp_path / "backup", "--data", data.root).wait(PATIENCE_S) == 0  # fmt: skip
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"events.sqlite", "watch.log", "told"} <= {path.name for path in files}
    shown = {
        str(path.relative_to(tmp_path))
        for path in files
        if any(form.encode() in path.read_bytes() for form in FORMS)
    }
    assert shown == set()
    kept = (data.root, *data.root.iterdir(), *data.logs.iterdir())
    assert {
        str(path): oct(path.stat().st_mode) for path in kept if path.stat().st_mode & 0o027
    } == {}
