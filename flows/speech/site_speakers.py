"""The speakers of a site: each camera's own, or files."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from domain.data_dir import DataDir
from domain.errors import Stop
from domain.site import Site
from domain.speakers import SpeakerSettings
from flows.hours import Hours
from flows.speech.attempts import AttemptNotes
from flows.speech.call_counter import CallCounter
from flows.speech.careful_speaker import CarefulSpeaker, Quiet
from flows.speech.device_player import DevicePlayer
from flows.speech.http_player import HttpPlayer
from flows.speech.player import Player
from flows.speech.rtsp_player import RtspPlayer
from flows.speech.speaker import FileSpeaker, Speaker, Spoken

FILES = "(files)"  # no speaker can have this id


class SiteSpeakers:
    """Sends each announcement to the speaker that is heard where the camera looks."""

    def __init__(self, data: DataDir, by_camera: Mapping[str, CarefulSpeaker]) -> None:
        self._files = FileSpeaker(data)
        self._by_camera = by_camera

    def find_spoken(self, camera_id: str, key: str) -> Spoken | None:
        return self._of(camera_id).find_spoken(camera_id, key)

    def speak(self, camera_id: str, key: str, sound: bytes) -> Spoken:
        return self._of(camera_id).speak(camera_id, key, sound)

    def line_of(self, camera_id: str) -> str:
        """Which announcements have to wait for one another: the speaker's id, or FILES."""
        real = self._by_camera.get(camera_id)
        return FILES if real is None else real.speaker_id

    def _of(self, camera_id: str) -> Speaker:
        return self._by_camera.get(camera_id, self._files)


def open_speakers(
    site: Site, data: DataDir, environment: Mapping[str, str], live_cameras: Collection[str]
) -> SiteSpeakers:
    """The speakers that the site file names.

    Args:
        environment: where passwords are.
        live_cameras: the others play recordings: nobody is there to be spoken to, files are written.
    Raises:
        Stop: a password is not set, or quiet hours cannot be read.
    """
    counter = CallCounter(AttemptNotes(data), site.calls.max_per_hour)
    opened = {
        each.id: CarefulSpeaker(
            each, _player(each, environment), data, counter=counter, quiet=quiet_of(site, each)
        )
        for each in site.speakers
        if each.kind != "file"
    }
    return SiteSpeakers(
        data,
        {
            camera.id: opened[camera.speaker]
            for camera in site.cameras
            if camera.id in live_cameras and camera.speaker in opened
        },
    )


def quiet_of(site: Site, speaker: SpeakerSettings) -> Quiet | None:
    """A speaker's own quiet hours, else the site's.

    Raises:
        Stop: the notation cannot be read, or never begins.
    """
    own = speaker if speaker.quiet_hours is not None else site.calls
    if own.quiet_hours is None:
        return None
    hours = Hours(
        f"quiet hours of speaker {speaker.id!r}",
        own.quiet_hours,
        site.site.timezone,
        site.site.country,
    )
    return Quiet(hours, own.quiet_hours, own.quiet_volume)


def _player(settings: SpeakerSettings, environment: Mapping[str, str]) -> Player:
    if settings.kind == "sound-device":
        return DevicePlayer(settings)
    password = None
    if settings.password_env is not None:
        password = environment.get(settings.password_env)
        if password is None:
            raise Stop(
                f"speaker {settings.id!r}: {settings.password_env} is not set; it should hold the "
                f"password of user {settings.user!r}, see docs/speakers.md"
            )
    kind = RtspPlayer if settings.kind == "rtsp" else HttpPlayer
    return kind(settings, password)
