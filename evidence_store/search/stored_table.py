"""Hold one LanceDB table: opened anew once its folder is exchanged, and damage is told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from domain.errors import Stop, TryAgain
from domain.files import file_identity

if TYPE_CHECKING:
    from lancedb.table import LanceTable

_T = TypeVar("_T")


class TableDamaged(Stop):
    """The table cannot be read, or is gone; the vault is not touched by that."""

    def __init__(self, folder: Path, what: str) -> None:
        self.folder = folder
        self.command = f"forewarn evidence rebuild-table --data {folder.parent}"
        super().__init__(
            f"evidence table {folder}: {what}; the records in {folder.parent / 'evidence'} are not touched by "
            f"that: `{self.command}` makes the table anew from them"
        )


class StoredTable:
    """One table of a LanceDB folder; safe for several threads, as LanceDB's own handle is."""

    def __init__(self, folder: Path, name: str, open_anew: Callable[[], LanceTable | None]) -> None:
        """Open nothing yet: every use raises what `open_anew` raises."""
        self.folder, self.name = folder, name
        self._open_anew = open_anew
        self._held: tuple[LanceTable | None, tuple[int, int] | None] = (None, None)

    def _open(self) -> tuple[LanceTable | None, tuple[int, int] | None]:
        table = self._open_anew()
        return table, file_identity(self._path)

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.name}.lance"

    def current(self) -> LanceTable | None:
        """Return LanceDB's handle of what lies there now; None: no table, and none is to be made."""
        if self._held[1] is None or self._held[1] != file_identity(self._path):
            self._held = self._open()
        return self._held[0]

    def needed(self) -> LanceTable:
        """Return the handle to write by; raises TableDamaged where there is no table, and none is to be made."""
        if (table := self.current()) is None:
            raise TableDamaged(self.folder, f"{self.name} is missing")
        return table

    def read(self, ask: Callable[[LanceTable], _T], otherwise: _T) -> _T:
        """Return what is asked of the table, `otherwise` where there is none.

        Raises:
            TableDamaged: it cannot be read.
            TryAgain: the disk cannot be read now.
        """
        if (table := self.current()) is None:
            return otherwise
        try:
            return ask(table)
        except BaseException as error:
            if not is_from_lance(error):
                raise
        # its files may have been written anew under the handle: what lies there now decides
        self._held = self._open()
        if (table := self._held[0]) is None:
            return otherwise
        with damage_in_words(self.folder, self.name):
            return ask(table)

    def change(self, change: Callable[[LanceTable], _T]) -> _T:
        """Return what comes of a change, which raises TryAgain where it fails; damage is told as `read` does."""
        try:
            return change(self.needed())
        except TryAgain:
            self.check_readable()
            raise

    def check_readable(self) -> None:
        """Read all but the vectors; raises as `read` does."""
        self.read(read_all_facts, pa.table({}))


def read_all_facts(table: LanceTable) -> pa.Table:
    """Read all rows without their vectors, a million of which would be gigabytes."""
    names = [field.name for field in table.schema if not pa.types.is_fixed_size_list(field.type)]
    return read_columns(table, names)


def read_columns(table: Any, names: list[str]) -> pa.Table:
    """Read some columns of all rows."""
    return table.search().select(names).limit(max(1, table.count_rows())).to_arrow()


@contextmanager
def damage_in_words(folder: Path, name: str) -> Iterator[None]:
    """Raise TableDamaged, or TryAgain for the disk's own errors, in place of what LanceDB raises."""
    try:
        yield
    except BaseException as error:
        if not is_from_lance(error):
            raise
        # of a Rust error: the rest is where in its source it was raised
        words = str(error).splitlines()[0].split(", /")[0] if str(error) else type(error).__name__
        if isinstance(error, OSError) or "os error" in str(error):
            raise TryAgain(f"evidence table {folder / name}: cannot be opened: {words}") from error
        raise TableDamaged(folder, f"{name} cannot be read ({words})") from error


def is_from_lance(error: BaseException) -> bool:
    """Tell whether an error is one that LanceDB raises for files that it cannot make sense of."""
    # a panic of Rust is no Exception
    is_panic = type(error).__name__ == "PanicException"
    return is_panic or isinstance(error, (OSError, RuntimeError, ValueError, pa.ArrowException))
