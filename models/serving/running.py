"""Find the embedded server that runs for a data folder, by `<data>/triton/server.json`."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.errors import TryAgain
from domain.files import write_atomically

NOTE = "server.json"
STUB = Path(
    "backends/python/triton_python_backend_stub"
)  # of Python backends, as a server starts it


class RunningServer(BaseModel):
    """Note of a started server: its processes, addresses and log."""

    model_config = ConfigDict(frozen=True)

    pid: int
    owner_pid: int  # the server ends when its owner does
    address: str  # gRPC, "127.0.0.1:8001"
    http_port: int
    metrics_port: int
    log_file: str

    def write(self, folder: Path) -> None:
        """Replace the note in one step."""
        content = self.model_dump_json(indent=1) + "\n"
        write_atomically(folder / NOTE, content.encode(), durable=False)

    @property
    def has_owner(self) -> bool:
        """False once the process that started it is gone: the server is ending, use it no more."""
        return Path(f"/proc/{self.owner_pid}").exists()

    @property
    def is_alive(self) -> bool:
        """True where the process lives and is a Triton server (ids are used again)."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        name, _, more = stat.partition("(")[2].rpartition(")")
        # where nobody collects it, as in a container without an init, a dead one stays as Z
        return name == "tritonserver" and not more.lstrip().startswith("Z")

    @property
    def has_lost_a_helper(self) -> bool:
        """True where one of its Python backends was killed: it says that it is ready all the same,
        and refuses every request to that model until it is started again.
        """
        return any(_is_dead(child) for child in _children(self.pid))


def _children(pid: int) -> list[str]:
    found = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):  # by the thread that started them
        with contextlib.suppress(OSError):
            found += listing.read_text().split()
    return found


def _is_dead(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].lstrip().startswith("Z")
    except OSError:
        return False


def read_note(folder: Path) -> RunningServer | None:
    """Read the note of the last server that was started; None where there is none (whole)."""
    try:
        return RunningServer.model_validate_json((folder / NOTE).read_bytes())
    except (OSError, ValidationError):
        return None


def find_running(folder: Path) -> str | None:
    """Return the gRPC address of the server that runs for `DataDir.triton`; None where none is alive and ready."""
    note = read_note(folder)
    if note is None or not note.is_alive or not note.has_owner or not is_ready(note.http_port):
        return None
    return note.address


def wait_for_orphan(folder: Path, timeout_s: float = 30.0) -> None:
    """Wait until a server whose owner was killed has ended by itself; TryAgain: it has not."""
    deadline = time.monotonic() + timeout_s
    while (note := read_note(folder)) and note.is_alive and not note.has_owner:
        if time.monotonic() > deadline:
            raise TryAgain(
                f"{folder}: the Triton server {note.pid} of a run that was killed has not ended "
                f"after {timeout_s:.0f} s; end it by hand"
            )
        time.sleep(0.1)


def end_unguarded(folder: Path, grace_s: float) -> None:
    """Wait for a server whose killed guardian sent it SIGTERM; kill it after the grace, and its helpers."""
    deadline = time.monotonic() + grace_s
    note = read_note(folder)
    while note is not None and note.is_alive:
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(note.pid, signal.SIGKILL)
        time.sleep(0.05)
    end_helpers(folder)


def end_helpers(folder: Path) -> None:
    """Kill the Python backends of a folder's server that is gone: their guardian was killed, too."""
    started_as = str((folder / STUB).absolute()).encode()
    for words in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if words.read_bytes().split(b"\0", 1)[0] == started_as:
                os.kill(int(words.parent.name), signal.SIGKILL)


def is_ready(http_port: int) -> bool:
    """Tell whether a server on this machine says that all its models are loaded."""
    connection = http.client.HTTPConnection("127.0.0.1", http_port, timeout=1.0)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
