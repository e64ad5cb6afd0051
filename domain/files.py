"""Write files whole or not at all, also through a loss of power; needs only the standard library."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from domain.ids import mint

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def plain_name(name: str) -> str:
    """Return `name` where it is a plain file name, else a name minted from it: ids come from outside."""
    return name if _PLAIN_NAME.fullmatch(name) else mint("name", name)


def sha256_of(path: Path) -> str:
    """Compute the SHA-256 of a file's bytes, in hex; OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_identity(path: Path) -> tuple[int, int] | None:
    """Tell what lies there from anything that lay there before; None where there is nothing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def nearest(path: Path) -> Path:
    """Return the path itself, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def sync_file(path: Path) -> None:
    """Ask the disk to keep a file's bytes, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_in_place(temporary: Path, target: Path) -> None:
    """Give a finished file its name, durably; readers see the old file or the new one.

    Both are on one file system; OSError: the disk is full, or the folder cannot be written.
    """
    # synced before the rename: after a loss of power an empty file would pass for a whole one
    sync_file(temporary)
    temporary.replace(target)
    sync_file(target.parent)


def write_atomically(
    path: Path,
    content: bytes,
    *,
    mode: int | None = None,
    durable: bool = True,
    may_replace: bool = True,
    one_writer: bool = False,
) -> None:
    """Write a file in one step; readers see the old content or the new, never a part.

    Args:
        path: its folder is made where there is none. A link is replaced, not followed.
        content: the whole file.
        mode: of the file, from before it has content; None: what the umask leaves of 0o666. The mode of
            a file that is replaced does not count.
        durable: it survives a loss of power once this returns; costs two fsyncs. The names of folders
            that are made here are not synced: make them durable first where it matters.
        may_replace: False: refuse where the file is there.
        one_writer: nobody else writes this file, so that the next attempt writes over what a killed one left.
    Raises:
        FileExistsError: it is there and may not be replaced.
        OSError: the disk is full, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = _open_beside(path, mode, one_writer)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if may_replace:
            temporary.replace(path)
        else:
            # unlike a rename, this refuses where there is one
            path.hardlink_to(temporary)
        if durable:
            sync_file(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def link_atomically(path: Path, target: Path) -> None:
    """Make a relative link to a file, durably and in one step; what has the name is replaced.

    The link's folder is made where there is none. OSError: the disk is full, cannot be written, or knows no
    links.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.relpath(target, path.parent))
    temporary.replace(path)
    sync_file(path.parent)


def _open_beside(path: Path, mode: int | None, one_writer: bool) -> tuple[int, Path]:
    if one_writer:
        temporary = path.with_name(f".{path.name}.part")
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode or 0o666)
    else:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        temporary = Path(name)
    if mode is None and not one_writer:
        mode = 0o666 & ~_umask()
    if mode is not None:
        os.fchmod(handle, mode)
    return handle, temporary


def _umask() -> int:
    # os.umask can only be read by setting it, which other threads would see
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o022
