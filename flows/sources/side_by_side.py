"""Bytewax source that reads others side by side, as partitions of one.

A flow with two sources stands still where the machine's clock is set back while one of them is an epoch
ahead: epochs advance by the wall's time, and nobody reads on before the other has caught up, an hour later
(tried by tests/flows/test_waking.py). Partitions of one source advance together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bytewax.inputs import FixedPartitionedSource, Source, StatefulSourcePartition

from domain.saved_state import Saved


@dataclass(frozen=True, eq=False)
class SideBySide(FixedPartitionedSource[Any, Saved]):
    """Gives what its sources give, each with partitions of other names."""

    sources: Sequence[Source[Any]]

    def list_parts(self) -> list[str]:
        """Return the partitions of all."""
        return [part for source in self._partitioned() for part in source.list_parts()]

    def build_part(
        self, step_id: str, for_part: str, resume_state: Saved | None
    ) -> StatefulSourcePartition[Any, Saved]:
        """Build the partition of the source that has it."""
        (source,) = (each for each in self._partitioned() if for_part in each.list_parts())
        return source.build_part(step_id, for_part, resume_state)

    def _partitioned(self) -> list[FixedPartitionedSource[Any, Saved]]:
        found = [each for each in self.sources if isinstance(each, FixedPartitionedSource)]
        assert len(found) == len(self.sources), "others have no partitions"
        return found
