"""What `forewarn check` finds wrong with a site's calls, beyond what its file says by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from domain.errors import PutAside, TryAgain
from domain.facts import Fault
from domain.site import Site
from flows.speech.recorded import examine


def call_faults(site: Site, base: Path) -> list[Fault]:
    """Faults that keep calls from being heard.

    Args:
        base: the site file's folder, where recordings are named from.
    """
    return [*_unplayable(site, base)]


def _unplayable(site: Site, base: Path) -> Iterator[Fault]:
    for row, ladder in enumerate(site.ladders):
        for column, rung in enumerate(ladder.rungs):
            for number, recording in enumerate(rung.recordings):
                try:
                    examine(base / recording.file)
                except (PutAside, TryAgain) as error:
                    place = ("ladders", row, "rungs", column, "recordings", number, "file")
                    yield place, str(error)
