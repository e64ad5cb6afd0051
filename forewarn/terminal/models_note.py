"""Say at the start of a run which models serve it, where it is not all of them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from domain.errors import TryAgain
from domain.site.site import Site
from forewarn.terminal.options import console, printable
from models.registry import USUAL_DETECTOR, read_registry

if TYPE_CHECKING:  # Triton's client takes a while to load
    from models.serving.connection import Connection

MOST_WORDS = 300  # of a server's reason, in letters


def note_models(triton_address: str, left_out: Mapping[str, str], site: Site) -> None:
    """Say what is left out, which cameras another detector looks at, and by what people are told apart."""
    from models.serving.client import connect

    note_left_out(left_out)
    try:
        with connect(triton_address) as connection:
            _note_detectors(site, connection, left_out)
            _note_likeness(connection, left_out)
    except TryAgain:  # it has just been killed; the watch program asks again, and logs it
        return


def note_left_out(left_out: Mapping[str, str]) -> None:
    """Name models that cannot be used, why, and what serves instead."""
    known = {entry.name: entry for entry in read_registry().models}
    for name, why in left_out.items():
        instead = known[name].without if name in known else "nothing needs it"
        _note(
            f"model {name} is left out ({instead}): {printable(' '.join(why.split())[:MOST_WORDS])}"
        )


def _note_detectors(site: Site, connection: Connection, left_out: Container[str]) -> None:
    """Say which cameras the usual detector looks at though the site file names another."""
    wanted = {site.detector_wanted(camera.id) for camera in site.cameras} - {USUAL_DETECTOR}
    if not wanted:
        return
    from flows.detection.camera_detectors import choose_detectors

    there = {name for name in wanted if name not in left_out and connection.has_model(name)}
    for each in choose_detectors(site, read_registry(), there):
        if each.why_not_wanted:
            _note(f"{each.camera_id} keeps {USUAL_DETECTOR!r}: {each.why_not_wanted}")


def _note_likeness(connection: Connection, left_out: Container[str]) -> None:
    """Say so where the server has not the optional likeness model."""
    entry = read_registry().model("likeness")
    if entry.name in left_out or connection.has_model(entry.triton_folder):
        return
    _note(
        f"the server has no likeness model: {entry.without}; "
        f"`forewarn models build {entry.name}` fetches it"
    )


def _note(words: str) -> None:
    console.print(f"[yellow]note:[/yellow] {words}", highlight=False, soft_wrap=True)
