"""Who looked at unmasked evidence, when and why: lines that are only ever added."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.errors import PutAside, TryAgain


def log_access(
    path: Path, evidence_id: str, reason: str, files: Sequence[str], who: str | None = None
) -> dict[str, Any]:
    """Note that somebody is about to see originals; on the disk when it returns.

    Args:
        path: the log; one JSON object a line.
        reason: why, in the viewer's words.
        files: names of the originals shown.
        who: the viewer, where that is not the user who runs this process: a page's visitor.
    Returns:
        the entry.
    Raises:
        PutAside: no reason was given.
        TryAgain: the log cannot be written; then nothing may be shown.
    """
    if not reason.strip():
        raise PutAside("unmasked evidence needs a reason; add --reason 'case 17, second review'")
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "who": who or current_user(),
        "evidence_id": evidence_id,
        "files": list(files),
        "reason": reason.strip(),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(handle, (json.dumps(entry, ensure_ascii=False) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise TryAgain(f"access log {path}: cannot be written: {error.strerror}") from error
    return entry


def current_user() -> str:
    """Name of the operating system's user, or its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
