"""A real loudspeaker that is never asked twice for the same call, nor too often in an hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from domain.data_dir import DataDir
from domain.speakers import SpeakerSettings
from flows.speech.attempts import Attempt, AttemptNotes
from flows.speech.player import Played, Player
from flows.speech.speaker import FileSpeaker, Spoken

CAP_WINDOW = timedelta(hours=1)


class CarefulSpeaker:
    """A Speaker around a Player; the sound is kept as a file as well, for the record."""

    def __init__(
        self,
        settings: SpeakerSettings,
        player: Player,
        data: DataDir,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._player = player
        self._files = FileSpeaker(data)
        self._notes = AttemptNotes(data)
        self._now = now

    @property
    def speaker_id(self) -> str:
        """Its id in the site file."""
        return self._settings.id

    def find_spoken(self, camera_id: str, key: str) -> Spoken | None:
        attempt = self._notes.find(camera_id, key)
        return None if attempt is None else attempt.as_spoken()

    def speak(self, camera_id: str, key: str, sound: bytes) -> Spoken:
        file = self._files.speak(camera_id, key, sound)
        begun = Attempt(
            speaker_id=self._settings.id,
            audio_file=file.audio_file,
            sha256=file.sha256,
            duration_s=file.duration_s,
            started_at=self._now(),
        )
        if self._is_over_cap(begun.started_at):
            words = f"{self._settings.id}: {self._settings.max_calls_per_hour} calls within an hour"
            ended = self._end(begun, Played("over the hourly cap", words))
        else:
            played = self._player.play(
                sound, file.duration_s, lambda: self._notes.write(camera_id, key, begun)
            )
            ended = self._end(begun, played)
        self._notes.write(camera_id, key, ended)
        return ended.as_spoken()

    def _is_over_cap(self, at: datetime) -> bool:
        cap = self._settings.max_calls_per_hour
        return cap is not None and (
            self._notes.count_since(self._settings.id, at - CAP_WINDOW) >= cap
        )

    def _end(self, begun: Attempt, played: Played) -> Attempt:
        return begun.model_copy(
            update={"ended_at": self._now(), "result": played.result, "reason": played.reason}
        )
