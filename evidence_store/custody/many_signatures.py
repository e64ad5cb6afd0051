"""Read a custody chain's lines with the fault of each, some thousands at a time, on all processors.

Signatures are most of the time that checking a chain takes. Their libraries let other threads run meanwhile
(cryptography 50 and PyNaCl 1.6, tried), and each thread reads its lines itself: where one read for all, the
others would wait.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, pairwise

from evidence_store.custody.chain import Entry

LINES_AT_ONCE = 4096
WORTH_A_THREAD = 128
MOST_THREADS = 8

Read = Callable[[bytes, int, bytes], tuple[Entry, str]]


@dataclass(frozen=True, slots=True)
class ReadLine:
    """One line, what could be read of it, and what is wrong with it by itself or after the line before."""

    number: int  # counted from 1
    line: bytes
    entry: Entry  # {} where it cannot be read
    fault: str  # "" if none


def read_lines(lines: Iterable[bytes], read: Read) -> Iterator[ReadLine]:
    """Read lines in order.

    Args:
        lines: each with its end.
        read: takes a line, its number and the line before (b"" where there is none); returns its entry and
            its fault; called in several threads at once.
    """
    after_each = enumerate(pairwise(chain([b""], lines)), start=1)
    threads = min(MOST_THREADS, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(threads) as pool:
        while batch := list(islice(after_each, LINES_AT_ONCE)):
            each = max(WORTH_A_THREAD, -(-len(batch) // threads))
            parts = [batch[start : start + each] for start in range(0, len(batch), each)]
            # one part is done here: most chains are short, and a thread takes its time to begin
            run = pool.map if len(parts) > 1 else map
            for found in run(partial(_read_part, read), parts):
                yield from found


def _read_part(read: Read, part: Sequence[tuple[int, tuple[bytes, bytes]]]) -> list[ReadLine]:
    return [ReadLine(number, line, *read(line, number, before)) for number, (before, line) in part]
