"""Errors come in three families, which scripts tell apart by the exit code."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from domain.errors import ForewarnError, NoRoom, PutAside, Stop, TryAgain, full_disks_in_words
from tests.support.small_disk import SmallDisk


@pytest.mark.parametrize(
    ("family", "code"),
    [(TryAgain, os.EX_TEMPFAIL), (PutAside, os.EX_DATAERR), (Stop, os.EX_CONFIG)],
)
def test_a_family_has_the_exit_code_of_sysexits(family: type[ForewarnError], code: int) -> None:
    assert family.exit_code == code
    with pytest.raises(ForewarnError, match=r"^why$"):
        raise family("why")


@pytest.mark.parametrize("family", [TryAgain, PutAside, Stop])
def test_no_family_is_caught_as_another(family: type[ForewarnError]) -> None:
    others = {TryAgain, PutAside, Stop} - {family}
    assert not any(issubclass(family, other) for other in others)


def test_a_disk_that_is_full_is_named_with_what_could_not_be_written(
    small_disk: SmallDisk, tmp_path: Path
) -> None:
    source, target = tmp_path / "source", small_disk.folder / "target"
    source.write_bytes(b"x" * 100_000)
    target.touch()
    small_disk.fill()
    words = f"^{target}: No space left on device; make room"
    with pytest.raises(NoRoom, match=words), full_disks_in_words():
        shutil.copy2(source, target)


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (OSError(errno.EROFS, "Read-only file system", "/srv/x"), NoRoom),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/srv/x"), FileNotFoundError),
        (Stop("the set-up is wrong"), Stop),
    ],
)
def test_only_the_disks_own_errors_are_put_into_words(
    error: Exception, becomes: type[Exception]
) -> None:
    with pytest.raises(becomes), full_disks_in_words():
        raise error
