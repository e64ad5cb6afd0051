"""A camera whose stream crashes the watch program is left out, tried alone, and comes back when it holds."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml_site
from footage_files import write_clip

from domain.cameras.quarantine import QuarantineList
from domain.data_dir import DataDir
from domain.events.catalog import CameraChanged
from domain.site.cameras import Camera
from event_log.log import EventLog
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShard, ShardSettings
from flows.sources.media.decode_marks import DecodeMarks
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.supervision.child import python_program
from forewarn.programs.supervision.supervisor import Program, Supervisor
from forewarn.quarantine import keeper as module
from forewarn.quarantine.keeper import Quarantine
from forewarn.site.put_in_force import apply_file

ROOT = Path(__file__).resolve().parents[3]
CRASHED = -signal.SIGSEGV
TITLE = {"zh": "相机", "en": "Camera"}


def settings_of(tmp_path: Path, *, until_end: bool = False, triton: str = "") -> ProgramSettings:
    data = DataDir(tmp_path / "var")
    data.root.mkdir(exist_ok=True)
    return ProgramSettings(data, triton, until_end, shows_live=False)


def ending_with(tmp_path: Path, codes: list[int]) -> Callable[[str], Program]:
    """Return trials that end with these codes, one after the other."""

    def trial(camera_id: str) -> Program:
        code = f"import os, signal; os.kill(os.getpid(), {-codes[0]})"
        code = code if codes[0] < 0 else f"raise SystemExit({codes[0]})"
        codes.pop(0)
        argv = [sys.executable, "-c", code]
        return Program("trial", argv, tmp_path / "trial.log", starts_again=False)

    return trial


def crash(
    quarantine: Quarantine, settings: ProgramSettings, *inside: str, code: int = CRASHED
) -> bool:
    """Let the watch program crash with these cameras inside a decoder."""
    marks = DecodeMarks(settings.data.beats, ["north", "south", "west"])
    held = [marks.of(camera_id).__enter__() for camera_id in inside]
    taken_out = quarantine.on_crash("watch", code)
    for mark in held:
        mark.__exit__(None, None, None)
    return taken_out


def in_quarantine(settings: ProgramSettings) -> set[str]:
    return set(QuarantineList(settings.data.quarantine).read())


def test_who_was_inside_in_two_crashes_is_left_out(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, []))
    assert not crash(quarantine, settings, "north", "south")
    assert not crash(quarantine, settings)  # in the detector, say
    assert in_quarantine(settings) == set()
    assert crash(quarantine, settings, "south", "west")
    assert in_quarantine(settings) == {"south"}


@pytest.mark.parametrize("code", [-signal.SIGKILL, -signal.SIGTERM, 1, 75])
def test_other_ends_are_nobody_s_fault(tmp_path: Path, code: int) -> None:
    settings = settings_of(tmp_path)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, []))
    for _ in range(3):
        assert not crash(quarantine, settings, "north", code=code)
        assert not quarantine.on_crash("preserve", CRASHED)
    assert in_quarantine(settings) == set()


def test_marks_of_a_process_that_is_gone_blame_nobody_for_the_next(tmp_path: Path) -> None:
    """Before: a start that crashed before it had marks of its own was put down to whom the last had been at."""
    settings = settings_of(tmp_path)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, []))
    for first in (-signal.SIGKILL, CRASHED):  # it dies inside a decoder; the next does at its start
        with DecodeMarks(settings.data.beats, ["north", "south"]).of("north"):
            assert not quarantine.on_crash("watch", first)
            assert not quarantine.on_crash("watch", CRASHED)
    assert in_quarantine(settings) == set()


def test_two_crashes_far_apart_are_forgiven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, []))
    crash(quarantine, settings, "north")
    now_s = time.monotonic() + module.BLAME_LASTS_S + 1
    monkeypatch.setattr(module.time, "monotonic", lambda: now_s)
    assert not crash(quarantine, settings, "north")


def test_it_is_tried_alone_after_growing_pauses_and_comes_back_when_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.2)
    settings, said = settings_of(tmp_path), list[str]()
    codes = [CRASHED, 75, 0]
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, codes), said.append)
    for _ in range(2):
        crash(quarantine, settings, "north")
    with Supervisor() as supervisor:
        until = time.monotonic() + 60
        supervisor.run(
            lambda: not in_quarantine(settings) or time.monotonic() > until,
            lambda: quarantine(supervisor),
        )
        assert supervisor.programs == {}
    assert codes == [] and in_quarantine(settings) == set()
    assert said == ["north: held when it was tried alone, and is watched again"]
    assert crash(quarantine, settings, "north")  # once more is enough now


def test_one_that_holds_alone_and_crashes_all_the_same_is_left_out_for_longer_and_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: tried at once each time, a stream that crashes each minute took all cameras down for ever."""
    settings, now_s = settings_of(tmp_path), 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now_s)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, []))
    assert not crash(quarantine, settings, "north")
    pauses = []
    for _ in range(5):
        assert crash(quarantine, settings, "north")
        pauses.append(quarantine._trials["north"].next_s - now_s)
        now_s += pauses[-1] + 30
        quarantine._judge("north", 0)
        assert in_quarantine(settings) == set()
        now_s += 65
    assert pauses == [0, 60, 120, 240, 480]
    now_s += module.BLAME_LASTS_S
    assert not crash(quarantine, settings, "north") and crash(quarantine, settings, "north")
    assert quarantine._trials["north"].next_s == now_s  # well for an hour: that was another fault


