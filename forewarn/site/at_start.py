"""Put the site file that a run is started with in force, and say so where it differs from what was."""

from __future__ import annotations

from domain.data_dir import DataDir
from domain.site.revisions import SiteContent, SiteRevision
from forewarn.site.put_in_force import AppliedBy, alone, put_in_force
from forewarn.terminal.options import console


def apply_at_start(
    content: SiteContent, data: DataDir, *, plays_footage: bool = False
) -> SiteRevision:
    """Put a checked site file in force before any program starts; raise what `put_in_force` does."""
    with alone(data):
        done = put_in_force(content, data, AppliedBy(), plays_footage=plays_footage)
    number = done.revision.number
    if done.was_restored:
        console.print(f"site revision {number} was damaged: written again from {content.source}")
    elif done.before is not None and done.before != number:
        console.print(
            f"site file differs from revision {done.before}: revision {number} is in force now",
            highlight=False,
        )
    return done.revision
