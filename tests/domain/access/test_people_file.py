"""A people file is read again whenever it changed, and only then."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from domain.access import people_file
from domain.access.people import People
from domain.access.people_file import PeopleFile, PeopleFileError, load_people


def write(path: Path, *ids: str) -> None:
    listed = "".join(f"  - {{id: {each}, name: {each.upper()}}}\n" for each in ids)
    path.write_text(f"people:\n{listed}" if ids else "people: []\n", encoding="utf-8")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Note each time that a people file is read."""
    paths: list[Path] = []

    def load(path: Path) -> People:
        paths.append(path)
        return load_people(path)

    monkeypatch.setattr(people_file, "load_people", load)
    return paths


def test_an_unchanged_file_is_read_once(tmp_path: Path, reads: list[Path]) -> None:
    path = tmp_path / "people.yaml"
    write(path, "wang")
    file = PeopleFile(path)
    first = file.people()
    assert first is not None and [person.id for person in first.people] == ["wang"]
    assert all(file.people() is first for _ in range(5))
    assert file.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(reads) == 1


def test_a_file_that_comes_goes_and_comes_again_counts_each_time(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    file = PeopleFile(path)
    for ids in (("wang",), ("wang", "li"), ()):
        assert file.people() is None and file.sha256() == ""
        write(path, *ids)
        people = file.people()
        assert people is not None and tuple(person.id for person in people.people) == ids
        path.unlink()


def test_a_file_that_cannot_be_read_permits_nothing_until_it_can(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    write(path, "wang")
    file = PeopleFile(path)
    good = file.people()
    path.write_text("people: {", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(PeopleFileError, match="not YAML"):
            file.people()
        with pytest.raises(PeopleFileError, match="not YAML"):
            file.sha256()
    write(path, "wang")
    assert file.people() == good


def test_a_folder_that_nobody_may_look_into_permits_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PeopleFileError, match="nobody may do anything here"):
        PeopleFile(tmp_path / "file" / "people.yaml").people()


def test_many_threads_read_a_changed_file_once(tmp_path: Path, reads: list[Path]) -> None:
    path = tmp_path / "people.yaml"
    write(path, "wang")
    file = PeopleFile(path)
    begin = threading.Barrier(8)
    seen: list[People | None] = []

    def ask() -> None:
        begin.wait()
        seen.append(file.people())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8 and len(reads) == 1
    assert all(people is seen[0] for people in seen) and seen[0] is not None