def test_a_trial_that_crashes_is_counted_and_one_without_a_picture_is_not(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, []))
    for _ in range(2):
        crash(quarantine, settings, "north")
    for code in (CRASHED, 75, CRASHED):
        quarantine._judge("north", code)
    assert QuarantineList(settings.data.quarantine).read()["north"].tries == 2


def test_one_that_a_person_took_off_the_list_keeps_no_other_from_its_trial(tmp_path: Path) -> None:
    """Before: its trial stayed the first that was due, and no other camera was ever tried."""
    settings = settings_of(tmp_path)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, [0]))
    for _ in range(2):
        crash(quarantine, settings, "north")
    settings.data.quarantine.unlink()
    for _ in range(2):
        crash(quarantine, settings, "south")
    with Supervisor() as supervisor:
        quarantine(supervisor)
        assert set(supervisor.programs) == {"trial"}


def test_a_trial_that_ended_for_another_site_file_proves_nothing_and_comes_anew(
    tmp_path: Path,
) -> None:
    """Before: asked to end it ended with 0, and the camera was watched again as if it had held."""
    settings = settings_of(tmp_path)
    code = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(0)); print(1, flush=True)"
    )
    argv = [sys.executable, "-c", code + "; time.sleep(60)"]

    def trial(camera_id: str) -> Program:
        return Program("trial", argv, tmp_path / "trial.log", starts_again=False)

    quarantine = Quarantine(settings, "watch", trial, lambda words: None)
    for _ in range(2):
        crash(quarantine, settings, "south")
    with Supervisor() as supervisor:
        quarantine(supervisor)
        supervisor.run(lambda: (tmp_path / "trial.log").stat().st_size > 0)
        ended = supervisor.programs["trial"]
        supervisor.replace_all([])
        assert ended.process is not None and ended.process.returncode == 0
        quarantine(supervisor)
        assert in_quarantine(settings) == {"south"}
        quarantine(supervisor)
        assert supervisor.programs["trial"].is_running


def test_an_earlier_run_s_quarantine_holds_for_streams_and_not_for_recordings(
    tmp_path: Path,
) -> None:
    settings = settings_of(tmp_path)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, []))
    for _ in range(2):
        crash(quarantine, settings, "north")
    Quarantine(settings, "watch", ending_with(tmp_path, []))
    assert in_quarantine(settings) == {"north"}
    Quarantine(replace(settings, until_end=True), "watch", ending_with(tmp_path, []))
    assert in_quarantine(settings) == set()


def shard_of(tmp_path: Path, settings: ProgramSettings) -> CameraShard:
    cameras = []
    for name in ("north", "south"):
        write_clip(tmp_path / f"{name}.mp4", frames=5)
        given = {"id": name, "title": TITLE, "url": f"{name}.mp4"}
        cameras.append(Camera.model_validate(given))
    shard = ShardSettings(
        tuple(cameras),
        tmp_path,
        Playback(settings.until_end),
        threading.Event(),
        quarantined=QuarantineList(settings.data.quarantine).why,
    )
    return CameraShard(shard, shard.positions(), lambda: False)


