"""A record in the making: its files, what could not be had and why, and remarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog

from domain.errors import ForewarnError, Stop, TryAgain

log = structlog.get_logger()
_T = TypeVar("_T")


@dataclass
class Gathering:
    """Files and reasons, as the parts of one record come in."""

    folder: Path
    roles: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def attempt(self, part: str, make: Callable[[], _T]) -> _T | None:
        """Make one part; why it could not be made is put on record.

        Raises:
            TryAgain, Stop, OSError: what may come back, or is set up wrongly, is not the part's fault.
        """
        try:
            return make()
        except (TryAgain, Stop, OSError):
            raise
        except ForewarnError as error:
            self.missing.append(f"{part}: {error}")
        except Exception as error:  # one strange file must not hold up all evidence after it
            log.exception("evidence_part_failed", part=part)
            self.missing.append(f"{part}: {type(error).__name__}: {error}")
        return None

    def write(self, name: str, role: str, content: bytes) -> None:
        """Add a file to the record."""
        (self.folder / name).write_bytes(content)
        self.roles[name] = role
