"""Fill each place of a live run's data folder, and make it read-only; then free it and look what came of it.

    python -m benchmarks.full_disks [--hold 60] [--place recovery --place .] [--fault full]

A camera is watched by RTSP all the time. Every place is a disk of its own (tmpfs); `.` is the data folder
itself, with the event log. After each fault everything has to go on by itself: the run, the camera, the
evidence; and somebody has to have been told.

A disk is filled for real. For read-only the place is mounted over itself, read-only: what is opened anew
fails, and what is open goes on, for the kernel refuses more while files are open. It is not tried on `.`,
below which the other disks are mounted.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from benchmarks.chaos import scene
from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, append
from domain.data_dir import DataDir
from domain.events.catalog import EvidenceSealed, OutcomeData, StorageChanged
from domain.ids import mint
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.keys.signing_keys import KeyFolder
from tests.support.small_disk import SmallDisk, mounted

PLACES = ("recordings", "evidence", "lancedb", "recovery", "announcements", "logs", ".")
FAULTS = ("full", "read-only")
SIZE_MIB = {".": 256, "recordings": 192, "evidence": 512}
OTHER_SIZE_MIB = 64
BACK_WITHIN_S = 10.0
LOOKED_FOR_S = 60.0
NOTHING_SEALED_FOR_S = 600.0  # then what still waits is lost
STARTED_WITHIN_S = 240.0
REST_S = 15.0
terminal = Console(stderr=True)


@dataclass
class Tally:
    """What went wrong, each with its fault and place."""

    ended: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)  # until a picture was looked at again


@dataclass
class Run:
    """One live run, and the disks below it."""

    around: scene.Scene
    data: DataDir
    disks: dict[str, SmallDisk]
    process: subprocess.Popen[bytes]

    @property
    def has_ended(self) -> bool:
        """Tell whether the run is over, though nobody ended it."""
        return self.process.poll() is not None

    def events(self) -> list[LoggedEvent]:
        """Read the whole log."""
        found: list[LoggedEvent] = []
        with EventLog.open(self.data.events_db) as log:
            while page := log.read(found[-1].seq if found else 0):
                found += page
        return found

    def looked_at(self) -> float:
        """Return when the camera's latest state was written, seconds since 1970."""
        times = [path.stat().st_mtime for path in self.data.live.glob("[!.]*.json")]
        return max(times, default=0.0)


