"""Give each request on the way a block of shared memory that the server knows."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass

import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from models.serving.shared_memory import SharedBlock, is_left_over, remove_leftovers


@dataclass(slots=True)
class Slot:
    """Room for one request on the way."""

    block: SharedBlock | None = None
    is_registered: bool = False

    def share(
        self, client: triton_grpc.InferenceServerClient, size_bytes: int, deadline_s: float
    ) -> SharedBlock:
        """Return a block of that size at least, made and introduced to the server where it is not.

        Raises:
            OSError: no shared memory here, or not enough of it.
            InferenceServerException: the server is away, or cannot use it.
        """
        if self.block is None or self.block.size_bytes < size_bytes:
            self.drop(client)
            self.block = SharedBlock(size_bytes)
        if not self.is_registered:
            # a block of that name may be known from before: one that grew, or one of a process that
            # had our number
            block = self.block
            client.unregister_system_shared_memory(block.name, client_timeout=deadline_s)
            client.register_system_shared_memory(
                block.name, block.key, block.size_bytes, client_timeout=deadline_s
            )
            self.is_registered = True
        return self.block

    def drop(self, client: triton_grpc.InferenceServerClient) -> None:
        """Give the block back, to the server too where it can be reached."""
        if self.block is None:
            return
        if self.is_registered:
            with contextlib.suppress(InferenceServerException):
                client.unregister_system_shared_memory(self.block.name, client_timeout=1.0)
        self.block.close()
        self.block, self.is_registered = None, False


class Slots:
    """Slots of one connection: a slot is free, or its request is on the way, whoever still waits for it."""

    def __init__(self, count: int) -> None:
        self._all = [Slot() for _ in range(count)]
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in self._all:
            self._free.put(slot)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._all)

    def take(self, timeout_s: float) -> Slot | None:
        """Take a free slot; None where none became free in time."""
        try:
            return self._free.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None

    def give_back(self, slot: Slot) -> None:
        """Say that the slot's request is over."""
        self._free.put(slot)

    def wait_until_free(self, timeout_s: float) -> None:
        """Wait for the requests that are on the way, for so long at most."""
        due_s = time.monotonic() + timeout_s
        taken = [self.take(due_s - time.monotonic()) for _ in self._all]
        for slot in taken:
            if slot is not None:
                self.give_back(slot)


def forget_dead_blocks(client: triton_grpc.InferenceServerClient, deadline_s: float) -> None:
    """Have a server on this machine give up the blocks of programs that were killed.

    It keeps them mapped for as long as it runs, and one that was given by --triton outlives many runs.

    Raises:
        InferenceServerException: the server is away, or has no shared memory.
    """
    remove_leftovers()
    known = client.get_system_shared_memory_status(client_timeout=deadline_s)
    for name in [name for name in known.regions if is_left_over(name)]:
        # refused while a request of the dead program is worked on: the next connection asks again
        with contextlib.suppress(InferenceServerException):
            client.unregister_system_shared_memory(name, client_timeout=deadline_s)
