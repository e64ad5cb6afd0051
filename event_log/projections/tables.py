"""Tables that are folded from the log and lie beside it, in SQL that SQLite and PostgreSQL both speak.

They can be made anew at any time. Whoever changes them adds a migration (`migrations/versions/`), which empties
what has to be folded again.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

PROJECTIONS = MetaData()

# moments are UTC, ISO 8601 with microseconds, as in the log: they sort as text
OFFENCES = Table(
    "offences",
    PROJECTIONS,
    Column("offence_id", Text, primary_key=True),
    Column("site_id", Text, nullable=False),
    Column("camera_id", Text, nullable=False),
    Column("zone_id", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),  # the ladder can still move
    Column("first_seen_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),  # event time of what moved it last
    Column("warned_at", Text),  # event time of the first call; NULL: nothing was said
    Column("dwell_s", Float, nullable=False),
    Column("rungs_due", Integer, nullable=False),
    Column("rung_count", Integer),
    Column("holder", Text, nullable=False),  # the operator who has it; "": the ladder has
    Column("is_dispatched", Boolean, nullable=False),
    Column("evidence_id", Text),  # NULL: not sealed, or erased
    Column("picture", Text),  # the last masked one, a name in the evidence record's folder
    Column("asked_at", Text),  # when the log took what asks for a person; NULL: nothing does
    Column("asked_seq", BigInteger),
    Column("severity", Text),  # as the request said it; NULL: none was made
    Column("alarm_id", Text),  # NULL: there is none
    Column(
        "needs_alarm", Boolean, nullable=False
    ),  # a person is asked for, and no alarm was opened or moved since
    Index("offences_by_time", "is_open", "changed_at"),
    Index("offences_without_alarm", "needs_alarm", "asked_seq"),
)

# what is wrong with cameras, disks and evidence, one row each for as long as it is
TROUBLES = Table(
    "troubles",
    PROJECTIONS,
    Column("kind", Text, primary_key=True),  # of the alarm that it opens
    Column("cause", Text, primary_key=True),  # of one name there can be several
    Column("name", Text, primary_key=True),
    Column("site_id", Text, nullable=False),
    Column("began_at", Text, nullable=False),  # when the log took it
    Column("ended_at", Text),  # NULL: it is so still
    Column("event_id", Text, nullable=False),
    Column("alarm_id", Text),  # NULL: there is none
    Index("troubles_by_alarm", "alarm_id"),
)

ALARMS = Table(
    "alarms",
    PROJECTIONS,
    Column("alarm_id", Text, primary_key=True),
    Column("site_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("moves_version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("number", Integer, nullable=False),  # of its last event
    Column("level", Integer, nullable=False),  # how often nobody answered in time
    Column("due_at", Text),  # on the clock that is never set; NULL: nobody has to answer
    Column("names", JSON, nullable=False),
    Column("offence_id", Text, nullable=False),
    Column("camera_id", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("words_zh", Text, nullable=False),
    Column("words_en", Text, nullable=False),
    Column("told", JSON, nullable=False),  # recipients, in the order in which they were to be told
    Column("opened_at", Text, nullable=False),  # event time, as the next three
    Column("grown_at", Text, nullable=False),  # when the last name came to it
    Column("changed_at", Text, nullable=False),
    Column(
        "moved_number", Integer, nullable=False
    ),  # of the last event that a person made; 0: none
    Column("last_action", Text, nullable=False),
    Column("last_by", Text, nullable=False),
    Column("holder", Text, nullable=False),  # who has it to do; "": nobody yet
    Column("reason", Text, nullable=False),
    Index("alarms_by_time", "is_open", "opened_at"),
    Index("alarms_by_due", "due_at"),
)
