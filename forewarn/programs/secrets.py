"""Read addresses and passwords that no site file may hold, from the environment or a file of its own.

FOREWARN_SECRETS names the file: a line `NAME=value` each, readable by its owner alone. The
environment comes first.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from domain.errors import Stop

FILE_VARIABLE = "FOREWARN_SECRETS"


def read_secrets(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Read every secret, by its name; no message ever holds a value.

    Raises:
        Stop: the file is missing, may be read by others, or has a line without a name.
    """
    given = os.environ if environment is None else environment
    named = given.get(FILE_VARIABLE)
    return {**(_read_file(Path(named)) if named else {}), **given}


def _read_file(path: Path) -> dict[str, str]:
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Stop(
                f"{path}: secrets should be readable by their owner alone, got mode "
                f"{stat.S_IMODE(mode):o}; chmod 600 {path}"
            )
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Stop(
            f"{FILE_VARIABLE} names {path}, which cannot be read: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise Stop(
            f"{path}: not UTF-8 text (byte {error.start}); is this a secrets file?"
        ) from error
    secrets = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, found, value = line.partition("=")
        if not found or not name.strip():
            raise Stop(f"{path}:{number}: needs NAME=value, got a line without a name")
        secrets[name.strip()] = value.strip()
    return secrets
