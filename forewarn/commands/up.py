"""`forewarn up`: watch a site and serve its pages, in one command."""

from __future__ import annotations

from typing import Annotated

import typer

from dashboards.access.transport import tls_context
from evidence_store.custody.signing_key import open_sealing_chain
from flows.signals import install_stop_signals
from forewarn.commands.console import TlsCertificateOption, TlsKeyOption, tls_files
from forewarn.commands.run import TritonOption, UnsealedOption
from forewarn.programs.logging_setup import set_up_logging
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.supervision.plan import (
    TRITON,
    WATCH,
    console_program,
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
    KeysOption,
    SiteArgument,
    closed_data_dir,
    console,
    keys_dir,
    show_trouble,
)


def up(
    site_file: SiteArgument,
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Where the pages are served.")
    ] = 5006,
    address: Annotated[
        str,
        typer.Option(
            "--address", help="Listen here; others than this machine need a list of people."
        ),
    ] = "127.0.0.1",
    tls_certificate: TlsCertificateOption = None,
    tls_key: TlsKeyOption = None,
    triton: TritonOption = None,
    keys: KeysOption = None,
    unsealed: UnsealedOption = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Watch a site live and serve its pages; files are looped as if they were cameras.

    Ends with Ctrl-C or SIGTERM; open offences go on at the next start.

    Example: forewarn up samples/site.yaml --data var/up
    """
    stopped, _ = install_stop_signals()
    tls = tls_files(tls_certificate, tls_key)
    if tls is not None:
        tls_context(
            tls
        )  # what cannot be used is told now, and not by a program that ends again and again
    content = read_checked_content(site_file)
    folder, key_folder = closed_data_dir(data), keys_dir(keys)
    chain = open_sealing_chain(folder, key_folder, unsealed=unsealed)
    note_encryption(folder, key_folder, chain)
    note_faults(folder, chain, show_trouble)
    set_up_logging("supervisor", folder.logs / "supervisor.log")
    with (
        in_order(stopped),
        run_lock(folder, show_trouble, stopped.is_set),
        serving(triton, folder, stopped.is_set, withheld(TRITON, content.site)) as server,
    ):
        note_models(server.address, server.left_out, content.site)
        in_force = apply_at_start(content, folder)
        site = in_force.site
        settings = ProgramSettings(
            data=folder,
            triton_address=server.address,
            until_end=False,
            shows_live=True,
            keys=key_folder,
            unsealed=unsealed,
        )
        storage = StorageWatch(
            folder,
            site.site.id,
            show_trouble,
            site.storage.kept_free,
        )
        quarantine = Quarantine(
            settings, WATCH, lambda each: trial_program(each, settings, site), show_trouble
        )
        supervised = Supervisor(show_trouble, folder.locks, storage, quarantine.on_crash)
        with storage, supervised as supervisor:
            live_site = LiveSite(
                folder,
                in_force,
                content.source,
                supervisor,
                lambda revision: [
                    *live_programs(revision, settings),
                    console_program(settings, revision.site, port, address, tls),
                ],
                show_trouble,
                stopped.is_set,
                [
                    lambda site: server.withhold(withheld(TRITON, site)),
                    lambda site: storage.keep_free(site.storage.kept_free),
                ],
            )
            live_site.start()
            scheme = "https" if tls else "http"
            console.print(f"live page: {scheme}://{address}:{port}/live   Ctrl-C ends it")
            news = CameraNews(folder, show_trouble)

            def on_poll() -> None:
                server.keep_alive()
                quarantine(supervisor)
                news()
                live_site()

            supervisor.run(stopped.is_set, on_poll)
