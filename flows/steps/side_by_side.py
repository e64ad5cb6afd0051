"""A step whose items wait for things outside: lines of items side by side, each line in order."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def side_by_side(
    step: Callable[[Item], Made], line_of: Callable[[Item], Hashable]
) -> Callable[[list[Item]], list[Made]]:
    """A step for flat_map_batch: one thread a line, results in the order of the items.

    Args:
        step: called from several threads when a batch has several lines.
        line_of: items of the same line are done one after the other.
    """

    def do_batch(items: list[Item]) -> list[Made]:
        lines: dict[Hashable, list[int]] = {}
        for place, item in enumerate(items):
            lines.setdefault(line_of(item), []).append(place)
        if len(lines) < 2:
            return [step(item) for item in items]
        made: dict[int, Made] = {}

        def do_line(places: list[int]) -> None:
            for place in places:
                made[place] = step(items[place])

        with ThreadPoolExecutor(len(lines), thread_name_prefix="line") as threads:
            for line in [threads.submit(do_line, places) for places in lines.values()]:
                line.result()
        return [made[place] for place in range(len(items))]

    return do_batch
