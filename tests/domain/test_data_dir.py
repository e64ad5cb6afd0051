"""Nothing in a data folder lies where something else does, or outside of it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from domain.data_dir import DataDir, DataPath, close_to_others
from event_log.log import EventLog

ROOT = Path("/srv/forewarn")
NAMES = [name for name, value in vars(DataDir).items() if isinstance(value, DataPath)]


def test_every_part_has_a_place_of_its_own_within_the_folder() -> None:
    places = [getattr(DataDir(ROOT), name) for name in NAMES]
    assert len(places) >= 18
    assert len(set(places)) == len(places)
    assert {place.parent for place in places} == {ROOT}


def test_the_names_are_those_of_data_folders_that_are_out_there() -> None:
    data = DataDir(ROOT)
    assert {place.name for place in (getattr(data, name) for name in NAMES)} == {
        "events.sqlite",
        "evidence",
        "custody.jsonl",
        "clock.json",
        "believed-clock.json",
        "holds",
        "keys",
        "people.yaml",
        "lancedb",
        "recordings",
        "announcements",
        "notifications",
        "speech",
        "live",
        "recovery",
        "quarantine.json",
        "site",
        "triton",
        "audits",
        "beats",
        "locks",
        "logs",
    }


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_folder_that_others_can_look_into_is_mended(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    before = os.umask(0o002)
    try:
        data.logs.mkdir(parents=True)
        (data.logs / "watch.log").write_text("a line\n")
        data.keys.mkdir(mode=0o700)
        (data.keys / "site-key.pem").touch(mode=0o600)
        EventLog.open(data.events_db).close()
        with closing(sqlite3.connect(data.events_db)) as held:
            held.execute("SELECT count(*) FROM sqlite_master")
            beside = Path(f"{data.events_db}-wal")
            assert mode(data.root) == 0o775 and beside.exists()
            assert close_to_others(data) == []
            assert mode(data.root) == mode(data.logs) == 0o750
            for path in (data.events_db, beside, data.logs / "watch.log"):
                assert mode(path) == 0o640
    finally:
        os.umask(before)
    assert (mode(data.keys), mode(data.keys / "site-key.pem")) == (0o700, 0o600)


def test_a_new_folder_is_closed_and_a_closer_one_stays_so(tmp_path: Path) -> None:
    data, closer = DataDir(tmp_path / "new" / "data"), DataDir(tmp_path / "closer")
    closer.root.mkdir(mode=0o700)
    assert close_to_others(data) == close_to_others(closer) == []
    assert (mode(data.root), mode(closer.root)) == (0o750, 0o700)


def test_what_belongs_to_somebody_else_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    assert close_to_others(DataDir(tmp_path)) == [tmp_path]


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o640), (0o077, 0o600)])
def test_the_command_line_makes_files_that_others_cannot_read(
    tmp_path: Path, umask: int, expected: int
) -> None:
    code = (
        "import os, sys; from pathlib import Path; os.umask(int(sys.argv[1]))\n"
        "import forewarn.__main__ as program, forewarn.command_line as line\n"
        "line.run_command_line = lambda: Path(sys.argv[2]).touch()\n"
        "program.main()"
    )
    made = tmp_path / "made"
    subprocess.run([sys.executable, "-c", code, str(umask), str(made)], check=True)
    assert mode(made) == expected
