"""`forewarn run`: watch the cameras of a site, warn, keep evidence."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from domain.data_dir import DataDir
from domain.site import Site
from evidence_store.site_key import open_sealing_chain
from forewarn.camera_news import CameraNews
from forewarn.checked_site import load_checked_site
from forewarn.encryption_note import tell_encryption
from forewarn.logging_setup import set_up_logging
from forewarn.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    SiteArgument,
    console,
    data_dir,
    keys_dir,
    print_json,
    tell_trouble,
)
from forewarn.programs.plan import WATCH, caretaker_program, consumers_of, flow_program
from forewarn.programs.settings import ProgramSettings
from forewarn.run_lock import run_lock
from forewarn.serving import Serving, serving
from forewarn.supervisor import Supervisor

TritonOption = Annotated[
    str | None,
    typer.Option(
        "--triton", metavar="HOST:PORT", help="Use this Triton server (gRPC), start none."
    ),
]

UnsealedOption = Annotated[
    bool,
    typer.Option(
        "--unsealed", help="Keep evidence without a signature, and say so in it; needs no key."
    ),
]


def run(
    site_file: SiteArgument,
    until_end: Annotated[
        bool,
        typer.Option(
            "--until-end",
            help="Play file cameras once, as fast as the machine allows, in their own time; then end.",
        ),
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Begin at the first frame, also if a run was interrupted."),
    ] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="At the end, show what came of it.")
    ] = False,
    live_view: Annotated[
        bool, typer.Option("--live-view", help="Write pictures for the console's live page.")
    ] = False,
    triton: TritonOption = None,
    keys: KeysOption = None,
    unsealed: UnsealedOption = False,
    data: DataOption = DEFAULT_DATA,
    json_out: JsonOption = False,
) -> None:
    """Watch a site: cameras in, warnings, events and evidence out.

    Evidence is signed with the site's own key: `forewarn keys create` makes one, once.

    Ends by Ctrl-C or SIGTERM (exit code 0; the next run goes on where this one stopped), or with
    --until-end when all footage has been seen.

    Example: forewarn run samples/site.yaml --until-end --summary
    """
    site = load_checked_site(site_file)
    folder, key_folder = data_dir(data), keys_dir(keys)
    set_up_logging("supervisor", folder.logs / "supervisor.log")
    tell_encryption(folder, key_folder, open_sealing_chain(folder, key_folder, unsealed=unsealed))
    with run_lock(folder), stop_on_signals() as stopped, serving(triton, folder) as server:
        if fresh:
            shutil.rmtree(folder.recovery, ignore_errors=True)
        settings = ProgramSettings(
            site_file=site_file.resolve(),
            data=folder,
            triton_address=server.address,
            until_end=until_end,
            shows_live=live_view,
            keys=key_folder,
            unsealed=unsealed,
        )
        with Supervisor(tell_trouble) as supervisor:
            for name in (WATCH, *consumers_of(site)):
                supervisor.start(flow_program(name, settings))
            if until_end:
                _play(supervisor, server, site, folder, stopped)
            else:
                supervisor.start(caretaker_program(settings))
                console.print("watching; Ctrl-C ends it")
                news = CameraNews(folder, tell_trouble)
                supervisor.run(stopped.is_set, _both(server.keep_alive, news))
    if (summary or json_out) and not stopped.is_set():
        _tell(folder, site, site_file, json_out)


def _play(
    supervisor: Supervisor,
    server: Serving,
    site: Site,
    folder: DataDir,
    stopped: threading.Event,
) -> None:
    """Until all footage has been seen and everything that follows from it is done."""
    from forewarn.progress import footage_progress

    with Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as bars:
        show = footage_progress(bars, site, folder)
        on_poll = _both(server.keep_alive, show)
        watching = supervisor.programs[WATCH]
        supervisor.run(lambda: stopped.is_set() or watching.has_finished, on_poll)
        if not stopped.is_set():
            for name in consumers_of(
                site
            ):  # one after the other: evidence waits for what came of the calls
                supervisor.drain([name], on_poll, stopped.is_set)


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def do() -> None:
        first()
        second()

    return do


def _tell(folder: DataDir, site: Site, site_file: Path, json_out: bool) -> None:
    from forewarn.summary import show_summary, summarise

    found = summarise(folder, site)
    if json_out:
        print_json(found.to_json())
    else:
        show_summary(found, site, console)
        shown = f"{sys.argv[0]} console --site {site_file} --data {_near(folder.root)}"
        console.print(f"look at it {shown}", highlight=False, soft_wrap=True)
    if found.problems:
        raise typer.Exit(1)


def _near(path: Path) -> Path:
    """The path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


class stop_on_signals:  # noqa: N801  # used as a word of the with statement
    """Within the block, SIGTERM and SIGINT set an event instead of ending the process."""

    def __enter__(self) -> threading.Event:
        self._event = threading.Event()
        self._before = {
            number: signal.signal(number, lambda *_: self._event.set())
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self._event

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
