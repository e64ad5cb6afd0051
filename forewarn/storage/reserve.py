"""File that takes up room on a disk, to be given up when the disk is full."""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from domain.errors import wants_room

log = structlog.get_logger()

NAME = ".reserve"


class Reserve:
    """The reserve of one disk."""

    def __init__(self, folder: Path) -> None:
        """Know the reserve in a folder; what an earlier run left there is taken over."""
        self.path = folder / NAME
        # taken once: a disk that compresses or tells its blocks late shows less than that for ever
        self._took_bytes = -1

    @property
    def held_bytes(self) -> int:
        """Return how much room it takes up now; 0: it is given up."""
        try:
            status = self.path.stat()
        except OSError:
            return 0
        return min(status.st_size, status.st_blocks * 512)

    def take(self, size_bytes: int) -> bool:
        """Take up room; False: there is not enough, and none is taken."""
        if self.held_bytes == size_bytes or self._took_bytes == size_bytes == self._size:
            return True
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
            try:
                if size_bytes:
                    os.posix_fallocate(handle, 0, size_bytes)
            finally:
                os.close(handle)
        except OSError as error:
            log.info("reserve_not_taken", path=str(self.path), reason=str(error))
            self.give_up()
            return not wants_room(error)
        self._took_bytes = size_bytes
        return True

    @property
    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return -1

    def give_up(self) -> bool:
        """Free its room for whoever needs it; False: there was none, or the disk is read-only."""
        try:
            self.path.unlink()
        except OSError:
            return False
        log.warning("reserve_given_up", path=str(self.path))
        return True
