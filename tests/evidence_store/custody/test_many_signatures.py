"""Reading a long chain in several processes says what reading it in one says, whatever becomes of the others."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidence_store.custody import chain_check, many_signatures
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.custody.chain_check import check_chain
from evidence_store.keys.signing_keys import KeyFolder, PublicKeys

ENTRIES = 60


@pytest.fixture
def chain(tmp_path: Path) -> CustodyChain:
    keys = KeyFolder(tmp_path / "keys")
    chain = CustodyChain(tmp_path / "custody.jsonl", keys.create())
    for number in range(ENTRIES):
        chain.append("viewed", f"evd-{number}", {"reason": "案件复核"})
    return chain


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have even a short chain read in two processes."""
    monkeypatch.setattr(many_signatures, "WORTH_PROCESSES", 10)
    monkeypatch.setattr(many_signatures, "LINES_AT_ONCE", 4)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    yield
    assert multiprocessing.active_children() == []


def read_until_killed(
    keys: PublicKeys, line: bytes, number: int, before: bytes
) -> tuple[Entry, str]:
    """Read as the check does, but end the process at an entry in the middle, unless it is the one that asks."""
    if number == ENTRIES // 2 and multiprocessing.parent_process() is not None:
        os._exit(9)
    return chain_check._read(keys, line, number, before)


@pytest.mark.usefixtures("several")
def test_it_says_what_one_process_says(
    chain: CustodyChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = check_chain(chain, chain.own_keys)
    monkeypatch.setattr(many_signatures, "WORTH_PROCESSES", 1000)
    assert there == check_chain(chain, chain.own_keys)
    assert (there.entries, there.problems) == (len(list(chain.lines())), [])


@pytest.mark.usefixtures("several")
def test_a_changed_entry_is_named_and_nobody_reads_on(chain: CustodyChain) -> None:
    lines = chain.path.read_bytes().splitlines(keepends=True)
    lines[30] = (
        lines[30].replace(b'"signature":"', b'"signature":"00', 1).replace(b'00",', b'",', 1)
    )
    lines[40] = lines[40].replace("复核".encode(), "复议".encode())
    chain.path.write_bytes(b"".join(lines))
    report = check_chain(chain, chain.own_keys)
    assert report.entries == 30
    assert len(report.problems) == 1 and "entry 31" in report.problems[0]


@pytest.mark.usefixtures("several")
def test_where_one_is_killed_the_rest_is_read_here(chain: CustodyChain) -> None:
    lines = list(chain.lines())
    read = list(many_signatures.read_lines(lines, chain.own_keys, read_until_killed))
    assert [each.line for each in read] == lines
    assert {each.fault for each in read} == {""}
    assert [each.entry["number"] for each in read] == list(range(1, len(lines) + 1))


@pytest.mark.usefixtures("several")
def test_what_only_a_shallow_process_can_read_is_named(
    chain: CustodyChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_deep(line: bytes) -> Entry:
        raise RecursionError

    monkeypatch.setattr(many_signatures.json, "loads", too_deep)
    report = check_chain(chain, chain.own_keys)
    assert report.problems == ["custody.jsonl, entry 1: changed: is nested too deeply"]
