from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.errors import PutAside
from evidence_store.custody import many_signatures
from evidence_store.custody.chain import CustodyChain, Kind
from evidence_store.custody.chain_check import check_chain, check_lines
from evidence_store.keys.signing_keys import KeyFolder, PublicKeys, Signer, new_signer

ID = "evd-00000000000000aa"


@pytest.fixture
def signer() -> Signer:
    return new_signer()


@pytest.fixture
def keys(signer: Signer) -> PublicKeys:
    return {signer.key_id: signer.private.public_key()}


@pytest.fixture
def chain(tmp_path: Path, signer: Signer) -> CustodyChain:
    """Three entries."""
    chain = CustodyChain(tmp_path / "custody.jsonl", signer)
    chain.append("sealed", ID, {"manifest_sha256": "ab" * 32})
    chain.append("viewed", ID, {"reason": "复核", "files": ["clip.mp4"]}, who="A. Li")
    chain.append("verified", "", {"records": 1, "problems": 0})
    return chain


def test_a_chain_holds_and_tells_what_was_sealed(chain: CustodyChain, keys: PublicKeys) -> None:
    report = check_chain(chain, keys)
    assert (report.entries, report.unsigned, report.problems) == (3, 0, [])
    assert report.sealed == {ID: "ab" * 32}
    assert [each["kind"] for each in chain.about(ID)] == ["sealed", "viewed"]


def test_a_missing_chain_has_no_entries(tmp_path: Path) -> None:
    assert check_chain(CustodyChain(tmp_path / "none"), {}).entries == 0


def test_every_flipped_byte_is_named_with_its_entry(chain: CustodyChain, keys: PublicKeys) -> None:
    content = chain.path.read_bytes()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1
        report = check_lines(bytes(changed).splitlines(keepends=True), keys, "custody.jsonl")
        entry = content[:position].count(b"\n") + 1
        assert len(report.problems) == 1, position
        named = int(report.problems[0].split("entry ")[1].split(":")[0])
        assert named == entry, (position, report.problems)


@pytest.mark.parametrize("gone", [0, 1])
def test_an_entry_taken_out_is_noticed(chain: CustodyChain, keys: PublicKeys, gone: int) -> None:
    lines = list(chain.lines())
    del lines[gone]
    assert check_lines(lines, keys, "custody.jsonl").problems


def test_entries_in_another_order_are_noticed(chain: CustodyChain, keys: PublicKeys) -> None:
    first, second, third = chain.lines()
    assert check_lines([second, first, third], keys, "custody.jsonl").problems


def test_who_has_no_key_cannot_write_the_chain_anew(
    chain: CustodyChain, keys: PublicKeys, tmp_path: Path
) -> None:
    forged = CustodyChain(tmp_path / "forged.jsonl", new_signer())
    forged.append("sealed", ID, {"manifest_sha256": "cd" * 32})
    assert "unknown key" in check_chain(forged, keys).problems[0]
    CustodyChain(chain.path).append("viewed", ID, {"reason": "unsigned", "files": []})
    assert "is not signed" in check_chain(chain, keys).problems[0]


def test_a_chain_without_a_key_says_so_and_its_links_still_hold(tmp_path: Path) -> None:
    chain = CustodyChain(tmp_path / "custody.jsonl")
    for number in range(3):
        chain.append("sealed", ID, {"manifest_sha256": str(number)})
    report = check_chain(chain, {})
    assert (report.entries, report.unsigned, report.problems) == (3, 3, [])
    lines = list(chain.lines())
    lines[1] = lines[1].replace(b'"manifest_sha256":"1"', b'"manifest_sha256":"7"')
    assert "entry 3" in check_lines(lines, {}, "custody.jsonl").problems[0]


def test_a_line_that_a_crash_cut_off_is_mended_by_the_next_entry(
    chain: CustodyChain, keys: PublicKeys
) -> None:
    content = chain.path.read_bytes()
    chain.path.write_bytes(content[:-40])
    assert "entry 3: is cut off" in check_chain(chain, keys).problems[0]
    chain.append("sealed", "evd-00000000000000bb", {"manifest_sha256": "ef" * 32})
    report = check_chain(chain, keys)
    assert report.problems == []
    assert report.remarks == ["custody.jsonl, entry 3: cut off by a crash, and mended"]
    assert chain.path.read_bytes().startswith(content[:-40]), "nothing is ever taken away"
    lines = list(chain.lines())
    assert [json.loads(line)["number"] for line in (*lines[:2], *lines[3:])] == [1, 2, 4, 5]
    lines[2] = lines[2].replace(b"problems", b"problemz")
    assert "entry 3" in check_lines(lines, keys, "custody.jsonl").problems[0]


