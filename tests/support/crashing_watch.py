"""The watch program or a trial, in which one camera's decoder crashes: crashing_watch watch|decoder_trial MARKER …

While the file MARKER exists, the decoder of footage named bad.mp4 ends the process as a fault of FFmpeg would.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

from av.video.frame import VideoFrame

from flows.sources.media.decoder import Decoder

HOLDS_S = 2.0  # of a trial, instead of half a minute
frames_of = Decoder.frames


def main() -> None:
    program, marker = sys.argv.pop(1), Path(sys.argv.pop(1))

    def frames(self: Decoder) -> Iterator[tuple[float, VideoFrame]]:
        for number, decoded in enumerate(frames_of(self)):
            if number == 2 and self._container.name.endswith("bad.mp4") and marker.exists():
                ctypes.CDLL(None).abort()  # without the interpreter's lock, as within FFmpeg
            yield decoded

    Decoder.frames = frames  # type: ignore[method-assign]
    names = {"watch": "forewarn.programs.watch", "decoder_trial": "forewarn.quarantine.trial"}
    module = importlib.import_module(names[program])
    if program == "decoder_trial":
        module.TRIAL_S = HOLDS_S
    module.main()


if __name__ == "__main__":
    main()
