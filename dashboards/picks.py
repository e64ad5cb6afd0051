"""What the user picked on a page; one object for each open page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# what the subject looks like as a whole, the colours of the clothes, or both together
Likeness = Literal["embedding", "appearance", "both"]


@dataclass(slots=True)
class LivePick:
    """On the live page."""

    offence_id: str | None = None  # whose history is shown


@dataclass(frozen=True, slots=True)
class SearchPick:
    """On the search page: what to compare with, and which records may be found."""

    evidence_id: str | None = None  # a record that is there already …
    upload: bytes | None = None  # … or a picture; never both
    upload_name: str = ""
    text: str = ""  # … or words, where a pair of models for them is installed
    by: Likeness = "appearance"  # better on small people, see models/appearance.py
    camera_id: str | None = None  # None: all
    rule_id: str | None = None
    outcome: str | None = None
    from_at: datetime | None = None  # the offence ended at or after this …
    to_at: datetime | None = None  # … and before this

    @property
    def is_empty(self) -> bool:
        """True while there is nothing to compare with."""
        return self.evidence_id is None and self.upload is None and not self.text
