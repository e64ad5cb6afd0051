"""Settings that every program gets on its command line: the supervisor writes, the program reads."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from domain.data_dir import DataDir


@dataclass(frozen=True, slots=True)
class ProgramSettings:
    """One run's settings; what a revision of the site file holds stands in the data folder."""

    data: DataDir
    triton_address: str  # host:port of the gRPC service
    until_end: bool  # play files once, as fast as possible; else everything is live
    shows_live: bool  # write pictures and standings for the console
    keys: Path | None = None  # folder of the private key; None: the data folder's own
    unsealed: bool = False  # evidence without a signature is fine
    revision: int | None = None  # of the site file; None: the one that is in force by the log

    def to_argv(self) -> list[str]:
        """Write the settings as command-line arguments."""
        argv = ["--data", str(self.data.root), "--triton", self.triton_address]
        argv += ["--until-end"] if self.until_end else []
        argv += ["--live-view"] if self.shows_live else []
        argv += ["--keys", str(self.keys)] if self.keys else []
        argv += ["--revision", str(self.revision)] if self.revision else []
        return argv + (["--unsealed"] if self.unsealed else [])


def read_settings(program: str, argv: list[str] | None = None) -> ProgramSettings:
    """Parse a program's command line."""
    parser = argparse.ArgumentParser(prog=f"python -m forewarn.programs.{program}")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--triton", required=True)
    parser.add_argument("--until-end", action="store_true")
    parser.add_argument("--live-view", action="store_true")
    parser.add_argument("--keys", type=Path)
    parser.add_argument("--unsealed", action="store_true")
    parser.add_argument("--revision", type=int)
    given = parser.parse_args(argv)
    return ProgramSettings(
        data=DataDir(given.data.resolve()),
        triton_address=given.triton,
        until_end=given.until_end,
        shows_live=given.live_view,
        keys=given.keys.resolve() if given.keys else None,
        unsealed=given.unsealed,
        revision=given.revision,
    )
