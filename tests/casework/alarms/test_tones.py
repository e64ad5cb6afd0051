"""At most three tones a minute, the most urgent first, each once for each time that nobody answered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from casework.alarms.tones import MOST_A_MINUTE, SoundingAlarm, Tone, next_tone

ALARM = st.builds(
    SoundingAlarm,
    alarm_id=st.sampled_from([f"alm-{n}" for n in range(12)]),
    is_offence=st.booleans(),
    severity=st.sampled_from(["slight", "ordinary", "serious"]),
    level=st.integers(0, 3),
    opened_at_s=st.floats(0, 100),
)
STEPS = st.lists(st.tuples(st.floats(0, 40), st.lists(ALARM, max_size=6)), max_size=15)


@given(STEPS)
def test_no_minute_has_more_than_three_and_no_alarm_sounds_twice_for_the_same(
    steps: list[tuple[float, list[SoundingAlarm]]],
) -> None:
    now_s, sounded = 0.0, list[Tone]()
    for pause_s, alarms in steps:
        now_s += pause_s
        tone = next_tone(alarms, sounded, now_s)
        if tone is not None:
            assert any((a.alarm_id, a.level) == (tone.alarm_id, tone.level) for a in alarms)
            sounded.append(tone)
    assert len({(tone.alarm_id, tone.level) for tone in sounded}) == len(sounded)
    for tone in sounded:
        within = [each for each in sounded if 0 <= tone.at_s - each.at_s < 60.0]
        assert len(within) <= MOST_A_MINUTE


def alarm(name: str, **changes: object) -> SoundingAlarm:
    plain = {"is_offence": False, "severity": "ordinary", "level": 0, "opened_at_s": 0.0}
    return SoundingAlarm(name, **{**plain, **changes})  # type: ignore[arg-type]


def test_escalations_sound_first_then_what_is_serious_then_what_nobody_answered_then_the_oldest() -> (
    None
):
    order = [
        alarm("person", is_offence=True, severity="slight", opened_at_s=9.0),
        alarm("disk", severity="serious"),
        alarm("louder", level=2, opened_at_s=9.0),
        alarm("older", opened_at_s=1.0),
        alarm("newer", opened_at_s=2.0),
    ]
    sounded: list[Tone] = []
    for number in range(len(order)):
        tone = next_tone(reversed(order), sounded, 100.0 * number)
        assert tone is not None
        sounded.append(tone)
    assert [tone.alarm_id for tone in sounded] == [each.alarm_id for each in order]
    assert next_tone(order, sounded, 1000.0) is None


def test_an_alarm_that_nobody_answered_in_time_sounds_again() -> None:
    first = next_tone([alarm("a")], [], 0.0)
    assert first is not None and next_tone([alarm("a")], [first], 90.0) is None
    again = next_tone([alarm("a", level=1)], [first], 90.0)
    assert again == Tone("a", 1, 90.0)


def test_what_is_reopened_sounds_again() -> None:
    first = next_tone([alarm("a")], [], 0.0)
    assert first is not None
    again = next_tone([alarm("a", reopened=4)], [first], 90.0)
    assert again == Tone("a", 0, 90.0, reopened=4)
    assert next_tone([alarm("a", reopened=4)], [first, again], 180.0) is None


def test_what_is_broken_does_not_silence_an_escalation() -> None:
    broken = [alarm(f"camera {n}") for n in range(4)]
    sounded: list[Tone] = []
    for now_s in range(10):
        if tone := next_tone(broken, sounded, float(now_s)):
            sounded.append(tone)
    tone = next_tone([*broken, alarm("person", is_offence=True)], sounded, 10.0)
    assert tone is not None and tone.alarm_id == "person"
