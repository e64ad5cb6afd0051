"""Name one rule on one camera: the key by which Bytewax groups what a ladder gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class RuleKey:
    """Identify a rule on a camera; its string is part of every saved state and stays as it is.

    >>> str(RuleKey("gate", "no-lingering"))
    'gate|no-lingering'
    >>> RuleKey.parse("gate|no-lingering").camera_id
    'gate'
    """

    camera_id: str
    rule_id: str

    def __str__(self) -> str:
        return f"{self.camera_id}|{self.rule_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key from its string; ValueError where it is not two ids with one "|" between."""
        camera_id, rule_id = text.split("|")
        return cls(camera_id, rule_id)
