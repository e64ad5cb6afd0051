"""List the cameras in quarantine: written by whoever looks after the programs, read by the watch program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from domain.base import BothLanguages, FrozenModel
from domain.cameras.messages import trouble
from domain.files import write_atomically


class QuarantinedCamera(FrozenModel):
    """Say why a camera is read by nobody but trials."""

    crashes: int = Field(ge=1)  # of the watch program, by its stream
    signal: str  # that ended it last, such as SIGSEGV
    tries: int = 0  # that ended like that, too


Quarantined = Mapping[str, QuarantinedCamera]
_LIST = TypeAdapter(dict[str, QuarantinedCamera])


class QuarantineList:
    """The list as a small file, replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._cameras: dict[str, QuarantinedCamera] = {}

    def read(self) -> Quarantined:
        """Return who is in quarantine, by camera; nobody where there is no list that can be read."""
        try:
            state = self._path.stat()
            seen = state.st_mtime_ns, state.st_ino
            if seen != self._seen:
                self._cameras = _LIST.validate_json(self._path.read_bytes())
                self._seen = seen
        except (OSError, ValidationError):
            self._cameras, self._seen = {}, None
        return self._cameras

    def write(self, cameras: Quarantined) -> None:
        """Replace the list; OSError: it cannot be written now."""
        write_atomically(self._path, _LIST.dump_json(dict(cameras)), durable=False)

    def why(self) -> dict[str, BothLanguages]:
        """Return the reason for each, in words for people."""
        return {
            camera_id: trouble(
                "quarantined", camera=camera_id, crashes=each.crashes, signal=each.signal
            )
            for camera_id, each in self.read().items()
        }
