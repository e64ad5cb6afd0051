"""Each recipient is told of each request at most once, with a masked picture, or it is on record why not."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bytewax.testing import run_main
from closed_port import closed_port
from message_services import mail_server, webhook
from notice_requests import request, site_with, told, write

from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.events.catalog import Event, NotificationMade, OffenceWithheld
from domain.site.site import Site
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from evidence_store.media.stills import decode_picture, grab_frame
from evidence_store.recordings.footage import SiteFootage
from flows.masks.faces import FaceFinder
from flows.notices.apprise_sender import AppriseSender
from flows.notices.deliver import WANTED_TYPES, deliver, made_id
from flows.notices.notes import MessageNotes
from flows.notices.still import MaskedStills
from flows.notices.tools import NoticeTools
from flows.notify import build_notify_flow
from flows.opening_hours import Hours
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource
from forewarn.programs.notify import hourly
from models.direct import DirectInference
from models.serving.client import FaceDetector
from tests.support.example_events import one_of_each

pytestmark = pytest.mark.slow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "var")


@pytest.fixture(scope="module")
def faces() -> FaceFinder:
    return FaceDetector(DirectInference())


class Away:
    """A model server that is not there."""

    def find_in_all(
        self, images_rgb: Sequence[np.ndarray], min_score: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        raise TryAgain("triton: away")


@pytest.fixture
def tools_for(data: DataDir, sample_site_file: Path, faces: FaceFinder) -> Iterator[Any]:
    with ExitStack() as stack:

        def make(site: Site, urls: dict[str, str], **more: Any) -> NoticeTools:
            footage = SiteFootage(site, sample_site_file.parent, data.recordings)
            stills = MaskedStills(data, footage, more.pop("faces", faces))
            stack.callback(stills.close)
            find = EventLog.open(data.events_db).find
            senders = {name: AppriseSender(name, url) for name, url in urls.items()}
            live = frozenset({"gate-early"})
            options = {"live_cameras": live, **more}
            return NoticeTools(site, senders, MessageNotes(data), stills, find, **options)

        yield make


def drain(data: DataDir, tools: NoticeTools) -> list[NotificationMade]:
    """Deliver everything that is in the log."""
    everything = threading.Event()
    everything.set()
    stop = threading.Event()
    source = EventLogSource(data.events_db, WANTED_TYPES, stop, everything)
    run_main(build_notify_flow(tools, source, EventLogSink(data.events_db), stop))
    return told(data)


def logged(event: Event, recorded_at: datetime | None = None) -> LoggedEvent:
    return LoggedEvent(1, event, recorded_at or event.time)


def result(event: Event) -> str:
    assert isinstance(event.data, NotificationMade)
    return event.data.result


def test_a_webhook_and_a_mailbox_get_the_message_with_a_masked_picture(
    data: DataDir, sample_site_file: Path, sample_clip: Path, tools_for: Any
) -> None:
    site = site_with(
        sample_site_file,
        {"id": "hook", "language": "zh", "picture": True, "picture_wait_s": 120},
        {"id": "mail", "language": "both", "picture": True, "picture_wait_s": 120},
    )
    with webhook() as hook, mail_server() as mail:
        urls = {
            "hook": f"json://127.0.0.1:{hook.port}/very-secret",
            "mail": f"mailto://127.0.0.1:{mail.port}?from=watch@city.test&to=desk@city.test",
        }
        write(data, request(whom=("hook", "mail")))
        made = drain(data, tools_for(site, urls))
    assert [(each.recipient_id, each.result) for each in made] == [
        ("hook", "sent"),
        ("mail", "sent"),
    ]
    (at_hook,), (at_desk,) = hook.messages, mail.messages
    assert at_hook.title == "校园路口：疑似情况，请勿在前场停留"
    assert "须由人员核实" in at_hook.text and "人脸及旁人已遮挡" in at_hook.text
    assert f"http://10.0.0.5:5006/record/{made[0].offence_id}?lang=zh" in at_hook.text
    assert "疑似情况" in at_desk.text and "Suspected: No lingering" in at_desk.text
    assert at_hook.pictures == at_desk.pictures and len(at_hook.pictures) == 1
    shown = decode_picture(at_hook.pictures[0], "picture").astype(int)
    seen = grab_frame(sample_clip, 8.0).astype(int)
    head = (slice(152, 176), slice(312, 350))  # of the box, inside its outline
    assert np.abs(shown - seen)[head].mean() > 10, "the subject's head can be seen"
    feet = (slice(215, 285), slice(305, 355))
    assert np.abs(shown - seen)[feet].mean() < 8, "another frame, or one that was not decoded"
    around = shown[450:570, 5:200].reshape(-1, 3)
    assert len({tuple(each // 24) for each in around}) < 40, "what is around is not coarse"
    assert not list((data.notifications / "work").iterdir()), "an unmasked frame was left behind"
    assert made[0].picture_sha256 == made[1].picture_sha256 and made[0].picture_note == ""
    assert made[0].service == "json" and "very-secret" not in made[0].model_dump_json()


def test_where_no_mask_can_be_made_the_message_goes_without_a_picture_and_says_so(
    data: DataDir, sample_site_file: Path, tools_for: Any
) -> None:
    site = site_with(sample_site_file, {"id": "desk", "picture": True, "picture_wait_s": 0.5})
    with webhook() as hook:
        write(data, request())
        tools = tools_for(site, {"desk": f"json://127.0.0.1:{hook.port}"}, faces=Away())
        (made,) = drain(data, tools)
    assert made.result == "sent" and made.picture_sha256 is None
    assert "triton: away" in made.picture_note
    assert hook.messages[0].pictures == []
    assert "a masked one could not be made in time" in hook.messages[0].text


def test_footage_that_is_gone_is_told_and_not_waited_for(
    data: DataDir, sample_site_file: Path, tools_for: Any
) -> None:
    site = site_with(sample_site_file, {"id": "desk", "picture": True, "picture_wait_s": 200})
    nowhere = SiteFootage(site, data.root, data.recordings)
    with webhook() as hook:
        write(data, request())
        tools = tools_for(site, {"desk": f"json://127.0.0.1:{hook.port}"})
        tools.stills._footage = nowhere
        (made,) = drain(data, tools)
    assert made.result == "sent" and "cannot be read" in made.picture_note
    assert "footage of the moment cannot be read" in hook.messages[0].text


def test_one_dead_recipient_holds_up_nobody_else(
    data: DataDir, sample_site_file: Path, tools_for: Any
) -> None:
    """The dead one is tried as long as it is useful; the other's messages are through before."""
    site = site_with(sample_site_file, {"id": "dead", "useful_s": 8}, {"id": "desk"})
    with webhook() as hook, closed_port() as port:
        urls = {"dead": f"json://127.0.0.1:{port}", "desk": f"json://127.0.0.1:{hook.port}"}
        write(data, *(request(number, whom=("dead", "desk")) for number in range(3)))
        made = drain(data, tools_for(site, urls))
    ended = {
        who: [e.ended_at for e in made if e.recipient_id == who and e.ended_at]
        for who in ("dead", "desk")
    }
    assert len(ended["desk"]) == len(ended["dead"]) == 3
    assert max(ended["desk"]) < min(ended["dead"])
    dead = [each for each in made if each.recipient_id == "dead"]
    assert [each.result for each in dead] == ["failed"] * 3
    assert all("connection was refused" in each.reason for each in dead)
    assert max(each.attempts for each in dead) > 1
    assert len(hook.messages) == 3


