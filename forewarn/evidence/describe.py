"""Describe sealed evidence by models that a site may lack: the likeness model, a pair for words.

What is described is the subject on the masked picture of the first sighting: no original is opened for
it, and other people are blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from domain.data_dir import DataDir
from domain.errors import ForewarnError, PutAside
from domain.evidence import EvidenceRecord
from evidence_store.media.stills import crop_box, decode_picture
from evidence_store.search.picture_vectors import PictureVectors, VectorSpace
from evidence_store.table_of_vault import open_evidence_table
from evidence_store.vault.sealed_files import SealedFiles
from models.likeness.space import likeness_space
from models.serving.client import Connection, find_likeness
from models.text_search.client import MODELS, TextSearch
from models.text_search.installed import InstalledPair

PICTURE = "first.masked.jpg"
BATCH = 32
AROUND = 1.4  # the square's side, counted in the subject's longer side: what people carry, too

Box = Sequence[float]  # left, top, right, bottom; pixels


@dataclass(frozen=True, slots=True)
class EvidenceDescriber:
    """What describes evidence, and the part of a picture that it is shown."""

    space: VectorSpace
    describe: Callable[[Sequence[np.ndarray]], np.ndarray]  # pictures -> (n, size) of unit length
    cut: Callable[[np.ndarray, Box], np.ndarray]


@dataclass(slots=True)
class Described:
    """How many records were described."""

    records: int = 0  # that had not been looked at
    without_picture: int = 0  # of those


def describers_of(
    connection: Connection, installed: InstalledPair | None
) -> list[EvidenceDescriber]:
    """Return the likeness model, where the server has it, and the installed pair.

    Raises:
        TryAgain: the server is away.
        Stop: it lacks the pair's models.
    """
    found = []
    if (likeness := find_likeness(connection)) is not None:
        found.append(EvidenceDescriber(likeness_space(), likeness.describe, crop_of_subject))
    if installed is not None:
        connection.check_models_ready(MODELS)
        search = TextSearch(connection, installed)
        space = installed.pair.pair_id
        found.append(EvidenceDescriber(space, search.describe_pictures, square_around))
    return found


def describe_evidence(
    data: DataDir,
    by: EvidenceDescriber,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Described:
    """Describe every record that was not looked at in this way; a killed call is taken up by the next.

    `on_progress` is called after each batch with records done, and of how many.

    Raises:
        TryAgain: the server is away, or the table cannot be written now.
        TableDamaged: a table cannot be read, or is gone.
    """
    records = open_evidence_table(data)
    vectors = PictureVectors.open(data.lancedb, by.space)
    known = vectors.ids()
    waiting = [
        record
        for record in records.newest(limit=max(1, records.count()))
        if record.evidence_id not in known
    ]
    done = Described()
    vault = SealedFiles(data.evidence)
    for first in range(0, len(waiting), BATCH):
        batch = waiting[first : first + BATCH]
        pictures = [subject_of(record, vault, by.cut) for record in batch]
        there = [picture for picture in pictures if picture is not None]
        described = iter(by.describe(there)) if there else iter(())
        rows = [
            (record, None if picture is None else next(described))
            for record, picture in zip(batch, pictures, strict=True)
        ]
        vectors.put(rows)
        done.records += len(rows)
        done.without_picture += len(rows) - len(there)
        on_progress(done.records, len(waiting))
    return done


def subject_of(
    record: EvidenceRecord, vault: SealedFiles, cut: Callable[[np.ndarray, Box], np.ndarray]
) -> np.ndarray | None:
    """Cut the subject out of the masked picture of its first sighting; (h, w, 3) uint8 RGB, None: no picture."""
    try:
        content = vault.read_bytes(record.evidence_id, PICTURE)
        image = decode_picture(content, f"{record.evidence_id}/{PICTURE}")
        sighting = vault.story(record.evidence_id)["outcome"]["data"]["first_sighting"]
        return cut(image, sighting["box_xyxy"])
    # the record itself says what is missing, and why
    except (OSError, ForewarnError, KeyError, TypeError):
        return None


def crop_of_subject(image_rgb: np.ndarray, box_xyxy: Box) -> np.ndarray:
    """Cut the box itself out: (h, w, 3) uint8; raises PutAside where it lies outside."""
    left, top, right, bottom = box_xyxy
    return crop_box(image_rgb, (left, top, right, bottom))


def square_around(image_rgb: np.ndarray, box_xyxy: Box) -> np.ndarray:
    """Cut a square with the box in its middle, moved into the picture where it is large enough.

    The picture is (h, w, 3) uint8, the box in pixels; raises PutAside where the box lies outside.
    """
    height, width = image_rgb.shape[:2]
    left, top, right, bottom = box_xyxy
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise PutAside(
            f"box {tuple(box_xyxy)} lies outside the picture of {width} x {height} pixels"
        )
    side = min(max(2, round(AROUND * max(right - left, bottom - top))), height, width)
    x = min(max(0, round((left + right - side) / 2)), width - side)
    y = min(max(0, round((top + bottom - side) / 2)), height - side)
    return np.ascontiguousarray(image_rgb[y : y + side, x : x + side])
