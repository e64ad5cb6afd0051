"""What is known of one stay."""

from __future__ import annotations

from people import INSIDE, at, presence

from flows.escalation.stays.offence import Offence


def test_the_last_place_is_a_share_of_the_picture() -> None:
    shown = presence(0, {1: INSIDE}, (192.0, 144.0, 384.0, 288.0))
    offence = Offence.begin(shown.frame, shown.holdings[0])
    assert offence.stay.last_place == (0.25, 0.25, 0.5, 0.5)
    later = presence(1, {1: INSIDE}, (0.0, 288.0, 192.0, 576.0))
    offence.stay.note(later.frame, later.holdings[0])
    assert offence.stay.last_place == (0.0, 0.5, 0.25, 1.0)


def test_what_was_unseen_adds_up_when_they_are_seen_in_the_zone_again() -> None:
    shown = presence(0, {1: INSIDE})
    stay = Offence.begin(shown.frame, shown.holdings[0]).stay
    stay.unseen_s, stay.unseen_since_s = 2.0, 3.0
    assert (stay.unseen_until(at(0)), stay.unseen_until(at(8))) == (2.0, 5.0)
    later = presence(9, {1: INSIDE})
    stay.note(later.frame, later.holdings[0])
    assert (stay.unseen_s, stay.unseen_since_s) == (5.0, 0.0)
