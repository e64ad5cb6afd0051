"""A stand-in for a Triton server that answers when it is let to, and knows who hung up on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

PATIENCE_S = 60


class SlowTriton(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Answers each request to a model with an output "sum" of zeros, one for each row."""

    def __init__(self) -> None:
        self.address = ""
        self.may_answer = threading.Event()
        self.asked = threading.Semaphore(0)
        self.on_the_way = 0
        self.most_on_the_way = 0
        self.cancelled = 0
        self.answered = 0
        self._lock = threading.Lock()

    def ModelInfer(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Wait until answers may be given."""
        with self._lock:
            self.on_the_way += 1
            self.most_on_the_way = max(self.most_on_the_way, self.on_the_way)
        self.asked.release()
        self.may_answer.wait(PATIENCE_S)
        with self._lock:
            self.on_the_way -= 1
            self.cancelled += not context.is_active()
            self.answered += context.is_active()
        rows = request.inputs[0].shape[0]
        answer = service_pb2.ModelInferResponse(model_name=request.model_name)
        answer.outputs.add(name="sum", datatype="FP32", shape=[rows, 1])
        answer.raw_output_contents.append(np.zeros((rows, 1), np.float32).tobytes())
        return answer


@contextmanager
def slow_triton() -> Iterator[SlowTriton]:
    """Serve at a free port of this machine."""
    stand_in = SlowTriton()
    server = grpc.server(ThreadPoolExecutor(8))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(stand_in, server)
    stand_in.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield stand_in
    finally:
        stand_in.may_answer.set()
        server.stop(None).wait()
