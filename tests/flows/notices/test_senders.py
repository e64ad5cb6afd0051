"""Whatever sends messages answers for what arrived: the real way, and the one that other tests use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from closed_port import closed_port
from fake_sender import FakeSender
from message_services import webhook

from flows.notices.apprise_sender import AppriseSender
from flows.notices.message import Message
from flows.notices.sender import Outcome, Sender

MESSAGE = Message("校园路口：请派人到场", "Where: the gate\nNumber: alm-1")
Arrived = Callable[[], list[tuple[str, str]]]
Open = Callable[[Outcome], AbstractContextManager[tuple[Sender, Arrived]]]


@contextmanager
def fake(outcome: Outcome) -> Iterator[tuple[Sender, Arrived]]:
    sender = FakeSender(outcome)
    yield sender, lambda: [(each.title, each.body) for each in sender.arrived]


@contextmanager
def real(outcome: Outcome) -> Iterator[tuple[Sender, Arrived]]:
    if outcome == "not reached":
        with closed_port() as port:
            yield AppriseSender("desk", f"json://127.0.0.1:{port}"), list
        return
    with webhook(
        status=403 if outcome == "failed" else 200, closes_early=outcome == "unknown"
    ) as at:
        sender = AppriseSender("desk", f"json://127.0.0.1:{at.port}")
        yield sender, lambda: [(each.title, each.text) for each in at.messages]


@pytest.mark.parametrize("open_sender", [fake, real])
@pytest.mark.parametrize("outcome", ["sent", "not reached", "failed", "unknown"])
def test_a_sender_answers_for_what_arrived(open_sender: Open, outcome: Outcome) -> None:
    with open_sender(outcome) as (sender, arrived):
        answer = sender.send(MESSAGE, None)
        came = arrived()
    assert answer.outcome == outcome and sender.service
    assert bool(answer.reason) == (outcome != "sent")
    assert came == ([] if outcome in ("not reached", "failed") else [(MESSAGE.title, MESSAGE.body)])
