"""Open the speakers of a site and send each camera's announcements to its own, or to files."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from domain.data_dir import DataDir
from domain.errors import Stop
from domain.site.site import Site
from domain.site.speech.speakers import SpeakerSettings
from flows.speech.attempts import AttemptNotes
from flows.speech.call_counter import CallCounter, Caps
from flows.speech.careful_speaker import CarefulSpeaker
from flows.speech.devices.device_player import DevicePlayer
from flows.speech.devices.http_player import HttpPlayer
from flows.speech.devices.player import Player
from flows.speech.devices.rtsp_player import RtspPlayer
from flows.speech.holds import quiet_of, speakers_heard
from flows.speech.speaker import NOBODY, Addressed, FileSpeaker, Speaker, Spoken

FILES = "(files)"  # no speaker can have this id


class SiteSpeakers:
    """Sends each announcement to the speaker that is heard where the camera looks."""

    def __init__(self, data: DataDir, by_camera: Mapping[str, CarefulSpeaker]) -> None:
        self._files = FileSpeaker(data)
        self._by_camera = by_camera

    def find_spoken(self, camera_id: str, key: str) -> Spoken | None:
        return self._of(camera_id).find_spoken(camera_id, key)

    def speak(self, camera_id: str, key: str, sound: bytes, to: Addressed = NOBODY) -> Spoken:
        return self._of(camera_id).speak(camera_id, key, sound, to)

    def line_of(self, camera_id: str) -> str:
        """Return which announcements have to wait for one another: the speaker's id, or FILES."""
        real = self._by_camera.get(camera_id)
        return FILES if real is None else real.speaker_id

    def _of(self, camera_id: str) -> Speaker:
        return self._by_camera.get(camera_id, self._files)


def open_speakers(
    site: Site, data: DataDir, environment: Mapping[str, str], live_cameras: Collection[str]
) -> SiteSpeakers:
    """Open the speakers that the site file names; passwords come from `environment`.

    Cameras that are not live play recordings: nobody is there to be spoken to, files are written.

    Raises:
        Stop: a password is not set, or quiet hours cannot be read.
    """
    counter = CallCounter(AttemptNotes(data), Caps.of(site.calls))
    opened = {
        speaker.id: CarefulSpeaker(
            speaker,
            _player(speaker, environment),
            data,
            counter=counter,
            quiet=quiet_of(site, speaker),
        )
        for speaker in site.speakers
        if speaker.kind != "file"
    }
    return SiteSpeakers(
        data,
        {
            camera_id: opened[speaker.id]
            for camera_id, speaker in speakers_heard(site, live_cameras).items()
        },
    )


def _player(settings: SpeakerSettings, environment: Mapping[str, str]) -> Player:
    if settings.kind == "sound-device":
        return DevicePlayer(settings)
    password = None
    if settings.password_env is not None:
        password = environment.get(settings.password_env)
        if password is None:
            raise Stop(
                f"speaker {settings.id!r}: {settings.password_env} is not set; it should hold the "
                f"password of user {settings.user!r}, see docs/how-to/speakers.md"
            )
    kind = RtspPlayer if settings.kind == "rtsp" else HttpPlayer
    return kind(settings, password)
