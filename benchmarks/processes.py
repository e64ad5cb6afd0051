"""Measure what processes cost: CPU seconds and memory, their children included."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

import psutil


def own_cpu_s() -> float:
    """Return CPU seconds of this process so far, all threads, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def machine_cpu_s() -> float:
    """Return CPU seconds that all processes of the machine have used so far."""
    used = psutil.cpu_times()
    return float(used.user + used.nice + used.system)


def tree_cpu_s(pid: int) -> float:
    """Return CPU seconds so far of a process and of those below it that live; in steps of 10 ms."""
    total = 0.0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def peak_rss_mb(pid: int) -> float:
    """Return the most memory that one process ever held resident, MB of 10^6 bytes; 0 when it is gone.

    The kernel's own high-water mark, so that nothing is missed between two looks. Pages shared
    with other processes count in full.
    """
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmHWM:") * 1024 / 1e6


def rss_mb(pid: int) -> float:
    """Return the memory that one process holds resident now, MB; 0 when it is gone."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") * 1024 / 1e6


def pss_mb(pid: int) -> float:
    """Return the memory held now, MB; a page shared by k processes counts as 1/k. 0 when it is gone."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") * 1024 / 1e6


def count_children(pid: int) -> int:
    """Count the processes below this one."""
    return len(_tree(pid)) - 1


def _tree(pid: int) -> list[psutil.Process]:
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def _kilobytes(file: Path, key: str) -> int:
    try:
        for line in file.read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0
