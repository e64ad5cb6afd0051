"""Settings of who is who: times in seconds of the frames' clock, lengths in heights of the person.

The defaults were found on the clips that benchmarks/reports/quality.md names as tuned on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SubjectSettings:
    """Hold all of them in one place, so that a benchmark can try others."""

    # detections
    weak_score: float = 0.2  # weaker ones are noise
    strong_score: float = 0.45  # may begin a subject; weaker ones only continue one
    duplicate_iou: float = 0.45  # a box that overlaps a better one more shows the same person
    score_lasts_s: float = 10.0  # weak boxes borrow the score of a better one before
    confirm_hits: int = 2  # frames until somebody gets a number
    forget_unnamed_after_s: float = 0.45

    # where somebody can be after a while
    place_sd: float = 0.16  # of a box around somebody who stands still
    speed_sd: float = 1.3  # of somebody new, a second
    turn_var: float = 1.0  # how speeds change: squared heights per cubic second
    speed_lasts_s: float = 3.0  # people out of sight are taken to slow down
    shake_lasts_s: float = 4.0
    shake_speed: float = 4.0  # a second, of a box that trembles by one: hardly ever faster
    size_blend: float = 0.25  # how much a new box's size counts
    widening: float = 0.1  # boxes are widened by this before their overlap is taken,
    widening_per_sd: float = 1.0  # and by so much for each standard deviation of the place
    min_overlap: float = 0.05  # of widened boxes
    weak_min_iou: float = 0.5  # of a weak box with the place foreseen, both widened
    weak_similarity: float = 0.7  # of its colours with theirs, where both are known
    recolour_gap_s: float = 0.5  # for so long the place says who it is, whatever the colours
    direct_gap_s: float = 2.0  # unseen for longer, a person is only found again by their looks

    # what they look like
    looks_weight: float = 3.0  # of a missing similarity, beside a missing overlap
    plain_similarity: float = 0.8  # more is no better: the same person, seen again
    max_cost: float = 0.9
    looks_memory: int = 25  # clear views that the running mean spans
    likeness_memory: int = 10  # views by the likeness model that its mean spans

    walks: float = 0.1  # a second; slower, and they stand

    # who may be who after a gap
    occlusion_s: float = 6.0
    occlusion_sightings: int = 2  # clear views of both that a comparison needs
    hidden_reach: float = 1.0  # from where they should be, when they come out,
    hidden_pace: float = 0.8  # and so much more for each second hidden
    hidden_share: float = 0.9  # of those who come up there: who was hidden; the others are new
    occlusion_error: float = 0.02  # more, and the number does not go on
    repeat_window_s: float = 600.0
    repeat_sightings: int = 5
    returning_share: float = 0.3  # of those who come: who was here within the repeat window
    return_error: float = 0.01
    # at least so much where nobody else was ever seen: all who come there may look like that
    unrivalled_error: float = 0.05
    perhaps_error: float = 0.5  # more, and nothing is said of it
    margin: float = 0.08  # of similarity: two who look that much alike are not told apart
    double_iou: float = 0.1  # who overlaps somebody when they vanish may have changed places,
    double_similarity: float = 0.88  # if their colours are that much alike,
    doubles_last_s: float = 30.0  # for as long as somebody may be hidden
    decide_within_s: float = 3.0
    compare_within_s: float = 60.0  # with who is unseen for longer, nobody who comes is compared
    max_remembered: int = 200  # the oldest are forgotten first
