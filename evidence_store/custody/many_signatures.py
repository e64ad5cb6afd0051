"""Read a custody chain's lines with the fault of each; those of a long chain in as many processes as may run.

Signatures are most of the time that checking a chain takes. Threads were slower than one alone: what they do between
two signatures, only one of them may do at a time.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from multiprocessing import get_context

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evidence_store.custody.chain import Entry
from evidence_store.keys.signing_keys import PublicKeys

# fewer are read before a process has begun
WORTH_PROCESSES = 10_000
MOST_PROCESSES = 8
LINES_AT_ONCE = 1024

Read = Callable[[PublicKeys, bytes, int, bytes], tuple[Entry, str]]
_Numbered = tuple[int, tuple[bytes, bytes]]  # number, line before, line
_Found = tuple[bool, str]  # whether it can be read, its fault


@dataclass(frozen=True, slots=True)
class ReadLine:
    """One line, what could be read of it, and what is wrong with it by itself or after the line before."""

    number: int  # counted from 1
    line: bytes
    entry: Entry  # {} where it cannot be read
    fault: str  # "" if none


def read_lines(lines: Iterable[bytes], keys: PublicKeys, read: Read) -> Iterator[ReadLine]:
    """Read lines in order.

    Args:
        lines: each with its end.
        keys: given to `read`.
        read: takes keys, a line, its number and the line before (b"" where there is none); returns its entry
            and its fault. A function of a module, for other processes are to find it by its name.
    """
    after_each = enumerate(pairwise(chain([b""], lines)), start=1)
    first = list(islice(after_each, WORTH_PROCESSES))
    processes = min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    every = chain(first, after_each)
    if len(first) < WORTH_PROCESSES or processes == 1:
        for number, (before, line) in every:
            yield ReadLine(number, line, *read(keys, line, number, before))
        return
    parts = iter(lambda: list(islice(every, LINES_AT_ONCE)), [])
    for part, found in _in_processes(parts, keys, read, processes):
        for (number, (_, line)), (is_read, fault) in zip(part, found, strict=True):
            entry: Entry = {}
            if is_read:
                try:
                    # quicker than to hand it from process to process; that it is canonical was seen there
                    entry = json.loads(line)
                except RecursionError:  # there, fewer calls stood around this one
                    fault = fault or "changed: is nested too deeply"
            yield ReadLine(number, line, entry, fault)


def _in_processes(
    parts: Iterator[list[_Numbered]], keys: PublicKeys, read: Read, processes: int
) -> Iterator[tuple[list[_Numbered], list[_Found]]]:
    raw = {key_id: key.public_bytes_raw() for key_id, key in keys.items()}
    waiting = deque[tuple[list[_Numbered], Future[list[_Found]] | None]]()
    # a forked one would wait for ever where a thread of this process held a lock
    pool = ProcessPoolExecutor(processes, get_context("spawn"))
    try:
        for part in parts:
            future = None
            with suppress(BrokenExecutor):
                future = pool.submit(_read_there, read, raw, part)
            waiting.append((part, future))
            if len(waiting) > 2 * processes:
                yield _result(*waiting.popleft(), keys, read)
        while waiting:
            yield _result(*waiting.popleft(), keys, read)
    finally:
        pool.shutdown(cancel_futures=True)


def _result(
    part: list[_Numbered], future: Future[list[_Found]] | None, keys: PublicKeys, read: Read
) -> tuple[list[_Numbered], list[_Found]]:
    # where one was killed, as by a machine without memory, the pool is broken: what is left is read here
    with suppress(BrokenExecutor):
        if future is not None:
            return part, future.result()
    return part, _read_part(read, keys, part)


def _read_there(read: Read, raw_keys: dict[str, bytes], part: Sequence[_Numbered]) -> list[_Found]:
    keys = {key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in raw_keys.items()}
    return _read_part(read, keys, part)


def _read_part(read: Read, keys: PublicKeys, part: Sequence[_Numbered]) -> list[_Found]:
    found = (read(keys, line, number, before) for number, (before, line) in part)
    return [(bool(entry), fault) for entry, fault in found]
