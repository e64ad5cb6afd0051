"""Texts on the disk: what is full or cannot be written, and what evidence waits."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.display_names import DisplayNames
from dashboards.texts import Lang
from domain.events.catalog import EvidenceBehind, StorageChanged


def storage_alerts(
    disks: Iterable[StorageChanged], backlogs: Iterable[EvidenceBehind], names: DisplayNames
) -> list[str]:
    """Say in the reader's language what is wrong with each disk, and which evidence waits."""
    # a disk is known under each folder on it
    unwell = {_in(names.lang, disk): None for disk in disks if disk.state != "ok"}
    waiting = [_in(names.lang, backlog) for backlog in backlogs if backlog.is_behind]
    return [*unwell, *waiting]


def _in(lang: Lang, data: StorageChanged | EvidenceBehind) -> str:
    return data.reason_zh if lang == "zh" else data.reason
