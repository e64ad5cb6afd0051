"""Turn errors of the disk into TryAgain, for everything that writes evidence, keys and backups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import NoRoom, TryAgain, is_disk_trouble


@contextmanager
def reraise_as_try_again(
    what: str, where: Path | None = None, advice: str = "is the disk full or read-only?"
) -> Iterator[None]:
    """Turn OSError into TryAgain, or NoRoom where it is the disk: space, permissions and mounts come back."""
    try:
        yield
    except OSError as error:
        place = f" to {where}" if where else ""
        reason = "; ".join(filter(None, (str(error.strerror or error), advice)))
        family = NoRoom if is_disk_trouble(error) else TryAgain
        raise family(f"{what}: cannot be written{place}: {reason}") from error
