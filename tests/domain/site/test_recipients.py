"""A recipient's address never stands in the site file, and its messages are not too late by design."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.site.recipients import Recipient


def recipient(**changes: Any) -> Recipient:
    return Recipient.model_validate({"id": "desk", "url_env": "DESK_URL"} | changes)


@pytest.mark.parametrize("text", ["mailto://me:secret@example.org", "", "1DESK", "A B", "A-B"])
def test_an_address_in_place_of_a_name_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="url_env"):
        recipient(url_env=text)


@given(
    picture=st.booleans(),
    wait_s=st.floats(0, 300),
    useful_s=st.floats(0, 600, exclude_min=True),
)
def test_a_message_never_waits_longer_for_its_picture_than_it_is_useful(
    picture: bool, wait_s: float, useful_s: float
) -> None:
    values = {"picture": picture, "picture_wait_s": wait_s, "useful_s": useful_s}
    if picture and wait_s >= useful_s:
        with pytest.raises(ValidationError, match="useful_s should be longer than picture_wait_s"):
            recipient(**values)
        return
    assert recipient(**values).useful_s == useful_s


@pytest.mark.parametrize("changes", [{"max_per_hour": 0}, {"language": "fr"}, {"useful_s": 0}])
def test_a_recipient_out_of_bounds_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        recipient(**changes)
