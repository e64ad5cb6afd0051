"""Logging and printing never raise, whatever becomes of the disk or the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from domain.errors import TryAgain
from forewarn.programs.logging_setup import set_up_logging
from forewarn.programs.lossy_stream import LossyStream
from tests.support.small_disk import SmallDisk

LOGS = """
import sys, threading
import structlog
from forewarn.programs.logging_setup import set_up_logging
set_up_logging("watch")
log = structlog.get_logger()
survived = []
def read():
    log.warning("not_recording", camera_id="gate", reason="x" * 200)
    print("a library's words", file=sys.stderr)
    survived.append(True)
thread = threading.Thread(target=read)
thread.start()
thread.join()
sys.exit(0 if survived else 3)
"""


@pytest.mark.parametrize("stream", ["full", "closed", "broken pipe"])
def test_a_thread_that_logs_survives_a_full_disk(stream: str) -> None:
    """Before: OSError 28 left the thread, whose camera nobody read any more."""
    if stream == "broken pipe":
        reading, handle = os.pipe()
        os.close(reading)
    else:
        handle = os.open("/dev/full" if stream == "full" else os.devnull, os.O_WRONLY)
    code = "import os; os.close(2)\n" + LOGS if stream == "closed" else LOGS
    try:
        done = subprocess.run([sys.executable, "-c", code], stderr=handle, check=False)
    finally:
        os.close(handle)
    assert done.returncode == 0


def test_what_could_not_be_logged_is_counted_and_told_of(small_disk: SmallDisk) -> None:
    log_file = small_disk.folder / "watch.log"
    with log_file.open("a") as file:
        lines = LossyStream(file)
        lines.write("before\n")
        small_disk.fill()
        began = None
        for number in range(200):
            lines.write(f"{number}: {'x' * 300}\n")
            began = began or lines.gap
        lost = lines.gap
        assert lost is not None and began is not None
        assert lost.from_at == began.from_at < lost.to_at
        small_disk.free()
        lines.write("after\n")
        assert lines.gap is None
    written = log_file.read_text().splitlines()
    assert written[0] == "before"
    assert written[-1] == "after"
    assert f"({lost.lines} lines could not be written here from" in written[-2]
    kept = [line for line in written if line.endswith("x" * 300)]
    assert len(kept) + lost.lines == 200


def test_the_log_names_the_stretch_that_is_missing(small_disk: SmallDisk) -> None:
    log_file = small_disk.folder / "supervisor.log"
    code = (
        "import sys; from pathlib import Path; import structlog\n"
        "from forewarn.programs.logging_setup import set_up_logging\n"
        f"set_up_logging('supervisor', Path({str(log_file)!r}))\n"
        "log = structlog.get_logger()\n"
        "log.info('began')\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for _ in range(100): log.info('lost', words='x' * 200)\n"
        "print('lost', flush=True); sys.stdin.readline()\n"
        "log.info('back')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        small_disk.fill()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "lost\n"
        small_disk.free()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait() == 0
    *_, gap, back = [json.loads(line) for line in log_file.read_text().splitlines() if _whole(line)]
    assert back["event"] == "back"
    assert gap["event"] == "log_lines_dropped"
    assert gap["program"] == "supervisor"
    assert 0 < gap["lines"] <= 100
    assert gap["from_at"] <= gap["to_at"]


def test_the_supervisors_terminal_may_close(tmp_path: Path) -> None:
    """Before: rich ended the whole run, SystemExit(1), when its output was closed."""
    code = (
        "from pathlib import Path\n"
        "from forewarn.programs.logging_setup import set_up_logging\n"
        "from forewarn.terminal.options import show_trouble\n"
        f"set_up_logging('supervisor', Path({str(tmp_path / 'log')!r}))\n"
        "show_trouble('one'); show_trouble('two')\n"
        "raise SystemExit(7)\n"
    )
    reading, handle = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([sys.executable, "-c", code], stderr=handle, check=False)
    finally:
        os.close(handle)
    assert done.returncode == 7


def test_a_log_that_cannot_be_opened_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file is in the way")
    with pytest.raises(TryAgain, match="the log cannot be opened"):
        set_up_logging("supervisor", tmp_path / "logs" / "supervisor.log")


def test_threads_may_log_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("a") as file:
        lines = LossyStream(file)
        threads = [
            threading.Thread(target=lambda: [lines.write("word " * 40 + "\n") for _ in range(50)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert path.read_text().splitlines() == ["word " * 40] * 200


def _whole(line: str) -> bool:
    return line.startswith("{") and line.endswith("}")
