"""Keep the site's own Ed25519 key: made once by a person, never by itself, and never written over.

A key folder holds one private key (`site-key.pem`, readable by its owner only) and the public halves
of all keys ever made in it (`public/<key id>.pem`). A key's id is the SHA-256 of its 32 raw public
bytes: also its fingerprint, which a site should publish where others can find it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from domain.errors import Stop, TryAgain
from domain.files import write_atomically
from evidence_store.files.plain_file import read_plain
from evidence_store.files.try_again import reraise_as_try_again

PRIVATE_NAME = "site-key.pem"
PUBLIC_FOLDER = "public"
STATEMENT_ENDING = ".named-by"
PASSPHRASE_VARIABLE = "FOREWARN_KEY_PASSPHRASE"

PublicKeys = Mapping[str, Ed25519PublicKey]  # by key id


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key at hand, ready to sign."""

    key_id: str
    private: Ed25519PrivateKey

    def sign(self, content: bytes) -> str:
        """64 bytes of Ed25519 signature, as 128 lower-case hex digits."""
        return self.private.sign(content).hex()


class KeyFolder:
    """Signing key and public keys of one folder; several data folders may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def private_file(self) -> Path:
        """File of the private key that signs now."""
        return self.folder / PRIVATE_NAME

    def has_key(self) -> bool:
        """Tell whether there is a private key to sign with."""
        return self.private_file.exists()

    def create(self, passphrase: str = "") -> Signer:
        """Make the folder's first key, encrypted by `passphrase`; "" leaves it readable to its owner.

        Raises:
            Stop: there is a key already, or a passphrase too short to help.
            TryAgain: the folder cannot be written.
        """
        if self.has_key():
            raise Stop(
                f"{self.private_file}: there is a key already and it is never written over; "
                "`forewarn keys rotate` makes a new one and keeps the old public key"
            )
        signer = new_signer()
        self.publish(signer)
        self._write_private(signer, passphrase, is_first=True)
        return signer

    def replace(self, signer: Signer, statement: bytes, passphrase: str = "") -> None:
        """Sign with another key from now on; the old private key is gone, its public half stays.

        `statement` is the old key's signature of the new public key: other data folders that share the
        keys need it.
        """
        self.publish(signer)
        path = self.folder / PUBLIC_FOLDER / f"{signer.key_id}{STATEMENT_ENDING}"
        with reraise_as_try_again(str(path), advice=""):
            write_atomically(path, statement, mode=0o644)
        self._write_private(signer, passphrase, is_first=False)

    def take_over(self, other: KeyFolder, key_ids: Collection[str]) -> None:
        """Keep public keys of another folder here, too: a person says that they were this site's."""
        for key_id, key in other.public_keys().items():
            path = self.folder / PUBLIC_FOLDER / f"{key_id}.pem"
            if key_id in key_ids and not path.exists():
                with reraise_as_try_again(str(path), advice=""):
                    write_atomically(path, public_pem(key), mode=0o644)

    def statement_about(self, key_id: str) -> bytes | None:
        """Read the signature of a key's public half by the key before it; None where it is not there."""
        try:
            return (self.folder / PUBLIC_FOLDER / f"{key_id}{STATEMENT_ENDING}").read_bytes()
        except OSError:
            return None

    def signer(self, passphrase: str = "") -> Signer:
        """Load the key that signs now.

        Raises:
            Stop: there is none, others may read it, or the passphrase does not open it.
        """
        path = self.private_file
        try:
            content = read_plain(path)
            mode = path.stat().st_mode
        except FileNotFoundError as error:
            raise Stop(f"{path}: there is no key to sign evidence with") from error
        except OSError as error:
            raise Stop(f"{path}: cannot be read: {error.strerror}") from error
        if mode & 0o077:
            raise Stop(
                f"{path}: may be used by others than its owner (mode {mode & 0o777:o}); run "
                f"`chmod 600 {path}`, and rotate the key if somebody may have copied it"
            )
        return Signer(*_load_private(path, content, passphrase))

    def publish(self, signer: Signer) -> None:
        """Keep a key's public half in this folder, so that its signatures can be checked here."""
        path = self.folder / PUBLIC_FOLDER / f"{signer.key_id}.pem"
        if path.exists():
            return
        pem = public_pem(signer.private.public_key())
        with reraise_as_try_again(str(path), advice=""):
            write_atomically(path, pem, mode=0o644)

    def public_keys(self) -> dict[str, Ed25519PublicKey]:
        """Read all public keys kept here, by key id; raises what `read_public_key` raises."""
        return {path.stem: read_public_key(path) for path in self._public_files()}

    def sound_public_keys(self) -> tuple[dict[str, Ed25519PublicKey], list[str]]:
        """Read the public keys that fit their names, and a line about each that does not."""
        keys, faults = {}, []
        for path in self._public_files():
            try:
                keys[path.stem] = read_public_key(path)
            except Stop as error:
                faults.append(str(error))
        return keys, faults

    def _public_files(self) -> list[Path]:
        return sorted((self.folder / PUBLIC_FOLDER).glob("*.pem"))

    def _write_private(self, signer: Signer, passphrase: str, *, is_first: bool) -> None:
        encryption: KeySerializationEncryption = NoEncryption()
        if passphrase:
            encryption = BestAvailableEncryption(passphrase.encode())
        pem = signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        try:
            write_atomically(self.private_file, pem, mode=0o600, may_replace=not is_first)
        except FileExistsError as error:
            raise Stop(f"{self.private_file}: another process made a key meanwhile") from error
        except OSError as error:
            raise TryAgain(f"{self.private_file}: cannot be written: {error.strerror}") from error


