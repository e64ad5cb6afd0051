"""A run of two short stretches of the demonstration, which all tests that only read it share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from domain.data_dir import DataDir
from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.keys.signing_keys import KeyFolder

ROOT = Path(__file__).resolve().parents[2]
# somebody is escalated in the first, others leave in both; each second more is a second more of
# every clip that is masked, which costs the most of a run
STRETCHES_S = ([0, 17], [59, 67])


@dataclass(frozen=True)
class PlayedRun:
    """What `forewarn run --until-end --json` left in a folder; its keys lie in the data folder."""

    folder: Path

    @property
    def data(self) -> DataDir:
        return DataDir(self.folder / "data")

    @cached_property
    def printed(self) -> dict[str, Any]:
        printed: dict[str, Any] = json.loads((self.folder / "printed.json").read_text("utf-8"))
        return printed

    def copy(self, folder: Path) -> DataDir:
        """Copy the data folder, for who changes it."""
        shutil.copytree(self.data.root, folder)
        return DataDir(folder)


def write_short_site(folder: Path, sample: Path) -> None:
    """Write the sample's site file on the short stretches, and its clip beside it: all of the same bytes."""
    yaml = YAML()
    site = yaml.load(sample.read_text("utf-8"))
    for camera, stretch_s in zip(site["cameras"], STRETCHES_S, strict=True):
        camera["stretch_s"] = stretch_s
        shutil.copyfile(sample.parent / camera["url"], folder / camera["url"])
    with (folder / "site.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(site, file)


def play(folder: Path, site_file: Path, triton: str) -> None:
    """Run a site to its end, encrypted and signed."""
    run = PlayedRun(folder)
    KeyFolder(run.data.keys).create()
    EncryptionKeyFolder(run.data.keys).create()
    argv = ["run", site_file, "--until-end", "--data", run.data.root, "--triton", triton, "--json"]
    # clips are masked before it ends
    done = subprocess.run(
        [sys.executable, "-m", "forewarn", *map(str, argv)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "FOREWARN_KEYS"},
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / "printed.json").write_text(done.stdout, "utf-8")
