"""What an operator may ask for, and what each command lacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboards.names import Names
from dashboards.offences import Offence, OffenceBook
from dashboards.operator_wishes import (
    NEXT_CALL,
    OWN_WORDS,
    Form,
    commands_for,
    give,
    texts_to_speak,
)
from dashboards.settings import ConsoleSettings
from domain.commands import CommandKind, Refusal
from domain.events import CommandGiven, CommandRefused, OffenceDispatched, OffenceTakenOver
from domain.operators import AnyTimeText, OperatorSettings, OperatorText
from domain.site_file import load_site
from event_log.examples import one_of_each

TAKE, BACK, SPEAK = CommandKind.TAKE_OVER, CommandKind.HAND_BACK, CommandKind.SPEAK
DISMISS, DISPATCH = CommandKind.DISMISS, CommandKind.DISPATCH


def offence_after(*kinds: type) -> Offence:
    book = OffenceBook(Names(None, "en").timezone)
    wanted = ("opened", "warned", *(kind.event_type.split(".")[2] for kind in kinds))
    book.take(e for e in one_of_each() if e.type.split(".")[2] in wanted)
    (offence,) = book.offences.values()
    return offence


@pytest.mark.parametrize(
    ("form", "lacking"),
    [
        (Form(""), set(CommandKind)),
        (Form("Wang"), {DISMISS, DISPATCH}),
        (Form("Wang", "why"), set()),
        (Form("Wang", "why", OWN_WORDS, "请", ""), {SPEAK}),
        (Form("Wang", "why", OWN_WORDS, "请", "Please"), set()),
        (Form("Wang", despite=("cap",)), set(CommandKind)),
        (Form("Wang", "why", despite=("cap",)), set()),
    ],
)
def test_nothing_can_be_confirmed_that_lacks_what_it_needs(
    form: Form, lacking: set[CommandKind]
) -> None:
    assert {kind for kind in CommandKind if form.lacks(kind)} == lacking


def test_buttons_are_offered_where_they_make_a_difference() -> None:
    assert commands_for(offence_after()) == set(CommandKind) - {BACK}
    taken = offence_after(OffenceTakenOver)
    assert (taken.taken_by, taken.state) == ("Wang Fang", "taken-over")
    assert commands_for(taken) == set(CommandKind)
    assert commands_for(offence_after(OffenceTakenOver, OffenceDispatched)) == (
        set(CommandKind) - {DISPATCH}
    )
    assert commands_for(replace(taken, state="complied")) == set()


def test_a_command_waits_in_the_offence_until_it_is_answered() -> None:
    given = next(e for e in one_of_each() if isinstance(e.data, CommandGiven))
    taken = next(e for e in one_of_each() if isinstance(e.data, OffenceTakenOver))
    refused = next(e for e in one_of_each() if isinstance(e.data, CommandRefused))
    book = OffenceBook(Names(None, "en").timezone)
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
    book = OffenceBook(Names(None, "en").timezone)
    book.take([*opened, replace(warned, data=taken)])
    assert [state for _, state in book.counts] == ["warned"]


def test_the_sites_texts_can_be_chosen_and_own_words_only_where_it_allows_them(
    sample_site_file,
) -> None:
    site = load_site(sample_site_file)
    assert list(texts_to_speak(Names(site, "en")).values()) == [NEXT_CALL]
    step = OperatorText(id="step", text=AnyTimeText(zh="当心台阶", en="Mind the step"))
    free = OperatorSettings(texts=(step,), free_words=True)
    site = site.model_copy(update={"operators": free})
    assert list(texts_to_speak(Names(site, "zh")).values()) == [NEXT_CALL, "step", OWN_WORDS]
    assert "当心台阶" in texts_to_speak(Names(site, "zh"))


def test_what_has_ended_meanwhile_is_refused_at_once(staged) -> None:
    ended = staged.offence(1, "complied")
    seen = replace(offence_after(), offence_id=ended)
    settings = ConsoleSettings(staged.data, staged.site)
    for _ in range(2):
        answer = give(settings, TAKE, seen, Form("Wang"), "one click")
        assert answer is not None and answer.refusal is not None
        assert answer.refusal.why is Refusal.ENDED
    assert staged.log.count_by_type()[CommandGiven.event_type] == 1