def test_an_entry_is_on_the_disk_before_anybody_may_rely_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[tuple[str, int]] = []

    def note(handle: int) -> None:
        lines = chain.path.read_bytes().count(b"\n")
        noted.append((Path(f"/proc/self/fd/{handle}").readlink().name, lines))

    monkeypatch.setattr(os, "fsync", note)
    chain = CustodyChain(tmp_path / "custody.jsonl")
    chain.append("verified", "", {})
    assert noted == [("custody.jsonl", 1), (tmp_path.name, 1)], "a new file's name, too"
    noted.clear()
    chain.append("verified", "", {})
    assert noted == [("custody.jsonl", 2)]


def test_once_means_once_for_the_same_content(chain: CustodyChain) -> None:
    assert not chain.append_once("sealed", ID, {"manifest_sha256": "ab" * 32})
    another = {"manifest_sha256": "cd" * 32}
    with pytest.raises(PutAside, match="sealed it already"):
        chain.append_once("sealed", ID, another)
    chain.append("set aside", ID, {})
    assert chain.append_once("sealed", ID, another)
    assert len([each for each in chain.about(ID) if each["kind"] == "sealed"]) == 2


def test_several_processes_append_to_one_sound_chain(tmp_path: Path) -> None:
    folder, path = KeyFolder(tmp_path / "keys"), tmp_path / "custody.jsonl"
    folder.create()
    code = (
        "import sys; from pathlib import Path\n"
        "from evidence_store.custody.chain import CustodyChain\n"
        "from evidence_store.keys.signing_keys import KeyFolder\n"
        "chain = CustodyChain(Path(sys.argv[2]), KeyFolder(Path(sys.argv[1])).signer())\n"
        "for n in range(25): chain.append('verified', '', {'n': n})\n"
    )
    argv = [sys.executable, "-c", code, str(folder.folder), str(path)]
    running = [subprocess.Popen(argv) for _ in range(4)]
    assert [each.wait(60) for each in running] == [0, 0, 0, 0]
    report = check_chain(CustodyChain(path), folder.public_keys())
    assert (report.entries, report.problems) == (100, [])


def damaged(lines: list[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines with each one changed, cut off, unreadable, gone, twice and exchanged."""
    for at, line in enumerate(lines):
        for other in (
            line.replace(b'"who":"', b'"who":"x'),
            line[:-30] + b"\n",
            b"[]\n",
            line[:-1],
        ):
            yield [*lines[:at], other, *lines[at + 1 :]]
        yield lines[:at] + lines[at + 1 :]
        yield [*lines[: at + 1], *lines[at:]]
        yield [*lines[:at], lines[-1], *lines[at + 1 : -1], line]


def test_parts_find_the_same_as_one_line_after_the_other(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, second = CustodyChain(tmp_path / "custody.jsonl", signer), new_signer()
    chain.append("sealed", ID, {"manifest_sha256": "ab" * 32})
    with chain.path.open("ab") as file:
        file.write(b'{"cut off')
    chain.append("erasing", ID, {"reason": "到期"})
    chain.append("key rotated", "", {"new_key_id": second.key_id})
    for number in range(4):
        CustodyChain(chain.path, second).append("verified", "", {"records": number})
    both = {each.key_id: each.private.public_key() for each in (signer, second)}
    cases = [*damaged([*chain.lines()]), [*chain.lines()]]
    one_by_one = [check_lines(each, both, "custody.jsonl") for each in cases]
    monkeypatch.setattr(many_signatures, "LINES_AT_ONCE", 3)
    monkeypatch.setattr(many_signatures, "WORTH_PROCESSES", 1)
    # threads stand in for processes, which take half a second to begin: test_many_signatures.py has those
    monkeypatch.setattr(many_signatures, "ProcessPoolExecutor", lambda n, _: ThreadPoolExecutor(n))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2})
    assert [check_lines(each, both, "custody.jsonl") for each in cases] == one_by_one
    # the whole one, the last line for itself, and the last line gone
    assert sum(not each.problems for each in one_by_one) == 3


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("events forgotten", {"rows": 5}),
        ("events forgotten", {"rows": [1, [2], [3, "4"], [5, 6, 7]]}),
        ("restored", {"log": {"log_id": "a"}}),
        ("restored", {"log": {"log_id": "a", "row": "x"}}),
        ("stamped", {"entry": []}),
        ("held", {"hold_id": {}}),
    ],
)
def test_odd_details_of_an_unsigned_chain_end_no_check(
    tmp_path: Path, kind: Kind, details: dict[str, object]
) -> None:
    chain = CustodyChain(tmp_path / "custody.jsonl")
    chain.append("sealed", ID, {"manifest_sha256": "ab" * 32, "log": {"log_id": "a"}})
    chain.append(kind, ID, details)
    report = check_chain(chain, {})
    assert (report.problems, report.forgotten) == ([], [])
