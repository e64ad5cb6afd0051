"""Describe sealed evidence by the installed pair of models, so that it can be searched by words.

What is described is the masked picture of the first sighting, cut to a square around the subject:
no original is opened for it, and other people are blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from domain.data_dir import DataDir
from domain.errors import ForewarnError, PutAside
from domain.evidence import EvidenceRecord
from evidence_store.picture_vectors import PictureVectors
from evidence_store.sealed_files import SealedFiles
from evidence_store.stills import decode_picture
from evidence_store.table import EvidenceTable
from models.serving.client import connect
from models.text_search.client import MODELS, TextSearch
from models.text_search.install import InstalledPair

PICTURE = "first.masked.jpg"
BATCH = 32
AROUND = 1.4  # the square's side, counted in the subject's longer side: what people carry, too


@dataclass(slots=True)
class Described:
    """What was done."""

    records: int = 0  # that had not been looked at
    without_picture: int = 0  # of those


def describe_evidence(
    data: DataDir,
    installed: InstalledPair,
    address: str,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Described:
    """Describe every record that this pair has not looked at; a killed call is taken up by the next.

    Args:
        address: HOST:PORT of the Triton server, with the pair's models loaded.
        on_progress: told after each batch.
    Raises:
        TryAgain: the server is away, or the table cannot be written now.
        Stop: the server lacks the pair's models.
    """
    records = EvidenceTable.open(data.lancedb, create=False)
    vectors = PictureVectors.open(data.lancedb, installed.pair.pair_id)
    known = vectors.ids()
    waiting = [
        each
        for each in records.newest(limit=max(1, records.count()))
        if each.evidence_id not in known
    ]
    told = Described()
    if not waiting:
        return told
    vault = SealedFiles(data.evidence)
    with connect(address, deadline_s=60.0) as connection:
        connection.check_models_ready(MODELS)
        search = TextSearch(connection, installed)
        for batch in _batches(waiting):
            pictures = [subject_of(each, vault) for each in batch]
            there = [each for each in pictures if each is not None]
            described = iter(search.describe_pictures(there)) if there else iter(())
            rows = [
                (record, None if picture is None else next(described))
                for record, picture in zip(batch, pictures, strict=True)
            ]
            vectors.put(rows)
            told.records += len(rows)
            told.without_picture += len(rows) - len(there)
            on_progress(told.records, len(waiting))
    return told


def _batches(records: Sequence[EvidenceRecord]) -> Iterator[Sequence[EvidenceRecord]]:
    for first in range(0, len(records), BATCH):
        yield records[first : first + BATCH]


def subject_of(record: EvidenceRecord, vault: SealedFiles) -> np.ndarray | None:
    """The subject on the masked picture of its first sighting, (h, w, 3) uint8 RGB; None: no picture."""
    try:
        content = vault.read_bytes(record.evidence_id, PICTURE)
        image = decode_picture(content, f"{record.evidence_id}/{PICTURE}")
        sighting = vault.story(record.evidence_id)["outcome"]["data"]["first_sighting"]
        return square_around(image, sighting["box_xyxy"])
    except (OSError, ForewarnError, KeyError, TypeError):
        return None  # the record itself says what is missing, and why


def square_around(image_rgb: np.ndarray, box_xyxy: Sequence[float]) -> np.ndarray:
    """A square with the box in its middle, moved into the picture where it is large enough.

    Raises:
        PutAside: the box lies outside the picture.
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
