"""Re-encode OpenCV's vtest.avi as the sample clip: H.264, all of its 795 frames, 10 a second.

python samples/make_clip.py /usr/share/doc/opencv-doc/examples/data/vtest.avi samples/crossing.mp4
"""

from __future__ import annotations

import sys
from fractions import Fraction

import av


def main(source: str, target: str) -> None:
    with (
        av.open(source) as footage,
        av.open(target, "w", options={"movflags": "+faststart"}) as clip,
    ):
        # a key frame a second, as cameras are set: clips can be cut there without re-encoding
        video = clip.add_stream(
            "libx264",
            rate=10,
            options={"crf": "33", "preset": "veryslow", "g": "10", "bf": "0", "threads": "1"},
        )
        video.width, video.height, video.pix_fmt = 768, 576, "yuv420p"
        video.time_base = Fraction(1, 10)
        for number, frame in enumerate(footage.decode(video=0)):
            frame.pts, frame.time_base = number, Fraction(1, 10)
            clip.mux(video.encode(frame))
        clip.mux(video.encode(None))


if __name__ == "__main__":
    main(*sys.argv[1:])
