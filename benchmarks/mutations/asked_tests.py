"""Ask quick tests about many changes: collected once, and each change is shown only to those that call what it changes.

A room's tests are first run as they are, in a fork, which notes what each calls. Each change then has a fork of
its own: the cheapest test comes first, and the first that fails is enough.
"""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import accumulate, zip_longest
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import Phase, settings

from benchmarks.mutations.changed_module import QUICK, ROOT, ChangedModule
from benchmarks.mutations.swapped_code import changed_functions, place_of, swap

MEMORY = Path("/dev/shm")
LEARNING_S = 1200.0  # the tests as they are; of CPU
LEAST_S = 20.0
TIMES_AS_LONG = 5.0  # a change may take so much longer than the tests do without it
HUNG = "it does not end"
BROKE = "broke"
MOST_EXAMPLES, EXAMPLES_TO_LEARN = 20, 5
HYPOTHESIS_SETTINGS = "_hypothesis_internal_use_settings"  # of a test, where it looks for them


@dataclass(frozen=True)
class Answer:
    """What the tests of a room say of one change."""

    change: int  # its row; -1: of none, but of the tests as they are
    by: str = ""  # the test that noticed it first; "": none did
    asked: int = 0  # tests
    seconds: float = 0.0
    # it cannot be shown to what lives already: the files whose tests call the module, cheapest first
    files: tuple[str, ...] = ()
    is_cold: bool = False


@dataclass(frozen=True)
class _Known:
    """A test as it is."""

    seconds: float
    has_passed: bool
    calls: frozenset[str]


