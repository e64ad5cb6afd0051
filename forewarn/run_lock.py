"""One run a data folder: two would fight over its recovery stores."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from domain.data_dir import DataDir
from domain.errors import Stop


@contextmanager
def run_lock(data: DataDir) -> Iterator[None]:
    """Hold the data folder for this process; a killed holder lets go by itself.

    Raises:
        Stop: another run holds it.
    """
    path = data.root / "run.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise Stop(
                f"{data.root}: another forewarn run (process {file.read().strip() or '?'}) uses this "
                "data folder; end it, or name another folder with --data"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
