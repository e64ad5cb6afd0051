"""Messages about a camera give the same facts in both languages."""

import string

import pytest

from domain.cameras.messages import MESSAGES, trouble

FACTS = {
    "camera": "north",
    "where": "rtsp://camera/1",
    "came": "a folder",
    "came_zh": "目录",
    "words": "Connection refused",
    "host": "10.0.0.9",
    "kinds": "audio",
    "limit": 40,
    "width_px": 9000,
    "height_px": 9000,
    "frames": 31,
    "media_time_s": 3.1,
    "damaged": 2,
    "from_s": 4.0,
    "silent_s": 5.2,
    "asked_fps": 5.0,
    "analysed_fps": 2.6,
    "lag_s": 3.4,
    "failures": 12,
    "span_s": 60.0,
    "step": "detect",
    "count": 3,
    "item": "a frame",
    "item_zh": "一帧画面",
    "held_s": 60.0,
    "crashes": 3,
    "signal": "SIGSEGV",
    "step_s": -3600.0,
    "unseen_s": 31.0,
}

# why an offence ended: its event names the camera beside them
UNNAMED = (
    "hidden",
    "hidden_in_a_group",
    "not_told_apart",
    "not_judged",
    "footage_ended",
    "silent",
    "restarted",
    "unwatched",
    "hours_ended",
    "clock_unknown",
    "clock_stepped",
)


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_trouble_is_said_in_both_languages(kind):
    said = trouble(kind, **FACTS)
    for words in (said.zh, said.en):
        assert words.startswith("north") or kind in UNNAMED
        assert not set("{}") & set(words)
    assert any("一" <= sign <= "鿿" for sign in said.zh)
    assert all(sign in string.printable for sign in said.en)


def test_a_trouble_whose_facts_are_missing_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        trouble("stalled", camera="north")
