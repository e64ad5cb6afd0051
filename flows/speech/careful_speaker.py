"""Ask a real loudspeaker never twice for the same call, nor too often, nor at night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from domain.data_dir import DataDir
from domain.events.commands import Hold
from domain.site.speech.speakers import SpeakerSettings
from flows.speech.attempts import Attempt, AttemptNotes
from flows.speech.call_counter import BegunCall, CallCounter
from flows.speech.devices.player import Played, Player
from flows.speech.holds import QuietHours
from flows.speech.speaker import NOBODY, Addressed, FileSpeaker, Spoken
from flows.speech.voice.recorded import softened


class CarefulSpeaker:
    """A Speaker around a Player; keeps the sound, too. `counter` is the site's; None: its own."""

    def __init__(
        self,
        settings: SpeakerSettings,
        player: Player,
        data: DataDir,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        counter: CallCounter | None = None,
        quiet: QuietHours | None = None,
    ) -> None:
        self._settings = settings
        self._player = player
        self._files = FileSpeaker(data)
        self._notes = AttemptNotes(data)
        self._now = now
        self._counter = counter or CallCounter(self._notes)
        self._quiet = quiet

    @property
    def speaker_id(self) -> str:
        """Return its id in the site file."""
        return self._settings.id

    def find_spoken(self, camera_id: str, key: str) -> Spoken | None:
        attempt = self._notes.find(camera_id, key)
        return None if attempt is None else attempt.as_spoken()

    def speak(self, camera_id: str, key: str, sound: bytes, to: Addressed = NOBODY) -> Spoken:
        # what a person took on themselves is passed over here, and put on record
        at, despite = self._now(), list[Hold]()
        quiet = self._quiet if self._quiet and self._quiet.hours.apply_at(at) else None
        if quiet and "quiet-hours" in to.despite:
            quiet, despite = None, ["quiet-hours"]
        volume = (quiet.volume or 1.0) if quiet else 1.0
        sound = softened(sound, volume)
        file = self._files.speak(camera_id, key, sound)
        call, why_not = BegunCall(at, self.speaker_id, to), ""
        is_silent = quiet is not None and quiet.volume is None
        if not is_silent:
            why_not = self._counter.reserve(call, self._settings.max_calls_per_hour)
        if why_not and "cap" in to.despite:
            despite.append("cap")
            why_not = ""
        begun = Attempt(
            speaker_id=self.speaker_id,
            audio_file=file.audio_file,
            sha256=file.sha256,
            duration_s=file.duration_s,
            started_at=at,
            volume=volume,
            zone=to.zone,
            subject=to.subject,
            despite=tuple(despite),
        )
        if quiet and is_silent:
            played = Played("quiet hours", quiet.words(self.speaker_id))
        elif why_not:
            played = Played("over the hourly cap", why_not)
        else:
            # the note is on the disk before the speaker gets sound: after a kill it counts as perhaps heard
            played = self._play(
                sound, begun, call, lambda: self._notes.write(camera_id, key, begun)
            )
        ended = begun.model_copy(
            update={"ended_at": self._now(), "result": played.result, "reason": played.reason}
        )
        self._notes.write(camera_id, key, ended)
        return ended.as_spoken()

    def _play(
        self, sound: bytes, begun: Attempt, call: BegunCall, note: Callable[[], None]
    ) -> Played:
        is_noted = False

        def before() -> None:
            nonlocal is_noted
            note()
            is_noted = True

        try:
            return self._player.play(sound, begun.duration_s, before)
        except BaseException:
            # of a speaker that was not reached, or a disk that is full, nothing can have been heard
            if not is_noted:
                self._counter.release(call)
            raise
