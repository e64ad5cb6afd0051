"""The same analysis inside Roboflow inference's InferencePipeline; runs in .venv-peers only.

    python -m benchmarks.peer_pipeline GRAPH EVERY MIN_SCORE linear|area CLIP [CLIP ...]

The pipeline decodes all clips side by side in threads of its own and hands over one frame of each;
what is done with a frame is benchmarks/plain_loop.py's work. Prints the same JSON object.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

# before the import: nothing is fetched and nothing is sent
os.environ |= {"OFFLINE_MODE": "True", "TELEMETRY_OPT_OUT": "True"}
warnings.simplefilter("ignore")

from inference import InferencePipeline  # noqa: E402

from benchmarks.plain_loop import Analysis, Clocks, print_outcome  # noqa: E402


def main(graph: str, every: str, min_score: str, resize: str, *clips: str) -> None:
    """Play the clips and print what it took."""
    analysis = Analysis(graph, int(every), float(min_score), resize)

    def look_at(frames: list[Any]) -> list[Any]:
        wanted = (frame.frame_id % int(every) == 1 for frame in frames)  # counted from 1
        return [
            analysis.look(frame.source_id, frame.image) if is_wanted else None
            for frame, is_wanted in zip(frames, wanted, strict=True)
        ]

    begun = Clocks.read()
    pipeline = InferencePipeline.init_with_custom_logic(
        video_reference=list(clips), on_video_frame=look_at, on_prediction=lambda *_: None
    )
    pipeline.start()
    pipeline.join()
    print_outcome(analysis, begun)


if __name__ == "__main__":
    main(*sys.argv[1:])
