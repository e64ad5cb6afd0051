"""Steps of an offence's history that come from operators' commands."""

from __future__ import annotations

from dashboards.display_names import DisplayNames
from dashboards.html.step_lines import StepFormatter, StepFormatters, StepLine, reason_lines
from domain.events.catalog import (
    ByHand,
    CommandGiven,
    CommandRefused,
    OffenceDismissed,
    OffenceDispatched,
    OffenceHandedBack,
    OffencePaused,
    OffenceResumed,
    OffenceTakenOver,
)


def pending_command(data: CommandGiven, names: DisplayNames) -> StepLine:
    """Describe a command that has no answer yet."""
    command = names.command(data.command)
    return StepLine(names.say("operate.waiting", who=data.operator, command=command), "detail")


def request_lines(by_hand: ByHand | None, names: DisplayNames) -> list[StepLine]:
    """Describe who asked for a call, and why; [] where it came due by itself."""
    if by_hand is None:
        return []
    texts = [names.say("hand.asked_by", who=by_hand.operator)]
    texts += [names.say(f"hand.despite_{hold.replace('-', '_')}") for hold in by_hand.despite]
    return [*(StepLine(text, "detail") for text in texts), *reason_lines(by_hand, names)]


def _taken_over(data: OffenceTakenOver, names: DisplayNames) -> list[StepLine]:
    until = names.clock(data.hand_back_at)
    text = names.say("hand.taken_over", who=data.by_hand.operator, until=until)
    return [StepLine(text), *reason_lines(data.by_hand, names)]


def _handed_back(data: OffenceHandedBack, names: DisplayNames) -> list[StepLine]:
    if data.by_hand is None:
        return [StepLine(names.say("hand.handed_back_by_time", who=data.taken_by))]
    return _by_operator("hand.handed_back")(data, names)


_ByOperator = (
    OffenceHandedBack | OffencePaused | OffenceResumed | OffenceDispatched | OffenceDismissed
)


def _by_operator(key: str) -> StepFormatter:
    def lines(data: _ByOperator, names: DisplayNames) -> list[StepLine]:
        assert data.by_hand is not None
        text = names.say(key, who=data.by_hand.operator)
        return [StepLine(text), *reason_lines(data.by_hand, names)]

    return lines


def _refused(data: CommandRefused, names: DisplayNames) -> list[StepLine]:
    command, why = names.command(data.command), names.refusal(data.why)
    text = names.say("hand.refused", who=data.operator, command=command, why=why)
    return [StepLine(text, "not-spoken")]


OPERATOR_STEPS: StepFormatters = {
    OffenceTakenOver: _taken_over,
    OffenceHandedBack: _handed_back,
    OffencePaused: _by_operator("hand.paused"),
    OffenceResumed: _by_operator("hand.resumed"),
    OffenceDispatched: _by_operator("hand.dispatched"),
    OffenceDismissed: _by_operator("hand.dismissed"),
    CommandRefused: _refused,
}
