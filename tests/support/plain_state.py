"""Saved state as plain values, to look into it and to change it."""

from __future__ import annotations

from typing import Any

from domain.saved_state import Saved, StateFormat


def plain_of(saved: Saved) -> Any:
    """Return what a step saved, as dicts, lists, strings and numbers."""
    return StateFormat[Any](Any, saved["version"]).restore(saved)


def saved_as(plain: object, version: int = 1) -> Saved:
    """Return plain values as a step saves them, whole and with the right checksum."""
    return StateFormat[Any](Any, version).save(plain)
