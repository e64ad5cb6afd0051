"""Selections that a user made on a page; one object for each open page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# the likeness model's vector, where there is one, else the colours of the clothes; what the subject looks
# like as a whole; the colours; or these two together
Likeness = Literal["best", "embedding", "appearance", "both"]


@dataclass(slots=True)
class LiveSelection:
    """What is picked on the live page."""

    offence_id: str | None = None  # whose history is shown
    alarm_id: str | None = (
        None  # that is shown where it has no such offence; None: a row was picked
    )


@dataclass(frozen=True, slots=True)
class SearchSelection:
    """What the search page compares with, and which records it may find."""

    evidence_id: str | None = None  # a record that is there already …
    upload: bytes | None = None  # … or a picture; never both
    upload_name: str = ""
    text: str = ""  # … or words, where a pair of models for them is installed
    by: Likeness = "best"
    camera_id: str | None = None  # None: all
    rule_id: str | None = None
    outcome: str | None = None
    from_at: datetime | None = None  # the offence ended at or after this …
    to_at: datetime | None = None  # … and before this

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to compare with."""
        return self.evidence_id is None and self.upload is None and not self.text
