"""A quiet volume needs quiet hours, at a site as at a speaker."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from domain.site.speech.calls import Calls, check_quiet
from domain.site.speech.speakers import SpeakerSettings

HOURS = "22:00-07:00"


@pytest.mark.parametrize(("hours", "volume"), [(None, None), (HOURS, None), (HOURS, 0.3)])
def test_quiet_hours_may_be_silent_or_low(hours: str | None, volume: float | None) -> None:
    check_quiet(hours, volume)
    calls = Calls(quiet_hours=hours, quiet_volume=volume)
    speaker = SpeakerSettings(id="horn", kind="file", quiet_hours=hours, quiet_volume=volume)
    assert (calls.quiet_hours, calls.quiet_volume) == (speaker.quiet_hours, speaker.quiet_volume)


def test_a_volume_for_no_hours_is_refused() -> None:
    with pytest.raises(ValueError, match="quiet_hours, which are missing"):
        check_quiet(None, 0.3)
    for kind, values in ((Calls, {}), (SpeakerSettings, {"id": "horn", "kind": "file"})):
        with pytest.raises(ValidationError, match="quiet_hours, which are missing"):
            kind.model_validate({**values, "quiet_volume": 0.3})


@pytest.mark.parametrize(
    "changes",
    [
        {"quiet_hours": HOURS, "quiet_volume": 0},
        {"quiet_hours": HOURS, "quiet_volume": 1},
        {"useful_for_s": 0},
        {"useful_for_s": 61},
        {"say_once_within_s": -1},
        {"max_per_hour": 0},
        {"max_per_hour_in_zone": 0},
        {"max_per_hour_to_subject": 0},
    ],
)
def test_calls_out_of_bounds_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Calls.model_validate(changes)