def test_a_server_that_comes_back_gets_what_is_still_useful(
    data: DataDir, sample_site_file: Path, tools_for: Any
) -> None:
    site, asked = site_with(sample_site_file, {"id": "desk"}), logged(request())
    with closed_port() as port:
        tools = tools_for(site, {"desk": f"json://127.0.0.1:{port}"})
        for attempt in (1, 2):
            with pytest.raises(TryAgain, match="not reached"):
                deliver(asked, "desk", tools)
            note = MessageNotes(data).find("desk", asked.event.id)
            assert note is not None and (note.result, note.attempts) == ("not reached", attempt)
    with webhook(port) as hook:
        made = deliver(asked, "desk", tools)
        assert deliver(asked, "desk", tools) == made
    assert result(made) == "sent" and len(hook.messages) == 1


@pytest.mark.parametrize(
    ("behaviour", "expected", "words"),
    [
        ({"status": 500}, "failed", "answered 500"),
        ({"status": 403}, "failed", "answered 403"),
        ({"closes_early": True}, "unknown whether sent", "timed out"),
        ({"hangs_s": 5.0}, "unknown whether sent", "timed out"),
    ],
)
def test_what_may_have_arrived_is_never_sent_again(
    data: DataDir,
    sample_site_file: Path,
    tools_for: Any,
    behaviour: dict[str, Any],
    expected: str,
    words: str,
) -> None:
    with webhook(**behaviour) as hook:
        patience_s = 2 if behaviour.get("hangs_s") else 30
        urls = {"desk": f"json://127.0.0.1:{hook.port}?rto={patience_s}"}
        tools = tools_for(site_with(sample_site_file, {"id": "desk"}), urls)
        asked = logged(request())
        first = deliver(asked, "desk", tools)
        assert deliver(asked, "desk", tools) == first
    assert result(first) == expected and words in first.data.reason
    assert hook.requests == 1


