"""A refusal answers its command, says why, and says what to do instead."""

from __future__ import annotations

import pytest

from domain.events.catalog import parse_data
from domain.events.commands import Refusal, answer_id
from domain.events.refusals import WORDS, refuse
from tests.support.example_events import command_event

COMMAND = command_event("ofc-1", "王芳")


@pytest.mark.parametrize("why", Refusal)
def test_every_reason_has_words_and_becomes_the_one_answer(why: Refusal) -> None:
    refused = refuse(COMMAND, why)
    assert refused.id == answer_id(COMMAND.id)
    assert (refused.source, refused.subject, refused.time) == (
        COMMAND.source,
        COMMAND.subject,
        COMMAND.time,
    )
    assert refused.data.explanation == WORDS[why] and len(WORDS[why]) > 20
    assert (refused.data.why, refused.data.command_id) == (why, COMMAND.id)
    assert (refused.data.operator, refused.data.offence_id) == ("王芳", "ofc-1")


def test_facts_of_the_case_stand_behind_the_words() -> None:
    refused = refuse(COMMAND, Refusal.TAKEN_BY_ANOTHER, "Li Wei")
    assert refused.data.explanation == f"{WORDS[Refusal.TAKEN_BY_ANOTHER]} (Li Wei)"


def test_a_refusal_comes_back_from_the_log() -> None:
    refused = refuse(COMMAND, Refusal.ENDED, "complied")
    assert parse_data(refused.type, refused.data.model_dump(mode="json")) == refused.data


def test_two_reasons_never_read_the_same() -> None:
    assert len(set(WORDS.values())) == len(Refusal)
