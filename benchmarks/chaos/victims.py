"""Choose who is killed, and check that nobody of theirs stays behind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil

SUPERVISOR = "supervisor"


def _module(name: str) -> Callable[[psutil.Process], bool]:
    return lambda process: f"forewarn.programs.{name}" in process.cmdline()


def _script(name: str) -> Callable[[psutil.Process], bool]:
    return lambda process: any(name in word for word in process.cmdline())


# which of the processes below `forewarn run` it is; those that a scene has not are passed over
VICTIMS: dict[str, Callable[[psutil.Process], bool]] = {
    "watch": _module("watch"),
    "announce": _module("announce"),
    "preserve": _module("preserve"),
    "notify": _module("notify"),
    "mask": _module("mask"),
    "alarms": _module("alarms"),
    "caretaker": _module("caretaker"),
    "speech worker": _script("espeak_worker"),
    "triton": lambda process: process.name() == "tritonserver",
    "triton's guardian": _script("serving/guardian.py"),
    "triton's backend": _script("triton_python_backend_stub"),
}


@dataclass
class Family:
    """The processes of one data folder's runs, one supervisor after the other."""

    known: dict[psutil.Process, str] = field(default_factory=dict)  # all that were seen below one

    def look(self, supervisor: int) -> None:
        """Remember who is there now."""
        with contextlib.suppress(psutil.Error):
            for each in psutil.Process(supervisor).children(recursive=True):
                if each not in self.known:
                    self.known[each] = _name_of(each)

    def kill(self, supervisor: int, victim: str) -> bool:
        """Kill -9 one of them; False where it is not there at the moment."""
        self.look(supervisor)
        with contextlib.suppress(psutil.Error):
            own = psutil.Process(supervisor)
            found = [own] if victim == SUPERVISOR else list(_found(own, VICTIMS[victim]))
            if found:
                found[0].kill()
                return True
        return False

    def present(self, supervisor: int) -> list[str]:
        """Return names of the victims that are there."""
        with contextlib.suppress(psutil.Error):
            own = psutil.Process(supervisor)
            return [name for name, is_it in VICTIMS.items() if any(_found(own, is_it))]
        return []

    def orphans(self) -> list[str]:
        """Return who of all that were ever seen still runs."""
        return [f"{name} ({each.pid})" for each, name in self.known.items() if _runs(each)]

    def end(self) -> None:
        """Kill those that stayed behind: they would disturb what comes next."""
        for each in self.known:
            with contextlib.suppress(psutil.Error):
                if each.is_running():
                    each.kill()


def _found(
    own: psutil.Process, is_it: Callable[[psutil.Process], bool]
) -> Iterator[psutil.Process]:
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if is_it(child):
                yield child


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _name_of(process: psutil.Process) -> str:
    for name, is_it in VICTIMS.items():
        with contextlib.suppress(psutil.Error):
            if is_it(process):
                return name
    with contextlib.suppress(psutil.Error):
        return str(process.name())
    return "a process that was gone at once"
