"""Play on this machine's own loudspeaker, by the programs that ALSA and PulseAudio bring along."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from tempfile import NamedTemporaryFile

from domain.site.speech.speakers import SpeakerSettings
from flows.speech.devices.player import Played
from flows.speech.speaker import NoSpeaker

# program, its options, its option for a device
PROGRAMS = (("aplay", ("-q",), "-D"), ("paplay", (), "-d"))


class DevicePlayer:
    """Plays by aplay, or by paplay where there is no aplay."""

    def __init__(self, settings: SpeakerSettings) -> None:
        self._settings = settings

    def play(self, sound: bytes, duration_s: float, before: Callable[[], None]) -> Played:
        command = self._command()
        wait_s = duration_s + self._settings.timeout_s
        with NamedTemporaryFile(suffix=".wav") as file:
            file.write(sound)
            file.flush()
            before()
            try:
                done = subprocess.run([*command, file.name], capture_output=True, timeout=wait_s)
            except subprocess.TimeoutExpired:
                return Played("timed out", f"{self._name(command)}: not done in {wait_s:.1f} s")
            except OSError as error:
                return Played("refused", f"{self._name(command)}: {error.strerror}")
        if done.returncode == 0:
            return Played("played")
        stderr = " ".join(done.stderr.decode(errors="replace").split())[:300]
        words = f"{self._name(command)}: ended with {done.returncode}: {stderr}"
        return Played("busy" if "busy" in stderr.lower() else "refused", words)

    def _name(self, command: list[str]) -> str:
        return f"{self._settings.id} ({command[0]})"

    def _command(self) -> list[str]:
        for name, options, device_option in PROGRAMS:
            if program := shutil.which(name):
                device = self._settings.device
                return [program, *options, *([device_option, device] if device else [])]
        raise NoSpeaker(
            f"{self._settings.id}: needs aplay (package alsa-utils) or paplay (pulseaudio-utils) "
            "in PATH, found neither"
        )
