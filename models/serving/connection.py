"""Ask a Triton server: batches in, arrays out, a deadline on every call, two requests on the way.

A connection belongs to one thread at a time (a lock makes others wait) and to the process that
made it. Nothing is sent before the first question, so one may connect before the server is up.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Self

import numpy as np
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from domain.errors import Stop, TryAgain
from models.contract import Answer, Batches, Tensor, Tensors
from models.serving.failures import as_forewarn_error, forgot_shared_memory, late
from models.serving.shared_memory import SharedBlock
from models.serving.slots import Slot, Slots, forget_dead_blocks

IN_FLIGHT = 2  # one is worked on while the next is filled
# Triton 2.51 dies now and then when a request is cancelled just as it is answered: a late one is left to
# finish, and cancelled only where the server seems to stand still
CANCELLED_AFTER_S = 25.0
LONGEST_WAIT_TO_CLOSE_S = 5.0
_TRITON_NAMES = {"uint8": "UINT8", "int32": "INT32", "int64": "INT64", "float32": "FP32"}
_DTYPES: dict[str, np.dtype] = {name: np.dtype(name) for name in _TRITON_NAMES}
_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    # gRPC's own back-off grows to two minutes; a server that was restarted should be found soon
    ("grpc.initial_reconnect_backoff_ms", 100),
    # so long at least an attempt may take: a busy machine needs more than a tenth of a second to shake hands
    ("grpc.min_reconnect_backoff_ms", 2000),
    ("grpc.max_reconnect_backoff_ms", 2000),
]


class Priority(IntEnum):
    """Say whose request a model takes next, as models/triton_config.py writes it."""

    FIRST = 1
    WHEN_IDLE = 2  # while no request of the first waits


@dataclass(slots=True)
class _Call:
    """One batch and what became of it."""

    rows: Sequence[np.ndarray]
    due_s: float  # on the monotonic clock
    handle: Any = None  # gRPC cancels a call that nobody holds
    result: Any = None
    error: InferenceServerException | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Connection:
    """Questions to one Triton server; make it with connect()."""

    def __init__(
        self,
        address: str,
        deadline_s: float,
        shared_memory: bool | None,
        beat: Callable[[], None] = lambda: None,
        priority: Priority = Priority.FIRST,
    ) -> None:
        self.address = address
        self._beat = beat
        self._priority = priority
        self.deadline_s = deadline_s
        self._must_share = shared_memory is True
        self._shares = shared_memory if shared_memory is not None else _is_this_machine(address)
        self._knows_dead_blocks = bool(self._shares)  # the server, maybe
        self._lock = threading.Lock()
        self._slots = Slots(IN_FLIGHT)
        self.client = triton_grpc.InferenceServerClient(address, channel_args=_CHANNEL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def uses_shared_memory(self) -> bool:
        """False where pictures travel inside the request; known after the first question."""
        return bool(self._shares)

    def close(self) -> None:
        """Let late requests finish, give back shared memory, close the channel. Safe to call twice."""
        with self._lock:
            self._slots.wait_until_free(LONGEST_WAIT_TO_CLOSE_S)
            for slot in self._slots:
                slot.drop(self.client)
            self.client.close()

    def infer(self, model: str, given: Tensor, batches: Batches, wanted: Tensors) -> list[Answer]:
        """Answer each batch, in order; `model` is its name in Triton, `wanted` are the outputs to fetch.

        Raises:
            TryAgain: the server is away, overloaded or too slow; back off before the next call.
            Stop: it refused, or its answer has not the promised shape.
        """
        with self._lock:
            calls = self._run(model, given, batches, wanted)
            forgotten = [call for call in calls if call.error and forgot_shared_memory(call.error)]
            # the server was restarted since the last call: introduce the blocks again
            if forgotten:
                for slot in self._slots:
                    slot.is_registered = False
                calls = self._run(model, given, batches, wanted)
        for call in calls:
            if call.error is not None:
                raise as_forewarn_error(call.error, self.address, model, self.deadline_s)
        return [self._read(model, call, wanted) for call in calls]

    def check_models_ready(self, models: Sequence[str]) -> None:
        """Ask whether the server is up and has these models loaded.

        Raises:
            TryAgain: the server does not answer.
            Stop: it answers and lacks a model.
        """
        if missing := [name for name in models if not self.has_model(name)]:
            raise Stop(
                f"Triton at {self.address} has not loaded: {', '.join(missing)}; point its "
                "--model-repository at triton_repo/ (built by `forewarn models build`)"
            )

    def has_model(self, model: str) -> bool:
        """Ask whether the server has a model loaded; TryAgain where it does not answer."""
        try:
            return bool(self.client.is_model_ready(model, client_timeout=self.deadline_s))
        except InferenceServerException as error:
            raise as_forewarn_error(error, self.address, model, self.deadline_s) from error

    def _run(self, model: str, given: Tensor, batches: Batches, wanted: Tensors) -> list[_Call]:
        calls: list[_Call] = []
        for rows in batches:
            self._beat()
            # late requests hold theirs: a server in trouble is asked no more than so many
            slot = self._slots.take(self.deadline_s)
            if slot is None:
                calls.append(_Call(rows, time.monotonic(), error=late()))
                break
            if any(call.error for call in calls):
                self._slots.give_back(slot)
                break  # the caller gives all of them again
            call = _Call(rows, time.monotonic() + self.deadline_s)
            calls.append(call)
            self._start(call, slot, model, given, wanted)
        for call in calls:
            if call.error is None and not call.done.wait(max(0.0, call.due_s - time.monotonic())):
                call.error = late()
        return calls

    def _start(self, call: _Call, slot: Slot, model: str, given: Tensor, wanted: Tensors) -> None:
        def finish(result: Any, error: InferenceServerException | None) -> None:
            call.result, call.error = result, error
            call.done.set()
            self._slots.give_back(slot)

        try:
            request = self._fill(call.rows, slot, given)
            outputs = [triton_grpc.InferRequestedOutput(tensor.name) for tensor in wanted]
            timeout_s = self.deadline_s + CANCELLED_AFTER_S
            call.handle = self.client.async_infer(
                model,
                [request],
                finish,
                outputs=outputs,
                priority=self._priority.value,
                client_timeout=timeout_s,
            )
        except InferenceServerException as error:
            finish(None, error)
        except BaseException:
            self._slots.give_back(slot)
            raise

    def _fill(self, rows: Sequence[np.ndarray], slot: Slot, given: Tensor) -> Any:
        if not all(given.fits(row.shape) for row in rows):
            raise Stop(
                f"a row of {given.name} should be {given.shape[1:]}, got {sorted({r.shape for r in rows})}"
            )
        # of sides of any size all rows of one batch have the same
        shape = (len(rows), *rows[0].shape)
        dtype = _DTYPES[given.dtype]
        request = triton_grpc.InferInput(given.name, list(shape), _TRITON_NAMES[given.dtype])
        size_bytes = int(np.prod(shape)) * dtype.itemsize
        if block := self._block_of(slot, size_bytes):
            view = block.view(shape, dtype)
            for at, row in enumerate(rows):
                view[at] = row
            request.set_shared_memory(block.name, size_bytes)
        else:
            request.set_data_from_numpy(np.stack(rows))
        return request

    def _block_of(self, slot: Slot, size_bytes: int) -> SharedBlock | None:
        """Get the slot a block of that size which the server knows.

        Returns:
            None where it cannot be had: the connection goes on with bytes in the request.
        Raises:
            InferenceServerException: the server is away.
            Stop: shared memory was asked for and cannot be had.
        """
        if not self._shares:
            return None
        try:
            if self._knows_dead_blocks:
                forget_dead_blocks(self.client, self.deadline_s)
                self._knows_dead_blocks = False
            return slot.share(self.client, size_bytes, self.deadline_s)
        except OSError as error:
            why = f"{error.strerror} (/dev/shm)"
        except InferenceServerException as error:
            if isinstance(as_forewarn_error(error, self.address, "", self.deadline_s), TryAgain):
                raise
            why = str(error.message())
        if self._must_share:
            raise Stop(f"Triton at {self.address}: shared memory was asked for: {why}")
        self._shares = False
        return None

    def _read(self, model: str, call: _Call, wanted: Tensors) -> Answer:
        answer = {}
        for tensor in wanted:
            array = call.result.as_numpy(tensor.name)
            shape = (len(call.rows), *tensor.shape[1:])
            if array is not None and not tensor.shape[1:] and array.shape == (len(call.rows), 1):
                array = array[:, 0]  # Triton wants a side where a row is one number
            is_right = array is not None and array.dtype == _DTYPES[tensor.dtype]
            if not (is_right and len(array) == shape[0] and tensor.fits(array.shape[1:])):
                came = "nothing" if array is None else f"{array.dtype} {array.shape}"
                raise Stop(
                    f"Triton at {self.address}, model {model!r}: output {tensor.name} should be "
                    f"{tensor.dtype} {shape}, got {came}; an empty answer means NumPy 2 in the "
                    "server's environment, see docs/explanation/serving.md"
                )
            answer[tensor.name] = array
        return answer


def connect(
    address: str,
    *,
    deadline_s: float = 5.0,
    shared_memory: bool | None = None,
    beat: Callable[[], None] = lambda: None,
    priority: Priority = Priority.FIRST,
) -> Connection:
    """Prepare questions to a Triton server; nothing is sent yet.

    Args:
        address: HOST:PORT of its gRPC service.
        deadline_s: longest wait for one call.
        shared_memory: None uses it where the server is on this machine and can see it; True
            insists; False sends pictures inside the requests.
        beat: called before each batch, for a question of many takes minutes where the server is busy.
        priority: of all its requests.
    Raises:
        Stop: the address is not HOST:PORT.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or "://" in address:
        raise Stop(
            f"Triton's gRPC address should be HOST:PORT such as 127.0.0.1:8001, got {address!r}"
        )
    return Connection(address, deadline_s, shared_memory, beat, priority)


def _is_this_machine(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
