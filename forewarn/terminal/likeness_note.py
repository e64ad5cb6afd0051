"""Say at the start of a run by what people are told apart."""

from __future__ import annotations

from domain.errors import TryAgain
from forewarn.terminal.options import console
from models.registry import read_registry


def note_likeness(triton_address: str) -> None:
    """Say so where the server has not the optional likeness model."""
    from models.serving.client import connect

    entry = read_registry().model("likeness")
    try:
        with connect(triton_address) as connection:
            if connection.has_model(entry.triton_folder):
                return
    except TryAgain:  # it has just been killed; the watch program asks again, and logs it
        return
    console.print(
        f"[yellow]note:[/yellow] the server has no likeness model: {entry.without}; "
        f"`forewarn models build {entry.name}` fetches it",
        highlight=False,
        soft_wrap=True,
    )
