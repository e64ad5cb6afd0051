"""Describe the machine that a figure comes from, and how busy it was."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.results import ROOT

# flags that decide which arithmetic OpenVINO uses
_TELLING_FLAGS = (
    "amx_bf16",
    "amx_int8",
    "avx512_bf16",
    "avx512_vnni",
    "avx512f",
    "avx_vnni",
    "avx2",
)


def describe_machine() -> dict[str, Any]:
    """Describe processor, memory, versions, and the load while measuring."""
    model, flags = _processor()
    return {
        "cpu": model,
        "cpu_flags": [flag for flag in _TELLING_FLAGS if flag in flags],
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "openvino": version("openvino"),
        "load_average_1min": round(os.getloadavg()[0], 2),
    }


def describe_commit() -> str:
    """Return the commit's short id, with "+" where the tree differs from it; "unknown" without git."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _processor() -> tuple[str, frozenset[str]]:
    facts: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    return facts.get("model name", "unknown"), frozenset(facts.get("flags", "").split())
