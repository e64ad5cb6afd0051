"""Take a camera whose stream crashes the watch program out of it, and try it alone until it holds.

All cameras are decoded in one process, so a stream that crashes a decoder takes all cameras down, again at each
restart. Who is found inside in two crashes is left out; the others go on. Live ones are tried in processes
of their own, after growing pauses, and come back when one holds.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from domain.cameras.quarantine import QuarantinedCamera, QuarantineList
from domain.processes.backoff import Backoff
from flows.sources.media.decode_marks import forget_marks, suspects_of
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.supervision.supervisor import Program, Supervisor

log = structlog.get_logger()

# what a process dies of that runs into its own memory; SIGKILL and SIGTERM come from others
CRASHES = {
    -number: number.name
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
}
MOST_CRASHES = 2
BLAME_LASTS_S = 3600.0  # two crashes within an hour
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 3600.0
MOST_FAULT = 4000  # characters of a stack, for the log


@dataclass
class _Trial:
    """One camera in quarantine, and how it is tried."""

    next_s: float  # monotonic
    held_at_s: float = -math.inf  # when it was last let back
    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S))


class Quarantine:
    """Told of crashes of the watch program; called at each look of the supervisor."""

    def __init__(
        self,
        settings: ProgramSettings,
        watch: str,
        trial_of: Callable[[str], Program],
        notify: Callable[[str], None] = lambda words: None,
    ) -> None:
        """Go on with the list of an earlier run; a run over recordings begins without one.

        Args:
            settings: of the run.
            watch: name of the program that reads the cameras.
            trial_of: describes the program that reads one camera alone for a while.
            notify: shows trouble to the person who started the run.
        """
        self._settings = settings
        self._watch = watch
        self._trial_of = trial_of
        self._notify = notify
        self._list = QuarantineList(settings.data.quarantine)
        self._blames: dict[str, list[float]] = {}
        self._trials: dict[str, _Trial] = {}
        self._running: tuple[str, Program] | None = None
        if settings.until_end:
            self._write({})
        for camera_id in self._list.read():
            self._begin_trials(camera_id)

    def on_crash(self, name: str, code: int) -> bool:
        """Find out whose doing a crash was; return True if its cause was taken out of the program."""
        if name != self._watch:
            return False
        suspects = suspects_of(self._settings.data.beats)
        forget_marks(self._settings.data.beats)
        if code not in CRASHES:
            return False
        fault = suspects.fault[:MOST_FAULT]
        log.error("watch_crashed", signal=CRASHES[code], suspects=suspects.camera_ids, fault=fault)
        now_s = time.monotonic()
        caught = []
        for camera_id in suspects.camera_ids:
            blames = [at for at in self._blames.get(camera_id, []) if now_s - at < BLAME_LASTS_S]
            self._blames[camera_id] = [*blames, now_s]
            if len(self._blames[camera_id]) >= MOST_CRASHES:
                caught.append(camera_id)
        for camera_id in caught:
            self._catch(camera_id, CRASHES[code])
        return bool(caught)

    def _catch(self, camera_id: str, signal_name: str) -> None:
        crashes = len(self._blames[camera_id])
        caught = QuarantinedCamera(crashes=crashes, signal=signal_name)
        self._write({**self._list.read(), camera_id: caught})
        log.error("camera_quarantined", camera_id=camera_id, crashes=crashes, signal=signal_name)
        self._begin_trials(camera_id)

    def _begin_trials(self, camera_id: str) -> None:
        """Try it at once; one that held before and crashed all the same, after the next pause."""
        if self._settings.until_end:  # a recording would do the same again
            return
        now_s, held = time.monotonic(), self._trials.get(camera_id)
        if held is None or now_s - held.held_at_s > BLAME_LASTS_S:
            self._trials[camera_id] = _Trial(now_s)
        else:
            held.next_s = now_s + held.backoff.next_s()

    def __call__(self, supervisor: Supervisor) -> None:
        """Begin the next trial that is due, one at a time, or see what came of it."""
        if self._running is not None:
            camera_id, program = self._running
            assert program.process is not None
            code = program.process.poll()
            if supervisor.programs.get(program.name) is not program:
                self._running = None  # ended with all others, for another site file: it comes anew
            elif code is not None:
                self._running = None
                supervisor.forget(program)
                self._judge(camera_id, code)
            return
        now_s, listed = time.monotonic(), self._list.read()
        # a person may have taken one off the list
        due = [
            each for each in listed if each in self._trials and self._trials[each].next_s <= now_s
        ]
        if due:
            program = self._trial_of(due[0])
            supervisor.start(program)
            self._running = due[0], program

    def _judge(self, camera_id: str, code: int) -> None:
        log.info("camera_tried", camera_id=camera_id, code=code)
        kept = dict(self._list.read())
        if code == 0:
            kept.pop(camera_id, None)
            self._write(kept)
            # one more crash, and it is in quarantine again, with a longer pause
            del self._blames.setdefault(camera_id, [])[MOST_CRASHES - 1 :]
            self._trials[camera_id].held_at_s = time.monotonic()
            self._notify(f"{camera_id}: held when it was tried alone, and is watched again")
            return
        trial = self._trials[camera_id]
        trial.next_s = time.monotonic() + trial.backoff.next_s()
        if code in CRASHES and camera_id in kept:
            tries = kept[camera_id].tries + 1
            kept[camera_id] = kept[camera_id].model_copy(update={"tries": tries})
            self._write(kept)

    def _write(self, cameras: dict[str, QuarantinedCamera]) -> None:
        try:
            self._list.write(cameras)
        except OSError as error:  # a full disk; the next crash tries again
            log.warning("quarantine_not_written", reason=str(error))
