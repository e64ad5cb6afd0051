"""Kill -9 at random moments, and count what was lost and what happened twice.

    python -m benchmarks.chaos [--kills 50] [--seed 7]

A run over the sample footage without trouble tells what should come out. Then runs over the same
footage have their programs, their Triton server and their supervisor killed until enough kills are
done; each run is finished, and what it left is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import ROOT, Result, WrongOutputs, append
from benchmarks.webhook import Told, webhook
from domain.data_dir import DataDir
from domain.events import (
    AnnouncementMade,
    EvidenceSealed,
    NotificationMade,
    OffenceData,
    OffenceWarned,
)
from domain.site_file import load_site
from event_log.log import EventLog
from evidence_store.keys import KeyFolder
from evidence_store.verifier import Verifier

SAMPLE = ROOT / "samples" / "site.yaml"
KILLS_A_RUN = 8  # then it may finish
SHORT_KILLS = 12
VICTIMS = ("watch", "announce", "preserve", "notify", "tritonserver", "supervisor")
DESK = "CHAOS_DESK"  # where the webhook's address stands
terminal = Console(stderr=True)


@dataclass
class Left:
    """What a run left behind, in a form that can be compared."""

    offences: dict[str, str]  # event id -> its content, which must be the same on every run
    announced: Counter[str]  # warned event id -> announcements
    told: Counter[str]  # request event id -> answers about telling the desk
    sounds: int  # files that the speaker was given
    sealed: Counter[str]  # offence id -> sealed events
    rows: int  # in the evidence table
    folders: int  # in the vault


@dataclass
class Damage:
    """What kills have done so far."""

    kills: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Trial:
    """What all runs share: a site that tells a desk of its rungs, and the desk."""

    site_file: Path
    desk: Told

    @classmethod
    def make(cls, folder: Path, desk: Told) -> Trial:
        """The sample site with a recipient who is told of the second rung and of escalations."""
        site = load_site(SAMPLE).model_dump(mode="json", exclude_none=True)
        for camera in site["cameras"]:
            camera["url"] = str(SAMPLE.parent / camera["url"])
        ladder = site["ladders"][0]
        ladder["rungs"][1]["does"] = ["announce", "notify"]
        ladder["escalation_does"] = ["notify", "open_case"]
        desk_facts = {"id": "desk", "url_env": DESK, "recordings": True, "max_per_hour": 1000}
        site["recipients"] = [desk_facts | {"picture_wait_s": 20, "language": "en"}]
        site_file = folder / "site.yaml"
        site_file.write_text(json.dumps(site, ensure_ascii=False), encoding="utf-8")
        return cls(site_file, desk)

    def command(self, data: DataDir) -> list[str]:
        """The run's command line."""
        argv = ["run", str(self.site_file), "--until-end", "--data", str(data.root)]
        return [sys.executable, "-m", "forewarn", *argv]

    def environment(self, data: DataDir) -> dict[str, str]:
        """With the desk's address, a path of its own for each run."""
        return os.environ | {DESK: f"json://127.0.0.1:{self.desk.port}/{data.root.name}"}


