"""`forewarn run`: watch the cameras of a site, warn, keep evidence."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from domain.data_dir import DataDir
from domain.site.site import Site
from evidence_store.custody.signing_key import open_sealing_chain
from flows.signals import StopFlag, install_stop_signals, signals_as_usual
from forewarn.programs.logging_setup import set_up_logging
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.supervision.plan import (
    TRITON,
    WATCH,
    consumers_of,
    flow_programs,
    live_programs,
    trial_program,
    withheld,
)
from forewarn.programs.supervision.run_lock import run_lock
from forewarn.programs.supervision.supervisor import Supervisor, in_order
from forewarn.programs.triton import serving
from forewarn.quarantine.keeper import Quarantine
from forewarn.site.at_start import apply_at_start
from forewarn.site.live_site import LiveSite
from forewarn.site.put_in_force import read_checked_content
from forewarn.storage.storage_watch import StorageWatch
from forewarn.terminal.camera_news import CameraNews
from forewarn.terminal.evidence_notes import note_encryption, note_faults
from forewarn.terminal.models_note import note_models
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    SiteArgument,
    closed_data_dir,
    console,
    keys_dir,
    print_json,
    show_trouble,
)
from forewarn.terminal.progress import footage_progress
from forewarn.terminal.saved_state_news import SavedStateNews
from forewarn.terminal.summary import show_summary, summarise

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
    stopped, _ = install_stop_signals()
    content = read_checked_content(site_file)
    folder, key_folder = closed_data_dir(data), keys_dir(keys)
    set_up_logging("supervisor", folder.logs / "supervisor.log")
    chain = open_sealing_chain(folder, key_folder, unsealed=unsealed)
    note_encryption(folder, key_folder, chain)
    note_faults(folder, chain, show_trouble)
    with (
        in_order(stopped),
        run_lock(folder, show_trouble, stopped.is_set, plays_footage=until_end),
        serving(triton, folder, stopped.is_set, withheld(TRITON, content.site)) as server,
    ):
        note_models(server.address, server.left_out, content.site)
        if fresh:
            shutil.rmtree(folder.recovery, ignore_errors=True)
        in_force = apply_at_start(content, folder, plays_footage=until_end)
        site = in_force.site
        settings = ProgramSettings(
            data=folder,
            triton_address=server.address,
            until_end=until_end,
            shows_live=live_view,
            keys=key_folder,
            unsealed=unsealed,
            revision=in_force.number if until_end else None,
        )
        saved_state = SavedStateNews(folder, show_trouble)
        on_poll = _both(server.keep_alive, saved_state)
        storage = StorageWatch(
            folder,
            site.site.id,
            show_trouble,
            site.storage.kept_free,
            is_live=not until_end,
        )
        quarantine = Quarantine(
            settings, WATCH, lambda each: trial_program(each, settings, site), show_trouble
        )
        supervised = Supervisor(show_trouble, folder.locks, storage, quarantine.on_crash)
        with storage, supervised as supervisor:
            on_poll = _both(on_poll, partial(quarantine, supervisor))
            if until_end:
                for program in flow_programs(site, settings):
                    supervisor.start(program)
                _play(supervisor, on_poll, site, folder, stopped)
            else:
                live_site = LiveSite(
                    folder,
                    in_force,
                    content.source,
                    supervisor,
                    lambda revision: live_programs(revision, settings),
                    show_trouble,
                    stopped.is_set,
                    [
                        lambda site: server.withhold(withheld(TRITON, site)),
                        lambda site: storage.keep_free(site.storage.kept_free),
                    ],
                )
                live_site.start()
                console.print("watching; Ctrl-C ends it")
                news = CameraNews(folder, show_trouble)
                supervisor.run(stopped.is_set, _both(_both(on_poll, news), live_site))
    if (summary or json_out) and not stopped.is_set():
        signals_as_usual()
        _summarise(folder, site, site_file, key_folder, json_out)


def _play(
    supervisor: Supervisor,
    on_poll: Callable[[], None],
    site: Site,
    folder: DataDir,
    stopped: StopFlag,
) -> None:
    """Run until all footage has been seen and everything that follows from it is done."""

    with Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as bars:
        show = footage_progress(bars, site, folder)
        on_poll = _both(on_poll, show)
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


def _summarise(
    folder: DataDir, site: Site, site_file: Path, key_folder: Path | None, json_out: bool
) -> None:

    found = summarise(folder, site, key_folder)
    if json_out:
        print_json(found.to_json())
    else:
        show_summary(found, site, console)
        shown = f"{sys.argv[0]} console --site {site_file} --data {_near(folder.root)}"
        console.print(f"look at it {shown}", highlight=False, soft_wrap=True)
    if found.problems:
        raise typer.Exit(1)


def _near(path: Path) -> Path:
    """Shorten a path to what one would type here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
