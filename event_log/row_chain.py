"""Chain the log's rows, so that one which is invented, changed or removed later shows.

Each row has a digest, SHA-256 of a salt and the row, and a link, SHA-256 of the link before, the row's number
and its digest. Erasing a row deletes it with its salt; digest and link stay, and say nothing of what it held.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, inspect, select, text, update

from event_log.tables import CHAIN, EVENTS

SALT_BYTES = 16
FIRST_ROW = 1
# in this order; the number is in the link as well
_FIELDS = tuple(column.name for column in EVENTS.c)
# built once: building them costs as much as running them
_LAST = select(CHAIN.c.seq, CHAIN.c.link).order_by(CHAIN.c.seq.desc()).limit(1)
_GIVEN = text("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
_INSERT_EVENTS, _INSERT_LINKS = insert(EVENTS), insert(CHAIN)


@dataclass(frozen=True, slots=True)
class LogHead:
    """The newest link: it stands for all rows that the chain holds up to there."""

    log_id: str
    row: int  # its number
    link: str  # hex

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, to be signed elsewhere."""
        return {"log_id": self.log_id, "row": self.row, "link": self.link}


def digest_of(salt: bytes, row: Mapping[str, Any]) -> bytes:
    """Compute the digest of a row of the table of events, by its columns' names."""
    content = json.dumps([row[name] for name in _FIELDS], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(salt + content.encode()).digest()


def link_after(before: bytes, seq: int, digest: bytes) -> bytes:
    """Compute the link of the row with the number `seq`, which is behind the link `before`."""
    return hashlib.sha256(before + seq.to_bytes(8, "big") + digest).digest()


def first_link(log_id: str) -> bytes:
    """Return what stands before the first row that is chained."""
    return hashlib.sha256(b"forewarn event log " + log_id.encode()).digest()


def has_chain(connection: Connection) -> bool:
    """Tell whether rows are chained here: an older version's log has no chain before its next row."""
    return inspect(connection).has_table(CHAIN.name)


def fault_of_row(row: Mapping[str, Any], since: int) -> str:
    """Say why a row with the salt and digest of its link was not written so by forewarn; "" if it was.

    Args:
        row: of the table of events, with `salt` and `digest`; None where it has no link.
        since: number of the first row that is chained, 0: none is. Of those before nothing is known.
    """
    if row["digest"] is None:
        is_older = row["seq"] >= FIRST_ROW and (not since or row["seq"] < since)
        return "" if is_older else "was not written by forewarn"
    return "" if has_digest(row) else "was changed"


def has_digest(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is the one that its link was made of."""
    try:
        return bool(digest_of(row["salt"], row) == row["digest"])
    # SQLite keeps any kind of value in any column
    except (TypeError, ValueError):
        return False


def insert_rows(connection: Connection, log_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the table of events with their numbers and links, in a transaction that may write."""
    newest, link = connection.execute(_LAST).one_or_none() or (0, first_link(log_id))
    # a number is never given twice, also where its row was deleted
    first = max(newest, highest_given(connection)) + 1
    numbered, links = [], []
    for seq, row in enumerate(rows, start=first):
        salt, whole = os.urandom(SALT_BYTES), {"seq": seq, **row}
        digest = digest_of(salt, whole)
        link = link_after(link, seq, digest)
        numbered.append(whole)
        links.append({"seq": seq, "salt": salt, "digest": digest, "link": link})
    connection.execute(_INSERT_EVENTS, numbered)
    connection.execute(_INSERT_LINKS, links)


def highest_given(connection: Connection) -> int:
    """Return the highest number that was ever given, also to a row that was deleted since."""
    return int(connection.execute(_GIVEN).scalar() or 0)


def drop_salts(connection: Connection, seqs: Sequence[int]) -> None:
    """Drop what rows that are erased could be recognised by."""
    if has_chain(connection):
        connection.execute(update(CHAIN).where(CHAIN.c.seq.in_(seqs)).values(salt=None))


def read_head(connection: Connection, log_id: str) -> LogHead | None:
    """Read the newest link; None: no row is chained yet."""
    if not has_chain(connection):
        return None
    row = connection.execute(_LAST).one_or_none()
    return LogHead(log_id, row.seq, row.link.hex()) if row else None
