"""`forewarn check` refuses what could never work, with its line, what was needed and what came."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.site.loading import SiteFileError
from flows.site_checks.rules import unheard_faults
from forewarn.terminal.checked_site import load_checked_site, refuse

Run = Callable[..., "subprocess.CompletedProcess[str]"]

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
    lines:
      - id: gate
        title: {zh: 门线, en: Gate line}
        points: [[0, 0.5], [1, 0.5]]
  - id: south
    title: {zh: 南, en: South}
    url: clip.mp4
    zones:
      - id: path
        title: {zh: 小路, en: Path}
        polygon: [[0, 0], [1, 0], [1, 1]]
rules:
  - id: keep-off
    title: {zh: 勿踏草坪, en: Keep off the lawn}
    category: green/lawn
    condition: {present: {zones: [lawn], classes: [person]}}
    hours: Mo-Su 08:00-20:00
    threshold_s: 5
    ladder: calls
ladders:
  - id: calls
    rungs:
      - id: ask
        after_s: 0
        text: {zh: 请离开, en: Please leave}
      - id: tell
        after_s: 20
        does: [notify]
    escalate_after_s: 30
    repeat_window_s: 3600
recipients:
  - id: desk
    url_env: DESK
speakers:
  - id: horn
    kind: file
"""
SECOND_RULE = """\
  - id: also
    title: {zh: 也是, en: Also}
    condition: {present: {classes: [person], zones: [lawn], by: foot}}
    hours: Mo-Su 08:00-20:00
    threshold_s: 60
    ladder: calls
ladders:
"""


def refused(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SiteFileError) as caught:
        site = load_checked_site(path)
        refuse(path, list(unheard_faults(site)))
    return [problem.removeprefix(str(path)) for problem in caught.value.problems]


def test_the_file_that_all_others_are_made_from_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(GOOD, encoding="utf-8")
    site = load_checked_site(path)
    assert not list(unheard_faults(site))
    title = site.category_title("green/lawn")
    assert title is not None and title.en == "Parks and water: Stepping on a lawn"


