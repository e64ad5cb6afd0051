"""Set up logging: one JSON line a decision, in UTC, with fixed words and facts as fields.

Logging never raises, whatever becomes of the disk: see `lossy_stream`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO, cast

import structlog

from domain.errors import TryAgain
from forewarn.programs.lossy_stream import DroppedLines, LossyStream


def set_up_logging(program: str, log_file: Path | None = None) -> None:
    """Log as JSON lines; call once in main().

    What is printed to stderr never raises from then on either.

    Args:
        program: its name, in every line.
        log_file: append here; None: stderr, which the supervisor sends to the program's log file.
    Raises:
        TryAgain: the log file cannot be opened.
    """

    def gap_line(gap: DroppedLines) -> str:
        return _gap_line(program, gap)

    below = sys.stderr.below if isinstance(sys.stderr, LossyStream) else sys.stderr
    sys.stderr = LossyStream(below, gap_line) if log_file is None else LossyStream(below)
    lines = sys.stderr if log_file is None else _open(log_file, gap_line)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        # one write a line: a disk that fills up tears one line at most
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, lines)),
    )
    structlog.contextvars.bind_contextvars(program=program)


def _open(log_file: Path, gap_line: Callable[[DroppedLines], str]) -> LossyStream:
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        return LossyStream(log_file.open("a", encoding="utf-8"), gap_line)
    except OSError as error:
        raise TryAgain(f"{log_file}: the log cannot be opened: {error.strerror}") from error


def _gap_line(program: str, gap: DroppedLines) -> str:
    facts = {
        "program": program,
        "lines": gap.lines,
        "from_at": gap.from_at.isoformat(),
        "to_at": gap.to_at.isoformat(),
        "reason": gap.reason,
        "event": "log_lines_dropped",
        "level": "warning",
        "timestamp": gap.to_at.isoformat(),
    }
    return json.dumps(facts) + "\n"
