"""Make the tables of offences, troubles and alarms."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Integer, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables as they were in this version."""
    op.create_table(
        "offences",
        Column("offence_id", Text, primary_key=True),
        Column("site_id", Text, nullable=False),
        Column("camera_id", Text, nullable=False),
        Column("zone_id", Text, nullable=False),
        Column("rule_id", Text, nullable=False),
        Column("subject_id", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("is_open", Boolean, nullable=False),
        Column("first_seen_at", Text, nullable=False),
        Column("changed_at", Text, nullable=False),
        Column("warned_at", Text),
        Column("dwell_s", Float, nullable=False),
        Column("rungs_due", Integer, nullable=False),
        Column("rung_count", Integer),
        Column("holder", Text, nullable=False),
        Column("is_dispatched", Boolean, nullable=False),
        Column("evidence_id", Text),
        Column("picture", Text),
        Column("asked_at", Text),
        Column("asked_seq", BigInteger),
        Column("severity", Text),
        Column("alarm_id", Text),
        Column("needs_alarm", Boolean, nullable=False),
    )
    op.create_table(
        "troubles",
        Column("kind", Text, primary_key=True),
        Column("cause", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("site_id", Text, nullable=False),
        Column("began_at", Text, nullable=False),
        Column("ended_at", Text),
        Column("event_id", Text, nullable=False),
        Column("alarm_id", Text),
    )
    op.create_table(
        "alarms",
        Column("alarm_id", Text, primary_key=True),
        Column("site_id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("severity", Text, nullable=False),
        Column("moves_version", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("is_open", Boolean, nullable=False),
        Column("number", Integer, nullable=False),
        Column("level", Integer, nullable=False),
        Column("due_at", Text),
        Column("names", JSON, nullable=False),
        Column("offence_id", Text, nullable=False),
        Column("camera_id", Text, nullable=False),
        Column("rule_id", Text, nullable=False),
        Column("words_zh", Text, nullable=False),
        Column("words_en", Text, nullable=False),
        Column("told", JSON, nullable=False),
        Column("opened_at", Text, nullable=False),
        Column("grown_at", Text, nullable=False),
        Column("changed_at", Text, nullable=False),
        Column("moved_number", Integer, nullable=False),
        Column("last_action", Text, nullable=False),
        Column("last_by", Text, nullable=False),
        Column("holder", Text, nullable=False),
        Column("reason", Text, nullable=False),
    )
    op.create_index("offences_by_time", "offences", ["is_open", "changed_at"])
    op.create_index("offences_without_alarm", "offences", ["needs_alarm", "asked_seq"])
    op.create_index("troubles_by_alarm", "troubles", ["alarm_id"])
    op.create_index("alarms_by_time", "alarms", ["is_open", "opened_at"])
    op.create_index("alarms_by_due", "alarms", ["due_at"])
