"""Read a custody chain's lines with the fault of each one's own signature, some thousands at a time.

Signatures are most of the time that checking a chain takes. `cryptography` lets other threads run meanwhile
(version 50, tried), so they are checked on all processors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from evidence_store.custody.chain import Entry

LINES_AT_ONCE = 4096
WORTH_A_THREAD = 128
MOST_THREADS = 8

Read = Callable[[bytes, int, bytes], tuple[Entry, str]]
FaultOfSignature = Callable[[Entry, bytes], str]


@dataclass(frozen=True, slots=True)
class ReadLine:
    """One line, what could be read of it, and what is wrong with it by itself or after the line before."""

    number: int  # counted from 1
    line: bytes
    entry: Entry  # {} where it cannot be read
    fault: str  # "" if none


def read_lines(
    lines: Iterable[bytes], read: Read, fault_of_signature: FaultOfSignature
) -> Iterator[tuple[ReadLine, str]]:
    """Read lines in order, each with the fault of its signature; "" if none, or if it has another fault.

    Args:
        lines: each with its end.
        read: takes a line, its number and the line before; returns its entry and its fault.
        fault_of_signature: of an entry and its line; called in several threads at once.
    """
    numbered, before = enumerate(lines, start=1), b""
    threads = min(MOST_THREADS, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(threads) as pool:
        while batch := list(islice(numbered, LINES_AT_ONCE)):
            found = []
            for number, line in batch:
                found.append(ReadLine(number, line, *read(line, number, before)))
                before = line
            each = max(WORTH_A_THREAD, -(-len(found) // threads))
            parts = [found[start : start + each] for start in range(0, len(found), each)]
            # one part is done here: most chains are short, and a thread takes its time to begin
            run = pool.map if len(parts) > 1 else map
            for part, faults in zip(
                parts, run(partial(_faults, fault_of_signature), parts), strict=True
            ):
                yield from zip(part, faults, strict=True)


def _faults(fault_of_signature: FaultOfSignature, part: Sequence[ReadLine]) -> list[str]:
    return ["" if each.fault else fault_of_signature(each.entry, each.line) for each in part]
