"""A service's answer is understood, and addresses stay out of logs and reasons."""

from __future__ import annotations

from typing import Any

import pytest
from closed_port import closed_port
from message_services import mail_server, webhook

from domain.errors import Stop
from flows.notices.apprise_sender import AppriseSender, judge
from flows.notices.message import Message


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"status": 451}, "not reached"),
        ({"status": 554}, "failed"),
        ({"closes_early": True}, "unknown"),
    ],
)
def test_a_mail_servers_refusals_are_told_apart(behaviour: dict[str, Any], expected: str) -> None:
    with mail_server(**behaviour) as mail:
        url = f"mailto://127.0.0.1:{mail.port}?from=a@city.test&to=b@city.test"
        answer = AppriseSender("desk", url).send(Message("Title", "Text"), None)
    assert answer.outcome == expected


def test_a_mail_server_that_is_away_was_not_reached() -> None:
    with closed_port() as port:
        away = AppriseSender("desk", f"mailto://127.0.0.1:{port}?from=a@city.test&to=b@city.test")
        assert away.send(Message("Title", "Text"), None).outcome == "not reached"


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.parametrize("asked", ["", "?redirect=yes"])
def test_a_service_that_moved_took_nothing_and_nothing_goes_where_it_points(
    status: int, asked: str
) -> None:
    with webhook() as elsewhere:
        there = f"http://127.0.0.1:{elsewhere.port}/new-home"
        with webhook(status=status, leads_to=there) as moved:
            sender = AppriseSender("desk", f"json://127.0.0.1:{moved.port}/{asked}")
            answer = sender.send(Message("Title", "Text"), None)
    assert (answer.outcome, answer.reason) == ("failed", f"it answered {status}")
    assert (moved.requests, elsewhere.requests) == (1, 0)


def test_addresses_never_show_in_faults() -> None:
    with pytest.raises(Stop) as caught:
        AppriseSender("desk", "nonsense://user:hunter2@host/token")
    assert "hunter2" not in str(caught.value) and "nonsense" in str(caught.value)
    with pytest.raises(Stop) as caught:
        AppriseSender("desk", "hunter2")  # a password where an address should be
    assert "hunter2" not in str(caught.value)


def test_what_is_not_understood_counts_as_perhaps_sent() -> None:
    assert judge([]).outcome == "unknown"
    assert judge(["Sent Email to a@b.cn", "Connection error while submitting email"]).outcome == (
        "unknown"
    )
    assert judge(["Failed to send, error=503."]).outcome == "not reached"
