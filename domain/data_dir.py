"""Name the files and folders of the data folder, which is `var/` unless --data says another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# what is taken from group and others, of the folder and of all that is made in it: 0750 and 0640
CLOSED = 0o027


# in the folder of announcements: each sound once, under its SHA-256; the calls beside it are links
SOUNDS = ".sounds"


@dataclass(frozen=True, slots=True)
class DataPath:
    """Descriptor of one file or folder of the data folder, by its name there."""

    name: str

    def __get__(self, data: DataDir, kind: type[DataDir]) -> Path:
        return data.root / self.name


@dataclass(frozen=True, slots=True)
class DataDir:
    """Layout of the data folder; nothing else may spell these names."""

    root: Path

    events_db = DataPath("events.sqlite")  # SQLite file of the event log
    evidence = DataPath("evidence")  # the vault: one folder for each evidence record
    # custody chain: what was done with evidence, by whom and why; a signed, linked entry a line
    custody = DataPath("custody.jsonl")
    # steady clock of live runs: how it stands to the machine's, and since when (domain/cameras/steady_clock.py)
    clock = DataPath("clock.json")
    # until when that clock is believed by what deletes (domain/cameras/believed_clock.py)
    believed_clock = DataPath("believed-clock.json")
    holds = DataPath("holds")  # legal holds in force, a small file each
    # public keys that check this folder's signatures; the private one, unless kept elsewhere
    keys = DataPath("keys")
    # every revision of the site file that was ever in force, and what it names; the log says which is
    site = DataPath("site")
    people = DataPath("people.yaml")  # people file; without one nobody may see what is unmasked
    lancedb = DataPath("lancedb")  # LanceDB database of evidence rows and vectors
    recordings = DataPath("recordings")  # segments of live cameras, a folder each
    announcements = DataPath("announcements")  # sounds spoken, as the file speaker writes them
    # notes of each message to people, and its masked picture for a day
    notifications = DataPath("notifications")
    # synthesised texts, by hash, so that a warning is ready when it is due
    speech_cache = DataPath("speech")
    live = DataPath("live")  # latest picture and state of each camera, for the console
    recovery = DataPath("recovery")  # Bytewax recovery stores, one folder for each dataflow
    triton = DataPath("triton")  # embedded Triton server: address, log
    audits = DataPath("audits")  # results of evidence audits, as JSON
    beats = DataPath("beats")  # signs of life of the running programs
    quarantine = DataPath("quarantine.json")  # cameras whose streams crashed the watch program
    locks = DataPath("locks")  # lock files: who holds this folder, and each program's place in it
    logs = DataPath("logs")  # log files of the programs that `forewarn run` starts


def make_closed() -> None:
    """Let this process, and its children, make files of 0640 and folders of 0750, or stricter ones."""
    os.umask(os.umask(CLOSED) | CLOSED)


def close_to_others(data: DataDir) -> list[Path]:
    """Make the data folder, or mend one that others can look into: it, its logs and its databases.

    Returns:
        what stays open, since it belongs to somebody else.
    Raises:
        OSError: it cannot be made or read.
    """
    data.root.mkdir(mode=0o777 & ~CLOSED, parents=True, exist_ok=True)
    stays_open = []
    for path in _to_close(data):
        mode = path.stat().st_mode & 0o7777
        if mode & CLOSED:
            try:
                path.chmod(mode & ~CLOSED)
            except OSError:
                stays_open.append(path)
    return stays_open


def _to_close(data: DataDir) -> Iterator[Path]:
    yield data.root
    # SQLite gives the files beside a database the database's own mode
    yield from data.root.glob(f"{data.events_db.name}*")
    if data.logs.is_dir():
        yield from (data.logs, *data.logs.iterdir())
