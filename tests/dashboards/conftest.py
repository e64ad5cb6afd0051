"""Fixtures of the console's tests: a staged site, consoles over one, and a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from console_people import PEOPLE_ROLES
from console_process import RunningConsole, console_process, run_console
from real_browser import browser as browser
from real_browser import page as page
from staged_site import StagedSite, stage


@pytest.fixture
def staged(tmp_path: Path, sample_clip: Path, sample_site_file: Path) -> Iterator[StagedSite]:
    """Stage a site of this test's own."""
    with stage(tmp_path / "var", sample_clip, sample_site_file) as made:
        yield made


@pytest.fixture(scope="module")
def running_console(
    tmp_path_factory: pytest.TempPathFactory, sample_clip: Path, sample_site_file: Path
) -> Iterator[RunningConsole]:
    """Run a console without a login, over closed offences, an open one, and evidence."""
    folder = tmp_path_factory.mktemp("console")
    with run_console(folder, sample_clip, sample_site_file, people={}) as console:
        yield console


@pytest.fixture(scope="module")
def closed_console(
    tmp_path_factory: pytest.TempPathFactory, sample_clip: Path, sample_site_file: Path
) -> Iterator[RunningConsole]:
    """Run the same behind a login: tests/support/console_people.py says whose."""
    folder = tmp_path_factory.mktemp("closed")
    with run_console(folder, sample_clip, sample_site_file, people=PEOPLE_ROLES) as console:
        yield console


@pytest.fixture
def own_console(
    staged: StagedSite, sample_site_file: Path
) -> Callable[[int], AbstractContextManager[RunningConsole]]:
    """Start a console at that port (0: any free one) over this test's own site."""
    escalated = staged.offence(2, "escalated", calls=3)

    @contextmanager
    def start(port: int = 0) -> Iterator[RunningConsole]:
        output = staged.data.root / "console.log"
        with console_process(staged, sample_site_file, output, port) as (address, pid):
            yield RunningConsole(staged, address, pid, output, escalated)

    return start
