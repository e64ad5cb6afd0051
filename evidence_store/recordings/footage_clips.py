"""Cut clips out of footage that was found, and grab the frames of sightings out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np

from domain.errors import PutAside
from domain.events.catalog import Sighting
from evidence_store.media.stills import grab_frame_and_time
from evidence_store.recordings.clip import CutClip, SourceStretch, join_clip
from evidence_store.recordings.footage import TOLERATED_GAP_S, Footage, Piece

# Matroska rounds time stamps to a millisecond; frames are further apart than this
FRAME_TOLERANCE_S = 0.005


@dataclass(frozen=True, slots=True)
class FootageClip:
    """Clip with the event time of its pictures."""

    cut: CutClip
    from_at: datetime  # event time of its first picture
    to_at: datetime
    pieces: tuple[Piece, ...]  # what it was joined from

    @property
    def stream_s(self) -> float:
        """Camera's own timestamp at the clip's media time 0, seconds."""
        first = self.pieces[0]
        return float(first.first_pts * first.time_base) + self.cut.from_s

    def place_of(self, sighting: Sighting) -> float | None:
        """Compute the media time of the sighting's frame in the clip, seconds; None: not in it."""
        if all(piece.place_of(sighting) is None for piece in self.pieces):
            return None
        first = self.pieces[0]
        pts_s = sighting.pts * Fraction(sighting.time_base) - first.first_pts * first.time_base
        at_s = float(pts_s) - self.cut.from_s
        return at_s if -0.001 <= at_s < self.cut.duration_s else None


def cut_footage(footage: Footage, folder: Path, stem: str) -> list[FootageClip]:
    """Cut the time asked for out of the footage: one clip for each unbroken run, in order of time.

    They are called `stem`.mp4, `stem`-2.mp4, ...

    Raises:
        PutAside: a piece cannot be read.
        OSError: the folder cannot be written.
    """
    clips = []
    for number, run in enumerate(_runs(footage.pieces), start=1):
        name = f"{stem}.mp4" if number == 1 else f"{stem}-{number}.mp4"
        cut = join_clip(_stretches(run, footage.from_at, footage.to_at), folder / name)
        # in the wall's time, which records are read by
        start = run[0].starts_at + run[0].ahead
        clips.append(
            FootageClip(
                cut,
                start + timedelta(seconds=cut.from_s),
                start + timedelta(seconds=cut.to_s),
                tuple(run),
            )
        )
    return clips


def _runs(pieces: Sequence[Piece]) -> list[list[Piece]]:
    runs: list[list[Piece]] = []
    for piece in pieces:
        before = runs[-1][-1] if runs else None
        if before is not None and _continues(before, piece):
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


def _continues(before: Piece, piece: Piece) -> bool:
    pause_s = (piece.starts_at - before.ends_at).total_seconds()
    return (
        piece.run == before.run
        and piece.first_pts > before.first_pts
        and abs(pause_s) <= TOLERATED_GAP_S
    )


def _stretches(run: Sequence[Piece], from_at: datetime, to_at: datetime) -> list[SourceStretch]:
    first = run[0]
    return [
        SourceStretch(
            source=piece.source,
            from_s=(from_at - piece.starts_at).total_seconds(),
            to_s=(to_at - piece.starts_at).total_seconds(),
            begins_s=piece.first_pts * piece.time_base - first.first_pts * first.time_base,
            absolute=piece.absolute,
            continues=piece is not first,
        )
        for piece in run
    ]


def grab_sighting(clips: Sequence[FootageClip], sighting: Sighting) -> tuple[np.ndarray, str]:
    """Decode the very frame of a sighting, (h, w, 3) uint8 RGB, out of the clips that were cut.

    It comes with "", or how it differs from the one that was seen.

    Raises:
        PutAside: no clip holds it.
    """
    for clip in clips:
        at_s = clip.place_of(sighting)
        if at_s is None:
            continue
        image, shown_s = grab_frame_and_time(clip.cut.path, at_s)
        off_s = at_s - shown_s
        if off_s > FRAME_TOLERANCE_S:
            return image, f"damaged footage: the picture is {off_s:.2f} s older than the sighting"
        return image, ""
    raise PutAside(f"no footage holds the frame of {sighting.at.isoformat()} (pts {sighting.pts})")
