"""Delete what was spoken when its term is over: the calls' files, and sounds that no call names any more."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from domain.data_dir import SOUNDS

# a call is linked to its sound a moment after that was written
UNUSED_FOR_S = 3600.0


def forget_announcements(folder: Path, before: float) -> int:
    """Delete the calls that were made before a moment, and sounds without a call.

    Args:
        folder: of announcements.
        before: seconds since 1970.
    Returns:
        how many files of calls are gone.
    """
    gone, named = 0, set[str]()
    for path in sorted(folder.glob("[!.]*/*")):
        with suppress(
            OSError
        ):  # it went meanwhile, or cannot be deleted now: the next round looks again
            # of a link its own time, not that of the sound
            if path.lstat().st_mtime < before:
                path.unlink()
                gone += 1
            elif path.is_symlink():
                named.add(path.readlink().name)
    for sound in (folder / SOUNDS).glob("[!.]*"):
        with suppress(OSError):
            if sound.name not in named and time.time() - sound.stat().st_mtime > UNUSED_FOR_S:
                sound.unlink()
    return gone
