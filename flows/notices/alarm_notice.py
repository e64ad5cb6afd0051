"""Tell people that it is their turn to answer an alarm, unless somebody has answered it meanwhile."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from casework.alarms.words import KINDS, STATES
from domain.base import BothLanguages
from domain.events.catalog import AlarmNotified, AlarmOpened, AlarmOverdue
from domain.site.recipients import Recipient
from domain.site.site import Site
from event_log.projections.rows import Fields
from event_log.rows import LoggedEvent
from flows.notices.message import Language, Message, in_languages, of, say
from flows.notices.notes import MessageNote, result_of
from flows.notices.sender import Sender
from flows.notices.still import Still
from flows.notices.tools import NoticeTools

AlarmCall = AlarmOpened | AlarmOverdue  # the events that say whose turn it is
_NO_PICTURE = Still(None, None, "no_picture_off")  # the page behind the link shows it
_MOST_NAMES = 5


class AlarmNotice:
    """One event of an alarm that says whose turn it is."""

    made_type = AlarmNotified.event_type
    is_live = True  # recordings have no alarms

    def __init__(self, logged: LoggedEvent, tools: NoticeTools) -> None:
        self._logged, self._tools = logged, tools
        data = logged.event.data
        assert isinstance(data, AlarmCall)
        self._data = data

    @property
    def about(self) -> str:
        """Name the alarm."""
        return self._data.alarm_id

    def withheld_because(self) -> str:
        """See Notice; an alarm that was answered is nobody else's errand."""
        row = self._tools.find_alarm(self._data.alarm_id)
        if row is None:
            return "there is no such alarm any more"
        if row["moved_number"] > self._data.number:
            return f"{row['last_by']} has answered it meanwhile ({row['last_action']})"
        return "" if row["is_open"] else "it is over"

    def stays_useful(self) -> bool:
        """See Notice; while nobody has answered, the last call is all that people will hear of it."""
        row = self._tools.find_alarm(self._data.alarm_id)
        return row is not None and row["level"] <= _level(self._data)

    def compose(self, recipient: Recipient, sender: Sender) -> tuple[Message, Still]:
        """See Notice."""
        row = self._tools.find_alarm(self._data.alarm_id) or {}
        return compose_alarm(self._data, row, self._tools.site, recipient.language), _NO_PICTURE

    def made(
        self, recipient_id: str, recipient: Recipient | None, note: MessageNote
    ) -> AlarmNotified:
        """See Notice."""
        return AlarmNotified(
            alarm_id=self._data.alarm_id,
            site_id=self._data.site_id,
            offence_id=self._data.offence_id,
            told_event_id=self._logged.event.id,
            level=_level(self._data),
            recipient_id=recipient_id,
            service=note.service,
            result=result_of(note),
            reason=note.reason,
            language=recipient.language if recipient else "zh",
            text=note.text,
            attempts=note.attempts,
            started_at=note.started_at,
            ended_at=note.ended_at,
        )


def compose_alarm(data: AlarmCall, row: Fields, site: Site, language: Language) -> Message:
    """Compose the message that it is somebody's turn.

    Args:
        data: says whose turn it is, and how often nobody has answered.
        row: of the alarm; {} where it is gone, which leaves out what only the row knows.
        site: titles of cameras and rules, zone of time, address of the console.
        language: zh, en or both, one after the other.
    """
    level = _level(data)

    def title(lang: str) -> str:
        key = "alarm_again_title" if level else "alarm_title"
        facts = {"site": of(site.site.title, lang), "number": level + 1}
        return say(key, lang, what=of(_what(data, row, site), lang), **facts)

    def lines(lang: str) -> list[str]:
        told = []
        if row:
            told.append(say("alarm_where", lang, where=_where(row, site, lang)))
            at = datetime.fromisoformat(row["opened_at"]).astimezone(ZoneInfo(site.site.timezone))
            told.append(say("alarm_since", lang, time=at.strftime("%Y-%m-%d %H:%M:%S %Z")))
        if level:
            told.append(say("alarm_again", lang, number=level))
        if row.get("holder"):
            state = next(words for name, words in STATES.items() if name == data.state)
            told.append(say("alarm_with", lang, state=of(state, lang), who=row["holder"]))
        if site.site.console_url is not None:
            about = f"&offence={data.offence_id}" if data.offence_id else ""
            page = f"{site.site.console_url.rstrip('/')}/live?lang={lang}"
            told.append(say("alarm_link", lang, link=f"{page}&alarm={data.alarm_id}{about}"))
        return [*told, say("alarm_number", lang, alarm=data.alarm_id)]

    return in_languages(language, title, lines)


def _level(data: AlarmCall) -> int:
    return data.level if isinstance(data, AlarmOverdue) else 0


def _what(data: AlarmCall, row: Fields, site: Site) -> BothLanguages:
    """Say what it is about: of an offence, which rule."""
    words = KINDS[data.kind]
    titles = [rule.title for rule in site.rules if rule.id == row.get("rule_id")]
    if not titles:
        return words
    rule = titles[0]
    return BothLanguages(zh=f"{words.zh}，疑似：{rule.zh}", en=f"{words.en}; suspected: {rule.en}")


def _where(row: Fields, site: Site, lang: str) -> str:
    """Name where it is: cameras by their titles, anything else by its name."""
    ids = [row["camera_id"]] if row["camera_id"] else row["names"]
    titles = {camera.id: of(camera.title, lang) for camera in site.cameras}
    names = [titles.get(each, each) for each in ids[:_MOST_NAMES]]
    text, more = ("、" if lang == "zh" else ", ").join(names), len(ids) - len(names)
    return say("more_names", lang, names=text, count=len(ids), more=more) if more else text
