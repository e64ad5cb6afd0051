"""Tell by whose word a backup counts: by keys that the site's custody chain leads to, never by lying in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain.data_dir import DataDir
from evidence_store.backup.store import BackupStore, Listed
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.chain_check import check_chain
from evidence_store.keys.signing_keys import KeyFolder, PublicKeys


@dataclass(frozen=True)
class WhoseWord:
    """Keys whose signature a snapshot may have, and what is wrong with the chain that says so."""

    keys: PublicKeys
    problems: tuple[str, ...]
    is_pinned: bool  # a fingerprint from outside says whose chain it is


def word_of_site(data: DataDir, anchors: Collection[str]) -> WhoseWord:
    """Count the keys that the chain of a data folder leads to."""
    return _word_of(data.custody, KeyFolder(data.keys).sound_public_keys()[0], anchors)


def word_of_backup(
    store: BackupStore, files: Sequence[Listed], anchors: Collection[str]
) -> WhoseWord:
    """Count the keys in a backup that its own copy of the chain leads to."""
    name = DataDir(Path()).custody.name
    own = [file.sha256 for file in files if file.name == name]
    # without a chain, the keys are all that there is to go by
    chain = store.path_of(own[0]) if own else store.folder / name
    return _word_of(chain, _keys_inside(store, files), anchors)


def _word_of(chain: Path, keys: PublicKeys, anchors: Collection[str]) -> WhoseWord:
    report = check_chain(CustodyChain(chain), keys, anchors)
    counted = report.counted_keys | report.named_keys
    if not report.entries:
        # the first key vouches for itself only
        counted = frozenset(anchors) or frozenset(keys)
    return WhoseWord(
        {key_id: key for key_id, key in keys.items() if key_id in counted},
        tuple(problem.replace(chain.name, "custody.jsonl") for problem in report.problems),
        bool(anchors),
    )


def _keys_inside(store: BackupStore, files: Sequence[Listed]) -> PublicKeys:
    """Read the public keys that are in the backup, as far as they are sound."""
    with tempfile.TemporaryDirectory(prefix="forewarn-keys-") as name:
        public = Path(name) / "public"
        public.mkdir()
        for file in files:
            if file.name.startswith("keys/public/"):
                with suppress(OSError):
                    shutil.copyfile(store.path_of(file.sha256), public / Path(file.name).name)
        return KeyFolder(Path(name)).sound_public_keys()[0]
