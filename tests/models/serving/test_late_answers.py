"""A late request is left to finish: a server that is hung up on in the wrong moment may die of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from slow_triton import slow_triton

from domain.errors import Stop, TryAgain
from models.contract import Tensor
from models.serving import connection as module
from models.serving.connection import IN_FLIGHT, connect

GIVEN = Tensor(name="rows", dtype="float32", shape=(-1, 2), meaning="")
WANTED = Tensor(name="sum", dtype="float32", shape=(-1, 1), meaning="")
BATCHES = [[np.zeros(2, np.float32)]] * 3


@contextmanager
def slow_to_begin(address: str, wait_s: float) -> Iterator[str]:
    """Stand before a server and hand nothing on of a connection for so long."""
    host, _, port = address.rpartition(":")

    def pour(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while some := source.recv(65536):
                target.sendall(some)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = door.accept()
                time.sleep(wait_s)
                far = socket.create_connection((host, int(port)))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pour, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{door.getsockname()[1]}"


def test_it_is_not_cancelled_and_holds_its_place_until_it_is_answered() -> None:
    with slow_triton() as server, connect(server.address, shared_memory=False) as hasty:
        hasty.deadline_s = 0.2
        for _ in range(3):
            with pytest.raises(TryAgain, match="in time"):
                hasty.infer("adder", GIVEN, BATCHES, [WANTED])
        assert (server.cancelled, server.most_on_the_way) == (0, IN_FLIGHT)
        server.may_answer.set()
        hasty.deadline_s = 60
        assert len(hasty.infer("adder", GIVEN, BATCHES, [WANTED])) == 3
        assert (server.cancelled, server.most_on_the_way) == (0, IN_FLIGHT)


def test_closing_waits_for_it() -> None:
    with slow_triton() as server:
        hasty = connect(server.address, deadline_s=0.2, shared_memory=False)
        with pytest.raises(TryAgain, match="in time"):
            hasty.infer("adder", GIVEN, BATCHES[:1], [WANTED])
        threading.Timer(0.2, server.may_answer.set).start()
        hasty.close()
        assert (server.cancelled, server.answered) == (0, 1)


def test_it_is_cut_off_where_the_server_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CANCELLED_AFTER_S", 0.1)
    monkeypatch.setattr(module, "LONGEST_WAIT_TO_CLOSE_S", 0.1)
    with (
        slow_triton() as server,
        connect(server.address, deadline_s=0.1, shared_memory=False) as one,
    ):
        for _ in range(2 * IN_FLIGHT):
            with pytest.raises(TryAgain, match="in time"):
                one.infer("adder", GIVEN, BATCHES, [WANTED])
        for _ in range(IN_FLIGHT + 1):  # the first ones' places were free again
            assert server.asked.acquire(timeout=60)


def test_a_server_that_shakes_hands_slowly_is_asked_all_the_same() -> None:
    with slow_triton() as server, slow_to_begin(server.address, 0.5) as address:
        server.may_answer.set()
        with connect(address, shared_memory=False) as one:
            assert len(one.infer("adder", GIVEN, BATCHES[:1], [WANTED])) == 1


def test_a_sign_of_life_is_given_before_each_batch() -> None:
    beats: list[int] = []
    with (
        slow_triton() as server,
        connect(server.address, shared_memory=False, beat=lambda: beats.append(1)) as one,
    ):
        server.may_answer.set()
        one.infer("adder", GIVEN, BATCHES, [WANTED])
    assert len(beats) == len(BATCHES)


def test_a_request_that_cannot_be_made_leaves_its_place_free() -> None:
    with slow_triton() as server, connect(server.address, shared_memory=False) as one:
        server.may_answer.set()
        for _ in range(IN_FLIGHT + 1):
            with pytest.raises(Stop, match="a row of"):
                one.infer("adder", GIVEN, [[np.zeros(2), np.zeros(3)]], [WANTED])
        assert len(one.infer("adder", GIVEN, BATCHES, [WANTED])) == 3
