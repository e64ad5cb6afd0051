"""Encrypt a file with AES-256-GCM in chunks, and read it at any place, as players need.

    16 bytes   MAGIC
    16 bytes   key id: which key of the site opens it
    32 bytes   salt: random; the file's own key is HKDF-SHA256(site's key, salt)
    then chunks of 65,536 bytes (the last one shorter, or empty), each followed by its tag of 16 bytes

A chunk's nonce is its number (11 bytes) and whether it is the last (1 byte). Header, record and file
name are authenticated with every chunk: a file that was changed, cut off, put together from two, or
exchanged for another one does not open.

Source: STREAM, Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015 (as age uses it, with AES-GCM).
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.errors import PutAside
from evidence_store.keys.encryption_keys import EncryptionKey, EncryptionKeys

ENDING = ".enc"
MAGIC = b"forewarn enc 1\r\n"
CHUNK_BYTES = 65536
TAG_BYTES = 16
HEADER_BYTES = 64
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class FileDigest:
    """Hash and size of a file's bytes, as they were before they were encrypted."""

    sha256: str
    size_bytes: int


def encrypt_file(source: BinaryIO, target: Path, binding: str, key: EncryptionKey) -> FileDigest:
    """Encrypt to a new file and hash what is read; arguments and errors as for `encrypt_only`."""
    sha256, size = hashlib.sha256(), 0

    def see(chunk: bytes) -> None:
        nonlocal size
        sha256.update(chunk)
        size += len(chunk)

    encrypt_only(source, target, binding, key, see)
    return FileDigest(sha256.hexdigest(), size)


def encrypt_only(
    source: BinaryIO,
    target: Path,
    binding: str,
    key: EncryptionKey,
    see: Callable[[bytes], None] = lambda chunk: None,
) -> None:
    """Encrypt to a new file, with at most two chunks of it in memory.

    `binding` says what the file is, such as "evd-0123456789abcdef/clip.mp4"; it opens with the same
    binding only. `see` is called with each chunk that is read.

    Raises:
        OSError: the target is there already, or cannot be written.
    """
    header = MAGIC + bytes.fromhex(key.key_id) + os.urandom(32)
    cipher, bound = _cipher(key, header), header + binding.encode()
    with target.open("xb") as out:
        out.write(header)
        chunk, number = source.read(CHUNK_BYTES), 0
        while True:
            following = source.read(CHUNK_BYTES) if len(chunk) == CHUNK_BYTES else b""
            see(chunk)
            out.write(cipher.encrypt(_nonce(number, is_last=not following), chunk, bound))
            if not following:
                return
            chunk, number = following, number + 1


def open_encrypted(path: Path, binding: str, keys: EncryptionKeys) -> BinaryIO:
    """Open an encrypted file to read and to seek in; each chunk is checked as it is read.

    Raises:
        FileNotFoundError: there is none.
        EncryptionKeyMissing: its key is not at hand.
        PutAside: it is no encrypted file, is cut off, was changed or is another record's; reading
            raises it for chunks further on.
    """
    # chunks are read whole: a buffer would only be one more copy
    file = path.open("rb", buffering=0)
    try:
        return cast(BinaryIO, io.BufferedReader(_Chunks(file, path, binding, keys), CHUNK_BYTES))
    except BaseException:
        file.close()
        raise


def plain_size_of(path: Path) -> int:
    """Compute what an encrypted file holds, by its length; raises PutAside if none is that long."""
    body = path.stat().st_size - HEADER_BYTES
    whole, rest = divmod(body, CHUNK_BYTES + TAG_BYTES)
    if body < TAG_BYTES or 0 < rest < TAG_BYTES or (whole and rest == TAG_BYTES):
        raise PutAside(f"{path}: changed: cut off, or no encrypted file; restore it from a backup")
    return body - TAG_BYTES * (whole + bool(rest))


def key_id_of_file(path: Path) -> str:
    """Read which key opens an encrypted file.

    Raises:
        FileNotFoundError: there is none.
        PutAside: it is no encrypted file.
    """
    with path.open("rb") as file:
        return _key_id(file.read(HEADER_BYTES), path)


class _Chunks(io.RawIOBase):
    """Decrypting reader beneath the buffer; holds one chunk."""

    def __init__(self, file: io.FileIO, path: Path, binding: str, keys: EncryptionKeys) -> None:
        header = file.read(HEADER_BYTES)
        key = keys.need(_key_id(header, path), str(path))
        self.name = str(path)  # players and error messages ask for it
        self._file, self._size = file, plain_size_of(path)
        self._cipher, self._bound = _cipher(key, header), header + binding.encode()
        self._last = max(0, (self._size - 1) // CHUNK_BYTES)
        self._at, self._number = 0, -1
        self._chunk = bytearray()
        self._sealed = bytearray(CHUNK_BYTES + TAG_BYTES)
        # a file that was cut off lacks the chunk that is marked as the last
        self._load(self._last)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError(22, "cannot seek to before the beginning")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        if self._at >= self._size or not len(view):
            return 0
        number, start = divmod(self._at, CHUNK_BYTES)
        whole = min(CHUNK_BYTES, self._size - number * CHUNK_BYTES)
        if start == 0 and len(view) >= whole and number != self._number:
            # hashing takes whole chunks: they need no copy of ours
            self._open(number, view[:whole])
            self._at += whole
            return whole
        self._load(number)
        part = self._chunk[start : start + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self._chunk = bytearray()
        super().close()

    def _load(self, number: int) -> None:
        if number != self._number:
            chunk = bytearray(min(CHUNK_BYTES, self._size - number * CHUNK_BYTES))
            self._open(number, memoryview(chunk))
            self._chunk, self._number = chunk, number

    def _open(self, number: int, plain: memoryview) -> None:
        """Decrypt one chunk into a buffer of its length."""
        self._file.seek(HEADER_BYTES + number * (CHUNK_BYTES + TAG_BYTES))
        sealed = memoryview(self._sealed)[: len(plain) + TAG_BYTES]
        read = 0
        while read < len(sealed) and (got := self._file.readinto(sealed[read:])):
            read += got
        nonce = _nonce(number, is_last=number == self._last)
        try:
            self._cipher.decrypt_into(nonce, sealed, self._bound, plain)
        except InvalidTag as error:
            raise PutAside(
                f"{self.name}: changed: does not open at byte {number * CHUNK_BYTES}; it was changed, "
                "cut off or exchanged for another file; restore it from a backup"
            ) from error


def _key_id(header: bytes, path: Path) -> str:
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise PutAside(f"{path}: changed: no encrypted file of forewarn; restore it from a backup")
    return header[len(MAGIC) :][:_ID_BYTES].hex()


def _cipher(key: EncryptionKey, header: bytes) -> AESGCM:
    salt = header[len(MAGIC) + _ID_BYTES :]
    return AESGCM(HKDF(SHA256(), 32, salt, b"forewarn file 1").derive(key.secret))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")
