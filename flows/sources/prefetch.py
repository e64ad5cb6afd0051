"""Run a slow step one batch ahead: while the server looks at these frames, the last ones are tracked.

The step runs in a thread of its own, batch after batch. What it answers comes out in order; a batch is
held back only while another is under way behind it, so a flow that has nothing more to read sends a
Flush and gets everything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from domain.cameras.status import CameraNotice
from domain.detections import Detections
from domain.frames import SampledFrame
from flows.sources.sample_queue import ReaderItem, Sample

FrameItem = SampledFrame | CameraNotice
SeenItem = Detections | CameraNotice


class Flush:
    """Sent by the source when nothing is ready to be read: hold nothing back."""


FLUSH = Flush()


class Prefetch:
    """Wraps a step for flat_map_batch."""

    def __init__(
        self,
        step: Callable[[list[FrameItem]], list[SeenItem]],
        done: Callable[[list[ReaderItem]], None],
    ) -> None:
        """Wrap a step that answers a batch of frames; it runs in a thread.

        `done` is called with each batch when its answers are handed on: only then it counts as read.
        """
        self._step = step
        self._done = done
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead")
        self._under_way: deque[tuple[list[ReaderItem], Future[list[SeenItem]]]] = deque()

    @property
    def is_waiting(self) -> bool:
        """Tell whether answers are held back."""
        return bool(self._under_way)

    def __call__(self, items: list[ReaderItem | Flush]) -> list[SeenItem]:
        """Start on these items; the answers to the batch before them (with a Flush: to all)."""
        fresh = [item for item in items if not isinstance(item, Flush)]
        if fresh:
            frames = [item.frame if isinstance(item, Sample) else item for item in fresh]
            self._under_way.append((fresh, self._thread.submit(self._step, frames)))
        # a batch of frames alone leaves itself under way; with a Flush beside it nothing is held back
        held = 1 if fresh and len(fresh) == len(items) else 0
        seen: list[SeenItem] = []
        while len(self._under_way) > held:
            batch, answers = self._under_way.popleft()
            seen += answers.result()
            self._done(batch)
        return seen
