"""What operators had done in one offence, as steps of its history."""

from __future__ import annotations

from html import escape

from dashboards.names import Names
from domain.events import (
    ByHand,
    CommandGiven,
    CommandRefused,
    Event,
    EventData,
    OffenceDismissed,
    OffenceDispatched,
    OffenceHandedBack,
    OffenceTakenOver,
)


def step_by_hand(data: EventData, names: Names) -> str:
    """One step as HTML; '' where no operator had a hand in it."""
    match data:
        case OffenceTakenOver():
            until = names.clock(data.hand_back_at)
            said = names.say("hand.taken_over", who=data.by_hand.operator, until=until)
            return _what(said) + reason_of(data.by_hand, names)
        case OffenceHandedBack(by_hand=None):
            return _what(names.say("hand.handed_back_by_time", who=data.taken_by))
        case OffenceHandedBack(by_hand=ByHand() as by_hand):
            said = names.say("hand.handed_back", who=by_hand.operator)
            return _what(said) + reason_of(by_hand, names)
        case OffenceDispatched():
            said = names.say("hand.dispatched", who=data.by_hand.operator)
            return _what(said) + reason_of(data.by_hand, names)
        case OffenceDismissed():
            said = names.say("hand.dismissed", who=data.by_hand.operator)
            return _what(said) + reason_of(data.by_hand, names)
        case CommandRefused():
            said = names.say(
                "hand.refused",
                who=data.operator,
                command=names.command(data.command),
                why=names.refusal(data.why),
            )
            return f'<div class="not-spoken">{escape(said)}</div>'
    return ""


def waiting(given: Event, names: Names) -> str:
    """A command that nobody has answered yet."""
    data = given.data
    assert isinstance(data, CommandGiven)
    command = names.command(data.command)
    said = names.say("operate.waiting", who=data.operator, command=command)
    return f'<div class="detail">{escape(said)}</div>'


def asked_by(by_hand: ByHand | None, names: Names) -> str:
    """Who asked for a call; '' where it came due by itself."""
    if by_hand is None:
        return ""
    said = [names.say("hand.asked_by", who=by_hand.operator)]
    said += [names.say(f"hand.despite_{each.replace('-', '_')}") for each in by_hand.despite]
    lines = "".join(f'<div class="detail">{escape(each)}</div>' for each in said)
    return lines + reason_of(by_hand, names)


def reason_of(by_hand: ByHand, names: Names) -> str:
    """The reason that was given; '' if none."""
    if not by_hand.reason:
        return ""
    said = names.say("hand.reason", reason=by_hand.reason)
    return f'<div class="detail">{escape(said)}</div>'


def _what(said: str) -> str:
    return f'<div class="what">{escape(said)}</div>'
