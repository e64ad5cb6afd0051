"""Speakers of the site file are checked when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from domain.site.loading import SiteFileError, load_site
from domain.site.speech.speakers import SpeakerSettings


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": None}, "needs url"),
        ({"url": "ftp://horn/"}, "needs url"),
        ({"url": "http://me:secret@horn/"}, "should hold no password"),
        ({"kind": "rtsp"}, "an rtsp speaker needs url: rtsp://"),
        ({"user": "me"}, "belong together"),
        ({"timeout_s": 0}, "greater than 0"),
        ({"max_calls_per_hour": 0}, "greater than or equal to 1"),
        ({"quiet_volume": 0.5}, "quiet_hours, which are missing"),
        ({"quiet_hours": "22:00-07:00", "quiet_volume": 1}, "less than 1"),
        ({"kind": "file"}, "are for http and rtsp speakers"),
        ({"kind": "sound-device"}, "are for http and rtsp speakers"),
    ],
)
def test_a_speaker_that_cannot_work_is_refused(wrong: dict[str, Any], words: str) -> None:
    good = {"id": "horn", "kind": "http", "url": "http://horn/play"}
    assert SpeakerSettings.model_validate(good).timeout_s == 5
    with pytest.raises(ValidationError, match=words):
        SpeakerSettings.model_validate(good | wrong)


def test_dangling_speakers_and_rules_are_named_with_their_lines(
    sample_site_file: Path, tmp_path: Path
) -> None:
    text = sample_site_file.read_text("utf-8").replace(
        "url: crossing.mp4", "url: x\n    speaker: bell"
    )
    text = text.replace("    compliance:\n", "    compliance:\n      allowed_rules: [no-smoking]\n")
    path = tmp_path / "site.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(SiteFileError) as caught:
        load_site(path)
    told = "\n".join(caught.value.problems)
    assert told.count("names speaker 'bell', which is not defined; speakers: none") == 2
    assert told.count("allows rule 'no-smoking', which is not defined; rules: no-lingering") == 2
    line = 1 + text.splitlines().index("    speaker: bell")
    assert f"{path}:{line}: cameras[0].speaker" in told