def run_calmly(data: DataDir, trial: Trial) -> Left:
    """What should come out."""
    KeyFolder(data.keys).create()
    done = subprocess.run(
        trial.command(data),
        cwd=ROOT,
        env=trial.environment(data),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise WrongOutputs(f"the run without kills ended with {done.returncode}:\n{done.stderr}")
    left = look(data)
    arrived = trial.desk.messages[data.root.name].total()
    if not left.offences or not left.announced or left.rows != len(left.sealed) or not arrived:
        raise WrongOutputs(f"the run without kills left {left}")
    return left


def run_with_kills(
    data: DataDir, trial: Trial, chance: random.Random, damage: Damage, kills: int
) -> None:
    """One run over the footage; killed supervisors are started again until it ends by itself."""
    process = _start(data, trial)
    next_s = time.monotonic() + 3
    while True:
        if process.poll() is not None:
            if process.returncode == 0:
                return
            if process.returncode != -signal.SIGKILL:
                words = (data.root / "chaos.log").read_text(errors="replace")[-2000:]
                raise WrongOutputs(f"the run ended with {process.returncode}:\n{words}")
            process = _start(data, trial)
        if kills > 0 and time.monotonic() > next_s:
            victim = chance.choice(VICTIMS)
            if _kill(process, victim):
                damage.kills[victim] += 1
                kills -= 1
            next_s = time.monotonic() + chance.uniform(0.2, 4)
        time.sleep(0.02)


def _start(data: DataDir, trial: Trial) -> subprocess.Popen[bytes]:
    data.root.mkdir(parents=True, exist_ok=True)
    with (data.root / "chaos.log").open("ab") as output:
        return subprocess.Popen(
            trial.command(data),
            cwd=ROOT,
            env=trial.environment(data),
            stdout=output,
            stderr=output,
        )


def _kill(supervisor: subprocess.Popen[bytes], victim: str) -> bool:
    """Kill one process of the run; False where it is not there at the moment."""
    try:
        own = psutil.Process(supervisor.pid)
        found = (
            [own]
            if victim == "supervisor"
            else [
                child
                for child in own.children(recursive=True)
                if child.name() == victim or f"forewarn.programs.{victim}" in child.cmdline()
            ]
        )
        if not found:
            return False
        found[0].kill()
    except psutil.NoSuchProcess:
        return False
    return True


def look(data: DataDir) -> Left:
    """Read what a run left."""
    from evidence_store.table import EvidenceTable
    from evidence_store.vault import Vault

    events = [logged.event for logged in EventLog.open(data.events_db).read(limit=100_000)]
    return Left(
        offences={
            each.id: each.data.model_dump_json()
            for each in events
            if isinstance(each.data, OffenceData)
        },
        announced=Counter(
            each.data.warned_event_id for each in events if isinstance(each.data, AnnouncementMade)
        ),
        told=Counter(
            each.data.request_event_id for each in events if isinstance(each.data, NotificationMade)
        ),
        sounds=len(list(data.announcements.rglob("*.wav"))),
        sealed=Counter(
            each.data.offence_id for each in events if isinstance(each.data, EvidenceSealed)
        ),
        rows=EvidenceTable.open(data.lancedb).count(),
        folders=len(Vault(data.evidence).ids()),
    )


def compare(calm: Left, left: Left, damage: Damage) -> None:
    """Note what is missing and what is there twice (or should not be there at all)."""
    damage.lost += [f"event {each}" for each in calm.offences.keys() - left.offences.keys()]
    damage.doubled += [f"event {each}" for each in left.offences.keys() - calm.offences.keys()]
    damage.doubled += [
        f"event {each} with other content"
        for each, content in calm.offences.items()
        if left.offences.get(each, content) != content
    ]
    for what, wanted, came in (
        ("announcement", calm.announced, left.announced),
        ("answer about a message", calm.told, left.told),
        ("evidence", calm.sealed, left.sealed),
    ):
        damage.lost += [f"{what} of {each}" for each in (wanted - came).elements()]
        damage.doubled += [f"{what} of {each}" for each in (came - wanted).elements()]
    for what, due, found in (
        ("sounds", calm.sounds, left.sounds),
        ("evidence rows", calm.rows, left.rows),
        ("evidence folders", calm.folders, left.folders),
    ):
        damage.lost += [what] * max(0, due - found)
        damage.doubled += [what] * max(0, found - due)


def measure(kills: int, seed: int) -> list[Result]:
    """Run until that many kills are done."""
    chance, damage, runs = random.Random(seed), Damage(), 0
    with tempfile.TemporaryDirectory(prefix="forewarn-chaos-") as folder, webhook() as desk:
        trial = Trial.make(Path(folder), desk)
        calm = run_calmly(DataDir(Path(folder) / "calm"), trial)
        warned = sum(OffenceWarned.event_type in each for each in calm.offences.values())
        while damage.kills.total() < kills:
            data = DataDir(Path(folder) / f"run-{runs}")
            KeyFolder(data.keys).create()
            wanted = min(KILLS_A_RUN, kills - damage.kills.total())
            run_with_kills(data, trial, chance, damage, wanted)
            compare(calm, look(data), damage)
            damage.doubled += [
                f"message {text.splitlines()[-1]}"
                for text, count in desk.messages[data.root.name].items()
                if count > 1
            ]
            damage.lost += Verifier.open(data).problems
            runs += 1
            terminal.print(
                f"{damage.kills.total()} kills in {runs} runs: "
                f"{len(damage.lost)} lost, {len(damage.doubled)} doubled"
            )
    for words in damage.lost:
        terminal.print(f"  lost: {words}")
    for words in damage.doubled:
        terminal.print(f"  doubled: {words}")
    conditions = {
        "kills": dict(damage.kills),
        "runs": runs,
        "seed": seed,
        "footage": "samples/site.yaml, two file cameras, --until-end",
        "events_compared": len(calm.offences),
        "calls_compared": warned or calm.announced.total(),
        "messages_compared": calm.told.total(),
        "off": "live view, console",
    }
    return [
        Result(
            name=name,
            value=len(found),
            unit=f"in {damage.kills.total()} kills",
            must=0,
            aim=0,
            better="lower",
            conditions=conditions,
            machine=describe_machine(),
            commit=describe_commit(),
        )
        for name, found in (("chaos_lost", damage.lost), ("chaos_doubled", damage.doubled))
    ]


def main() -> int:
    """Print the counts; 1 where something was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    results = measure(given.kills, given.seed)
    for result in results:
        append(result)
        print(json.dumps({"name": result.name, "value": result.value, "unit": result.unit}))
    return 0 if all(result.reaches_must for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
