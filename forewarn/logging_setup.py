"""One line a decision, as JSON with UTC times: fixed words, facts as fields."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import structlog


def set_up_logging(program: str, log_file: Path | None = None) -> None:
    """Log as JSON lines; call once in main().

    Args:
        log_file: append here; None: stderr, which the supervisor sends to the program's log file.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(_open(log_file)),
    )
    structlog.contextvars.bind_contextvars(program=program)


def _open(log_file: Path | None) -> TextIO:
    if log_file is None:
        return sys.stderr
    log_file.parent.mkdir(parents=True, exist_ok=True)
    return log_file.open("a", buffering=1, encoding="utf-8")
