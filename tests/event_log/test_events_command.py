"""`forewarn events` as scripts and people use it: where pipes or signals matter, a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.errors import ForewarnError, Stop
from domain.events.catalog import EVENT_DATA
from event_log.cloud_events import from_json
from event_log.log import EventLog
from forewarn.terminal.event_lines import line
from tests.support.command_line import run_here
from tests.support.example_events import one_of_each, warned_event

ROOT = Path(__file__).resolve().parents[2]

# the command group alone, with the exit codes of the whole program
COMMAND = """
import sys
from domain.errors import ForewarnError
from forewarn.commands.events import app
try:
    app()
except ForewarnError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


@contextmanager
def start(*arguments: object, **more: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # a test run in the background of a shell has Ctrl-C switched off, and so would its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **more,  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run(*arguments: object) -> tuple[int, str, str]:
    done = run_here(["events", *arguments])
    return done.returncode, done.stdout, done.stderr


def test_json_is_one_cloud_event_a_line(event_log: EventLog, log_path: Path) -> None:
    event_log.append(one_of_each())
    code, out, err = run("--json", "--data", log_path.parent)
    assert (code, err) == (0, "")
    assert [from_json(text) for text in out.splitlines()] == event_log.read()


def test_the_last_sequence_is_where_after_goes_on(event_log: EventLog, log_path: Path) -> None:
    event_log.append(one_of_each())
    _, out, _ = run("--json", "--data", log_path.parent, "--limit", 4)
    first = [json.loads(text) for text in out.splitlines()]
    _, out, _ = run("--json", "--data", log_path.parent, "--after", first[-1]["sequence"])
    rest = [json.loads(text) for text in out.splitlines()]
    assert [each["id"] for each in first + rest] == [each.id for each in one_of_each()]


@pytest.mark.parametrize(
    ("types", "count"),
    [
        (["offence.warned"], 1),
        (["forewarn.offence.warned.v1"], 1),
        (["offence.*"], sum(".offence." in each.type for each in one_of_each())),
        (["camera.changed", "offence.opened"], 2),
    ],
)
def test_types_may_be_short_or_patterns(
    event_log: EventLog, log_path: Path, types: list[str], count: int
) -> None:
    event_log.append(one_of_each())
    options = [part for type_ in types for part in ("--type", type_)]
    _, out, _ = run("--json", "--data", log_path.parent, *options)
    assert len(out.splitlines()) == count


def test_a_type_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    code, out, err = run("--data", tmp_path, "--type", "offence.warnde")
    assert code == 2 and out == ""
    assert "offence.warnde" in err and "evidence.sealed" in err


def test_people_get_a_line_each_under_a_header(event_log: EventLog, log_path: Path) -> None:
    event_log.append(one_of_each())
    code, out, _ = run("--data", log_path.parent)
    header, *lines = out.splitlines()
    assert code == 0 and header.split()[0] == "seq" and len(lines) == len(EVENT_DATA)
    assert "gate, 4.2 s in forecourt (no-lingering): rung 1 of 3 (persuade)" in out


def test_nothing_in_an_event_can_steer_the_terminal(event_log: EventLog) -> None:
    event = one_of_each()[0]
    data = event.data.model_copy(update={"reason": "\x1b[2J\x9b2J\nnext"})
    event_log.append([type(event)(event.id, event.source, event.subject, event.time, data)])
    assert line(event_log.read()[0]).isprintable()


def test_a_folder_without_a_log_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    code, out, err = run("--json", "--data", tmp_path / "typo")
    assert (code, out) == (Stop.exit_code, "")
    assert "typo" in err and "--data" in err
    assert not (tmp_path / "typo").exists()


def test_a_damaged_log_ends_with_the_exit_code_of_a_wrong_set_up(log_path: Path) -> None:
    log_path.write_bytes(b"damaged " * 1000)
    code, _, err = run("--data", log_path.parent)
    assert code == Stop.exit_code != ForewarnError.exit_code
    assert "damaged" in err


def test_following_prints_what_was_and_what_comes_once_each_until_ctrl_c(
    log_path: Path,
) -> None:
    with start("--json", "--follow", "--data", log_path.parent) as follower:
        assert follower.stdout is not None and follower.stderr is not None
        assert "waiting for" in follower.stderr.readline()  # no log yet
        with EventLog.open(log_path) as log:
            ids = []
            for number in range(30):
                log.append([warned_event(number), warned_event(number)])
                if number % 10 == 0:
                    while len(ids) <= number:
                        ids.append(json.loads(follower.stdout.readline())["id"])
        while len(ids) < 30:
            ids.append(json.loads(follower.stdout.readline())["id"])
        assert ids == [warned_event(number).id for number in range(30)]
        follower.send_signal(signal.SIGINT)
        assert follower.wait(60) == 0
        assert follower.stdout.read() == ""
        assert "Traceback" not in follower.stderr.read()


def test_following_a_number_of_events_ends_by_itself(event_log: EventLog, log_path: Path) -> None:
    event_log.append(one_of_each())
    code, out, _ = run("--json", "-f", "--limit", 2, "--data", log_path.parent)
    assert code == 0 and len(out.splitlines()) == 2


@pytest.mark.parametrize("follow", [[], ["--follow"]], ids=["print", "follow"])
def test_a_reader_that_has_had_enough_ends_it_quietly(
    event_log: EventLog, log_path: Path, follow: list[str]
) -> None:
    # more than a pipe holds, so that it is still writing when the reader goes
    event_log.append([warned_event(number) for number in range(400)])
    with start("--json", "--data", log_path.parent, *follow) as process:
        assert process.stdout is not None and process.stderr is not None
        json.loads(process.stdout.readline())
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
        process.stdout = None


def test_a_follower_that_waits_notices_that_its_reader_is_gone(
    event_log: EventLog, log_path: Path
) -> None:
    event_log.append([warned_event()])
    with start("--json", "-f", "--data", log_path.parent) as process:
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        process.stdout.close()
        process.stdout = None
        assert process.wait(60) == 0  # although nothing more was written


def test_chinese_is_printed_in_any_locale(event_log: EventLog, log_path: Path) -> None:
    event_log.append([warned_event()])
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    with start("--json", "--data", log_path.parent, env=environment) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "前场请勿停留" in out


def test_the_types_are_listed_with_their_schema_files() -> None:
    code, out, _ = run("types", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["type"] for row in rows] == [kind.event_type for kind in EVENT_DATA]
    for row in rows:
        assert row["says"] and Path(row["schema"]).is_file()
    assert "forewarn.offence.warned.v1" in run("types")[1]
