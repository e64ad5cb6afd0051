"""A data folder as the version before plain saved state left it: killed with offences open.

recovery_0.1_pickled_classes.tar.xz holds the event log and the recovery stores of a live `forewarn run` of
samples/site.yaml (commit 5983f29, kill -9 of all programs), each database checkpointed to be small.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).parent / "saved_state" / "recovery_0.1_pickled_classes.tar.xz"


def unpack(folder: Path) -> None:
    """Write events.sqlite and recovery/{watch,announce,preserve,mask} into a data folder."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
