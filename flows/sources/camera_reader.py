"""One thread a camera: demux, decode, sample, and say when something is wrong.

Nothing that a camera sends may stop the process: every fault becomes a CameraNotice. A file is
read once to its end; a live stream is opened again and again, with growing pauses.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import Path

import structlog
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from domain.camera_trouble import trouble
from domain.cameras import CameraNotice, CameraStatus, ReadCounts
from domain.facts import BothLanguages
from domain.site import Camera, media_start
from flows.sources.automatic_views import views_of
from flows.sources.camera_clock import FileClock, LiveClock
from flows.sources.decoder import Decoder, VideoPacket
from flows.sources.footage import (
    FootageUnusable,
    StreamUnusable,
    check_size,
    footage_path,
    open_footage,
)
from flows.sources.read_positions import ReaderPosition
from flows.sources.sample_queue import Sample, SampleQueue
from flows.sources.sampler import Sampler
from flows.sources.side_outlets import PacketSink, TileSink

log = structlog.get_logger()

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 30.0

# how reading ended, and why, in words for people
Ending = tuple[CameraStatus, BothLanguages | None]


@dataclass(frozen=True, slots=True)
class Playback:
    """How cameras are played.

    until_end: files as fast as the machine allows, in event time, once. Otherwise everything is
    live: files are looped at their own pace and stamped with this machine's clock.
    """

    until_end: bool


class CameraReader(threading.Thread):
    """Reads one camera into its queue until told to stop (or, until_end, to the file's end)."""

    def __init__(
        self,
        camera: Camera,
        base: Path,
        playback: Playback,
        queue: SampleQueue,
        resume: ReaderPosition | None = None,
        recorder: PacketSink | None = None,
        tiles: TileSink | None = None,
    ) -> None:
        super().__init__(name=f"reader-{camera.id}", daemon=True)
        self._camera = camera
        self._base = base
        self._until_end = playback.until_end and not camera.is_live
        self._loops = not playback.until_end and not camera.is_live
        self.queue = queue
        resume = resume or ReaderPosition()
        self._resume_after_s = resume.media_time_s
        self._recorder = recorder
        self._tiles = tiles
        self._sampler = Sampler(camera.id, camera.analyse_fps, partial(views_of, camera))
        self._clock: FileClock | LiveClock = LiveClock()
        self._stopped = threading.Event()
        self._frames_read = resume.counts.frames_read
        self._frames_put_aside = resume.counts.frames_put_aside
        self._media_time_s = resume.media_time_s or 0.0
        self._loop_offset_s = 0.0
        self._last_at: datetime | None = None

    def stop(self) -> None:
        """Ask the thread to end; it does so within a read's timeout."""
        self._stopped.set()
        self.queue.close()

    def run(self) -> None:
        """Read until the end; whatever happens becomes a notice."""
        try:
            self._read_again_and_again()
        finally:
            if self._recorder is not None:
                self._recorder.cut("forewarn was stopped")

    def _read_again_and_again(self) -> None:
        pause_s = FIRST_RETRY_S
        while not self._stopped.is_set():
            frames_before = self._frames_read
            status, said = self._read_once()
            if self._stopped.is_set():
                return
            if self._loops and status == "ended" and self._frames_read > frames_before:
                continue
            self._tell(status, said)
            if self._recorder is not None:
                self._recorder.cut(said.en if said else "the stream ended")
            if not self._camera.is_live:
                return
            pause_s = FIRST_RETRY_S if self._frames_read > frames_before else pause_s
            self._stopped.wait(pause_s)
            pause_s = min(2 * pause_s, LAST_RETRY_S)

    def _read_once(self) -> Ending:
        """Play the footage once; (how it ended, why)."""
        try:
            container, stream = open_footage(self._camera, self._base)
        except (FootageUnusable, StreamUnusable) as error:
            return "failed", error.said
        with closing(container):
            try:
                check_size(self._camera.id, stream.codec_context.width, stream.codec_context.height)
                return self._play(container, stream)
            except FootageUnusable as error:
                return "failed", error.said
            except (OSError, ValueError, MemoryError) as error:  # av's errors are both
                return self._explain_break(error)

    def _explain_break(self, error: Exception) -> Ending:
        said = trouble(
            "broke",
            camera=self._camera.id,
            frames=self._frames_read,
            media_time_s=self._media_time_s,
            words=str(getattr(error, "strerror", None) or error).splitlines()[0],
        )
        broken = self._camera.is_live or self._frames_read == 0
        return ("failed" if broken else "ended"), said

    def _play(self, container: InputContainer, stream: VideoStream) -> Ending:
        from_s, to_s = self._camera.stretch_s or (0.0, float("inf"))
        self._set_clock(container)
        if self._resume_after_s is not None and self._until_end:
            from_s = max(from_s, self._resume_after_s)
            self._sampler.skip_to(self._resume_after_s)
        if self._camera.is_live:
            self._sampler.begin_anew()
        if self._recorder is not None:
            self._recorder.cut()
        decoder = Decoder(container, stream, self._keep_packet, self._count_damage)
        decoder.seek(from_s)
        began_s, frames_at_open, last_s = time.monotonic(), self._frames_read, from_s
        for media_time_s, frame in decoder.frames():
            if self._stopped.is_set() or media_time_s >= to_s:
                break
            if media_time_s < from_s or self._is_done(media_time_s):
                continue
            if self._frames_read == frames_at_open and not self._is_looping:
                self._tell("up", None)
            last_s = max(last_s, media_time_s)
            if self._loops:
                self._stopped.wait(media_time_s - from_s - (time.monotonic() - began_s))
            self._take(frame, decoder.time_base, media_time_s - (from_s if self._loops else 0.0))
        if self._frames_read == frames_at_open and not self._stopped.is_set():
            return self._explain_nothing(from_s)
        self._loop_offset_s += last_s - from_s + decoder.frame_s
        return "ended", self._explain_damage()

    @property
    def _is_looping(self) -> bool:
        """True from the second round of a looped file on: to people it is one stream."""
        return self._loops and self._loop_offset_s > 0

    def _is_done(self, media_time_s: float) -> bool:
        """True for frames that an earlier run took."""
        return (
            self._until_end
            and self._resume_after_s is not None
            and media_time_s <= self._resume_after_s
        )

    def _explain_damage(self) -> BothLanguages | None:
        if not self._frames_put_aside:
            return None
        return trouble(
            "damaged",
            camera=self._camera.id,
            damaged=self._frames_put_aside,
            frames=self._frames_read,
        )

    def _explain_nothing(self, from_s: float) -> Ending:
        if self._until_end and self._resume_after_s is not None:
            return "ended", None  # an earlier run took the last frame
        return "failed", trouble(
            "no_frames",
            camera=self._camera.id,
            where=self._camera.url,
            from_s=from_s,
            damaged=self._frames_put_aside,
        )

    def _set_clock(self, container: InputContainer) -> None:
        if self._until_end:
            path = footage_path(self._camera, self._base)
            created = _creation_time(container.metadata.get("creation_time", ""))
            self._clock = FileClock(media_start(self._camera, path, created))

    def _keep_packet(self, packet: VideoPacket) -> None:
        if self._recorder is not None:
            self._recorder.write(packet, self._last_at or datetime.now(UTC))

    def _count_damage(self, media_time_s: float | None) -> None:
        """Count a damaged packet, unless an earlier run did (resuming reads on from a key frame)."""
        if media_time_s is None or not self._is_done(media_time_s):
            self._frames_put_aside += 1

    @property
    def _counts(self) -> ReadCounts:
        return ReadCounts(self._frames_read, self._frames_put_aside)

    def _take(self, frame: VideoFrame, time_base: Fraction, media_time_s: float) -> None:
        self._frames_read += 1
        self._media_time_s = media_time_s
        running_s = media_time_s + (self._loop_offset_s if self._loops else 0.0)
        self._last_at = self._clock.at(running_s)
        if self._sampler.wants(running_s):
            check_size(self._camera.id, frame.width, frame.height)
            sampled = self._sampler.sample(frame, time_base, running_s, self._last_at)
            if self._tiles is not None:
                self._tiles.show_frame(sampled.stamp, frame)
            self.queue.put(Sample(sampled, self._counts))

    def _tell(self, status: CameraStatus, said: BothLanguages | None) -> None:
        if said:
            log.warning("camera_trouble", camera_id=self._camera.id, status=status, reason=said.en)
        self.queue.put(
            CameraNotice(
                camera_id=self._camera.id,
                status=status,
                said=said,
                at=self._last_at or self._fallback_time(),
                counts=self._counts,
                media_time_s=self._media_time_s,
            )
        )

    def _fallback_time(self) -> datetime:
        """For a camera that gave no frame: the file's own start if known, so that ids repeat."""
        if self._until_end and isinstance(self._clock, FileClock):
            return self._clock.at(0.0)
        if self._until_end and self._camera.starts_at is not None:
            return self._camera.starts_at
        return datetime.now(UTC)


def _creation_time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    # recorders without a clock write the epoch
    return moment if moment.tzinfo is not None and moment.year > 1990 else None
