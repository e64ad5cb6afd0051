"""Steps of an offence's history that come from its alarm: who was asked, who answered, what they found."""

from __future__ import annotations

from casework.alarms.words import ACTIONS, SEVERITIES
from dashboards.display_names import DisplayNames
from dashboards.html.step_lines import StepFormatters, StepLine
from dashboards.texts import in_language
from domain.events.catalog import AlarmMoved, AlarmOpened, AlarmOverdue


def _opened(data: AlarmOpened, names: DisplayNames) -> list[StepLine]:
    severity = in_language(SEVERITIES[data.severity], names.lang)
    return [StepLine(names.say("alarm.opened", severity=severity)), *_told(data.told, names)]


def _moved(data: AlarmMoved, names: DisplayNames) -> list[StepLine]:
    words = next((words for action, words in ACTIONS.items() if action == data.action), None)
    done = in_language(words, names.lang) if words else data.action
    lines = [StepLine(names.say("alarm.moved", who=data.by, done=done) if data.by else done)]
    if data.assigned_to and data.assigned_to != data.by:
        lines.append(StepLine(names.say("alarm.with", whom=data.assigned_to), "detail"))
    if data.reason:
        lines.append(StepLine(names.say("hand.reason", reason=data.reason), "detail"))
    return lines


def _overdue(data: AlarmOverdue, names: DisplayNames) -> list[StepLine]:
    missed = names.say("alarm.overdue", count=data.level)
    return [StepLine(missed, "not-spoken"), *_told(data.told, names)]


def _told(recipients: tuple[str, ...], names: DisplayNames) -> list[StepLine]:
    """Name whose turn it is; [] where the site names nobody."""
    if not recipients:
        return []
    return [StepLine(names.say("alarm.told", whom=", ".join(recipients)), "detail")]


ALARM_STEPS: StepFormatters = {
    AlarmOpened: _opened,
    AlarmMoved: _moved,
    AlarmOverdue: _overdue,
}
