"""An authority is asked by HTTP, and its address holds no secret."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from domain.site.time_stamping import TimeStamping


@pytest.mark.parametrize("url", ["http://tsa.example/tsr", "https://tsa.example:8443/"])
def test_an_address_of_the_web_is_taken(url: str) -> None:
    assert TimeStamping(url=url, ca_file="ca.pem").url == url


@pytest.mark.parametrize("url", ["tsa.example", "ftp://tsa.example/", "https://", ""])
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="needs url: http"):
        TimeStamping(url=url, ca_file="ca.pem")


@pytest.mark.parametrize("url", ["https://me:secret@tsa.example/", "https://me@tsa.example/"])
def test_a_password_in_the_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="the site file is no secret"):
        TimeStamping(url=url, ca_file="ca.pem")


@pytest.mark.parametrize("timeout_s", [0, -1, 61])
def test_a_wait_without_sense_is_refused(timeout_s: float) -> None:
    with pytest.raises(ValidationError):
        TimeStamping(url="https://tsa.example/", ca_file="ca.pem", timeout_s=timeout_s)
