"""A real `forewarn console` in a process of its own, over a staged site."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from console_people import write_people
from staged_site import StagedSite, stage

from evidence_store.keys.signing_keys import KeyFolder

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class RunningConsole:
    """A real `forewarn console` in a process of its own."""

    staged: StagedSite
    address: str  # "http://127.0.0.1:<port>"
    pid: int
    output: Path
    escalated_id: str  # the offence whose evidence has pictures of two rungs and a clip


@contextmanager
def run_console(
    folder: Path, sample_clip: Path, sample_site_file: Path, people: Mapping[str, str]
) -> Iterator[RunningConsole]:
    """Run a console over two cameras with closed offences, an open one, and evidence."""
    with stage(folder / "var", sample_clip, sample_site_file) as staged:
        if people:
            write_people(staged.data, people)
            KeyFolder(staged.data.keys).create()
        complied = staged.offence(1, "complied", calls=1)
        escalated = staged.offence(2, "escalated", calls=3)
        late = staged.offence(3, "complied", calls=2, camera_id="gate-late")
        staged.offence(4, None, calls=2)
        staged.seal(complied, "gate-early", "complied", 10.0)
        staged.seal(escalated, "gate-early", "escalated", 10.0)
        staged.seal(late, "gate-late", "complied", 50.0)
        staged.keep_alive(staged.show("gate-early", 10.0, (("warned", 2),)))
        staged.show("gate-late", 50.0, (), "failed", "gate-late: no picture for 10 s; is it on?")
        output = folder / "console.log"
        with console_process(staged, sample_site_file, output) as (address, pid):
            yield RunningConsole(staged, address, pid, output, escalated)


@contextmanager
def console_process(
    staged: StagedSite, site_file: Path, output: Path, port: int = 0
) -> Iterator[tuple[str, int]]:
    """Yield its address and process id; it must end without an error."""
    command = [sys.executable, "-m", "forewarn", "console", "--data", str(staged.data.root)]
    command += ["--site", str(site_file), "--port", str(port), "--no-open"]
    with output.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    try:
        page = _wait_for_address(process, output)
        yield page.removesuffix("/live"), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        ended = process.wait(timeout=30)
    assert ended == 0, output.read_text()


def _wait_for_address(process: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://[^ ]+/live", output.read_text())
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"the console did not start: {output.read_text()}")
