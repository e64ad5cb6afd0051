"""The commands that hold and erase, run in this process on a test's data folder."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from typer import Typer
from typer.testing import CliRunner, Result

from domain.data_dir import DataDir
from evidence_store.erasure.legal_holds import Hold, new_hold_id
from forewarn.commands.evidence import group as evidence
from tests.support.kept_evidence import Kept

ROOT = Path(__file__).resolve().parents[2]
SITE_FILE = str(ROOT / "samples" / "site.yaml")
APP = Typer()
APP.add_typer(evidence.app, name="evidence")
EVERYTHING = {"clip", "picture", "embedding", "appearance"}


def run(data: DataDir, *words: str, answer: str | None = None) -> Result:
    """`forewarn evidence …`; its exception stays one."""
    return CliRunner().invoke(
        APP,
        ["evidence", *words, "--keys", str(data.keys), "--data", str(data.root)],
        env={"COLUMNS": "200", "FOREWARN_KEYS": ""},
        input=answer,
    )


def erase(data: DataDir, kept: Kept, *more: str) -> Result:
    """Erase one record without being asked."""
    words = ("--evidence", kept.evidence_id, "--reason", "request 4", "--by", "officer", "--yes")
    return run(data, "erase", *words, *more)


def hold_on(kept: Kept, until: datetime | None = None) -> Hold:
    """Make a hold on one record, not placed yet."""
    around = timedelta(seconds=60)
    return Hold(
        new_hold_id(),
        kept.evidence_id,
        kept.record.camera_id,
        kept.record.first_seen_at - around,
        kept.record.ended_at + around,
        "appeal 17",
        "legal department",
        until,
    )
