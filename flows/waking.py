"""Wake a dataflow by steps that no setting of the wall clock can move.

Bytewax keeps the times at which it is to go on as wall time, and compares them with the wall: where
the machine's clock is set back an hour, a source or a key that asked for "in 10 ms" sleeps for an hour
(tried by tests/flows/test_waking.py). So sources always ask for AT_ONCE and sleep themselves,
and a key that wants to be called later is sent a Waking when its time has come.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from bytewax.inputs import FixedPartitionedSource, Source, StatefulSourcePartition

ItemT = TypeVar("ItemT")

# what `next_awake` and `notify_at` return: over on every machine, however wrong its clock is
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


class PollTimer:
    """Keep a source from looking more often than it should; by the monotonic clock."""

    def __init__(self) -> None:
        self._due_s = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to look."""
        return time.monotonic() >= self._due_s

    def wait(self) -> None:
        """Sleep until it is time: one thread runs all steps, so only where nothing else has to go on."""
        if (left_s := self._due_s - time.monotonic()) > 0:
            time.sleep(left_s)

    def rest(self, pause_s: float) -> None:
        """Look again after a pause."""
        self._due_s = time.monotonic() + pause_s


@dataclass(frozen=True, slots=True)
class Waking:
    """Sent to a key whose time has come."""

    key: str


class Timers:
    """The times at which keys want to be called; for one flow, whose steps run in one thread."""

    def __init__(self) -> None:
        self._due: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._due)

    def arm(self, key: str, after_s: float) -> None:
        """Send the key a Waking after a pause."""
        heapq.heappush(self._due, (time.monotonic() + after_s, key))

    def take_due(self) -> list[Waking]:
        """Return the wakings whose time has come, each once."""
        now_s, keys = time.monotonic(), list[str]()
        while self._due and self._due[0][0] <= now_s:
            keys.append(heapq.heappop(self._due)[1])
        return [Waking(key) for key in dict.fromkeys(keys)]


class _WakingPartition(StatefulSourcePartition[Any, Any]):
    def __init__(self, source: StatefulSourcePartition[Any, Any], timers: Timers) -> None:
        self._source = source
        self._timers = timers

    def next_batch(self) -> list[Any]:
        return [*self._source.next_batch(), *self._timers.take_due()]

    def next_awake(self) -> datetime | None:
        return self._source.next_awake()

    def snapshot(self) -> Any:
        return self._source.snapshot()

    def close(self) -> None:
        self._source.close()


class WakingSource(FixedPartitionedSource[Any, Any], Generic[ItemT]):
    """Add wakings to what a source of one partition gives."""

    def __init__(self, source: Source[ItemT], timers: Timers) -> None:
        assert isinstance(source, FixedPartitionedSource)
        self._source: FixedPartitionedSource[Any, Any] = source
        self._timers = timers

    def list_parts(self) -> list[str]:
        """Return the source's partitions."""
        return self._source.list_parts()

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _WakingPartition:
        """Build the source's partition."""
        return _WakingPartition(
            self._source.build_part(step_id, for_part, resume_state), self._timers
        )
