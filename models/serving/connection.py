"""Ask a Triton server: batches in, arrays out, a deadline on every call, two requests on the way.

A connection belongs to one thread at a time (a lock makes others wait) and to the process that
made it. Nothing is sent before the first question, so one may connect before the server is up.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from domain.errors import Stop, TryAgain
from models.registry import Tensor
from models.serving.failures import as_forewarn_error, forgot_shared_memory
from models.serving.shared_memory import SharedBlock, remove_leftovers

IN_FLIGHT = 2  # one is worked on while the next is filled
_TRITON_NAMES = {"uint8": "UINT8", "int32": "INT32", "float32": "FP32"}
_DTYPES: dict[str, np.dtype] = {name: np.dtype(name) for name in _TRITON_NAMES}
_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    # gRPC's own back-off grows to two minutes; a server that was restarted should be found soon
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
]


@dataclass(slots=True)
class _Slot:
    """Room for one request on the way."""

    block: SharedBlock | None = None
    is_registered: bool = False


@dataclass(slots=True)
class _Call:
    """One batch and what became of it."""

    rows: Sequence[np.ndarray]
    slot: _Slot
    handle: Any = None
    result: Any = None
    error: InferenceServerException | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Connection:
    """Questions to one Triton server; make it with connect()."""

    def __init__(self, address: str, deadline_s: float, shared_memory: bool | None) -> None:
        self.address = address
        self.deadline_s = deadline_s
        self._must_share = shared_memory is True
        self._shares = shared_memory if shared_memory is not None else _is_this_machine(address)
        if self._shares:
            remove_leftovers()
        self._lock = threading.Lock()
        self._slots = [_Slot() for _ in range(IN_FLIGHT)]
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
        """Give back shared memory and close the channel. Safe to call twice."""
        with self._lock:
            for slot in self._slots:
                self._drop_block(slot)
            self.client.close()

    def infer(
        self,
        model: str,
        given: Tensor,
        batches: Sequence[Sequence[np.ndarray]],
        wanted: Sequence[Tensor],
    ) -> list[dict[str, np.ndarray]]:
        """Answer each batch, in order.

        Args:
            given: the model's input.
            batches: each a sequence of rows; a row has the input's shape without the batch.
            wanted: the outputs to fetch.
        Returns:
            For each batch, output name -> array with one row for each row of the batch.
        Raises:
            TryAgain: the server is away, overloaded or too slow; back off before the next call.
            Stop: it refused, or its answer has not the promised shape.
        """
        with self._lock:
            calls = self._run(model, given, batches, wanted)
            forgotten = [call for call in calls if call.error and forgot_shared_memory(call.error)]
            if (
                forgotten
            ):  # the server was restarted since the last call: introduce the blocks again
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
        try:
            missing = [
                name
                for name in models
                if not self.client.is_model_ready(name, client_timeout=self.deadline_s)
            ]
        except InferenceServerException as error:
            raise as_forewarn_error(
                error, self.address, ", ".join(models), self.deadline_s
            ) from error
        if missing:
            raise Stop(
                f"Triton at {self.address} has not loaded: {', '.join(missing)}; point its "
                "--model-repository at triton_repo/ (built by `forewarn models build`)"
            )

    def wait_for_models(self, models: Sequence[str], timeout_s: float) -> None:
        """Like check_models_ready, for a server that may still be starting."""
        give_up_at = time.monotonic() + timeout_s
        pause_s = 0.1
        while True:
            try:
                return self.check_models_ready(models)
            except (TryAgain, Stop):
                if time.monotonic() + pause_s > give_up_at:
                    raise
            time.sleep(pause_s)
            pause_s = min(2.0, pause_s * 1.5)

    def _run(
        self,
        model: str,
        given: Tensor,
        batches: Sequence[Sequence[np.ndarray]],
        wanted: Sequence[Tensor],
    ) -> list[_Call]:
        free: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        for slot in self._slots:
            free.put(slot)
        calls: list[_Call] = []
        for rows in batches:
            slot = free.get()
            if any(call.error for call in calls):
                break  # the caller gives all of them again: do not load a server in trouble
            call = _Call(rows, slot)
            calls.append(call)
            self._start(call, model, given, wanted, free)
        for call in calls:
            call.done.wait()
        return calls

    def _start(
        self,
        call: _Call,
        model: str,
        given: Tensor,
        wanted: Sequence[Tensor],
        free: queue.SimpleQueue[_Slot],
    ) -> None:
        def finish(result: Any, error: InferenceServerException | None) -> None:
            call.result, call.error = result, error
            call.done.set()
            free.put(call.slot)

        try:
            request = self._fill(call, given)
            outputs = [triton_grpc.InferRequestedOutput(tensor.name) for tensor in wanted]
            call.handle = self.client.async_infer(
                model,
                [request],
                finish,
                outputs=outputs,
                client_timeout=self.deadline_s,
            )
        except InferenceServerException as error:
            finish(None, error)

    def _fill(self, call: _Call, given: Tensor) -> Any:
        shape = (len(call.rows), *given.shape[1:])
        dtype = _DTYPES[given.dtype]
        request = triton_grpc.InferInput(given.name, list(shape), _TRITON_NAMES[given.dtype])
        size_bytes = int(np.prod(shape)) * dtype.itemsize
        if self._shares and self._has_block(call.slot, size_bytes):
            assert call.slot.block is not None
            view = call.slot.block.view(shape, dtype)
            for at, row in enumerate(call.rows):
                view[at] = row
            request.set_shared_memory(call.slot.block.name, size_bytes)
        else:
            request.set_data_from_numpy(np.stack(call.rows))
        return request

    def _has_block(self, slot: _Slot, size_bytes: int) -> bool:
        """Make sure that the slot has a block of that size which the server knows.

        Returns:
            False where it cannot be had: the connection goes on with bytes in the request.
        Raises:
            InferenceServerException: the server is away.
            Stop: shared memory was asked for and cannot be had.
        """
        try:
            if slot.block is None or slot.block.size_bytes < size_bytes:
                self._drop_block(slot)
                slot.block = SharedBlock(size_bytes)
            if not slot.is_registered:
                self._register(slot.block)
                slot.is_registered = True
            return True
        except OSError as error:
            why = f"{error.strerror} (/dev/shm)"
        except InferenceServerException as error:
            if isinstance(as_forewarn_error(error, self.address, "", self.deadline_s), TryAgain):
                raise
            why = str(error.message())
        if self._must_share:
            raise Stop(f"Triton at {self.address}: shared memory was asked for: {why}")
        self._shares = False
        return False

    def _register(self, block: SharedBlock) -> None:
        # a block of that name may be known from before: one that grew, or one of a process that
        # had our number
        self.client.unregister_system_shared_memory(block.name, client_timeout=self.deadline_s)
        self.client.register_system_shared_memory(
            block.name, block.key, block.size_bytes, client_timeout=self.deadline_s
        )

    def _drop_block(self, slot: _Slot) -> None:
        if slot.block is None:
            return
        if slot.is_registered:
            with contextlib.suppress(InferenceServerException):
                self.client.unregister_system_shared_memory(slot.block.name, client_timeout=1.0)
        slot.block.close()
        slot.block, slot.is_registered = None, False

    def _read(self, model: str, call: _Call, wanted: Sequence[Tensor]) -> dict[str, np.ndarray]:
        answer = {}
        for tensor in wanted:
            array = call.result.as_numpy(tensor.name)
            shape = (len(call.rows), *tensor.shape[1:])
            if array is None or array.shape != shape or array.dtype != _DTYPES[tensor.dtype]:
                came = "nothing" if array is None else f"{array.dtype} {array.shape}"
                raise Stop(
                    f"Triton at {self.address}, model {model!r}: output {tensor.name} should be "
                    f"{tensor.dtype} {shape}, got {came}; an empty answer means NumPy 2 in the "
                    "server's environment, see docs/serving.md"
                )
            answer[tensor.name] = array
        return answer


def connect(
    address: str, *, deadline_s: float = 5.0, shared_memory: bool | None = None
) -> Connection:
    """Prepare questions to the Triton server at HOST:PORT (gRPC); sends nothing yet.

    Args:
        deadline_s: longest wait for one call.
        shared_memory: None uses it where the server is on this machine and can see it; True
            insists; False sends pictures inside the requests.
    Raises:
        Stop: the address is not HOST:PORT.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or "://" in address:
        raise Stop(
            f"Triton's gRPC address should be HOST:PORT such as 127.0.0.1:8001, got {address!r}"
        )
    return Connection(address, deadline_s, shared_memory)


def _is_this_machine(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
