"""Play damaged clips by `forewarn run --until-end`, many cameras at once, with a real Triton server."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.results import ROOT
from domain.data_dir import DataDir
from domain.events.catalog import CameraChanged
from event_log.log import EventLog

TIMEOUT_S = 900.0
ZONE = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]]


@dataclass
class RunTally:
    """What became of the runs."""

    runs: int = 0
    clips: int = 0
    programs_lost: list[str] = field(default_factory=list)
    not_ended: list[str] = field(default_factory=list)  # runs
    unheard_of: list[str] = field(default_factory=list)  # clips without a last word in the log


def play(clips: list[Path], cameras: int, triton: str, folder: Path) -> RunTally:
    """Play the clips, `cameras` of them in one run."""
    tally = RunTally()
    for at in range(0, len(clips), cameras):
        batch = clips[at : at + cameras]
        _play(batch, triton, folder / f"run-{at}", tally)
        tally.runs += 1
        tally.clips += len(batch)
    return tally


def _play(batch: list[Path], triton: str, folder: Path, tally: RunTally) -> None:
    data = DataDir(folder / "var")
    data.root.mkdir(parents=True)
    site = write_site(folder / "site.yaml", batch)
    arguments = ("run", str(site), "--until-end", "--unsealed", "--data", str(data.root))
    command = [sys.executable, "-m", "forewarn", *arguments, "--triton", triton]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        code = process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait(60)
        tally.not_ended.append(folder.name)
    else:
        if code != 0:
            tally.programs_lost.append(f"{folder.name}: the run ended with {code}")
    tally.programs_lost += [f"{folder.name}: {lost}" for lost in crashes(data)]
    ended = set()
    with EventLog.open(data.events_db) as log:
        for logged in log.read(types=[CameraChanged.event_type], limit=10_000):
            assert isinstance(logged.event.data, CameraChanged)
            if logged.event.data.status in ("ended", "failed"):
                ended.add(logged.event.data.camera_id)
    tally.unheard_of += [
        clip.name for number, clip in enumerate(batch) if f"c{number}" not in ended
    ]


def crashes(data: DataDir) -> list[str]:
    """Return the programs that ended unexpectedly, by the supervisor's log."""
    found = []
    for line in (data.logs / "supervisor.log").read_text().splitlines():
        if '"program_crashed"' in line or '"program_stands_still"' in line:
            facts = json.loads(line)
            found.append(f"{facts['name']} ended with {facts.get('code', 'no sign of life')}")
    return found


def write_site(path: Path, clips: list[Path]) -> Path:
    """Write a site with a camera for each clip, under one rule; JSON is YAML too."""
    title = {"zh": "名", "en": "Name"}
    rung = {"id": "ask", "after_s": 0, "text": {"zh": "请离开", "en": "Please go"}}
    zones = [f"zone-c{number}" for number in range(len(clips))]
    site = {
        "site": {"id": "fuzz", "title": title, "enforcement": "demonstration"},
        "cameras": [
            {
                "id": f"c{number}",
                "title": title,
                "url": str(clip.resolve()),
                "analyse_fps": 10,
                "starts_at": "2026-03-02T08:00:00Z",
                "zones": [{"id": zones[number], "title": title, "polygon": ZONE}],
            }
            for number, clip in enumerate(clips)
        ],
        "ladders": [{"id": "calls", "rungs": [rung], "escalate_after_s": 1}],
        "rules": [
            {
                "id": "keep-off",
                "title": title,
                "condition": {"present": {"zones": zones}},
                "threshold_s": 1,
                "ladder": "calls",
            }
        ],
    }
    path.write_text(json.dumps(site, ensure_ascii=False))
    return path
