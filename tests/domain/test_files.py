"""A file is written whole or not at all, and nothing is left beside it."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import files
from domain.files import plain_name, put_in_place, sha256_of, sync_file, write_atomically

WRITERS = 8


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("one_writer", [True, False])
def test_content_and_folders_are_there_and_nothing_else(
    tmp_path: Path, durable: bool, one_writer: bool
) -> None:
    path = tmp_path / "a" / "b" / "note.json"
    for content in (b"first", b"", b"third" * 1000):
        write_atomically(path, content, durable=durable, one_writer=one_writer)
        assert path.read_bytes() == content
    assert names_in(path.parent) == ["note.json"]


@pytest.mark.parametrize("one_writer", [True, False])
@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_without_a_mode_follows_the_umask(
    tmp_path: Path, one_writer: bool, umask: int, expected: int
) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "note", b"x", one_writer=one_writer)
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "note") == expected


@pytest.mark.parametrize("one_writer", [True, False])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_mode_is_kept_whatever_the_umask_and_the_file_before(
    tmp_path: Path, one_writer: bool, mode: int
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o666)
    before = os.umask(0o077)
    try:
        write_atomically(path, b"new", mode=mode, one_writer=one_writer)
    finally:
        os.umask(before)
    assert (mode_of(path), path.read_bytes()) == (mode, b"new")


def test_a_secret_is_never_readable_by_others_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    really = os.fsync

    def look(handle: int) -> None:
        modes.extend(mode_of(path) for path in tmp_path.iterdir())
        really(handle)

    monkeypatch.setattr(files.os, "fsync", look)
    write_atomically(tmp_path / "key.pem", b"private", mode=0o600)
    assert modes and set(modes) == {0o600}


@pytest.mark.parametrize("one_writer", [True, False])
def test_a_file_that_is_there_is_kept_where_it_may_not_be_replaced(
    tmp_path: Path, one_writer: bool
) -> None:
    path = tmp_path / "once"
    write_atomically(path, b"first", may_replace=False, one_writer=one_writer)
    with pytest.raises(FileExistsError):
        write_atomically(path, b"second", may_replace=False, one_writer=one_writer)
    assert path.read_bytes() == b"first"
    assert names_in(tmp_path) == ["once"]


def test_of_many_who_write_a_file_once_exactly_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "once"
    begin = threading.Barrier(WRITERS)
    won: list[int] = []

    def write(number: int) -> None:
        begin.wait()
        try:
            write_atomically(path, b"%d" % number, may_replace=False, durable=False)
        except FileExistsError:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert path.read_bytes() == b"%d" % won[0]
    assert names_in(tmp_path) == ["once"]


def test_a_reader_sees_one_content_or_the_other_and_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "tile.jpg"
    contents = {bytes([letter]) * 200_000 for letter in b"abc"}
    write_atomically(path, min(contents), durable=False)
    over = threading.Event()

    def write_again_and_again(content: bytes) -> None:
        while not over.is_set():
            write_atomically(path, content, durable=False)

    threads = [threading.Thread(target=write_again_and_again, args=(each,)) for each in contents]
    for thread in threads:
        thread.start()
    seen = [path.read_bytes() for _ in range(200)]
    over.set()
    for thread in threads:
        thread.join()
    assert set(seen) <= contents
    assert names_in(tmp_path) == ["tile.jpg"]


def test_a_full_disk_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "note"
    path.write_bytes(b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["note"]


KILLED = """
import os, sys
from pathlib import Path
from domain import files

def die(handle):
    os.kill(os.getpid(), 9)

files.os.fsync = die
files.write_atomically(Path(sys.argv[1]), b"new", one_writer=True)
"""


def test_a_writer_that_was_killed_leaves_the_old_file_and_the_next_cleans_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "note"
    path.write_bytes(b"old")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert ended.returncode == -9
    assert path.read_bytes() == b"old"
    assert len(names_in(tmp_path)) == 2, "what was killed could not clean up"
    write_atomically(path, b"newer", one_writer=True)
    assert path.read_bytes() == b"newer"
    assert names_in(tmp_path) == ["note"]


def test_a_durable_file_has_its_name_on_the_disk_and_another_does_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, bool]] = []
    path = tmp_path / "note"
    monkeypatch.setattr(files, "sync_file", lambda each: synced.append((each, path.exists())))
    write_atomically(path, b"x", durable=False)
    assert synced == []
    path.unlink()
    write_atomically(path, b"x")
    assert synced == [(tmp_path, True)]


def test_nothing_is_written_through_what_lies_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"whole")
    (tmp_path / ".note.part").symlink_to(victim)
    # somebody puts it there again at once
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "note", b"new", one_writer=True)
    assert victim.read_bytes() == b"whole"


def test_a_finished_file_takes_the_place_of_another(tmp_path: Path) -> None:
    temporary, target = tmp_path / "clip.part", tmp_path / "clip.mp4"
    temporary.write_bytes(b"whole")
    target.write_bytes(b"before")
    put_in_place(temporary, target)
    assert target.read_bytes() == b"whole"
    assert names_in(tmp_path) == ["clip.mp4"]


def test_what_is_put_in_place_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, target = tmp_path / "clip.part", tmp_path / "clip.mp4"
    temporary.write_bytes(b"whole")
    synced: list[tuple[Path, bool]] = []
    monkeypatch.setattr(files, "sync_file", lambda path: synced.append((path, target.exists())))
    put_in_place(temporary, target)
    assert synced == [(temporary, False), (tmp_path, True)]


def test_files_and_folders_can_be_synced_and_what_is_missing_cannot(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    sync_file(tmp_path / "file")
    sync_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_file(tmp_path / "missing")


@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * 9000])
def test_a_hash_is_that_of_all_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["a", "gate-early", "evd-0123abc", "_x.y", "A" * 100])
def test_a_plain_name_stays_as_it_is(name: str) -> None:
    assert plain_name(name) == name


@given(st.text(max_size=200))
def test_no_name_leaves_its_folder_or_hides(name: str) -> None:
    made = plain_name(name)
    assert Path("folder", made).parent == Path("folder")
    assert 1 <= len(made) <= 100 and made.isascii() and not made.startswith(".")
    assert plain_name(made) == made


@given(st.lists(st.text(max_size=20), unique=True, max_size=20))
def test_different_names_stay_different(names: list[str]) -> None:
    assert len({plain_name(name) for name in names}) == len(names)
