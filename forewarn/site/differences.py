"""List what differs between two site files, by name: never a value, for values may be secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from domain.site.site import Site

# settings with ids of their own; all others are compared as one
LISTS = ("cameras", "rules", "ladders", "speakers", "recipients")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is another in the new site file."""

    part: str  # cameras, rules, …; files: what the site file names
    name: str  # id or file; '' where the part is one thing
    change: Literal["added", "removed", "changed"]
    settings: tuple[str, ...] = ()  # of what was changed


def differences(
    old: Site, new: Site, old_files: Mapping[str, str], new_files: Mapping[str, str]
) -> list[Difference]:
    """Compare two site files, and the hashes of the files that they name; [] where they mean the same."""
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    found: list[Difference] = []
    for part in LISTS:
        found += _compare(part, _by_id(before[part]), _by_id(after[part]))
    for part in (name for name in after if name not in LISTS):
        if before[part] != after[part]:
            settings = _changed_settings(before[part], after[part])
            found.append(Difference(part, "", "changed", settings))
    return found + _compare("files", old_files, new_files)


def _compare(part: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    added = [Difference(part, name, "added") for name in after if name not in before]
    removed = [Difference(part, name, "removed") for name in before if name not in after]
    changed = [
        Difference(part, name, "changed", _changed_settings(before[name], after[name]))
        for name in after
        if name in before and before[name] != after[name]
    ]
    return added + removed + changed


def _by_id(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["id"]: item for item in items}


def _changed_settings(before: Any, after: Any) -> tuple[str, ...]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ()
    return tuple(name for name in after if before.get(name) != after[name])