def ask_tests(
    tests: Sequence[str], changes: Sequence[ChangedModule], most_s: float
) -> Iterator[Answer]:
    """Yield an answer for each change, and first one for the tests as they are.

    Args:
        tests: folders and files.
        changes: of modules that these tests import.
        most_s: for one change; tests that take longer in all are not asked.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            _be_silent()
            options = ["-q", "-m", QUICK, "-p", "no:cacheprovider", "--hypothesis-seed=0"]
            plugin = _Asking(changes, most_s, write)
            pytest.main([*tests, *options, "--timeout=60"], plugins=[plugin])
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as lines:
        for line in lines:
            answer = json.loads(line)
            yield Answer(**answer | {"files": tuple(answer["files"])})
    os.waitpid(child, 0)


class _Asking:
    """In place of pytest's own loop over what it collected."""

    def __init__(self, changes: Sequence[ChangedModule], most_s: float, write: int) -> None:
        self._changes = changes
        self._most_s = most_s
        self._write = write
        self._known: dict[str, _Known] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Learn what each test calls, then ask about each change."""
        began_s = time.monotonic()
        learnt = _answer_of_fork(lambda folder: _learn(session, folder), LEARNING_S)
        _limit_examples(session, MOST_EXAMPLES)
        if learnt is None:
            raise RuntimeError("the tests do not end as they are")
        self._known = {name: _known(each) for name, each in learnt.items()}
        failing = [name for name, each in self._known.items() if not each.has_passed]
        self._say(Answer(-1, ", ".join(failing[:5]), len(self._known), time.monotonic() - began_s))
        for number, change in enumerate(self._changes):
            self._say(self._ask(session, number, change))
        return True

    def _say(self, answer: Answer) -> None:
        os.write(self._write, json.dumps(asdict(answer)).encode() + b"\n")

    def _ask(self, session: pytest.Session, number: int, change: ChangedModule) -> Answer:
        began_s = time.monotonic()
        pairs = changed_functions(change.code_before(), change.code)
        places = {place_of(one) for one, _ in pairs or ()}
        items = self._cheapest(session, lambda known: bool(known.calls & places))
        # what none calls may have been called while it was imported
        if pairs and items:
            items, usual_s = self._within(items)
            most_s = LEAST_S + TIMES_AS_LONG * usual_s
            said = _answer_of_fork(
                lambda folder: swap(pairs) and _first_failing(session, items, folder), most_s
            )
            if said is not False:
                by = HUNG if said is None else said
                return Answer(number, by, len(items), time.monotonic() - began_s)
        start = f"{change.path}:"
        callers = self._cheapest(
            session, lambda known: any(call.startswith(start) for call in known.calls)
        )
        # a module that does all it does at its import is called by none
        callers = callers or self._cheapest(session, lambda _: True)
        files = tuple(dict.fromkeys(str(item.path) for item in callers))
        return Answer(number, files=files, is_cold=True)

    def _within(self, items: list[pytest.Item]) -> tuple[list[pytest.Item], float]:
        """Return so many that all can be asked, and how long they take."""
        costs_s = [self._known[item.nodeid].seconds for item in items]
        in_all_s = [*accumulate(costs_s)]
        most = max(bisect_right(in_all_s, self._most_s), 1)
        return items[:most], in_all_s[most - 1]

    def _cheapest(
        self, session: pytest.Session, is_wanted: Callable[[_Known], bool]
    ) -> list[pytest.Item]:
        known = self._known
        items = [
            item for item in session.items if item.nodeid in known and known[item.nodeid].has_passed
        ]
        chosen = [item for item in items if is_wanted(known[item.nodeid])]
        return sorted(chosen, key=lambda item: known[item.nodeid].seconds)


def _limit_examples(session: pytest.Session, most: int) -> None:
    """Make tests of properties cheap: the first example that fails is enough, and few are tried."""
    for item in session.items:
        test = getattr(item, "function", None)
        if own := getattr(test, HYPOTHESIS_SETTINGS, None):
            few = settings(
                own,
                max_examples=min(own.max_examples, most),
                phases=(Phase.explicit, Phase.generate),
                database=None,
            )
            setattr(test, HYPOTHESIS_SETTINGS, few)


def _learn(session: pytest.Session, folder: Path) -> dict[str, Any]:
    """Run each test as it is, and note what of ours it calls, how long it takes, and whether it passes.

    What is called while a test is set up counts for all tests of its file: they may share it.
    """
    _limit_examples(session, EXAMPLES_TO_LEARN)
    noted: dict[int, str] = {}
    set_up: dict[Path, set[str]] = {}
    learnt: dict[str, Any] = {}
    under = str(ROOT) + os.sep

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if id(code) not in noted:
            noted[id(code)] = place_of(code) if code.co_filename.startswith(under) else ""

    class Listening:
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_call(self, item: pytest.Item) -> None:
            set_up.setdefault(item.path, set()).update(noted.values())
            noted.clear()

    session.config.pluginmanager.register(Listening(), "listening")
    threading.settrace(note)
    for item, following in _pairs(session, session.items, folder):
        noted.clear()
        failed, began_s = session.testsfailed, time.process_time()
        sys.settrace(note)  # again: a test may have taken it away
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        learnt[item.nodeid] = {
            "seconds": time.process_time() - began_s,
            "has_passed": session.testsfailed == failed,
            "calls": {*noted.values()},
        }
    sys.settrace(None)
    for item in session.items:
        each = learnt[item.nodeid]
        each["calls"] = sorted((each["calls"] | set_up.get(item.path, set())) - {""})
    return learnt


def _known(learnt: dict[str, Any]) -> _Known:
    return _Known(learnt["seconds"], learnt["has_passed"], frozenset(learnt["calls"]))


def _first_failing(session: pytest.Session, items: Sequence[pytest.Item], folder: Path) -> str:
    """Return which test fails first; "": none does."""
    for item, following in _pairs(session, items, folder):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return item.nodeid
    return ""


def _pairs(
    session: pytest.Session, items: Sequence[pytest.Item], folder: Path
) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    """Yield each test and the next one, with a folder of their own for what they write."""
    session.config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]
    yield from zip_longest(items, items[1:])


def _answer_of_fork(work: Callable[[Path], Any], most_cpu_s: float) -> Any:
    """Return what `work` returns, which JSON can tell, in a fork; None: it died, or does not end."""
    folder = Path(tempfile.mkdtemp(prefix="asked-", dir=MEMORY if MEMORY.is_dir() else None))
    answer = folder / "answer.json"
    until_s = time.monotonic() + 60 + 6 * most_cpu_s  # it may wait for ever, or the machine be busy
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            _be_silent()
            most = math.ceil(most_cpu_s)
            resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
            try:
                said = work(folder)
            except Exception as error:
                said = {BROKE: repr(error)}
            answer.write_text(json.dumps(said))
        finally:
            os._exit(0)
    while not os.waitpid(child, os.WNOHANG)[0]:
        if time.monotonic() > until_s:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.005)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what a test had started
    said = json.loads(answer.read_text()) if answer.exists() else None
    shutil.rmtree(folder, ignore_errors=True)
    if isinstance(said, dict) and BROKE in said:
        raise RuntimeError(said[BROKE])
    return said


def _be_silent() -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
