"""Take people's likeness as the detect step does, in this process, where the model is built."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from benchmarks.quality.kept_answers import KeptInference
from domain.detections import Detections
from domain.frames import SampledFrame
from domain.site.views import View
from flows.detection.likeness import LikenessTaker, PersonDescriber
from flows.detection.likeness_views import LikenessViews
from models.registry import TRITON_REPO, read_registry
from models.serving.client import LikenessEncoder


class Likenesses:
    """Ask for those whom the product would ask for, in the frames of one camera, in order."""

    def __init__(self, areas: Sequence[View] = ()) -> None:
        """Ask about those only whose feet are where rules look; (): everywhere."""
        self._taker = LikenessTaker(find_encoder, LikenessViews(lambda camera_id: areas))

    def added_to(self, frame: SampledFrame, seen: Detections) -> Detections:
        """Return what was seen with the vectors that were asked for; without the model, as it was."""
        wanted = self._taker.choose([frame], [seen])
        vectors = self._taker.describe(wanted) if wanted.crops_rgb else None
        return seen if vectors is None else wanted.joined_to([seen], vectors)[0]


@cache
def find_encoder() -> PersonDescriber | None:
    """Return the likeness model; None where it is not built, and colours alone tell people apart."""
    folder = TRITON_REPO / read_registry().model("likeness").triton_folder
    return LikenessEncoder(KeptInference()) if (folder / "1").is_dir() else None
