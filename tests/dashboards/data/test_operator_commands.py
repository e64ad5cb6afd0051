"""An operator's commands: which are possible, and what each lacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casework.alarms.of_folder import desk_of_folder
from casework.alarms.reading import read_alarm
from dashboards.data.offence_projection import OffenceProjection, OffenceView
from dashboards.data.operator_commands import (
    NEXT_CALL,
    ORDER,
    OWN_WORDS,
    CommandForm,
    can_wait_for,
    commands_for,
    give,
    texts_to_speak,
)
from dashboards.display_names import DisplayNames
from dashboards.settings import ConsoleSettings
from domain.events.catalog import (
    AlarmMoved,
    CommandGiven,
    CommandRefused,
    OffenceDismissed,
    OffenceDispatched,
    OffencePaused,
    OffenceTakenOver,
)
from domain.events.commands import CommandKind, Refusal, answer_id
from domain.ids import mint
from domain.site.loading import load_site
from domain.site.operators import AnyTimeText, OperatorSettings, OperatorText
from event_log.commands import CommandRequest, give_command
from flows.reports.offences import read_offence
from tests.support.example_events import one_of_each

TAKE, BACK, SPEAK = CommandKind.TAKE_OVER, CommandKind.HAND_BACK, CommandKind.SPEAK
DISMISS, DISPATCH = CommandKind.DISMISS, CommandKind.DISPATCH
LEFT = CommandKind.LEFT


def offence_after(*kinds: type) -> OffenceView:
    book = OffenceProjection(DisplayNames(None, "en").timezone)
    wanted = ("opened", "warned", *(kind.event_type.split(".")[2] for kind in kinds))
    book.take(e for e in one_of_each() if e.type.split(".")[2] in wanted)
    (offence,) = book.offences.values()
    return offence


@pytest.mark.parametrize(
    ("form", "lacking"),
    [
        (CommandForm(""), set(CommandKind)),
        (CommandForm("Wang"), {DISMISS, DISPATCH}),
        (CommandForm("Wang", "why"), set()),
        (CommandForm("Wang", "why", OWN_WORDS, "请", ""), {SPEAK}),
        (CommandForm("Wang", "why", OWN_WORDS, "请", "Please"), set()),
        (CommandForm("Wang", despite=("cap",)), set(CommandKind)),
        (CommandForm("Wang", "why", despite=("cap",)), set()),
    ],
)
def test_nothing_can_be_confirmed_that_lacks_what_it_needs(
    form: CommandForm, lacking: set[CommandKind]
) -> None:
    assert {kind for kind in CommandKind if form.lacks(kind)} == lacking


def test_buttons_are_offered_where_they_make_a_difference() -> None:
    assert commands_for(offence_after()) == set(ORDER) - {BACK, LEFT}
    taken = offence_after(OffenceTakenOver)
    assert (taken.taken_by, taken.state) == ("Wang Fang", "taken-over")
    assert commands_for(taken) == set(ORDER) - {LEFT}
    assert commands_for(offence_after(OffenceTakenOver, OffenceDispatched)) == (
        set(ORDER) - {DISPATCH, LEFT}
    )
    assert commands_for(replace(taken, state="complied")) == set()


def test_the_ladder_waits_once_for_each_person_and_not_where_somebody_has_it() -> None:
    assert can_wait_for(offence_after(), "Wang Fang")
    assert not can_wait_for(offence_after(), "")
    paused = offence_after(OffencePaused)
    assert not can_wait_for(paused, "Wang Fang") and can_wait_for(paused, "Li Wei")
    assert not can_wait_for(offence_after(OffenceTakenOver), "Li Wei")
    assert not can_wait_for(replace(paused, state="complied"), "Li Wei")


def test_a_command_waits_in_the_offence_until_it_is_answered() -> None:
    given = next(e for e in one_of_each() if isinstance(e.data, CommandGiven))
    taken = next(e for e in one_of_each() if isinstance(e.data, OffenceTakenOver))
    refused = next(e for e in one_of_each() if isinstance(e.data, CommandRefused))
    book = OffenceProjection(DisplayNames(None, "en").timezone)
    book.take(e for e in one_of_each() if e.type.endswith("opened.v1"))
    book.take([given])
    assert [each.asked for each in book.offences.values()] == [(given,)]
    before = book.latest_at
    book.take([taken, refused])
    (offence,) = book.offences.values()
    assert offence.asked == ()
    assert refused in offence.history
    assert book.latest_at == max(before, taken.time)  # type: ignore[type-var]


def test_a_first_warning_counts_as_one_also_of_an_offence_that_is_taken_over() -> None:
    opened = [e for e in one_of_each() if e.type.endswith("opened.v1")]
    warned = next(e for e in one_of_each() if e.type.endswith("warned.v1"))
    taken = warned.data.model_copy(update={"state": "taken-over"})
    book = OffenceProjection(DisplayNames(None, "en").timezone)
    book.take([*opened, replace(warned, data=taken)])
    assert [state for _, state in book.counts] == ["warned"]


def test_the_sites_texts_can_be_chosen_and_own_words_only_where_it_allows_them(
    sample_site_file,
) -> None:
    site = load_site(sample_site_file)
    assert list(texts_to_speak(DisplayNames(site, "en")).values()) == [NEXT_CALL]
    step = OperatorText(id="step", text=AnyTimeText(zh="当心台阶", en="Mind the step"))
    free = OperatorSettings(texts=(step,), free_words=True)
    site = site.model_copy(update={"operators": free})
    assert list(texts_to_speak(DisplayNames(site, "zh")).values()) == [NEXT_CALL, "step", OWN_WORDS]
    assert "当心台阶" in texts_to_speak(DisplayNames(site, "zh"))


def test_what_has_ended_meanwhile_is_refused_at_once(staged) -> None:
    ended = staged.offence(1, "complied")
    seen = replace(offence_after(), offence_id=ended)
    settings = ConsoleSettings(staged.data, staged.site)
    for _ in range(2):
        answer = give(settings, TAKE, seen, CommandForm("Wang"), "one click")
        assert answer is not None and answer.refusal is not None
        assert answer.refusal.why is Refusal.ENDED
    assert staged.log.count_by_type()[CommandGiven.event_type] == 1


def test_what_was_escalated_while_somebody_typed_is_dismissed_by_closing_its_alarm(staged) -> None:
    seen = replace(offence_after(), offence_id=staged.offence(1, "escalated", calls=3))
    assert commands_for(replace(seen, state="escalated")) == {DISMISS}
    answer = give(
        ConsoleSettings(staged.data, staged.site), DISMISS, seen, CommandForm("Wang", "ours"), "k"
    )
    assert answer is not None and answer.refusal is None
    moved = answer.event.data
    assert isinstance(moved, AlarmMoved)
    assert (moved.state, moved.by, moved.reason) == ("closed", "Wang", "ours")
    book = OffenceProjection(DisplayNames(None, "en").timezone)
    book.take(each.event for each in staged.log.read(limit=1000))
    assert book.offences[seen.offence_id].is_false_alarm
    assert book.offences[seen.offence_id].state == "escalated"  # as it was sealed
    history = (*seen.history, answer.event)
    assert commands_for(replace(seen, state="escalated", history=history)) == set()


def test_who_dismisses_what_an_officer_was_sent_to_closes_its_alarm(staged) -> None:
    offence_id, examples = staged.offence(1), {type(e.data): e for e in one_of_each()}
    wish = CommandRequest(DISMISS, offence_id, "Wang", "console", reason="ours", key="k")
    ids = {
        OffenceDispatched: mint("evt", "sent"),
        OffenceDismissed: answer_id(give_command(staged.log, wish).id),
    }
    for kind, event_id in ids.items():
        data = examples[kind].data.model_copy(update={"offence_id": offence_id})
        staged.log.append([replace(examples[kind], id=event_id, subject=offence_id, data=data)])
    desk, _ = desk_of_folder(staged.data, staged.log)
    (opened,) = desk.look()
    seen = replace(offence_after(), offence_id=offence_id)
    answer = give(
        ConsoleSettings(staged.data, staged.site), DISMISS, seen, CommandForm("Wang", "ours"), "k"
    )
    assert answer is not None and isinstance(answer.event.data, OffenceDismissed)
    row = read_alarm(desk.projection, opened.subject)
    assert (row["state"], row["is_open"], row["last_by"]) == ("closed", False, "Wang")
    book = OffenceProjection(DisplayNames(None, "en").timezone)
    book.take(each.event for each in staged.log.read(limit=1000))
    assert not book.offences[offence_id].is_false_alarm  # it was never escalated
    told = read_offence(staged.log, offence_id)
    assert told is not None and (told.state, told.dismissed_by) == ("dismissed", "")
