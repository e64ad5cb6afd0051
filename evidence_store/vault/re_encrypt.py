"""Re-encrypt the originals of a vault with the key in force, file by file, while others read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from domain.errors import ForewarnError, PutAside, Stop
from domain.events.catalog import EvidenceFile
from domain.files import sync_file
from evidence_store.custody.chain import CustodyChain
from evidence_store.files.folder_lock import exclusive_lock
from evidence_store.keys.encrypted_file import ENDING, encrypt_file, key_id_of_file, open_encrypted
from evidence_store.vault.file_roles import is_original
from evidence_store.vault.sealed_files import SealedFiles, hash_stream

RE_ENCRYPTED = ".re-encrypted-"


@dataclass
class ReEncrypted:
    """Result of a re-encryption."""

    files: int = 0
    problems: list[str] = field(default_factory=list)


def re_encrypt(
    vault: SealedFiles, chain: CustodyChain, progress: Callable[[int, int], None]
) -> ReEncrypted:
    """Encrypt what is plain, and what an older key encrypted, with the key in force, in all records.

    The chain gets an entry with the number of files and the key; `progress` is called with records
    done, of how many.

    Raises:
        Stop: there is no key in force.
        TryAgain: the chain cannot be written.
    """
    key = vault.keys.current
    if key is None:
        raise Stop(
            f"{vault.keys.source}: there is no encryption key in force; "
            "`forewarn keys encryption create` makes one"
        )
    done, ids = ReEncrypted(), vault.ids()
    for number, evidence_id in enumerate(ids, start=1):
        record = vault.read(evidence_id)
        if record is None and vault.folder_of(evidence_id).is_dir():
            done.problems.append(f"{evidence_id}: numbers.json cannot be read")
        for file in record.files if record else ():
            try:
                with exclusive_lock(vault.folder_of(evidence_id)) as is_there:
                    if not is_there:
                        break  # it was erased, or set aside, meanwhile
                    done.files += _re_encrypt_file(vault, evidence_id, file)
            except FileNotFoundError:
                done.problems.append(f"{evidence_id}/{file.name}: is missing")
            except (OSError, ForewarnError) as error:
                done.problems.append(f"{evidence_id}/{file.name}: {error}")
        progress(number, len(ids))
    if done.files:
        chain.append("re-encrypted", "", {"encryption_key_id": key.key_id, "files": done.files})
    return done


def clear_re_encrypted(vault: SealedFiles) -> None:
    """Delete what a killed re-encryption left; a file that one is at work on is waited for."""
    for path in vault.folder.glob(f"{RE_ENCRYPTED}evd-*"):
        evidence_id = path.name.removeprefix(RE_ENCRYPTED)[:20]
        with suppress(PutAside), exclusive_lock(vault.folder_of(evidence_id)):
            path.unlink(missing_ok=True)


def count_by_key(vault: SealedFiles) -> Counter[str]:
    """Count the originals by the key that encrypts them; "": those that are plain."""
    counted: Counter[str] = Counter()
    for evidence_id in vault.ids():
        record = vault.read(evidence_id)
        for file in record.files if record else ():
            if is_original(file.role):
                path = vault.path_of(evidence_id, file.name)
                if path.name != file.name:
                    counted[_key_of(path)] += 1
                elif path.exists():
                    counted[""] += 1
    return counted


def _re_encrypt_file(vault: SealedFiles, evidence_id: str, file: EvidenceFile) -> bool:
    """Encrypt one file with the key in force; True where it was written anew."""
    key, old = vault.keys.current, vault.path_of(evidence_id, file.name)
    plain = vault.folder_of(evidence_id) / file.name
    assert key is not None
    if not is_original(file.role):
        return False
    if old.name != file.name and key_id_of_file(old) == key.key_id:
        plain.unlink(missing_ok=True)  # an earlier try was ended between its two last steps
        return False
    new, binding = plain.with_name(file.name + ENDING), f"{evidence_id}/{file.name}"
    # not in a sealed folder; what a kill leaves is cleared by the next start
    temporary = vault.folder / f"{RE_ENCRYPTED}{evidence_id}-{file.name}"
    temporary.unlink(missing_ok=True)
    try:
        with vault.open(evidence_id, file.name) as source:
            encrypt_file(source, temporary, binding, key)
        with open_encrypted(temporary, binding, vault.keys) as written:
            if hash_stream(written).sha256 != file.sha256:
                raise PutAside(
                    "is not what was sealed, and is left as it is; see `evidence verify`"
                )
        temporary.chmod(0o444)
        sync_file(temporary)
        temporary.replace(new)
        plain.unlink(missing_ok=True)
        sync_file(new.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _key_of(path: Path) -> str:
    try:
        return key_id_of_file(path)
    except (OSError, PutAside):
        return "unreadable"
