"""List the programs of a run, and say how each is started."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dashboards.settings import TlsFiles
from domain.site.revisions import SiteRevision
from domain.site.site import Site
from evidence_store.keys.encryption_keys import KEY_VARIABLE
from evidence_store.keys.signing_keys import PASSPHRASE_VARIABLE
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.supervision.child import python_program
from forewarn.programs.supervision.supervisor import Program
from forewarn.terminal.identity import NEW_PASSWORD_VARIABLE, PASSWORD_VARIABLE

WATCH, ANNOUNCE, PRESERVE, CONSOLE = "watch", "announce", "preserve", "console"
CARETAKER = "caretaker"
ALARMS = "alarms"
NOTIFY = "notify"
MASK = "mask"
TRIAL = "decoder_trial"  # of a camera in quarantine
TRITON = "triton"
# a file played once that crashes its program three times in a row will do so a fourth time
MAX_CRASHES_UNTIL_END = 3


def consumers_of(site: Site) -> tuple[str, ...]:
    """List the dataflows that read what the watch program writes, in the order of their needs."""
    notify = (NOTIFY,) if site.recipients else ()
    return (ANNOUNCE, PRESERVE, *notify, MASK)


def withheld(name: str, site: Site) -> frozenset[str]:
    """Name the secrets of the environment that are not for a program; `name` may be of one that needs none."""
    return frozenset(variable for variable, owners in _secrets(site) if name not in owners)


def _secrets(site: Site) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each variable that holds a secret, with the programs that need it."""
    owners: dict[str, set[str]] = {
        PASSPHRASE_VARIABLE: {PRESERVE, MASK, CARETAKER, CONSOLE},  # they sign
        KEY_VARIABLE: {WATCH, PRESERVE, NOTIFY, MASK, CARETAKER, CONSOLE},  # they keep or look
        PASSWORD_VARIABLE: {CARETAKER},  # it erases, which may need somebody's permission
        NEW_PASSWORD_VARIABLE: set(),
    }
    named = [(camera.password_env, WATCH) for camera in site.cameras]
    named += [(speaker.password_env, ANNOUNCE) for speaker in site.speakers]
    named += [(recipient.url_env, NOTIFY) for recipient in site.recipients]
    for variable, program in named:
        if variable is not None:
            owners.setdefault(variable, set()).add(program)
    return ((variable, frozenset(programs)) for variable, programs in owners.items())


def live_programs(in_force: SiteRevision, settings: ProgramSettings) -> list[Program]:
    """Describe the programs of a live run, all by one revision, in the order of starting."""
    settings = replace(settings, revision=in_force.number)
    site = in_force.site
    return [
        *flow_programs(site, settings),
        replace(flow_program(ALARMS, settings, site), may_finish=False),
        caretaker_program(settings, site),
    ]


def flow_programs(site: Site, settings: ProgramSettings) -> list[Program]:
    """Describe the programs of all dataflows that a site needs, in the order of starting."""
    return [flow_program(name, settings, site) for name in (WATCH, *consumers_of(site))]


def flow_program(name: str, settings: ProgramSettings, site: Site) -> Program:
    """Describe the program of one dataflow."""
    return Program(
        name=name,
        argv=python_program(f"forewarn.programs.{name}", settings.to_argv()),
        log_file=settings.data.logs / f"{name}.log",
        beat_file=settings.data.beats / name,
        max_crashes=MAX_CRASHES_UNTIL_END if settings.until_end else None,
        may_finish=settings.until_end,
        withheld=withheld(name, site),
    )


def trial_program(camera_id: str, settings: ProgramSettings, site: Site) -> Program:
    """Describe the program that reads one camera alone for a while."""
    return Program(
        name=TRIAL,
        argv=python_program("forewarn.quarantine.trial", [camera_id, *settings.to_argv()]),
        log_file=settings.data.logs / f"{TRIAL}.log",
        starts_again=False,
        withheld=withheld(WATCH, site),
    )


def console_program(
    settings: ProgramSettings,
    site: Site,
    port: int,
    address: str,
    tls: TlsFiles | None = None,
) -> Program:
    """Describe the program that serves the pages."""
    argv = ["console", "--data", str(settings.data.root)]
    argv += ["--port", str(port), "--address", address, "--no-open"]
    argv += ["--keys", str(settings.keys)] if settings.keys else []
    if tls is not None:
        argv += ["--tls-certificate", str(tls.certificate), "--tls-key", str(tls.key)]
    return Program(
        name=CONSOLE,
        argv=python_program("forewarn.__main__", [*argv, "--triton", settings.triton_address]),
        log_file=settings.data.logs / "console.log",
        max_crashes=MAX_CRASHES_UNTIL_END,
        may_finish=False,
        withheld=withheld(CONSOLE, site),
    )


def caretaker_program(settings: ProgramSettings, site: Site) -> Program:
    """Describe the program of periodic jobs, such as the table's upkeep and retention; live runs only."""
    argv = ["--data", str(settings.data.root), "--triton", settings.triton_address]
    argv += ["--keys", str(settings.keys)] if settings.keys else []
    return Program(
        name=CARETAKER,
        argv=python_program(f"forewarn.programs.{CARETAKER}", argv),
        log_file=settings.data.logs / f"{CARETAKER}.log",
        beat_file=settings.data.beats / CARETAKER,
        may_finish=False,
        withheld=withheld(CARETAKER, site),
    )
