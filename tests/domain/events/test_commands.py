"""A command asked for twice is one command, and it has one answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.announcements import announcement_of
from domain.events.commands import (
    HOLD_OF,
    HOLDS,
    NEEDS_REASON,
    REFUSAL_FOR,
    CommandKind,
    answer_id,
    command_id,
)

words = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=12)
requests = st.tuples(words, st.sampled_from(list(CommandKind)), words, words)


@given(requests)
def test_the_same_request_is_the_same_command(request: tuple[str, CommandKind, str, str]) -> None:
    assert command_id(*request) == command_id(*request)
    assert command_id(*request).startswith("cmd-")


@given(st.lists(requests, unique=True, min_size=2, max_size=10))
def test_other_requests_are_other_commands_with_other_answers(
    several: list[tuple[str, CommandKind, str, str]],
) -> None:
    commands = {command_id(*request) for request in several}
    answers = {answer_id(command) for command in commands}
    assert len(commands) == len(answers) == len(several)
    assert not commands & answers


def test_a_command_and_what_came_of_its_words_are_answered_apart() -> None:
    assert answer_id("cmd-1") != announcement_of("cmd-1")
    assert answer_id("cmd-1").startswith("evt-")


def test_every_hold_can_be_passed_over_and_has_its_refusal() -> None:
    assert set(HOLD_OF.values()) == set(HOLDS) == set(REFUSAL_FOR)
    assert {REFUSAL_FOR[hold] for hold in HOLDS} == set(HOLD_OF)


@pytest.mark.parametrize("kind", CommandKind)
def test_what_cannot_be_undone_needs_a_reason(kind: CommandKind) -> None:
    assert (kind in NEEDS_REASON) == (kind in (CommandKind.DISMISS, CommandKind.DISPATCH))
