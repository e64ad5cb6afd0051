"""Each program gets the secrets that it needs, and no others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from site_values import camera, site

from domain.data_dir import DataDir
from domain.site.site import Site
from forewarn.programs.settings import ProgramSettings, read_settings
from forewarn.programs.supervision.plan import (
    ANNOUNCE,
    CARETAKER,
    CONSOLE,
    MASK,
    NOTIFY,
    PRESERVE,
    TRITON,
    WATCH,
    live_programs,
    withheld,
)
from forewarn.programs.supervision.supervisor import Program, Supervisor
from forewarn.site.put_in_force import apply_file
from models.serving.environment import ServerEnvironment

SECRETS = {
    "CAMERA_PASSWORD": {WATCH},
    "HORN_PASSWORD": {ANNOUNCE},
    "DESK_URL": {NOTIFY},
    "SHARED_PASSWORD": {WATCH, ANNOUNCE},
    "FOREWARN_KEY_PASSPHRASE": {PRESERVE, MASK, CARETAKER, CONSOLE},
    "FOREWARN_ENCRYPTION_KEY": {WATCH, NOTIFY, PRESERVE, MASK, CARETAKER, CONSOLE},
    "FOREWARN_PASSWORD": {CARETAKER},
    "FOREWARN_NEW_PASSWORD": set(),
}
PROGRAMS = (WATCH, ANNOUNCE, PRESERVE, NOTIFY, MASK, CARETAKER, CONSOLE, TRITON)


@pytest.fixture
def secret_site() -> Site:
    horn = {"kind": "http", "url": "http://10.0.0.1/", "user": "horn"}
    return site(
        cameras=[
            camera(url="rtsp://10.0.0.1/1", user="a", password_env="CAMERA_PASSWORD"),
            camera(
                "south", url="rtsp://10.0.0.2/1", user="a", password_env="SHARED_PASSWORD", zones=[]
            ),
        ],
        speakers=[
            {"id": "horn", "password_env": "HORN_PASSWORD"} | horn,
            {"id": "other", "password_env": "SHARED_PASSWORD"} | horn,
        ],
        recipients=[{"id": "desk", "url_env": "DESK_URL"}],
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gets_its_own_secrets_alone(name: str, secret_site: Site) -> None:
    given = set(SECRETS) - withheld(name, secret_site)
    assert given == {secret for secret, owners in SECRETS.items() if name in owners}


def test_what_is_withheld_is_not_in_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_URL", "json://watch:hunter2@desk/")
    code = "print(open('/proc/self/environ').read())"
    it = Program(
        "it",
        [sys.executable, "-c", code],
        tmp_path / "it.log",
        withheld=frozenset({"DESK_URL"}),
    )
    with Supervisor() as supervisor:
        supervisor.start(it)
        supervisor.run(lambda: it.has_finished)
    said = it.log_file.read_text()
    assert "PATH=" in said
    assert "hunter2" not in said


def test_nor_in_tritons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESK_URL", "json://watch:hunter2@desk/")
    folders = dict.fromkeys(ServerEnvironment.__dataclass_fields__, tmp_path)
    variables = ServerEnvironment(**folders).variables(frozenset({"DESK_URL"}))
    assert "PATH" in variables
    assert "DESK_URL" not in variables


def test_all_programs_of_a_live_run_are_given_its_revision(
    tmp_path: Path, sample_site_file: Path
) -> None:
    data = DataDir(tmp_path)
    in_force = apply_file(sample_site_file, data).revision
    settings = ProgramSettings(data, "127.0.0.1:1", until_end=False, shows_live=False)
    programs = live_programs(in_force, settings)
    assert {each.name for each in programs} >= {WATCH, ANNOUNCE, PRESERVE, MASK, CARETAKER}
    for each in programs:
        if each.name != CARETAKER:  # its jobs ask the log each time
            argv = each.argv[each.argv.index(f"forewarn.programs.{each.name}") + 1 :]
            assert read_settings(each.name, argv).revision == in_force.number == 1
