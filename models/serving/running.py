"""Which embedded server runs for a data folder: `<data>/triton/server.json`."""

from __future__ import annotations

import http.client
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

NOTE = "server.json"


class RunningServer(BaseModel):
    """Where a started server listens."""

    model_config = ConfigDict(frozen=True)

    pid: int
    address: str  # gRPC, "127.0.0.1:8001"
    http_port: int
    metrics_port: int
    log_file: str

    def write(self, folder: Path) -> None:
        """Replace the note in one step."""
        temporary = folder / f".{NOTE}.{os.getpid()}.part"
        temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        temporary.replace(folder / NOTE)

    @property
    def is_alive(self) -> bool:
        """True where the process lives and is a Triton server (ids are used again)."""
        try:
            return Path(f"/proc/{self.pid}/comm").read_text().strip() == "tritonserver"
        except OSError:
            return False


def read_note(folder: Path) -> RunningServer | None:
    """The note of the last server that was started; None where there is none (whole)."""
    try:
        return RunningServer.model_validate_json((folder / NOTE).read_bytes())
    except (OSError, ValidationError):
        return None


def find_running(folder: Path) -> str | None:
    """gRPC address of the server that runs for this folder; None where none is alive and ready.

    Args:
        folder: `DataDir.triton`.
    """
    note = read_note(folder)
    if note is None or not note.is_alive or not is_ready(note.http_port):
        return None
    return note.address


def is_ready(http_port: int, timeout_s: float = 1.0) -> bool:
    """True where a server on this machine says that all its models are loaded."""
    connection = http.client.HTTPConnection("127.0.0.1", http_port, timeout=timeout_s)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
