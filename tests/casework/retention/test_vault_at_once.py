"""Two programs at the vault at once: whatever comes first, everything verifies, backups included.

One program is stopped at each of its steps, the other does all of its work there (or waits for the
first, which then goes on). Nothing is pretended: the steps are calls that a subclass lets through.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, product
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

import pytest
from kept_evidence import Kept, chain_of, keep, remains

from casework.retention.service import RetentionService
from domain.data_dir import DataDir
from domain.errors import ForewarnError, PutAside
from evidence_store.backup.create import create_backup
from evidence_store.backup.store import BackupContents, BackupStore
from evidence_store.custody.chain import CustodyChain, Entry, Kind
from evidence_store.custody.chain_check import ChainReport
from evidence_store.erasure.erasure_request import Request
from evidence_store.erasure.legal_holds import Hold, Holds, new_hold_id
from evidence_store.export.export import Exporter
from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.keys.signing_keys import KeyFolder, Signer
from evidence_store.vault.additions import add_files
from evidence_store.vault.open_vault import open_vault
from evidence_store.vault.re_encrypt import re_encrypt
from evidence_store.verify_data_folder import Verifier

Step = Callable[[], None]


def go_on() -> None:
    """No step is stopped at."""


class StepwiseChain(CustodyChain):
    """A chain that says before and after each entry that one is added."""

    def __init__(self, path: Path, signer: Signer | None, step: Step) -> None:
        super().__init__(path, signer)
        self.step = step

    def append(
        self, kind: Kind, evidence_id: str, details: Mapping[str, Any], who: str | None = None
    ) -> Entry:
        self.step()
        entry = super().append(kind, evidence_id, details, who)
        self.step()
        return entry

    def append_once(self, kind: Kind, evidence_id: str, details: Mapping[str, Any]) -> bool:
        self.step()
        is_new = super().append_once(kind, evidence_id, details)
        self.step()
        return is_new


class StepwiseStore(BackupStore):
    """A backup folder that says before each file that it takes."""

    step: Step = staticmethod(go_on)

    def put(self, source: BinaryIO) -> tuple[str, int]:
        self.step()
        return super().put(source)


@dataclass
class Place:
    """An encrypted record with a masked clip, and what the programs do to it."""

    data: DataDir
    kept: Kept
    step: Step = go_on
    snapshots: list[tuple[BackupStore, BackupContents]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(10))

    @property
    def one(self) -> str:
        return self.kept.evidence_id

    def custody(self) -> StepwiseChain:
        return StepwiseChain(self.data.custody, chain_of(self.data).signer, lambda: self.step())

    def seal(self) -> None:
        keep(self.data, next(self.numbers), vault=open_vault(self.data), is_listed=False)

    def mask(self) -> None:
        vault = open_vault(self.data)
        with vault.draft(self.one) as draft:
            vault.copy_out(self.one, "clip.mp4", draft / "clip.mp4")  # plain, while it is masked
            self.step()
            (draft / "clip.mp4").unlink()
            (draft / "clip.masked.mp4").write_bytes(f"masked {next(self.numbers)}".encode() * 99)
            roles = {"clip.masked.mp4": "masked clip"}
            add_files(vault, self.custody(), self.one, draft, roles, {})

    def encrypt(self) -> None:
        def step(*_: int) -> None:
            self.step()

        done = re_encrypt(open_vault(self.data), self.custody(), step)
        assert done.problems == []

    def hold(self) -> None:
        now = datetime.now(UTC)
        held = Hold(new_hold_id(), self.one, "gate", now - timedelta(1), now, "case 17", "legal")
        Holds(self.data.holds, self.custody()).place(held)

    def erase(self) -> None:
        service = RetentionService(self.data, self.custody(), open_vault(self.data), ChainReport())
        service.reread()
        for each in service.erase([Request(self.one, "request 4", "office")]):
            assert each.problems == []

    def export(self) -> None:
        vault, target = open_vault(self.data), self.data.root.parent / f"{next(self.numbers)}.zip"
        record = vault.read(self.one)
        if record is None:
            raise PutAside("it is gone")
        keys = KeyFolder(self.data.keys).public_keys()
        Exporter(vault, self.custody(), keys).export(record, target)

    def verify(self) -> None:
        verifier = Verifier.open(self.data)
        self.step()
        for record in filter(None, map(verifier.vault.read, verifier.vault.ids())):
            assert verifier.problems_of(record) == []
        assert verifier.vanished([]) == []

    def back_up(self) -> None:
        folder = self.data.root.parent / f"backup-{next(self.numbers)}"
        store = StepwiseStore.open(folder, create=True)
        store.step = lambda: self.step()
        snapshot = create_backup(self.data, store, self.custody(), self.data.keys, lambda *_: None)
        self.snapshots.append((store, snapshot))

    def check(self) -> None:
        """Nothing is wrong, here and in every backup."""
        self.step = go_on
        self.verify()
        for store, snapshot in self.snapshots:
            assert snapshot.missing == ()
            copy = DataDir(store.folder.with_name(f"{store.folder.name}-restored"))
            for each in store.listing(snapshot):
                target = copy.root / each.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(store.path_of(each.sha256), target)
            verifier = Verifier.open(copy, self.data.keys)
            records = [verifier.vault.read(each) for each in verifier.vault.ids()]
            found = [verifier.problems_of(each) if each else ["unreadable"] for each in records]
            assert [*verifier.problems, *chain(*found), *verifier.vanished([])] == []
        kinds = [each["kind"] for each in chain_of(self.data).about(self.one)]
        if "erased" in kinds:
            assert remains(self.data, self.kept) == set(), "it was certified, and is there"
            assert not {"held", "added", "exported"} & {*kinds[kinds.index("erasing") :]}
            assert "held" not in kinds, "somebody was told that it is held"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Place:
    data = DataDir(tmp_path_factory.mktemp("template") / "var")
    keys = EncryptionKeyFolder(data.keys)
    chain_of(data)
    keys.create()
    place = Place(data, keep(data, 1, vault=open_vault(data), is_listed=False))
    place.mask()
    keys.rotate()  # so that there is something to encrypt anew
    return place


@pytest.fixture
def place(template: Place, tmp_path: Path) -> Place:
    shutil.copytree(template.data.root, tmp_path / "var")
    return Place(DataDir(tmp_path / "var"), template.kept)


PROGRAMS: dict[str, Callable[[Place], None]] = {
    "seal": Place.seal,
    "mask": Place.mask,
    "encrypt": Place.encrypt,
    "hold": Place.hold,
    "erase": Place.erase,
    "export": Place.export,
    "verify": Place.verify,
    "backup": Place.back_up,
}


READERS = {"verify", "backup"}  # each beside the other changes nothing
# a backup has a step for each of some twenty files
AT_LEISURE = {"backup": pytest.mark.long}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(*each, marks=AT_LEISURE.get(each[0], ()))
        for each in product(PROGRAMS, PROGRAMS)
        if not READERS.issuperset(each)
    ],
)
def test_one_program_at_every_step_of_another(
    place: Place, first: str, second: str, tmp_path: Path
) -> None:
    untouched = tmp_path / "untouched"
    shutil.copytree(place.data.root, untouched)
    for stop_at in itertools.count():
        if stop_at:
            for path in tmp_path.iterdir():
                if path != untouched:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copytree(untouched, place.data.root)
            place.snapshots.clear()
        if not run_with(place, first, second, stop_at):
            return


def run_with(place: Place, first: str, second: str, stop_at: int) -> bool:
    """Run the second at that step of the first; False where the first has fewer steps."""
    steps, beside = itertools.count(), []
    faults: list[BaseException] = []

    def run(name: str) -> None:
        try:
            with contextlib.suppress(ForewarnError):  # it came too late, and said so
                PROGRAMS[name](place)
        except BaseException as error:  # told by the test, not by a thread that nobody hears
            faults.append(error)

    def step() -> None:
        if not beside and next(steps) == stop_at:
            beside.append(Thread(target=run, args=(second,)))
            beside[0].start()
            beside[0].join(0.2)  # done by then, or waiting for us

    place.step = step
    run(first)
    for each in beside:
        each.join(60)
        assert not each.is_alive(), "they wait for each other"
    for fault in faults:
        raise fault
    place.check()
    return bool(beside)
