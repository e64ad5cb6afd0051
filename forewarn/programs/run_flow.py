"""Run a Bytewax dataflow with recovery on: what it knew survives a restart, also a kill -9."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

# bounds what a crash loses and replays, at 20-35 ms of work a second
EPOCH = timedelta(seconds=1)
# one process is one worker; more cameras are more processes, each with a store of its own
RECOVERY_PARTITIONS = 1
_FINISHED = "finished"


def run_flow(flow: Dataflow, store: Path) -> None:
    """Run until every source has ended; state is kept in `store`."""
    if not store.exists():
        _make_store(store)
    recovery = RecoveryConfig(str(store))  # type: ignore[no-untyped-call]
    cli_main(flow, epoch_interval=EPOCH, recovery_config=recovery)  # type: ignore[no-untyped-call]


def _make_store(store: Path) -> None:
    """Make an empty store in one step: one half made by a killed process would never open."""
    store.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{store.name}.", dir=store.parent))
    init_db_dir(temporary, RECOVERY_PARTITIONS)  # type: ignore[no-untyped-call]
    temporary.rename(store)


def begin_pass(store: Path) -> None:
    """Forget a finished pass over files, so that the next one starts at the first frame.

    A pass that was interrupted is left alone: it goes on where it stopped.
    """
    if (store / _FINISHED).exists():
        shutil.rmtree(store)


def finish_pass(store: Path) -> None:
    """Remember that the footage was read to its end."""
    (store / _FINISHED).touch()
