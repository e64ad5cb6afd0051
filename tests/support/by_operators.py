"""Operators' commands for ladders that are stepped by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from people import BEGAN

from domain.events.catalog import CommandGiven, Event
from domain.events.commands import CommandKind, command_id
from flows.escalation.commands.command_intake import PendingCommand

ASKED_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def command_event(kind: CommandKind, offence_id: str, **more: Any) -> Event:
    """Make a command as the log would hold it; another `key` is another command."""
    key = more.pop("key", "")
    data = CommandGiven(
        **{
            "command": kind,
            "offence_id": offence_id,
            "site_id": "square",
            "camera_id": "north",
            "rule_id": "keep-off",
            "operator": "Wang",
            "asked_at": ASKED_AT,
            "via": "command line",
            **more,
        }
    )
    id_ = command_id(offence_id, kind, data.operator, key)
    return Event(id_, "forewarn/square/operators", offence_id, ASKED_AT, data)


def pending(kind: CommandKind, offence_id: str, **more: Any) -> PendingCommand:
    """Make a command that may be carried out at once."""
    return PendingCommand(command_event(kind, offence_id, **more), 1, BEGAN)
