"""Read one camera in a thread: demux, decode, sample, and report what goes wrong.

Nothing that a camera sends may stop the thread: every fault becomes a CameraNotice. With until_end
a file is read once to its end; everything else is opened again and again, with short pauses.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import Path

import structlog
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from domain.base import BothLanguages
from domain.cameras.credentials import Credentials
from domain.cameras.messages import trouble
from domain.cameras.status import CameraNotice, CameraStatus, ReadCounts
from domain.cameras.steady_clock import SteadyClock
from domain.errors import ForewarnError
from domain.processes.backoff import Backoff
from domain.site.cameras import Camera, media_start
from domain.site.views import View
from evidence_store.media.faults import media_faults
from flows.sources.automatic_views import views_of
from flows.sources.camera_clock import FileClock, LiveClock
from flows.sources.media.decoder import Decoder, VideoPacket
from flows.sources.media.footage import (
    FootageUnusable,
    Patience,
    StreamUnusable,
    check_size,
    footage_path,
    open_footage,
)
from flows.sources.read_positions import ReaderPosition
from flows.sources.sample_queue import Sample, SampleQueue
from flows.sources.sampler import DETECTOR_SIDE_PX, Sampler
from flows.sources.side_outlets import PacketSink, TileSink

log = structlog.get_logger()

FIRST_PAUSE_S = 1.0

# how reading ended, and why, in words for people
Ending = tuple[CameraStatus, BothLanguages | None]


@dataclass(frozen=True, slots=True)
class Playback:
    """How cameras are played.

    until_end: files as fast as the machine allows, in event time, once. Otherwise everything is
    live: files are looped at their own pace and stamped with the steady clock.
    """

    until_end: bool


class CameraReader(threading.Thread):
    """Reads one camera into its queue until it is stopped (or, until_end, to the file's end)."""

    def __init__(
        self,
        camera: Camera,
        base: Path,
        playback: Playback,
        queue: SampleQueue,
        resume: ReaderPosition | None = None,
        recorder: PacketSink | None = None,
        tiles: TileSink | None = None,
        watched_areas: Sequence[View] = (),
        patience: Patience | None = None,
        steady: SteadyClock | None = None,
        credentials: Credentials | None = None,
        mark: AbstractContextManager[object] | None = None,
        side_px: int = DETECTOR_SIDE_PX,
    ) -> None:
        super().__init__(name=f"reader-{camera.id}", daemon=True)
        self._camera = camera
        self._base = base
        self._credentials = credentials
        self._mark = mark or nullcontext()  # says, should the process crash, who was inside FFmpeg
        self._until_end = playback.until_end and not camera.is_live
        self._loops = not playback.until_end and not camera.is_live
        self._patience = patience or Patience()
        self._failed_tries = 0
        self._is_up = False  # as last told
        self.queue = queue
        resume = resume or ReaderPosition()
        self._resume_after_s = resume.media_time_s
        self._recorder = recorder
        self._tiles = tiles
        run = "" if self._until_end else uuid.uuid4().hex[:12]
        self._sampler = Sampler(
            camera.id, camera.analyse_fps, partial(views_of, camera, watched_areas), run, side_px
        )
        self._steady = steady or SteadyClock()
        self._clock: FileClock | LiveClock = LiveClock(self._steady.now)
        self._stopped = threading.Event()
        self._frames_read = resume.counts.frames_read
        self._frames_put_aside = resume.counts.frames_put_aside
        self._media_time_s = resume.media_time_s or 0.0
        self._loop_offset_s = 0.0
        self._last_at: datetime | None = None
        self._wall_at: datetime | None = None  # what the wall's clock said then

    def stop(self) -> None:
        """Ask the thread to end; it does so within a read's timeout."""
        self._stopped.set()
        self.queue.close()

    def leave_behind(self) -> None:
        """Stop a thread that hangs: another one records the camera from now on."""
        self._recorder = None
        self.stop()

    def run(self) -> None:
        """Read until the end; whatever happens becomes a notice."""
        with self._mark:  # for the first time: from now on it is known whose thread this is
            pass
        try:
            self._read_again_and_again()
        except Exception:  # its shard sees that it is dead
            log.exception("reader_fault", camera_id=self._camera.id)
        finally:
            if self._recorder is not None:
                self._recorder.cut("forewarn was stopped")

    def _read_again_and_again(self) -> None:
        # all cameras of a recorder fail at once; they should not all come back to it at once
        first_s = min(FIRST_PAUSE_S, self._patience.longest_pause_s)
        backoff = Backoff(first_s, self._patience.longest_pause_s, share=random.random)
        while not self._stopped.is_set():
            frames_before = self._frames_read
            status, message = self._read_once()
            if self._stopped.is_set():
                return
            if self._loops and status == "ended" and self._frames_read > frames_before:
                continue
            self._put_notice(status, message)
            if self._recorder is not None:
                self._recorder.cut(message.en if message else "the stream ended")
            if self._until_end:
                return
            self._failed_tries += 1
            if self._frames_read > frames_before:
                self._failed_tries = 0
                backoff.reset()
            self._stopped.wait(backoff.next_s())

    def _read_once(self) -> Ending:
        """Play the footage once; (how it ended, why)."""
        patience = self._patience.at_try(self._failed_tries + 1)
        try:
            with media_faults(), ExitStack() as stack:
                container, stream = open_footage(
                    self._camera, self._base, patience, self._credentials
                )
                stack.enter_context(closing(container))
                check_size(self._camera.id, stream.codec_context.width, stream.codec_context.height)
                return self._play(container, stream)
        except (FootageUnusable, StreamUnusable) as error:
            return "failed", error.message
        except ForewarnError as error:
            return self._explain_break(error)

    def _explain_break(self, error: ForewarnError) -> Ending:
        message = trouble(
            "broke",
            camera=self._camera.id,
            frames=self._frames_read,
            media_time_s=self._media_time_s,
            words=error,
        )
        broken = self._camera.is_live or self._frames_read == 0
        return ("failed" if broken else "ended"), message

    def _play(self, container: InputContainer, stream: VideoStream) -> Ending:
        from_s, to_s = self._camera.stretch_s or (0.0, float("inf"))
        self._set_clock(container)
        if self._resume_after_s is not None and self._until_end:
            from_s = max(from_s, self._resume_after_s)
            self._sampler.skip_to(self._resume_after_s)
        if self._camera.is_live:
            self._sampler.begin_anew()
            if isinstance(self._clock, LiveClock):
                self._clock.begin_anew()
        if self._recorder is not None:
            self._recorder.cut()
        on_other = self._check_silence if self._camera.is_live else None
        decoder = Decoder(
            container, stream, self._keep_packet, self._count_damage, self._mark, on_other
        )
        decoder.seek(from_s)
        began_s, frames_at_open, last_s = time.monotonic(), self._frames_read, from_s
        for media_time_s, frame in decoder.frames():
            if self._stopped.is_set() or media_time_s >= to_s:
                break
            # a live stream's clock may be set back: its frames count whatever their times
            is_before = media_time_s < from_s and not self._camera.is_live
            if is_before or self._is_done(media_time_s):
                continue
            if not self._is_up:  # a file that is looped comes once: to people it is one stream
                self._put_notice("up", None)
            last_s = max(last_s, media_time_s)
            if self._loops:
                self._stopped.wait(media_time_s - from_s - (time.monotonic() - began_s))
            self._take(frame, decoder.time_base, media_time_s - (from_s if self._loops else 0.0))
        if self._frames_read == frames_at_open and not self._stopped.is_set():
            return self._explain_nothing(from_s)
        self._loop_offset_s += last_s - from_s + decoder.frame_s
        if self._camera.is_live:
            return "ended", trouble("closed", camera=self._camera.id, frames=self._frames_read)
        return "ended", self._explain_damage()

    def _is_done(self, media_time_s: float) -> bool:
        """Tell whether an earlier run took the frame."""
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
            steady_at = self._last_at or self._steady.now()
            self._recorder.write(packet, self._wall_at or self._steady.wall(steady_at), steady_at)

    def _count_damage(self, media_time_s: float | None) -> None:
        """Count a damaged packet, unless an earlier run did (resuming reads on from a key frame)."""
        if media_time_s is None or not self._is_done(media_time_s):
            self._frames_put_aside += 1

    def _check_silence(self, silent_s: float) -> None:
        """Give a live stream up that sends sound and no picture, as one that sends nothing."""
        if self._stopped.is_set() or silent_s > self._patience.silence_s:
            raise StreamUnusable(trouble("stalled", camera=self._camera.id, silent_s=silent_s))

    @property
    def _counts(self) -> ReadCounts:
        return ReadCounts(self._frames_read, self._frames_put_aside)

    def _take(self, frame: VideoFrame, time_base: Fraction, media_time_s: float) -> None:
        self._frames_read += 1
        self._media_time_s = media_time_s
        running_s = media_time_s + (self._loop_offset_s if self._loops else 0.0)
        at = self._clock.at(running_s)
        wall_at = at if self._until_end else self._steady.wall(at)
        self._last_at, self._wall_at = at, wall_at
        if self._sampler.wants(running_s):
            check_size(self._camera.id, frame.width, frame.height)
            with self._mark:
                sampled = self._sampler.sample(frame, time_base, running_s, at, wall_at)
                if self._tiles is not None:
                    self._tiles.show_frame(sampled.stamp, frame)
            self.queue.put(Sample(sampled, self._counts))

    def _put_notice(self, status: CameraStatus, message: BothLanguages | None) -> None:
        self._is_up = status == "up"
        if message and self._until_end:  # of others the shard logs what is news
            log.warning(
                "camera_trouble", camera_id=self._camera.id, status=status, reason=message.en
            )
        self.queue.put(
            CameraNotice(
                camera_id=self._camera.id,
                status=status,
                said=message,
                at=self._told_at(),
                counts=self._counts,
                media_time_s=self._media_time_s,
            )
        )

    def _told_at(self) -> datetime:
        """Return now; of a file that is read once a time of its own footage, so that ids repeat."""
        if not self._until_end:
            return datetime.now(UTC)
        if self._last_at is not None:
            return self._last_at
        if isinstance(self._clock, FileClock):
            return self._clock.at(0.0)
        if self._camera.starts_at is not None:
            return self._camera.starts_at
        return datetime.now(UTC)


def _creation_time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    # recorders without a clock write the epoch
    return moment if moment.tzinfo is not None and moment.year > 1990 else None
