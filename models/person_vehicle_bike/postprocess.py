"""Read its rows as the usual detector's, whose names and shapes its graph was given."""

from models.person_detector.postprocess import to_detections

__all__ = ["to_detections"]
