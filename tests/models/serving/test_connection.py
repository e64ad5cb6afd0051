"""Asking a server: what fails says whether to try again, and shared memory is never left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from closed_port import closed_port

from domain.errors import Stop, TryAgain
from models.contract import Tensor
from models.registry import read_registry
from models.serving.client import Detector, FaceDetector
from models.serving.connection import Priority, connect
from models.serving.shared_memory import SharedBlock, remove_leftovers

PICTURE = Tensor(name="image_tensor:0", dtype="uint8", shape=(-1, 300, 300, 3), meaning="")
BOXES = Tensor(name="detection_boxes:0", dtype="float32", shape=(-1, 100, 4), meaning="")


def own_blocks() -> list[str]:
    return [p.name for p in Path("/dev/shm").glob(f"forewarn-{os.getpid()}-[0-9]*")]


@pytest.fixture
def nobody() -> Iterator[str]:
    """Return an address where nothing listens."""
    with closed_port() as port:
        yield f"127.0.0.1:{port}"


@pytest.mark.parametrize("address", ["", "8001", "localhost", "http://h:8001", "host:port", ":1"])
def test_an_address_that_is_none_stops(address: str) -> None:
    with pytest.raises(Stop, match="HOST:PORT"):
        connect(address)


@pytest.mark.parametrize("shared_memory", [None, True, False])
def test_a_server_that_is_away_can_be_tried_again(
    nobody, shared_memory, frame_of, street_pictures
) -> None:
    with connect(nobody, shared_memory=shared_memory) as connection:
        with pytest.raises(TryAgain, match=nobody):
            Detector(connection).detect([frame_of(picture) for picture in street_pictures])
        with pytest.raises(TryAgain, match=nobody):
            connection.check_models_ready(["detector"])
    assert own_blocks() == []


@pytest.mark.triton
def test_shared_memory_and_bytes_give_the_same_answers(
    triton_address, frame_of, street_pictures
) -> None:
    frames = [frame_of(picture) for picture in street_pictures]
    answers = []
    for shared_memory in (True, False):
        with connect(triton_address, deadline_s=20, shared_memory=shared_memory) as connection:
            answers.append(Detector(connection).detect(frames))
            assert connection.uses_shared_memory is shared_memory
            assert bool(own_blocks()) is shared_memory
    assert own_blocks() == []
    for shared, sent in zip(*answers, strict=True):
        assert np.array_equal(shared.boxes_xyxy, sent.boxes_xyxy)
        assert np.array_equal(shared.scores, sent.scores)


@pytest.mark.triton
def test_shared_memory_is_used_by_itself_on_this_machine(connection, frame_of) -> None:
    Detector(connection).detect([frame_of(np.zeros((300, 300, 3), np.uint8))])
    assert connection.uses_shared_memory


@pytest.mark.triton
def test_two_connections_of_one_process_do_not_mix_their_pictures(
    triton_address, frame_of, street_pictures
) -> None:
    first, second = frame_of(street_pictures[0]), frame_of(street_pictures[1])
    with connect(triton_address) as one, connect(triton_address) as other:
        expected = [Detector(one).detect([frame])[0].scores for frame in (first, second)]
        for _ in range(5):
            assert np.array_equal(Detector(one).detect([first])[0].scores, expected[0])
            assert np.array_equal(Detector(other).detect([second])[0].scores, expected[1])
    assert not np.array_equal(expected[0], expected[1])


@pytest.mark.triton
def test_a_larger_picture_after_a_small_one_gets_a_larger_block(connection, frame_of) -> None:
    black = np.zeros((300, 300, 3), np.uint8)
    assert len(Detector(connection).detect([frame_of(black)])) == 1
    assert FaceDetector(connection).find(np.zeros((576, 768, 3), np.uint8))[1].shape == (0,)
    assert len(Detector(connection).detect([frame_of(black)] * 20)) == 20


@pytest.mark.triton
def test_what_waits_for_an_idle_model_lets_a_later_question_pass(triton_address) -> None:
    black = np.zeros((300, 300, 3), np.uint8)
    answered: list[Priority] = []
    are_asked = threading.Barrier(7)

    def ask(priority: Priority, batches: int, beat: Callable[[], object]) -> None:
        with connect(
            triton_address, deadline_s=60, shared_memory=False, beat=beat, priority=priority
        ) as one:
            one.infer("detector", PICTURE, [[black] * 2] * batches, [BOXES])
        answered.append(priority)

    # the second of a connection's two batches is sent right after its second sign of life
    def second() -> Callable[[], object]:
        calls = iter((lambda: None, are_asked.wait))
        return lambda: next(calls)()

    waiting = [Thread(target=ask, args=(Priority.WHEN_IDLE, 2, second())) for _ in range(6)]
    for thread in waiting:
        thread.start()
    are_asked.wait(timeout=60)
    ask(Priority.FIRST, 1, lambda: None)
    for thread in waiting:
        thread.join()
    # of 12 batches four are worked on at a time
    assert answered.index(Priority.FIRST) <= 4


@pytest.mark.triton
def test_an_answer_that_takes_too_long_can_be_tried_again(
    triton_address, frame_of, street_pictures
) -> None:
    frames = [frame_of(picture) for picture in street_pictures]
    with (
        connect(triton_address, deadline_s=0.004, shared_memory=False) as hasty,
        pytest.raises(TryAgain, match="in time"),
    ):
        Detector(hasty).detect(frames)
    with connect(triton_address, deadline_s=20) as patient:
        assert len(Detector(patient).detect(frames)) == len(frames)


@pytest.mark.triton
def test_what_the_server_refuses_stops(connection) -> None:
    with pytest.raises(Stop, match=r"detector.*refused"):
        connection.infer("detector", PICTURE, [[np.zeros((300, 300, 3), np.uint8)] * 9], [BOXES])
    smaller = PICTURE.model_copy(update={"shape": (-1, 30, 30, 3)})
    with pytest.raises(Stop, match=r"detector.*refused"):
        connection.infer("detector", smaller, [[np.zeros((30, 30, 3), np.uint8)]], [BOXES])


@pytest.mark.triton
def test_an_answer_of_another_shape_stops(connection) -> None:
    wider = BOXES.model_copy(update={"shape": (-1, 100, 5)})
    with pytest.raises(Stop, match=r"should be float32 \(1, 100, 5\), got float32 \(1, 100, 4\)"):
        connection.infer("detector", PICTURE, [[np.zeros((300, 300, 3), np.uint8)]], [wider])


@pytest.mark.triton
def test_a_model_that_is_not_loaded_is_named(connection) -> None:
    with pytest.raises(Stop, match="plate_reader"):
        connection.check_models_ready(["detector", "plate_reader"])
    with pytest.raises(TryAgain, match="plate_reader"):
        connection.infer("plate_reader", PICTURE, [[np.zeros((300, 300, 3), np.uint8)]], [BOXES])


def test_blocks_of_a_killed_process_are_removed_and_others_kept() -> None:
    leave = "import os; from models.serving.shared_memory import SharedBlock as B; B(4096); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", leave], check=False)
    mine = SharedBlock(4096)
    removed = remove_leftovers()
    assert len(removed) >= 1
    assert own_blocks() == [mine.name]
    mine.close()
    assert own_blocks() == []


KILLED = """
import os, sys
import numpy as np
from models.serving.connection import connect
from models.contract import Tensor
picture = Tensor(name="image_tensor:0", dtype="uint8", shape=(-1, 300, 300, 3), meaning="")
boxes = Tensor(name="detection_boxes:0", dtype="float32", shape=(-1, 100, 4), meaning="")
connection = connect(sys.argv[1], deadline_s=20, shared_memory=True)
connection.infer("detector", picture, [[np.zeros((300, 300, 3), np.uint8)]], [boxes])
os.kill(os.getpid(), 9)
"""


@pytest.mark.triton
def test_a_server_gives_up_the_blocks_of_a_killed_process_and_keeps_others(
    triton_address, frame_of
) -> None:
    def known() -> set[str]:
        return set(client.get_system_shared_memory_status().regions)

    picture = frame_of(np.zeros((300, 300, 3), np.uint8))
    with connect(triton_address, deadline_s=20) as mine, connect(triton_address) as other:
        Detector(mine).detect([picture])
        client = mine.client
        before = known()
        subprocess.run([sys.executable, "-c", KILLED, triton_address], check=False)
        left = known() - before
        assert left and not any(f"-{os.getpid()}-" in name for name in left)
        Detector(other).detect([picture])
        assert not left & known()
        # those of this process: other tests use the server, and leave it, meanwhile
        assert {name for name in before if f"-{os.getpid()}-" in name} <= known()


def test_every_registered_model_has_one_input_and_row_shaped_outputs() -> None:
    for entry in read_registry().models:
        assert len(entry.inputs) == 1
        assert all(tensor.shape[0] == -1 for tensor in (*entry.inputs, *entry.outputs))
