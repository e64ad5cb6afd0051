"""Write down which tests of a run did not pass, so that they can be run once more, alone."""

from __future__ import annotations

from pathlib import Path

import pytest


class Unfinished:
    """Collect what failed, and what a worker that died had still to run."""

    def __init__(self, list_file: Path) -> None:
        """Begin with nothing; an earlier run's list is deleted.

        Args:
            list_file: gets a test's id a line at the end of a run in which tests failed; pytest reads it
                back when it is given with an @ before it.
        """
        self._list_file = list_file
        self._ids: dict[str, None] = {}
        self._passed, self._failed = set[str](), set[str]()
        list_file.unlink(missing_ok=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Learn the tests from a worker; all collect the same."""
        self._ids |= dict.fromkeys(ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn the tests where there are no workers."""
        self._ids |= dict.fromkeys(item.nodeid for item in session.items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test went; a worker's death is a failed report of what it was running."""
        if report.failed:
            self._failed.add(report.nodeid)
        elif report.when == "teardown":
            self._passed.add(report.nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the list; a run that was interrupted or could not begin leaves none."""
        if exitstatus == pytest.ExitCode.TESTS_FAILED:
            left = [each for each in self._ids if each in self._failed or each not in self._passed]
            self._list_file.write_text("".join(f"{each}\n" for each in left))
