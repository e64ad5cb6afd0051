"""`forewarn up`: watch and look, in one command."""

from __future__ import annotations

from typing import Annotated

import typer

from evidence_store.site_key import open_sealing_chain
from forewarn.camera_news import CameraNews
from forewarn.checked_site import load_checked_site
from forewarn.commands.run import TritonOption, UnsealedOption, stop_on_signals
from forewarn.encryption_note import tell_encryption
from forewarn.logging_setup import set_up_logging
from forewarn.options import (
    DEFAULT_DATA,
    DataOption,
    KeysOption,
    SiteArgument,
    console,
    data_dir,
    keys_dir,
    tell_trouble,
)
from forewarn.programs.plan import (
    WATCH,
    caretaker_program,
    console_program,
    consumers_of,
    flow_program,
)
from forewarn.programs.settings import ProgramSettings
from forewarn.run_lock import run_lock
from forewarn.serving import serving
from forewarn.supervisor import Supervisor


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
    triton: TritonOption = None,
    keys: KeysOption = None,
    unsealed: UnsealedOption = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Watch a site live and serve its pages; files are looped as if they were cameras.

    Ends with Ctrl-C or SIGTERM; open offences go on at the next start.

    Example: forewarn up samples/site.yaml --data var/up
    """
    site = load_checked_site(site_file)
    folder, key_folder = data_dir(data), keys_dir(keys)
    tell_encryption(folder, key_folder, open_sealing_chain(folder, key_folder, unsealed=unsealed))
    set_up_logging("supervisor", folder.logs / "supervisor.log")
    with run_lock(folder), stop_on_signals() as stopped, serving(triton, folder) as server:
        settings = ProgramSettings(
            site_file=site_file.resolve(),
            data=folder,
            triton_address=server.address,
            until_end=False,
            shows_live=True,
            keys=key_folder,
            unsealed=unsealed,
        )
        with Supervisor(tell_trouble) as supervisor:
            for name in (WATCH, *consumers_of(site)):
                supervisor.start(flow_program(name, settings))
            supervisor.start(caretaker_program(settings))
            supervisor.start(console_program(settings, port, address))
            console.print(f"live page: http://{address}:{port}/live   Ctrl-C ends it")
            news = CameraNews(folder, tell_trouble)

            def on_poll() -> None:
                server.keep_alive()
                news()

            supervisor.run(stopped.is_set, on_poll)
