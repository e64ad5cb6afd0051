"""The event log's tables, in SQL that SQLite and PostgreSQL both speak."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

# SQLite numbers rows by itself only in a column of type INTEGER
_SEQ = BigInteger().with_variant(Integer, "sqlite")

EVENTS = Table(
    "events",
    METADATA,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("time", Text, nullable=False),  # UTC, ISO 8601 with microseconds: sorts as text
    Column("data", Text, nullable=False),  # JSON
    Column("recorded_at", Text, nullable=False),  # UTC, as time
    Index("events_by_type", "type", "seq"),
    # a log made before there was this one is read through instead
    Index("events_by_subject", "subject", "seq"),
    sqlite_autoincrement=True,  # a number is never given twice, even if rows are removed by hand
)

# of each row its digest and its link (row_chain.py), which stay when it is erased; a log of an older version has
# no such table before its next row
CHAIN = Table(
    "chain",
    METADATA,
    Column("seq", _SEQ, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary),  # NULL: the row was erased
    Column("digest", LargeBinary, nullable=False),
    Column("link", LargeBinary, nullable=False),
)

# how far each named consumer has come: part of every log out there, though no program of ours uses it
CONSUMERS = Table(
    "consumers",
    METADATA,
    Column("consumer", Text, primary_key=True),
    Column("seq", _SEQ, nullable=False),
    Column("committed_at", Text, nullable=False),
)

ABOUT = Table(
    "about", METADATA, Column("name", Text, primary_key=True), Column("value", Text, nullable=False)
)
