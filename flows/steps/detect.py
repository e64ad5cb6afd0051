"""Frames of all cameras in, detections out: the last step that touches pixels."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from domain.cameras import CameraNotice
from domain.detections import Detections
from domain.errors import PutAside, TryAgain
from domain.frames import SampledFrame
from flows.steps.close_looks import detect_closely
from flows.steps.picture_look import Looker

log = structlog.get_logger()

FIRST_PAUSE_S = 0.2
LAST_PAUSE_S = 5.0


class Detector(Protocol):
    """Looks at a batch of frames; models/serving has the one that asks Triton."""

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        """One Detections for each frame, in order. Raises TryAgain when the server is away."""


class DetectStep:
    """Sends one activation's frames to the detector and waits for the answers.

    When the server is away: with `waits` (files) the same frames are asked again until it is back,
    so that nothing is lost; a live camera's frames are given up after `give_up_after_s`, for newer
    ones are waiting, and the hole is seen by the ladder as silence.
    """

    def __init__(
        self,
        detector: Detector,
        stop: threading.Event,
        *,
        waits: bool,
        give_up_after_s: float = 2.0,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._detector = detector
        self._stop = stop
        self._waits = waits
        self._give_up_after_s = give_up_after_s
        self._beat = beat
        self._is_away = False
        self._looker = Looker()
        self.frames_given_up = 0

    def __call__(self, items: list[SampledFrame | CameraNotice]) -> list[Detections | CameraNotice]:
        """Answers in the order of the items; notices pass through."""
        frames = [item for item in items if isinstance(item, SampledFrame)]
        answers = iter(self._with_looks(frames, self._detect(frames)) if frames else ())
        seen: list[Detections | CameraNotice] = []
        for item in items:
            if isinstance(item, CameraNotice):
                seen.append(item)
            elif (answer := next(answers, None)) is not None:
                seen.append(answer)
        return seen

    def _with_looks(
        self, frames: list[SampledFrame], answers: list[Detections]
    ) -> list[Detections]:
        """Keep the little of each picture that its health is judged by: pixels end here."""
        looks = [self._looker.look(frame) for frame in frames]
        return [replace(answer, look=look) for answer, look in zip(answers, looks, strict=False)]

    def _detect(self, frames: list[SampledFrame]) -> list[Detections]:
        pause_s, began_s = FIRST_PAUSE_S, time.monotonic()
        while not self._stop.is_set():
            try:
                answers = detect_closely(self._detector.detect, frames)
            except TryAgain as error:
                self._tell_away(error)
                if not self._waits and time.monotonic() - began_s > self._give_up_after_s:
                    break
                self._beat()
                self._stop.wait(pause_s)
                pause_s = min(2 * pause_s, LAST_PAUSE_S if self._waits else self._give_up_after_s)
            except PutAside as error:
                log.warning("frames_put_aside", count=len(frames), reason=str(error))
                break
            else:
                self._tell_back()
                return answers
        if self._waits and self._stop.is_set():
            # ending here without a saved position: the next run asks for these frames again
            raise TryAgain(f"stopped while {len(frames)} frames waited for the detector")
        self.frames_given_up += len(frames)
        return []

    def _tell_away(self, error: TryAgain) -> None:
        if not self._is_away:
            log.warning("detector_away", reason=str(error), waits=self._waits)
        self._is_away = True

    def _tell_back(self) -> None:
        if self._is_away:
            log.info("detector_back", frames_given_up=self.frames_given_up)
        self._is_away = False