def statuses(shard: CameraShard, wanted: set[str]) -> set[str]:
    """Return the news of cameras, until what is wanted is there."""
    seen, until = set[str](), time.monotonic() + 60
    while not wanted <= seen and time.monotonic() < until:
        try:
            batch = shard.next_batch()
        except StopIteration:
            return seen | {"over"}
        shard._positions.done([item for item in batch if hasattr(item, "camera_id")])  # type: ignore[misc]
        seen |= {f"{item.camera_id} {item.status}" for item in batch if hasattr(item, "status")}
    return seen


def test_the_others_are_read_and_it_is_told_of_and_read_again(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, []))
    for _ in range(2):
        crash(quarantine, settings, "north")
    shard = shard_of(tmp_path, settings)
    seen = statuses(shard, {"north failed", "south up"})
    assert seen == {"north failed", "south up"}
    quarantine._judge("north", 0)
    assert "north up" in statuses(shard, {"north up"})
    shard.close()


def test_a_recording_in_quarantine_ends_with_the_reason(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, until_end=True)
    quarantine = Quarantine(settings, "watch", ending_with(tmp_path, []))
    for _ in range(2):
        crash(quarantine, settings, "north")
    seen = statuses(shard_of(tmp_path, settings), {"never"})
    assert {"north failed", "south ended", "over"} <= seen


@pytest.mark.slow
@pytest.mark.triton
def test_a_decoder_that_crashes_costs_its_own_camera_and_no_other(
    tmp_path: Path, triton_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("good", "bad"):
        write_clip(tmp_path / f"{name}.mp4", frames=30)
    yaml_site.write(tmp_path / "site.yaml", {"good": "good.mp4", "bad": "bad.mp4"})
    site = (tmp_path / "site.yaml").read_text().replace('"starts_at": "2026-03-02T08:00:00Z",', "")
    (tmp_path / "site.yaml").write_text(site)
    marker = tmp_path / "crash"
    marker.touch()
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}")
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 1.0)
    settings, said = settings_of(tmp_path, triton=triton_address), list[str]()
    apply_file(tmp_path / "site.yaml", settings.data)

    def program(name: str, *first: str) -> Program:
        argv = [name, str(marker), *first, *settings.to_argv()]
        return Program(
            name,
            python_program("crashing_watch", argv),
            tmp_path / f"{name}.log",
            may_finish=False,
            starts_again=name == "watch",
        )

    quarantine = Quarantine(
        settings, "watch", lambda camera_id: program("decoder_trial", camera_id), said.append
    )
    log = EventLog.open(settings.data.events_db)

    def news() -> list[tuple[str, str, str]]:
        page = log.read(types=[CameraChanged.event_type])
        data = [logged.event.data for logged in page]
        return [
            (each.camera_id, each.status, each.reason)
            for each in data
            if isinstance(each, CameraChanged)
        ]

    def is_told(camera_id: str, status: str, after: int = 0, words: str = "") -> bool:
        return any(
            (c, s) == (camera_id, status) and words in reason for c, s, reason in news()[after:]
        )

    with Supervisor(said.append, on_crash=quarantine.on_crash) as supervisor:

        def look_after(until: Callable[[], bool]) -> None:
            give_up_s = time.monotonic() + 400
            supervisor.run(
                lambda: until() or time.monotonic() > give_up_s, lambda: quarantine(supervisor)
            )
            assert until(), (news(), said, (tmp_path / "watch.log").read_text()[-3000:])

        supervisor.start(program("watch"))
        look_after(lambda: is_told("bad", "failed", words="crashed the watch program 2 times"))
        watch = supervisor.programs["watch"].process
        assert watch is not None
        told = len(news())
        # tried alone, it crashes there, and the others are watched by the same process all the while
        trials = QuarantineList(settings.data.quarantine)
        look_after(lambda: any(each.tries for each in trials.read().values()))
        assert watch.poll() is None and not is_told("bad", "up", told)
        marker.unlink()
        look_after(lambda: is_told("bad", "up", told))
        assert watch.poll() is None
    assert is_told("good", "up")
    # by SIGABRT, or by SIGSEGV where faulthandler stumbles over a thread that runs on while it writes
    assert len([words for words in said if "watch ended" in words and "exit code -" in words]) == 2
    log.close()
