"""`forewarn evidence stamp`: get time stamps for sealings that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.errors import Stop
from domain.site.loading import load_site
from evidence_store.custody.signing_key import open_chain
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
    print_json,
)


def stamp(
    site_file: Annotated[
        Path, typer.Argument(metavar="SITE", help="The site file that names the authority.")
    ],
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Have every sealing stamped that has no time stamp yet, by the site's authority (RFC 3161).

    `forewarn run` does so by itself; this is for what was sealed while the authority was away and
    nothing runs now. Exit code 75: it is away still.

    Example: forewarn evidence stamp site.yaml --data var/site
    """
    from evidence_store.custody.time_stamper import StampBook, open_authority, stamp_waiting

    folder, settings = data_dir(data), load_site(site_file).time_stamping
    if settings is None:
        raise Stop(
            f"{site_file}: names no time-stamping authority; docs/how-to/keeping-evidence.md shows how"
        )
    book = StampBook(open_chain(folder, keys_dir(keys)))
    authority = open_authority(settings, site_file.resolve().parent, folder)
    done = stamp_waiting(book, authority, settings.url)
    if as_json:
        print_json({"stamped": done, "authority": settings.url})
        return
    console.print(f"{done} sealings were stamped by {settings.url}", highlight=False)
