"""A message outlasts a restart, and one that was begun before a kill may have arrived."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from domain.data_dir import DataDir
from domain.events.catalog import Event, NotificationMade, NotificationRequested
from domain.site.loading import load_site
from domain.site.site import Site
from event_log.rows import LoggedEvent
from flows.notices.deliver import NoticeTools, deliver
from flows.notices.notes import MessageNote, MessageNotes
from flows.notify import Delivery, DeliveryLogic, Lanes
from flows.waking import Timers
from tests.support.example_events import one_of_each


def test_a_message_that_a_kill_cut_off_is_not_sent_again(
    tmp_path: Path, sample_site_file: Path
) -> None:
    asked = next(e for e in one_of_each() if isinstance(e.data, NotificationRequested))
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    desk = {"id": "desk", "url_env": "DESK_URL", "language": "en", "picture": False}
    site = Site.model_validate(raw | {"recipients": [desk]})
    notes = MessageNotes(DataDir(tmp_path))
    cut_off = MessageNote(service="json", result="being sent", attempts=1, started_at=asked.time)
    notes.write("desk", asked.id, cut_off)
    nobody: Any = None  # is asked to send, or for a picture
    tools = NoticeTools(site, {"desk": nobody}, notes, nobody, lambda _: None, frozenset())
    made = deliver(LoggedEvent(1, asked, asked.time), "desk", tools)
    assert isinstance(made.data, NotificationMade)
    assert made.data.result == "unknown whether sent"
    assert notes.find("desk", asked.id) != cut_off


class Waiting(Lanes):
    """Never comes to an end with a message."""

    def submit(self, delivery: Delivery, tools: NoticeTools) -> Future[Event]:
        return Future()


def test_a_message_that_waits_is_taken_up_after_a_restart() -> None:
    asked = next(e for e in one_of_each() if isinstance(e.data, NotificationRequested))
    delivery = Delivery("desk", LoggedEvent(1, asked, asked.time))
    none: Any = None
    stop = threading.Event()
    logic = DeliveryLogic(none, Waiting(), stop, lambda: None, None, Timers())
    assert logic.take([delivery])[0] == []
    again = DeliveryLogic(none, Waiting(), stop, lambda: None, logic.snapshot(), Timers())
    assert again.work == delivery
