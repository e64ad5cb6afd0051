"""Which programs a run has, and how each is started."""

from __future__ import annotations

from domain.site import Site
from forewarn.programs.settings import ProgramSettings
from forewarn.supervisor import Program, python_program

WATCH, ANNOUNCE, PRESERVE, CONSOLE = "watch", "announce", "preserve", "console"
CARETAKER = "caretaker"
NOTIFY = "notify"
MASK = "mask"
# a file played once that crashes its program three times in a row will do so a fourth time
MAX_CRASHES_UNTIL_END = 3


def consumers_of(site: Site) -> tuple[str, ...]:
    """The dataflows that read what the watch program writes, in the order in which they need each other;
    people are told where there are any."""
    told = (NOTIFY,) if site.recipients else ()
    return (ANNOUNCE, PRESERVE, *told, MASK)


def flow_program(name: str, settings: ProgramSettings) -> Program:
    """One of the dataflows."""
    return Program(
        name=name,
        argv=python_program(f"forewarn.programs.{name}", settings.to_argv()),
        log_file=settings.data.logs / f"{name}.log",
        beat_file=settings.data.beats / name,
        max_crashes=MAX_CRASHES_UNTIL_END if settings.until_end else None,
    )


def console_program(settings: ProgramSettings, port: int, address: str) -> Program:
    """The pages."""
    argv = ["console", "--data", str(settings.data.root), "--site", str(settings.site_file)]
    argv += ["--port", str(port), "--address", address, "--no-open"]
    argv += ["--keys", str(settings.keys)] if settings.keys else []
    return Program(
        name=CONSOLE,
        argv=python_program("forewarn", [*argv, "--triton", settings.triton_address]),
        log_file=settings.data.logs / "console.log",
        max_crashes=MAX_CRASHES_UNTIL_END,
    )


def caretaker_program(settings: ProgramSettings) -> Program:
    """Jobs done now and then, such as the evidence table's upkeep and retention; live runs only."""
    argv = ["--data", str(settings.data.root), "--site", str(settings.site_file)]
    argv += ["--triton", settings.triton_address]
    argv += ["--keys", str(settings.keys)] if settings.keys else []
    return Program(
        name=CARETAKER,
        argv=python_program(f"forewarn.programs.{CARETAKER}", argv),
        log_file=settings.data.logs / f"{CARETAKER}.log",
        beat_file=settings.data.beats / CARETAKER,
    )