@contextmanager
def started(folder: Path, triton: str | None) -> Iterator[Run]:
    """Mount the disks and start a live run on them."""
    with ExitStack() as stack:
        around = stack.enter_context(scene.live(folder, triton))
        data = DataDir(folder / "data")
        disks = {".": stack.enter_context(mounted(data.root, SIZE_MIB["."]))}
        for place in PLACES[:-1]:
            size_mib = SIZE_MIB.get(place, OTHER_SIZE_MIB)
            disks[place] = stack.enter_context(mounted(data.root / place, size_mib))
        KeyFolder(data.keys).create()
        EncryptionKeyFolder(data.keys).create()
        argv = [*around.command(data), "--live-view"]
        with (folder / "terminal").open("wb") as output:
            process = subprocess.Popen(
                argv, stdout=output, stderr=output, env=around.environment(data)
            )
        try:
            yield Run(around, data, disks, process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            terminal.print((folder / "terminal").read_text(errors="replace"), markup=False)


@contextmanager
def fault(run: Run, place: str, kind: str) -> Iterator[None]:
    """Keep a place full, or read-only, for the length of the block."""
    disk = run.disks[place]
    if kind == "full":
        disk.fill()
        try:
            yield
        finally:
            disk.free()
        return
    path = str(disk.folder)
    _call("mount", "--bind", path, path)
    try:
        _call("mount", "-o", "remount,bind,ro", path)
        yield
    finally:
        _call("umount", "--lazy", path)


def measure(
    hold_s: float, faults: Sequence[str], places: Sequence[str], triton: str | None
) -> Tally:
    """Try every fault at every place, one after the other, in one run."""
    tally = Tally()
    with (
        tempfile.TemporaryDirectory(prefix="forewarn-disks-") as name,
        started(Path(name), triton) as run,
    ):
        if not _wait(lambda: run.looked_at() > 0 and _ends(run) > 0, STARTED_WITHIN_S):
            tally.ended.append("before the first fault: nothing was watched")
            return tally
        for kind in faults:
            for place in places:
                if run.has_ended or (kind == "read-only" and place == "."):
                    continue
                _try(run, kind, place, hold_s, tally)
        _settle(run, tally)
    return tally


def _try(run: Run, kind: str, place: str, hold_s: float, tally: Tally) -> None:
    what = f"{kind} {place}"
    before = len(run.events())
    with fault(run, place, kind):
        time.sleep(hold_s)
        held = not run.has_ended
    freed_s, freed_at = time.monotonic(), time.time()
    is_back = _wait(lambda: run.looked_at() > freed_at + 0.5, LOOKED_FOR_S)
    back_s = time.monotonic() - freed_s
    time.sleep(REST_S)
    if run.has_ended:
        tally.ended.append(what)
        return
    tally.back_s.append(back_s)
    if not is_back:
        tally.blind.append(what)
    states = {
        logged.event.data.state
        for logged in run.events()[before:]
        if isinstance(logged.event.data, StorageChanged) and place in logged.event.data.folders
    }
    wanted = {"full", "ok"} if kind == "full" else {"read_only", "ok"}
    if not wanted <= states:
        tally.untold.append(f"{what}: told {sorted(states)}")
    terminal.print(f"{what}: lived {held}, back after {back_s:.1f} s, told {sorted(states)}")


def _settle(run: Run, tally: Tally) -> None:
    """Take the camera away, and wait until all that has ended is sealed."""
    if run.has_ended:
        return
    run.around.fall_silent()
    time.sleep(10)
    # a slow machine may have a long backlog: it is given up only where nothing comes of it any more
    while _is_one_less(run, len(_unsealed(run))):
        pass
    tally.lost += [f"{offence_id}: never sealed" for offence_id in _unsealed(run)]
    for logged in run.events():
        data = logged.event.data
        if isinstance(data, EvidenceSealed) and not data.complete and not all(data.missing):
            tally.lost.append(f"{data.evidence_id}: what is missing is not named")
    sealed = sum(isinstance(each.event.data, EvidenceSealed) for each in run.events())
    terminal.print(f"{_ends(run)} offences ended, {sealed} sealed")


def _is_one_less(run: Run, left: int) -> bool:
    """Wait until fewer than `left` are unsealed; False: nothing was sealed for long, or none is left."""
    return left > 0 and _wait(lambda: len(_unsealed(run)) < left, NOTHING_SEALED_FOR_S)


def _ends(run: Run) -> int:
    return sum(isinstance(each.event.data, OutcomeData) for each in run.events())


def _unsealed(run: Run) -> list[str]:
    events = [logged.event for logged in run.events()]
    sealed = {event.subject for event in events if isinstance(event.data, EvidenceSealed)}
    return [
        event.subject
        for event in events
        if isinstance(event.data, OutcomeData) and mint("evd", event.subject) not in sealed
    ]


def _wait(claim: Callable[[], bool], at_most_s: float) -> bool:
    until_s = time.monotonic() + at_most_s
    while time.monotonic() < until_s:
        try:
            if claim():
                return True
        except Exception as error:  # the log may be away just now
            terminal.print(f"(looking again: {error})", markup=False)
        time.sleep(0.2)
    return False


def _call(*words: str) -> None:
    subprocess.run(words, check=True)


def main() -> int:
    """Print and keep the counts; 1 where one is not 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.full_disks", description=__doc__)
    parser.add_argument("--hold", type=float, default=60.0, help="seconds of each fault")
    parser.add_argument("--place", choices=PLACES, action="append", help="none given: all")
    parser.add_argument("--fault", choices=FAULTS, action="append", help="none given: both")
    parser.add_argument("--triton", help="HOST:PORT of a server; else one of the run's own")
    given = parser.parse_args()
    faults, places = given.fault or FAULTS, given.place or PLACES
    tally = measure(given.hold, faults, places, given.triton)
    counts = {
        "disk_runs_ended": tally.ended,
        "disk_cameras_blind": tally.blind,
        "disk_evidence_lost": tally.lost,
        "disk_untold": tally.untold,
    }
    conditions = {"hold_s": given.hold, "places": list(places), "faults": list(faults)}
    conditions |= {"back_s": [round(each, 1) for each in tally.back_s]}
    for name, found in counts.items():
        result = Result(
            name=name,
            value=len(found),
            unit=f"in {len(tally.back_s)} faults",
            must=0,
            aim=0,
            better="lower",
            conditions=conditions | {"what": found},
            machine=describe_machine(),
            commit=describe_commit(),
        )
        append(result)
        print(json.dumps({"name": name, "value": len(found), "what": found}))
    late = [each for each in tally.back_s if each > BACK_WITHIN_S]
    print(json.dumps({"back_s": conditions["back_s"], "late": len(late)}))
    return 1 if any(counts.values()) or late else 0


if __name__ == "__main__":
    sys.exit(main())
