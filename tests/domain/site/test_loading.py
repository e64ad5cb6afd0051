"""Every fault of a site file is told with its file, line, what was needed and what came."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.site.loading import SiteFileError, load_site

GOOD = """\
site:
  id: square
  title: {zh: 广场, en: Square}
  timezone: Asia/Shanghai
cameras:
  - id: north
    title: {zh: 北, en: North}
    url: clip.mp4
    zones:
      - id: lawn
        title: {zh: 草坪, en: Lawn}
        polygon: [[0, 0], [1, 0], [1, 1]]
ladders:
  - id: calls
    rungs:
      - id: ask
        after_s: 0
        text: {zh: 请离开, en: Please leave}
rules:
  - id: keep-off
    title: {zh: 勿踏草坪, en: Keep off the lawn}
    condition: {present: {zones: [lawn]}}
    threshold_s: 5
    ladder: calls
"""


YUE = "{language: yue, file: a.wav, says: {zh: 唔該, en: Leave}}"
ZH = "{language: zh, file: a.wav, says: {zh: 离开, en: 'Leave'}}"


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SiteFileError) as caught:
        load_site(path)
    return [problem.removeprefix(f"{path}") for problem in caught.value.problems]


def test_the_sample_site_loads(sample_site_file: Path) -> None:
    site = load_site(sample_site_file)
    assert [camera.id for camera in site.cameras] == ["gate-early", "gate-late"]
    assert [rung.id for rung in site.ladder("three-calls").rungs] == [
        "persuade",
        "warn",
        "announce-enforcement",
    ]


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("id: north", "id: North!"), 6, "cameras[0].id: String should match pattern"),
        (("    url: clip.mp4\n", ""), 6, "cameras[0].url: is needed and missing"),
        (("url: clip.mp4", "url: clip.mp4\n    color: red"), 9, "is not a known setting"),
        (("[0, 0]", "[0, 2]"), 12, "less than or equal to 1, got 2"),
        (("[[0, 0], [1, 0], [1, 1]]", "[[0, 0], [1, 0]]"), 12, "at least 3"),
        (("threshold_s: 5", "threshold_s: soon"), 23, "valid number"),
        (("threshold_s: 5", "threshold_s: -1"), 23, "greater than or equal to 0, got -1"),
        (
            ("zones: [lawn]", "zones: [pond]"),
            22,
            "names 'pond', which no camera has; zones and lines: lawn",
        ),
        (("ladder: calls", "ladder: shouts"), 24, "ladder 'shouts', which is not defined"),
        (("timezone: Asia/Shanghai", "timezone: Mars/Olympus"), 4, "no time zone 'Mars/Olympus'"),
        (("{zh: 请离开, en: Please leave}", "{en: Please leave}"), 18, "text.zh: is needed"),
        (
            ("en: Please leave}", "en: 'Please leave {here}'}"),
            18,
            "text.en: needs a field that a call knows, got {here}; fields: {place}",
        ),
        (
            ("en: Please leave}", "en: 'Under {law}, leave'}"),
            18,
            "says {law}, so every rule with this ladder needs a legal_basis; without one: 'keep-off'",
        ),
        (
            ("rungs:", "languages: [yue, zh]\n    rungs:"),
            17,
            "rungs[0]: needs a recording in 'yue', which the ladder's languages name",
        ),
        (("rungs:", "languages: [zh, zh]\n    rungs:"), 15, "languages: names 'zh' twice"),
        (("rungs:", "languages: [Cantonese]\n    rungs:"), 15, "should match pattern"),
        (
            ("after_s: 0", f"after_s: 0\n        recordings: [{YUE}]"),
            18,
            "recordings[0].language: is never played: the ladder's languages are zh, en",
        ),
        (
            ("after_s: 0", f"after_s: 0\n        recordings: [{YUE.replace('yue', 'zh')}, {ZH}]"),
            18,
            "recordings: needs one recording for a language, 'zh' has several",
        ),
        (
            ("after_s: 0", f"after_s: 0\n        recordings: [{ZH.replace('Leave', '{zone}')}]"),
            18,
            "recordings[0].says.en: needs the words as they were recorded",
        ),
        (("url: clip.mp4", "url: clip.mp4\n    stretch_s: [9, 3]"), 6, "end after it starts"),
        (("url: clip.mp4", "url: rtsp://x/1\n    stretch_s: [1, 3]"), 6, "are for files"),
        (("url: clip.mp4", "url: clip.mp4\n    starts_at: 2026-01-01T00:00:00"), 9, "timezone"),
    ],
)
def test_a_fault_names_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, words: str
) -> None:
    assert change[0] in GOOD
    found = faults(tmp_path, GOOD.replace(*change))
    assert len(found) == 1
    assert found[0].startswith(f":{line}: "), found[0]
    assert words in found[0]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("threshold_s: 5", "threshold_s: -1").replace("url: clip.mp4", "url: ''")
    assert len(faults(tmp_path, text)) == 2


def test_two_cameras_of_one_name_are_refused(tmp_path: Path) -> None:
    camera = GOOD[GOOD.index("  - id: north") : GOOD.index("ladders:")]
    found = faults(tmp_path, GOOD.replace("ladders:", camera + "ladders:"))
    assert found == [":13: cameras[1].id: ids should be unique, 'north' came before"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ":1: needs a mapping with site, cameras, ladders, rules; got nothing"),
        ("- a\n- b\n", ":1: needs a mapping"),
        ("site: {id: a\n", "not YAML"),
        ("site: *nobody\n", "not YAML"),
        ("a: 1\na: 2\n", "not YAML"),
        ("site: \x07\n", "not YAML"),
    ],
)
def test_text_that_is_no_site_file_is_told_so(tmp_path: Path, text: str, words: str) -> None:
    assert words in "\n".join(faults(tmp_path, text))


def test_a_missing_file_a_folder_and_bytes_are_told_so(tmp_path: Path) -> None:
    with pytest.raises(SiteFileError, match=r"cannot be read.*samples/site\.yaml is an example"):
        load_site(tmp_path / "nowhere.yaml")
    with pytest.raises(SiteFileError, match="cannot be read"):
        load_site(tmp_path)
    (tmp_path / "noise.yaml").write_bytes(b"\xff\xfe\x00\x80" * 9)
    with pytest.raises(SiteFileError, match="not UTF-8"):
        load_site(tmp_path / "noise.yaml")


@given(text=st.text(max_size=200))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_at_all_breaks_the_reader(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(SiteFileError):
        load_site(path)


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damaged_site_file_breaks_the_reader(tmp_path: Path, data: st.DataObject) -> None:
    """Cut a line, or put something odd in place of a value: loads, or is refused with reasons."""
    lines = GOOD.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    odd = data.draw(st.sampled_from(["", "[]", "{}", "null", "-3", "1e400", ".nan", "yes", "'x'"]))
    head = lines[at].split(":")[0]
    lines[at] = data.draw(st.sampled_from([f"{head}: {odd}", ""]))
    path = tmp_path / "damaged.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        load_site(path)
    except SiteFileError as error:
        assert error.problems


def test_times_keep_their_zone_when_they_are_copied(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(
        GOOD.replace("url: clip.mp4", "url: clip.mp4\n    starts_at: 2026-03-02T16:00:00+08:00")
    )
    starts_at = load_site(path).cameras[0].starts_at
    assert starts_at is not None
    assert copy.deepcopy(starts_at).isoformat() == starts_at.isoformat()
    assert starts_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