REFUSALS: dict[str, tuple[str, str, int, str]] = {
    # what is wrong: (what stands there, what stands there instead, line, words)
    "a password in a camera's url": (
        "url: clip.mp4",
        "url: rtsp://admin:s3cret@10.0.0.1/1",
        8,
        "use user and password_env",
    ),
    "a misspelt scheme": ("url: clip.mp4", "url: rtps://10.0.0.1/1", 8, "is rtsp:// or rtsps://"),
    "an address that is no text": (
        "url: clip.mp4",
        "url: [rtsp://admin:s3cret@10.0.0.1/1]",
        8,
        "valid string, got what is not shown",
    ),
    "a zone that crosses itself": (
        "[[0, 0], [1, 0], [1, 1]]",
        "[[0, 0], [1, 1], [1, 0], [0, 1]]",
        12,
        "does not cross itself",
    ),
    "a zone without area": (
        "[[0, 0], [1, 0], [1, 1]]",
        "[[0, 0], [1, 0], [0.5, 0]]",
        12,
        "with area",
    ),
    "a zone that leaves the picture": (
        "[[0, 0], [1, 0], [1, 1]]",
        "[[0, 0], [640, 0], [1, 1]]",
        12,
        "got 640",
    ),
    "a zone in pixels is told what to do": (
        "[[0, 0], [1, 0], [1, 1]]",
        "[[0, 0], [640, 0], [1, 1]]",
        12,
        "pixels have to be divided",
    ),
    "a line of one point": (
        "[[0, 0.5], [1, 0.5]]",
        "[[0, 0.5], [0, 0.5]]",
        16,
        "two different points",
    ),
    "an unknown class": ("classes: [person]", "classes: [persn]", 28, "did you mean person?"),
    "a class that nothing is like": ("classes: [person]", "classes: [ufo]", 28, "it knows person,"),
    "a category that is nearly one": (
        "category: green/lawn",
        "category: green/lawns",
        27,
        "did you mean green/lawn",
    ),
    "a category without its class": ("category: green/lawn", "category: lawn", 27, "green/lawn"),
    "an empty category": (
        "category: green/lawn",
        "category: zzz",
        27,
        "it has street, street/stall",
    ),
    "a taxonomy that is not there": (
        "cameras:\n",
        "taxonomy: nowhere.yaml\ncameras:\n",
        0,
        "nowhere.yaml: cannot be read",
    ),
    "hours that cannot be read": ("Mo-Su 08:00-20:00", "soon", 29, "should be opening_hours"),
    "hours that are over for good": ("Mo-Su 08:00-20:00", "2020 Jan 01 08:00-20:00", 29, "never"),
    "hours that begin years from now": (
        "Mo-Su 08:00-20:00",
        "2090 Jan 01 08:00-20:00",
        29,
        "never comes within a year",
    ),
    "holidays of no country": ("Mo-Su 08:00-20:00", "Mo-Su 08:00-20:00; PH off", 29, "country: CN"),
    "holidays of an unknown country": (
        "timezone: Asia/Shanghai",
        "timezone: Asia/Shanghai\n  country: XX",
        30,
        "'XX' are not known",
    ),
    "a threshold longer than any opening": (
        "Mo-Su 08:00-20:00",
        "Mo-Su 08:00-08:00:05",
        29,
        "should be opening_hours",
    ),
    "a threshold as long as the opening": (
        "threshold_s: 5",
        "threshold_s: 43200",
        30,
        "longest opening (Mo-Su 08:00-20:00), 43200 s",
    ),
    "a rung that the hours never reach": (
        "after_s: 20",
        "after_s: 43200",
        39,
        "never comes under rule",
    ),
    "an escalation that the hours never reach": (
        "escalate_after_s: 30",
        "escalate_after_s: 50000",
        41,
        "it is due 50025 s",
    ),
    "a cool-down as long as the repeat window": (
        "repeat_window_s: 3600",
        "repeat_window_s: 60\n    cooldown_s: 60",
        42,
        "longer than cooldown_s",
    ),
    "a repeat window shorter than the threshold": (
        "repeat_window_s: 3600",
        "repeat_window_s: 4",
        42,
        "longer than threshold_s of rule 'keep-off'",
    ),
    "a higher first rung without a window": (
        "repeat_window_s: 3600",
        "repeat_starts_at: 1",
        42,
        "no effect without repeat_window_s",
    ),
    "an exemption that never ends": (
        "    repeat_window_s: 3600\n",
        "",
        31,
        "nobody would ever be escalated",
    ),
    "a cap of 0": ("url_env: DESK", "url_env: DESK\n    max_per_hour: 0", 46, "got 0"),
    "a speaker's cap of 0": ("kind: file", "kind: file\n    max_calls_per_hour: 0", 49, "got 0"),
    "messages that are too late before their picture": (
        "url_env: DESK",
        "url_env: DESK\n    useful_s: 10",
        44,
        "longer than picture_wait_s",
    ),
    "an address in clear": ("url_env: DESK", "url_env: mailto://a:s3cret@c", 45, "should match"),
    "a secret where its name belongs": ("url_env: DESK", "url_env: s3cret!", 45, "is not shown"),
    "quiet hours that never end": (
        "url_env: DESK",
        "url_env: DESK\n    quiet_hours: 24/7",
        46,
        "nothing is ever sent",
    ),
    "quiet hours that cannot be read": (
        "url_env: DESK",
        "url_env: DESK\n    quiet_hours: nights",
        46,
        "should be opening_hours",
    ),
    "people to be told, and nobody is there": (
        "recipients:\n  - id: desk\n    url_env: DESK\n",
        "",
        40,
        "the site has no recipients",
    ),
    "a recipient that is not there": (
        "does: [notify]",
        "does: [notify]\n        notifies: [chief]",
        41,
        "recipients: desk",
    ),
    "an announcement without words": ("does: [notify]", "does: [announce]", 38, "needs a text"),
    "two rules that say the same": ("ladders:\n", SECOND_RULE, 32, "warned twice"),
    "a rule that no camera can watch": (
        "{present: {zones: [lawn], classes: [person]}}",
        "{all: [{present: {zones: [lawn]}}, {present: {zones: [path]}}]}",
        28,
        "no camera sees all that it needs: lawn, path",
    ),
    "a live camera that nobody hears": (
        "    url: clip.mp4\n    zones:\n      - id: lawn",
        "    url: rtsp://10.0.0.1/1\n    zones:\n      - id: lawn",
        6,
        "nobody would hear or learn of anything",
    ),
    "two rungs of one name": ("- id: tell", "- id: ask", 38, "unique on a ladder, 'ask'"),
    "a line named as a zone": ("- id: gate", "- id: lawn", 14, "'lawn' is a zone or line before"),
    "two recipients of one name": (
        "speakers:\n",
        "  - id: desk\n    url_env: OTHER\nspeakers:\n",
        46,
        "'desk' came before",
    ),
    "two speakers of one name": (
        "    kind: file\n",
        "    kind: file\n  - id: horn\n    kind: file\n",
        49,
        "'horn' came before",
    ),
}
# what has to be wrong elsewhere as well, for the fault to be the one that is meant
ALSO: dict[str, tuple[str, str]] = {
    "holidays of an unknown country": ("Mo-Su 08:00-20:00", "Mo-Su 08:00-20:00; PH off"),
    "a threshold as long as the opening": ("repeat_window_s: 3600", "repeat_window_s: 99999"),
    "an exemption that never ends": ("ladder: calls", "first_time_exempt: true\n    ladder: calls"),
    "a live camera that nobody hears": ("does: [notify]", "text: {zh: 请走, en: Please go}"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_could_never_work_is_refused(tmp_path: Path, name: str) -> None:
    old, new, line, words = REFUSALS[name]
    text = GOOD
    for before, after in [*([ALSO[name]] if name in ALSO else []), (old, new)]:
        assert before in text, before
        text = text.replace(before, after, 1)
    found = refused(tmp_path, text)
    assert len(found) == 1, found
    assert words in found[0], found[0]
    assert "s3cret" not in found[0]
    if line:
        assert found[0].startswith(f":{line}: "), found[0]


def test_a_citys_own_taxonomy_replaces_ours(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "classes:\n"
        "  - {id: park, title: {zh: 公园, en: Park}, kinds: [{id: bench, title: {zh: 长椅, en: Bench}}]}\n"
    )
    own = GOOD.replace("cameras:\n", "taxonomy: own.yaml\ncameras:\n", 1)
    path = tmp_path / "site.yaml"
    path.write_text(own.replace("green/lawn", "park/bench"), encoding="utf-8")
    title = load_checked_site(path).category_title("park/bench")
    assert title is not None and title.zh == "公园·长椅"
    assert "own.yaml has no category 'green/lawn'" in refused(tmp_path, own)[0]
    (tmp_path / "own.yaml").write_text("classes:\n  - id: Park\n    title: {zh: 公, en: P}\n")
    found = "\n".join(refused(tmp_path, own))
    assert "own.yaml:2: classes[0].id" in found and "own.yaml:2: classes[0].kinds" in found


def test_run_refuses_what_check_refuses(forewarn: Run, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(GOOD.replace("threshold_s: 5", "threshold_s: 43200"), encoding="utf-8")
    for command in ("check", "run", "up"):
        more = () if command == "check" else ("--unsealed", "--data", tmp_path / "var")
        done = forewarn(command, path, *more)
        assert done.returncode == 78, command
        assert f"{path}:30: rules[0].threshold_s" in done.stderr, command
