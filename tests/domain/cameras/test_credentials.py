"""A camera's password goes into the address that is opened, and into no text."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from site_values import camera

from domain.cameras.credentials import Credentials, credentials_of
from domain.errors import Stop

PASSWORD = "p@ss/w rd:%"
ENCODED = "p%40ss%2Fw%20rd%3A%25"
GATE = Credentials("ad:min", PASSWORD)


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("rtsp://10.0.0.1:554/1", f"rtsp://ad%3Amin:{ENCODED}@10.0.0.1:554/1"),
        ("rtsp://10.0.0.1/user={user}&password={password}&n=1",
         f"rtsp://10.0.0.1/user=ad%3Amin&password={ENCODED}&n=1"),
    ],
)  # fmt: skip
def test_they_stand_where_the_camera_wants_them(url: str, opened: str) -> None:
    assert GATE.address(url) == opened


@pytest.mark.parametrize("written", [repr, str, "{}".format, "{!r}".format, lambda it: f"{[it]}"])
def test_no_text_of_them_shows_them(written: Callable[[object], str]) -> None:
    assert "ss" not in written(GATE)
    assert "min" not in written(GATE)


def test_they_cannot_be_pickled() -> None:
    with pytest.raises(TypeError, match="not written to files"):
        pickle.dumps(GATE)


def test_the_password_comes_from_the_secret_that_the_camera_names() -> None:
    gate = camera(url="rtsp://10.0.0.1/1", user="admin", password_env="GATE_PASSWORD")
    found = credentials_of(gate, {"GATE_PASSWORD": "x"})
    assert found is not None
    assert found.pair() == ("admin", "x")
    assert credentials_of(camera(), {}) is None
    with pytest.raises(Stop, match=r"camera 'north': GATE_PASSWORD is not set.*of user 'admin'"):
        credentials_of(gate, {})
