"""Close-ups: always inside the picture, always around the subject."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dashboards.html.rendering import render
from dashboards.html.subject_picture import SubjectPicture
from domain.events.catalog import Sighting

CLOSE = 0.2  # numbers are written with one decimal


@given(st.floats(0, 700), st.floats(0, 500), st.floats(1, 400), st.floats(1, 500))
def test_a_close_up_lies_in_the_picture_and_holds_the_subject(
    x: float, y: float, width: float, height: float
):
    x2, y2 = min(x + width, 768.0), min(y + height, 576.0)
    sighting = Sighting(
        at=datetime(2026, 3, 2, tzinfo=UTC),
        media_time_s=0,
        pts=0,
        time_base="1/12800",
        box_xyxy=(x, y, x2, y2),
        score=0.5,
        frame_width_px=768,
        frame_height_px=576,
    )
    picture = SubjectPicture("/a.jpg", "a", sighting, is_close_up=True)
    found = re.search(r'viewBox="([^"]+)"', render("picture.html", picture=picture))
    assert found
    left, top, wide, high = map(float, found[1].split())
    assert min(left, top) >= 0
    assert left + wide <= 768 + CLOSE
    assert top + high <= 576 + CLOSE
    assert left <= x + CLOSE
    assert top <= y + CLOSE
    assert left + wide >= x2 - CLOSE
    assert top + high >= y2 - CLOSE


def test_without_a_sighting_the_picture_is_shown_whole():
    picture = SubjectPicture("/a.jpg", '"quoted"', None)
    assert render("picture.html", picture=picture) == (
        '<img src="/a.jpg" alt="&#34;quoted&#34;" loading="lazy">'
    )
