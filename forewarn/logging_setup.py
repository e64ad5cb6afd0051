"""One line a decision, as JSON on stderr: fixed words, facts as fields."""

from __future__ import annotations

import sys

import structlog


def set_up_logging(program: str) -> None:
    """Log as JSON lines with UTC times; call once in main()."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(program=program)
