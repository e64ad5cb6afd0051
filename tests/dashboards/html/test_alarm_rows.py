"""Rows of the queue: place in words, what was said, what may be done, and a picture once there is one."""

from __future__ import annotations

from dataclasses import replace

from dashboards.access.file_tokens import FileTokens
from dashboards.data.alarm_views import AlarmView, read_alarm_views
from dashboards.data.offence_projection import OffenceProjection
from dashboards.data.poller import ConsoleData
from dashboards.display_names import DisplayNames
from dashboards.html.alarm_rows import Thumbnails, alarm_row, trouble
from dashboards.html.history_steps import step_lines
from event_log.follower import LogFollower


def _snapshot(staged) -> tuple[ConsoleData, AlarmView]:
    staged.open_alarms()
    book = OffenceProjection(DisplayNames(staged.site, "en").timezone)
    book.take(LogFollower(staged.data.events_db).read().events)
    alarms = read_alarm_views(staged.log)
    return ConsoleData(offences=dict(book.offences), alarms=alarms), next(iter(alarms.values()))


def test_a_row_says_where_what_was_said_and_what_may_be_done(staged):
    staged.offence(2, "escalated", calls=3)
    snapshot, alarm = _snapshot(staged)
    names = DisplayNames(staged.site, "en")
    row = alarm_row(alarm, snapshot, names, Thumbnails(FileTokens()))
    assert row["place"] == "Crossing camera, first stretch · " + names.place(
        "gate-early", "forecourt-early"
    )
    assert row["about"] == names.rule("no-lingering") and row["cameras"] == ["gate-early"]
    assert row["said"].startswith("Calls 2/3 ⚠ unheard: ")
    assert (row["is_unanswered"], row["state_name"], row["late"]) == (True, "not answered", "")
    assert row["actions"] == ["acknowledge", "assign", "false-alarm"]
    assert row["picture"] is None  # nothing is sealed yet
    zh = alarm_row(
        replace(alarm, level=2), snapshot, DisplayNames(staged.site, "zh"), Thumbnails(FileTokens())
    )
    assert (zh["state_name"], zh["late"]) == ("待确认", "2 次到时无人应答")


def test_the_last_sealed_picture_is_masked_and_keeps_its_address(staged):
    offence_id = staged.offence(2, "escalated", calls=3)
    staged.seal(offence_id, "gate-early", "escalated", 10.0)
    snapshot, alarm = _snapshot(staged)
    names, thumbnails = DisplayNames(staged.site, "en"), Thumbnails(FileTokens())
    picture = alarm_row(alarm, snapshot, names, thumbnails)["picture"]
    assert "masked" in picture["address"] and picture["size_px"] == [768, 576]
    assert len(picture["view_box"].split()) == 4
    assert alarm_row(alarm, snapshot, names, thumbnails)["picture"] == picture
    other = thumbnails.of(replace(snapshot.offences[offence_id], evidence=None))
    assert other is None


def test_what_is_no_offence_names_what_it_is_about(staged):
    staged.offence(2, "escalated")
    snapshot, alarm = _snapshot(staged)
    dark = replace(
        alarm, kind="cameras", offence_id="", camera_id="", names=("gate-early", *"abcde")
    )
    names = DisplayNames(staged.site, "en")
    row = alarm_row(dark, snapshot, names, Thumbnails(FileTokens()))
    assert row["place"] == "Cameras give no usable picture" and "and 2 more" in row["about"]
    drawn = trouble(replace(dark, told=("desk",)), names)
    assert "Crossing camera, first stretch" in drawn and "desk" in drawn
    newer = alarm_row(
        replace(dark, kind="flood", state="drained"), snapshot, names, Thumbnails(FileTokens())
    )
    assert (newer["place"], newer["state_name"]) == ("flood", "drained")


def test_a_call_that_was_written_as_a_file_is_not_called_spoken(staged):
    offence_id = staged.offence(2, None, calls=1)
    book = OffenceProjection(DisplayNames(staged.site, "en").timezone)
    book.take(LogFollower(staged.data.events_db).read().events)
    names = DisplayNames(staged.site, "en")
    made = book.offences[offence_id].history[-1].data
    (line,) = step_lines(made, names)
    assert line.text.startswith("Call 1 was written as a file") and line.css_class == "written"
    played = made.model_copy(update={"result": "played"})
    (line,) = step_lines(played, names)
    assert line.text.startswith("Call 1 was spoken") and line.css_class == "spoken"
