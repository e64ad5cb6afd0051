"""Change rows of a table in memory, and write what changed at the end of a page of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, insert, select, update

KEYS_AT_ONCE = 500  # SQLite takes 999 variables in a statement where it is old

Key = tuple[str, ...]  # values of the primary key's columns
Fields = dict[str, Any]  # by column; also every column's, which is a row


class TableRows:
    """Rows of one table as one transaction has them; belongs to one page of events."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self._connection = connection
        self._table = table
        self._keys = [column.name for column in table.primary_key]
        self._read: dict[Key, Fields | None] = {}  # None: there is none
        self._new: set[Key] = set()
        self._changed: set[Key] = set()

    def load(self, keys: Iterable[str]) -> None:
        """Read the rows of keys of one column that are soon asked for, many at once."""
        column = self._table.c[self._keys[0]]
        wanted = sorted({key for key in keys if key and (key,) not in self._read})
        for start in range(0, len(wanted), KEYS_AT_ONCE):
            some = wanted[start : start + KEYS_AT_ONCE]
            self._read.update({(key,): None for key in some})
            rows = self._connection.execute(select(self._table).where(column.in_(some)))
            self._read.update({self._key(row): dict(row) for row in rows.mappings()})

    def find(self, *key: str) -> Fields | None:
        """Return a row, which may not be changed in place; None where there is none."""
        if key not in self._read:
            named = zip(self._keys, key, strict=True)
            wanted = select(self._table).where(*(self._table.c[name] == it for name, it in named))
            row = self._connection.execute(wanted).mappings().one_or_none()
            self._read[key] = None if row is None else dict(row)
        return self._read[key]

    def select(self, wanted: Select[Any]) -> list[Fields]:
        """Return the rows that the table's own statement selects, with what was changed before."""
        self.write()
        found = [dict(row) for row in self._connection.execute(wanted).mappings()]
        self._read.update({self._key(row): row for row in found})
        return found

    def put(self, row: Mapping[str, Any]) -> None:
        """Add a whole row, or put it in the place of the one with the same key."""
        key = self._key(row)
        (self._changed if self.find(*key) is not None else self._new).add(key)
        self._read[key] = dict(row)

    def change(self, key: Key, **fields: Any) -> None:
        """Change some columns of a row; one that is not there stays away."""
        row = self.find(*key)
        if row is not None and any(row[name] != value for name, value in fields.items()):
            self.put({**row, **fields})

    def write(self) -> None:
        """Write what changed since the last writing."""
        changed = [self._read[key] or {} for key in sorted(self._changed - self._new)]
        if self._new:
            rows = [self._read[key] or {} for key in sorted(self._new)]
            self._connection.execute(insert(self._table), rows)
        if changed:
            statement = update(self._table).where(
                *(self._table.c[name] == bindparam(f"old_{name}") for name in self._keys)
            )
            rows = [{**row, **{f"old_{name}": row[name] for name in self._keys}} for row in changed]
            self._connection.execute(statement, rows)
        self._new.clear()
        self._changed.clear()

    def _key(self, row: Mapping[Any, Any]) -> Key:
        return tuple(row[name] for name in self._keys)
