"""Operators who give commands at random moments, as people do: in a hurry, twice, about what has ended.

Some go by `forewarn offences`, a program of its own that is sometimes killed while it asks and then
asked again with the same key; the others write into the event log as the console does.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.results import ROOT
from domain.base import BothLanguages
from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.events.catalog import OffenceOpened, OutcomeData
from domain.events.commands import CommandKind
from event_log.commands import CommandRequest, give_command
from event_log.log import EventLog

NAMES = ("Wang", "Li", "Zhang")
KINDS = (
    *(CommandKind.TAKE_OVER, CommandKind.TAKE_OVER, CommandKind.HAND_BACK, CommandKind.HAND_BACK),
    *(CommandKind.SPEAK, CommandKind.SPEAK, CommandKind.DISPATCH, CommandKind.DISMISS),
)
EVERY_S = (0.2, 1.5)
KILLED_WITHIN_S = 2.5  # of a program's start; most of it is the start
DONE, REFUSED, WAITING = 0, 65, 75  # exit codes


@dataclass
class _Asking:
    """A `forewarn offences` that is under way."""

    argv: list[str]
    process: subprocess.Popen[bytes]
    kill_at_s: float | None


@dataclass
class Operators:
    """Ask for something every second or so, while offences are open."""

    data: DataDir
    chance: random.Random
    log_of_all: list[str] = field(default_factory=list)
    kills: int = 0
    exit_codes: Counter[int] = field(default_factory=Counter)
    _open: list[str] = field(default_factory=list)
    _ended: list[str] = field(default_factory=list)
    _read_to: int = 0
    _number: int = 0
    _next_s: float = 0.0
    _asking: list[_Asking] = field(default_factory=list)
    _log: EventLog | None = None

    def work(self) -> int:
        """Look at the log, and perhaps ask; to be called often.

        Returns:
            how many offences have opened so far, as far as it was looked.
        """
        self._look_after_programs()
        if time.monotonic() >= self._next_s and self.data.events_db.exists():
            self._look_and_ask()
        return len(self._open) + len(self._ended)

    def _look_and_ask(self) -> None:
        self._next_s = time.monotonic() + self.chance.uniform(*EVERY_S)
        try:
            self._read()
            if self._open:
                self._ask()
        except ForewarnError:  # locked for too long: people try again, too
            return

    def finish(self, patience_s: float) -> None:
        """Let programs that still ask come to their end; they are killed no more."""
        give_up_at = time.monotonic() + patience_s
        for each in self._asking:
            each.kill_at_s = None
        while self._asking and time.monotonic() < give_up_at:
            self._look_after_programs()
            time.sleep(0.05)
        for each in self._asking:
            each.process.kill()
            each.process.wait()
        if self._log is not None:
            self._log.close()

    def _read(self) -> None:
        self._log = self._log or EventLog.open(self.data.events_db)
        page = self._log.read_page(self._read_to, None, 1000)
        self._read_to = page.scanned_to
        for event in (each.event for each in page.events):
            if isinstance(event.data, OffenceOpened):
                self._open.append(event.subject)
            elif isinstance(event.data, OutcomeData) and event.subject in self._open:
                self._open.remove(event.subject)
                self._ended.append(event.subject)

    def _ask(self) -> None:
        asks_too_late = self._ended and self.chance.random() < 0.1
        offence_id = self.chance.choice(self._ended if asks_too_late else self._open)
        kind, name = self.chance.choice(KINDS), self.chance.choice(NAMES)
        self._number += 1
        key = f"ask-{self._number}"
        if self.chance.random() < 0.4:
            self._start(kind, offence_id, name, key)
            return
        words = BothLanguages(zh=f"请离开 {self._number}", en=f"Please leave, {self._number}")
        ask = CommandRequest(
            kind,
            offence_id,
            name,
            "console",
            reason=f"reason {self._number}",
            words=words if kind is CommandKind.SPEAK and self.chance.random() < 0.5 else None,
            key=key,
        )
        assert self._log is not None
        for _ in range(2 if self.chance.random() < 0.2 else 1):  # a double click
            give_command(self._log, ask)

    def _start(self, kind: CommandKind, offence_id: str, name: str, key: str) -> None:
        word = kind.value.replace(" ", "-")
        argv = ["offences", word, offence_id, "--by", name, "--key", key, "--wait", "30"]
        argv += ["--data", str(self.data.root)]
        if kind in (CommandKind.DISMISS, CommandKind.DISPATCH):
            argv += ["--note" if kind is CommandKind.DISPATCH else "--reason", f"reason {key}"]
        kill_at_s = None
        if self.chance.random() < 0.6:
            kill_at_s = time.monotonic() + self.chance.uniform(0, KILLED_WITHIN_S)
        self._begin([sys.executable, "-m", "forewarn", *argv], kill_at_s)

    def _begin(self, argv: list[str], kill_at_s: float | None) -> None:
        with (self.data.root / "operators.log").open("ab") as output:
            process = subprocess.Popen(argv, cwd=ROOT, stdout=output, stderr=output)
        self._asking.append(_Asking(argv, process, kill_at_s))

    def _look_after_programs(self) -> None:
        for each in [*self._asking]:
            if each.process.poll() is not None:
                self._asking.remove(each)
                self.exit_codes[each.process.returncode] += 1
            elif each.kill_at_s is not None and time.monotonic() > each.kill_at_s:
                each.process.kill()
                each.process.wait()
                self.kills += 1
                self._asking.remove(each)
                self._begin(each.argv, None)