def new_signer() -> Signer:
    """Make a key pair from the operating system's randomness; stored nowhere yet."""
    private = Ed25519PrivateKey.generate()
    return Signer(key_id_of(private.public_key()), private)


def key_id_of(public: Ed25519PublicKey) -> str:
    """Compute a public key's id: SHA-256 of its 32 raw bytes, in hex; also its fingerprint."""
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def public_pem(public: Ed25519PublicKey) -> bytes:
    """Spell a public key in PEM."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key whose file is named for its key id.

    Raises:
        Stop: it is no Ed25519 public key, or not the one its name says.
    """
    try:
        content = read_plain(path)
        key = load_pem_public_key(content)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise Stop(f"{path}: is no public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey) or key_id_of(key) != path.stem:
        raise Stop(f"{path}: is not the Ed25519 public key that its name says; was it exchanged?")
    if public_pem(key) != content:
        raise Stop(f"{path}: holds more than the public key; was it changed?")
    return key


def fault_of_signature(keys: PublicKeys, key_id: str, signature: str, content: bytes) -> str:
    """Describe what is wrong with a signature by the key `key_id`: "" if nothing."""
    key = keys.get(key_id)
    if key is None:
        return f"is signed by an unknown key {key_id[:16]}…; this site's keys are elsewhere, or it is not its own"
    if len(signature) != 128 or signature.strip("0123456789abcdef"):
        return "its signature is not 128 lower-case hex digits"
    if not _holds(key, bytes.fromhex(signature), content):
        return f"its signature by key {key_id[:16]}… does not fit"
    return ""


def _holds(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    """Tell whether a signature holds, as `cryptography` sees it.

    libsodium needs about half the time (72 to 91 us beside 154 to 164, AMD Zen 3). What it takes, OpenSSL takes, too: both compare the same sum of points
    byte for byte, and libsodium refuses odd points besides (PyNaCl 1.6, tried with points of small order). What
    it refuses is asked of OpenSSL.
    """
    # takes 30 ms to load, and most programs only sign
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import CryptoError

    try:
        crypto_sign_open(signature + content, key.public_bytes_raw())
    except CryptoError:
        try:
            key.verify(signature, content)
        except InvalidSignature:
            return False
    return True


def _load_private(path: Path, content: bytes, passphrase: str) -> tuple[str, Ed25519PrivateKey]:
    try:
        key = load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except TypeError as error:  # cryptography raises it for a passphrase too much or too few
        hint = "takes none; unset" if passphrase else "is locked by a passphrase; set"
        raise Stop(f"{path}: the private key {hint} {PASSPHRASE_VARIABLE}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Stop(
            f"{path}: cannot be opened: a wrong passphrase in {PASSPHRASE_VARIABLE}, or no key file"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Stop(f"{path}: needs an Ed25519 key; `forewarn keys create` makes one")
    return key_id_of(key.public_key()), key
