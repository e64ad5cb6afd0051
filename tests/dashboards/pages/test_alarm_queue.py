"""Wishes of the page's script: carried out once, or refused in the reader's language in one sentence."""

from __future__ import annotations

import asyncio

import pytest

from dashboards.access.file_tokens import FileTokens
from dashboards.access.request_guard import RequestGuard
from dashboards.context import ConsoleContext
from dashboards.data.evidence_lookup import EvidenceLookup
from dashboards.data.poller import Poller
from dashboards.display_names import DisplayNames
from dashboards.settings import ConsoleSettings
from domain.access.people_file import PeopleFile
from domain.events.catalog import AlarmMoved


@pytest.fixture
def desk(staged):
    """Open an alarm; return a queue by language, and the wish to acknowledge it."""
    from dashboards.pages.alarm_queue import AlarmQueue

    staged.offence(1, "escalated")
    (alarm_id,) = staged.open_alarms()
    settings = ConsoleSettings(staged.data, staged.site)
    guard = RequestGuard(PeopleFile(staged.data.people), settings.hosts(1), is_for_all=False)
    poller = Poller(settings)
    poller._publish({}, poller._read_log())
    context = ConsoleContext(settings, poller, FileTokens(), EvidenceLookup(settings), guard)
    queues = {
        lang: AlarmQueue(context, DisplayNames(staged.site, lang), guard.visitor({}), picked.append)
        for lang in ("zh", "en")
        for picked in ([],)
    }
    wish = {"alarm_id": alarm_id, "action": "acknowledge", "who": "Li Na", "seen_number": 1}
    yield queues, {**wish, "reason": "", "assigned_to": ""}, poller
    poller._log.close()


def _carry_out(queue, wish):
    return asyncio.run(queue.carry_out(wish))


def test_a_wish_is_carried_out_once_and_an_old_page_hears_why_not(desk, staged):
    queues, wish, _ = desk
    done = _carry_out(queues["en"], wish)
    assert done["is_done"] and done["text"].endswith(": acknowledged")
    assert (done["row"]["holder"], done["row"]["number"]) == ("Li Na", 2)
    assert _carry_out(queues["en"], wish)["row"]["number"] == 2
    send = {**wish, "who": "Wang", "action": "assign", "assigned_to": "patrol 3"}
    refused = _carry_out(queues["zh"], send)
    assert not refused["is_done"] and refused["row"] is None
    assert refused["text"].startswith("未执行：报警现为“已确认”，由 Li Na 负责")
    refused = _carry_out(queues["en"], send)
    assert refused["text"].startswith("Not done: it is acknowledged, with Li Na now")
    assert len(staged.log.read(types=[AlarmMoved.event_type])) == 1


def test_what_is_no_wish_or_cannot_be_written_is_refused(desk, staged):
    queues, wish, _ = desk
    assert not _carry_out(queues["en"], {"nonce": "1"})["is_done"]
    assert not _carry_out(queues["en"], {**wish, "action": "cause-over"})["is_done"]
    staged.data.people.write_text("people: [")
    assert "cannot be read" in _carry_out(queues["en"], wish)["text"]
    assert not staged.log.read(types=[AlarmMoved.event_type])


def test_a_page_is_sent_what_changed_and_the_order(desk, staged):
    queues, wish, poller = desk
    queue = queues["en"]
    queue.begin(poller.snapshot)
    first = wish["alarm_id"]
    assert queue.view.order == [first] and queue.view.needs_name and queue.view.may_move
    before = queue.view.news
    queue.show(poller.snapshot)
    assert queue.view.news is before
    staged.offence(2, "escalated")
    (second,) = staged.open_alarms()
    _carry_out(queue, wish)
    poller._publish({}, poller._read_log())
    queue.show(poller.snapshot)
    assert queue.view.news["order"] == [second, first]  # what is answered stands below
    assert {row["alarm_id"] for row in queue.view.news["rows"]} == {first, second}
    assert queue.view.people == ["Li Na"]


def test_the_page_is_told_which_alarm_its_address_names(desk, staged):
    from dashboards.pages.alarm_queue import AlarmQueue

    queues, wish, _ = desk
    queue, names, alarm_id = queues["en"], DisplayNames(staged.site, "en"), wish["alarm_id"]
    linked = AlarmQueue(queue._context, names, queue._visitor, lambda _: None, alarm_id=alarm_id)
    assert linked.view.alarm_id == alarm_id
