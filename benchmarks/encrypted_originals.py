"""Measure what encryption at rest costs: a large clip is sealed, hashed again, and looked into in the middle.

The same is done with the clip kept plain. The figure is the share of a hash check's time that decryption
adds on top of reading and hashing; `also` has the pace of both ways and the memory that it takes.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, Tell, WrongOutputs, quiet, rounds_of
from benchmarks.workload import scratch
from evidence_store.keys.encrypted_file import encrypt_file, open_encrypted
from evidence_store.keys.encryption_keys import EncryptionKeys, new_key
from evidence_store.vault.sealed_files import hash_stream

NAME = "encrypted_originals"
CLIP_BYTES = 64 << 20
ROUNDS, LONG_ROUNDS = 5, 25
BINDING = "evd-0123456789abcdef/clip.mp4"
PART_BYTES = 1 << 20


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where what comes out is not what went in."""
    rounds, key = LONG_ROUNDS if long else ROUNDS, new_key()
    keys = EncryptionKeys(key)
    with scratch(NAME) as folder:
        plain, encrypted = folder / "clip.mp4", folder / "clip.mp4.enc"
        plain.write_bytes(os.urandom(CLIP_BYTES))
        sha256 = hashlib.sha256(plain.read_bytes()).hexdigest()
        times: dict[str, list[float]] = {"plain": [], "encrypted": [], "write": [], "part": []}
        for _ in rounds_of(rounds, tell):
            encrypted.unlink(missing_ok=True)
            with plain.open("rb") as source:
                seconds = _timed(lambda: encrypt_file(source, encrypted, BINDING, key))
            times["write"].append(seconds)
            for name, path in (("plain", plain), ("encrypted", encrypted)):
                times[name].append(_timed(lambda: _check(path, sha256, keys)))  # noqa: B023
            times["part"].append(_timed(lambda: _look_into(plain, encrypted, keys)))
        memory = _peak_bytes(lambda: _check(encrypted, sha256, keys))
    median = {name: statistics.median(values) for name, values in times.items()}
    megabytes = CLIP_BYTES / 1e6
    return Result(
        name=NAME,
        value=round(median["encrypted"] / median["plain"], 3),
        unit="times as long as a plain file's hash check",
        must=2.0,
        aim=1.5,
        better="lower",
        conditions={"clip_mb": megabytes, "rounds": rounds, "file": "in the page cache"},
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "seal_mb_per_s": round(megabytes / median["write"], 1),
            "check_encrypted_mb_per_s": round(megabytes / median["encrypted"], 1),
            "check_plain_mb_per_s": round(megabytes / median["plain"], 1),
            "open_and_read_1_mib_in_the_middle_ms": round(median["part"] * 1e3, 2),
            "python_memory_peak_mb": round(memory / 1e6, 2),
        },
    )


def _check(path: Path, sha256: str, keys: EncryptionKeys) -> None:
    opened = open_encrypted(path, BINDING, keys) if path.suffix == ".enc" else path.open("rb")
    with opened as file:
        if hash_stream(file).sha256 != sha256:
            raise WrongOutputs(f"{path.name}: what is read is not what was written")


def _look_into(plain: Path, encrypted: Path, keys: EncryptionKeys) -> None:
    with plain.open("rb") as wanted, open_encrypted(encrypted, BINDING, keys) as file:
        for each in (wanted, file):
            each.seek(CLIP_BYTES // 2 + 17)
        if file.read(PART_BYTES) != wanted.read(PART_BYTES):
            raise WrongOutputs("a part out of the middle is not what was written")


def _timed(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