@pytest.mark.parametrize(
    ("now", "settings", "before", "expected"),
    [
        (timedelta(seconds=601), {}, 0, "too late"),
        (timedelta(seconds=599), {}, 0, "sent"),
        (timedelta(0), {"quiet_hours": "11:00-13:00"}, 0, "withheld"),
        (timedelta(0), {"quiet_hours": "22:00-06:00"}, 0, "sent"),
        (timedelta(0), {"max_per_hour": 2}, 2, "over the hourly limit"),
        (timedelta(0), {"max_per_hour": 3}, 2, "sent"),
    ],
)
def test_a_message_is_sent_only_while_it_is_useful_wanted_and_within_the_limit(
    data: DataDir,
    sample_site_file: Path,
    tools_for: Any,
    now: timedelta,
    settings: dict[str, Any],
    before: int,
    expected: str,
) -> None:
    site = site_with(sample_site_file, {"id": "desk", **settings})
    quiet = {"desk": Hours("desk", site.recipient("desk").quiet_hours, "UTC")}
    with webhook() as hook:
        tools = tools_for(
            site,
            {"desk": f"json://127.0.0.1:{hook.port}"},
            now=lambda: NOON + now,
            quiet=quiet if settings.get("quiet_hours") else {},
        )
        for number in range(before):
            assert result(deliver(logged(request(100 + number, NOON)), "desk", tools)) == "sent"
        made = deliver(logged(request(1, NOON)), "desk", tools)
    assert result(made) == expected
    assert len(hook.messages) == before + (expected == "sent")


def test_nobody_is_told_of_a_recording_unless_they_ask_for_it(
    data: DataDir, sample_site_file: Path, tools_for: Any
) -> None:
    years_ago = datetime(2020, 1, 1, tzinfo=UTC)
    site = site_with(sample_site_file, {"id": "desk"}, {"id": "trial", "recordings": True})
    with webhook() as hook:
        urls = dict.fromkeys(("desk", "trial"), f"json://127.0.0.1:{hook.port}")
        write(data, request(at=years_ago, whom=("desk", "trial")))
        made = drain(data, tools_for(site, urls, live_cameras=frozenset()))
    assert sorted((each.recipient_id, each.result) for each in made) == [
        ("desk", "withheld"),
        ("trial", "sent"),
    ]


def test_a_withheld_rung_is_on_record_for_whom_it_would_have_told(
    data: DataDir, sample_site_file: Path, tools_for: Any
) -> None:
    (like,) = (e for e in one_of_each() if isinstance(e.data, OffenceWithheld))
    withheld = Event(like.id, like.source, like.subject, like.time, like.data)
    told_of = site_with(sample_site_file, {"id": "desk"}, {"id": "chief"}, notifies=["desk"])
    with webhook() as hook:
        urls = dict.fromkeys(("desk", "chief"), f"json://127.0.0.1:{hook.port}")
        write(data, withheld)
        (made,) = drain(data, tools_for(told_of, urls))
    assert (made.recipient_id, made.result) == ("desk", "withheld")
    assert "less sharp" in made.reason and hook.requests == 0


def test_the_same_request_has_the_same_event_whoever_asks(data: DataDir) -> None:
    asked = request()
    assert made_id(asked, "desk") == made_id(request(), "desk") != made_id(asked, "chief")


def test_tidying_up_is_done_at_once_and_every_hour() -> None:
    now_s, done = [50_000.0], []
    tidy = hourly(lambda: done.append(now_s[0]), clock=lambda: now_s[0])
    for now_s[0] in (50_000.0, 50_001.0, 53_599.0, 53_600.0, 53_601.0, 57_200.0):
        tidy()
    assert done == [50_000.0, 53_600.0, 57_200.0]
