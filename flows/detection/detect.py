"""Detect people in frames of all cameras: the last step that touches pixels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Protocol, TypeVar

import structlog

from domain.cameras.status import CameraNotice
from domain.detections import Detections
from domain.errors import TryAgain
from domain.frames import SampledFrame
from domain.processes.backoff import Backoff
from flows.detection.likeness import LikenessTaker
from flows.detection.picture_digest import PictureDigester
from flows.detection.zoomed_views import detect_closely
from flows.put_aside import StepAside, ends_program, only_logged
from flows.signals import StopFlag

log = structlog.get_logger()
_T = TypeVar("_T")

FIRST_PAUSE_S = 0.2
LAST_PAUSE_S = 5.0


class FrameDetector(Protocol):
    """Looks at a batch of frames; models/serving has the one that asks Triton."""

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        """Return one Detections for each frame, in order; raises TryAgain when the server is away."""


@dataclass(eq=False)
class DetectStep:
    """Sends one activation's frames to the detector and waits for the answers.

    When the server is away: with `waits` (files) the same frames are asked again until it is back,
    so that nothing is lost; a live camera's frames are given up after `give_up_after_s`, for newer
    ones are waiting, and the hole is seen by the ladder as silence.
    """

    detector: FrameDetector
    stop: StopFlag
    _: KW_ONLY
    waits: bool
    give_up_after_s: float = 2.0
    beat: Callable[[], None] = lambda: None
    aside: StepAside = field(default_factory=lambda: only_logged("detect"))
    likeness: LikenessTaker | None = None  # None: people are told apart by colours
    frames_given_up: int = 0
    _is_away: bool = False
    _looker: PictureDigester = field(default_factory=PictureDigester)

    def __call__(self, items: list[SampledFrame | CameraNotice]) -> list[Detections | CameraNotice]:
        """Return the answers in the order of the items; notices pass through."""
        frames = [item for item in items if isinstance(item, SampledFrame)]
        answers = iter(self._answers(frames) if frames else ())
        seen: list[Detections | CameraNotice] = []
        for item in items:
            if isinstance(item, CameraNotice):
                seen.append(item)
            elif (answer := self._with_look(item, next(answers))) is not None:
                seen.append(answer)
        return seen

    def _with_look(self, frame: SampledFrame, answer: Detections | None) -> Detections | None:
        """Keep the little of the picture that its health is judged by: pixels end here."""
        if answer is None:
            return None
        try:
            answer = replace(answer, look=self._looker.look(frame))
        except Exception as error:
            self.aside.note(frame, error)
            return None
        self.aside.went_well(frame)
        return answer

    def _answers(self, frames: list[SampledFrame]) -> list[Detections | None]:
        """Return an answer to each frame; None: it was given up or put aside."""
        try:
            return self._ask(frames)
        except Exception as error:
            if len(frames) == 1 or ends_program(error):
                self.aside.note(frames[0], error)
                return [None]
            log.warning("frames_asked_one_by_one", count=len(frames), reason=str(error))
        # which of them it was, nobody can say; its neighbours must not pay for it
        return [answer for frame in frames for answer in self._answers([frame])]

    def _ask(self, frames: list[SampledFrame]) -> list[Detections | None]:
        answers = self._patiently(lambda: detect_closely(self.detector.detect, frames), len(frames))
        if answers is None:
            self.frames_given_up += len(frames)
            return [None] * len(frames)
        if self.likeness is None:
            return [*answers]
        # asked for once: a server that is away in between must not make the same people old
        wanted = self.likeness.choose(frames, answers)
        if not wanted.crops_rgb:
            return [*answers]
        taken = self.likeness
        vectors = self._patiently(lambda: taken.describe(wanted), len(frames))
        return [*(answers if vectors is None else wanted.joined_to(answers, vectors))]

    def _patiently(self, ask: Callable[[], _T], frames: int) -> _T | None:
        """Ask until there is an answer; None: it was given up, of live cameras' frames."""
        backoff = Backoff(FIRST_PAUSE_S, LAST_PAUSE_S if self.waits else self.give_up_after_s)
        began_s = time.monotonic()
        while not self.stop.is_set():
            try:
                answer = ask()
            except TryAgain as error:
                self._log_away(error)
                if not self.waits and time.monotonic() - began_s > self.give_up_after_s:
                    break
                self.beat()
                self.stop.wait(backoff.next_s())
            else:
                self._log_back()
                return answer
        if self.waits and self.stop.is_set():
            # ending here without a saved position: the next run asks for these frames again
            raise TryAgain(f"stopped while {frames} frames waited for the detector")
        return None

    def _log_away(self, error: TryAgain) -> None:
        if not self._is_away:
            log.warning("detector_away", reason=str(error), waits=self.waits)
        self._is_away = True

    def _log_back(self) -> None:
        if self._is_away:
            log.info("detector_back", frames_given_up=self.frames_given_up)
        self._is_away = False
