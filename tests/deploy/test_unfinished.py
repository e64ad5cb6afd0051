"""What CI runs once more is all that failed or was not reached, and nothing where a run did not end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support.unfinished import Unfinished


def report(nodeid: str, when: str, *, failed: bool = False) -> pytest.TestReport:
    return cast(Any, SimpleNamespace(nodeid=nodeid, when=when, failed=failed))


def test_what_failed_and_what_was_not_reached_is_listed_in_order(tmp_path: Path) -> None:
    listed = tmp_path / "tests"
    listed.write_text("of an earlier run\n")
    run = Unfinished(listed)
    assert not listed.exists()
    run.pytest_xdist_node_collection_finished(
        ["passed", "failed", "torn down badly", "not reached"]
    )
    for when in ("setup", "call", "teardown"):
        run.pytest_runtest_logreport(report("passed", when))
        run.pytest_runtest_logreport(report("failed", when, failed=when == "call"))
        run.pytest_runtest_logreport(report("torn down badly", when, failed=when == "teardown"))
    run.pytest_sessionfinish(pytest.ExitCode.TESTS_FAILED)
    assert listed.read_text().splitlines() == ["failed", "torn down badly", "not reached"]


@pytest.mark.parametrize("how", [pytest.ExitCode.OK, pytest.ExitCode.INTERRUPTED])
def test_a_run_that_passed_or_was_interrupted_leaves_no_list(tmp_path: Path, how: int) -> None:
    run = Unfinished(tmp_path / "tests")
    run.pytest_xdist_node_collection_finished(["a"])
    run.pytest_sessionfinish(how)
    assert not (tmp_path / "tests").exists()
