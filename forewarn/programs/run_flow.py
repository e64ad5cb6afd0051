"""Run a Bytewax dataflow with recovery on: what it knew survives a restart, also a kill -9."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from bytewax.dataflow import Dataflow
from bytewax.recovery import (
    InconsistentPartitionsError,
    MissingPartitionsError,
    NoPartitionsError,
    RecoveryConfig,
)
from bytewax.run import cli_main

from domain.errors import NoRoom
from domain.saved_state import Formats
from flows.signals import note_sigterm
from forewarn.programs.recovery_store import DAMAGED, ready_store, set_aside

# bounds what a crash loses and replays, at 20-35 ms of work a second
EPOCH = timedelta(seconds=1)
_FINISHED = "finished"
# as Bytewax's SQLite names what is wrong with a disk, in the text of its panic
_DISK_CODES = ("DiskFull", "ReadOnly", "SystemIoFailure")


def run_flow(
    flow: Dataflow,
    store: Path,
    formats: Formats,
    afresh: str = "it goes on from the event log",
) -> None:
    """Run until every source has ended; state is kept in `store`.

    Args:
        flow: to run.
        store: folder of its state; made where there is none.
        formats: how the state of each step of the flow is read.
        afresh: for people: how the program begins where what it had saved cannot be used.
    Raises:
        TryAgain: the store cannot be read now.
        NoRoom: what the flow knows cannot be saved.
    """
    ready_store(store, flow.flow_id, formats, afresh)
    try:
        _run(flow, store)
    except (InconsistentPartitionsError, MissingPartitionsError, NoPartitionsError) as error:
        # Bytewax says so before it builds any step: the same flow can be run on an empty store
        set_aside(store, flow.flow_id, "its parts do not belong together", afresh, error)
        ready_store(store, flow.flow_id, formats, afresh)
        _run(flow, store)
    except RuntimeError as error:
        if any(code in str(error) for code in _DISK_CODES):
            raise NoRoom(
                f"{flow.flow_id}: what it knows cannot be saved in {store}: the disk is full or cannot be "
                "written; it goes on when there is room"
            ) from error
        # damage that came while the flow ran, or that no check saw: the next start goes without it
        if any(code in str(error) for code in ("DatabaseCorrupt", "NotADatabase")):
            set_aside(store, flow.flow_id, DAMAGED, afresh, error)
        raise


def run_stateless(flow: Dataflow) -> None:
    """Run a flow of which nothing has to be saved, until every source has ended."""
    note_sigterm()
    cli_main(flow, epoch_interval=EPOCH)


def _run(flow: Dataflow, store: Path) -> None:
    note_sigterm()  # loading all this took seconds, and nothing of it had to be saved
    recovery = RecoveryConfig(str(store))
    cli_main(flow, epoch_interval=EPOCH, recovery_config=recovery)


def begin_pass(store: Path) -> None:
    """Forget a finished pass over files, so that the next one starts at the first frame.

    A pass that was interrupted is left alone: it goes on where it stopped.
    """
    if (store / _FINISHED).exists():
        # renamed first: one half deleted by a killed process would pass for damaged; the name is swept later
        forgotten = store.with_name(f".{store.name}.forgotten")
        store.rename(forgotten)
        shutil.rmtree(forgotten, ignore_errors=True)


def finish_pass(store: Path) -> None:
    """Remember that the footage was read to its end."""
    (store / _FINISHED).touch()
