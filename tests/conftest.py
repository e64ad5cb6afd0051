"""Fixtures that several rooms share."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import TimeoutExpired
from tempfile import TemporaryDirectory
from typing import IO, Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from models.serving.server import TritonServer
from tests.support import shared_server
from tests.support.made_once import made_once
from tests.support.played_run import PlayedRun, play, write_short_site
from tests.support.small_disk import MountRefused, SmallDisk, mounted
from tests.support.unfinished import Unfinished

ROOT = Path(__file__).resolve().parents[1]

# programs are started some hundred times and read what they compiled before; where nothing may be written
# each start compiled the whole house, and each worker all tests
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# jsonschema builds 38 parsers of addresses when it is imported, ten times its own cost, and takes none
# where this is missing; no test asks for formats of addresses
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# what a worker's crash is written into
_fault_file: IO[str] | None = None

# of a file with such tests that does not say how long it takes
USUAL_S = {"slow": 20.0, "browser": 15.0, "triton": 10.0}

# what is slow on a busy machine is not wrong
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Start the Triton server that all workers of a run share, before there are any."""
    if hasattr(config, "workerinput"):
        _note_faults(config.workerinput["workerid"])
        return
    if cache := getattr(config, "cache", None):  # not where `-p no:cacheprovider` is given
        config.pluginmanager.register(Unfinished(cache.mkdir("unfinished") / "tests"))
    if not config.getoption("numprocesses", None) or shared_server.ADDRESS in os.environ:
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="forewarn-triton-")))
    shared = stack.enter_context(shared_server.kept_alive(folder))
    os.environ |= shared
    for name in shared:
        stack.callback(os.environ.pop, name)


def _note_faults(worker: str) -> None:
    """Keep what faulthandler writes in a worker's last moment where the run that started it finds it."""
    if folder := os.environ.get(shared_server.FOLDER):
        global _fault_file
        _fault_file = (Path(folder) / f"{worker}.fault").open("w")


def pytest_testnodedown(node: Any, error: object) -> None:
    """Tell how a worker died: a signal that no handler of faulthandler's sees leaves no other trace."""
    popen = getattr(getattr(node.gateway, "_io", None), "popen", None)
    if error and popen is not None:
        with suppress(TimeoutExpired):
            print(f"\n{node.gateway.id} ended with {popen.wait(10)}", file=sys.stderr)
        with suppress(OSError, KeyError):
            fault = Path(os.environ[shared_server.FOLDER]) / f"{node.gateway.id}.fault"
            print(fault.read_text(errors="replace"), file=sys.stderr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell that the shared Triton server died, though every test may have passed."""
    folder = os.environ.get(shared_server.FOLDER)
    if folder and (log := shared_server.last_death(Path(folder))):
        terminalreporter.section("the shared Triton server died and was started again; its log")
        terminalreporter.write_line(log)


@contextmanager
def _started_server(folder: Path) -> Iterator[TritonServer]:
    with TritonServer(folder) as server:
        server.wait_ready(timeout_s=120)
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, so that no worker begins one when the others are done."""
    takes_s: dict[Path, float] = {}
    for item in items:
        for mark in item.iter_markers():
            mark_s = mark.kwargs.get("file_takes_s", USUAL_S.get(mark.name, 0.0))
            takes_s[item.path] = max(takes_s.get(item.path, 0.0), mark_s)
    items.sort(key=lambda item: -takes_s.get(item.path, 0.0))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Fail what waits for the shared Triton server when that stays away."""
    if _fault_file is not None:
        # again and again: a program that a test ran in this process had its own file
        faulthandler.enable(_fault_file)
    yield from _with_living_server(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail what waits for the shared Triton server when that stays away."""
    yield from _with_living_server(item)


def _with_living_server(item: pytest.Item) -> Generator[None, None, None]:
    if item.get_closest_marker("triton") is None:
        return (yield)
    with shared_server.failing_when_it_stays_away():
        return (yield)


@pytest.fixture(autouse=True)
def _log_to_stdout() -> None:
    """Give each test structlog's defaults: a command that ran in this process sent its log to a file."""
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Give a disk of 2 MiB; where mounting is refused only tests with a made-up disk run."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(mounted(tmp_path / "disk"))
        except MountRefused as error:
            pytest.skip(f"mounting is refused here, only made-up disks are tried: {error}")
        yield disk


@pytest.fixture(scope="session")
def sample_clip() -> Path:
    """79.5 s of pedestrians, 768x576, 10 fps, H.264, a key frame a second."""
    return ROOT / "samples" / "crossing.mp4"


@pytest.fixture(scope="session")
def sample_site_file() -> Path:
    """Return the path of the demonstration's site file."""
    return ROOT / "samples" / "site.yaml"


@pytest.fixture(scope="session")
def short_site(sample_site_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demonstration's site file on two short stretches of its clip."""
    made = made_once(tmp_path_factory, "site", lambda at: write_short_site(at, sample_site_file))
    return made / "site.yaml"


@pytest.fixture(scope="session")
def played(
    short_site: Path, triton_address: str, tmp_path_factory: pytest.TempPathFactory
) -> PlayedRun:
    """Return the run of that site, which all workers share: nobody may change it."""
    made = made_once(tmp_path_factory, "played", lambda at: play(at, short_site, triton_address))
    return PlayedRun(made)


@pytest.fixture(scope="session")
def triton_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """gRPC address of a real Triton server with all our models; one for a whole run of tests.

    FOREWARN_TRITON=HOST:PORT uses a server that runs already, as workers use the one of their run. A
    missing server environment or models that are not built fail the tests: nothing here may be skipped
    quietly.
    """
    if address := os.environ.get(shared_server.ADDRESS):
        yield address
        return
    with _started_server(tmp_path_factory.mktemp("triton")) as server:
        yield server.address
