"""The page for lawyers: one page, and everything that it sends its reader to is there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "evidence.md"


def test_it_is_one_page() -> None:
    assert len(PAGE.read_text(encoding="utf-8").split()) < 700


def test_what_it_points_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    assert {"evidence-format.md", "verify_evidence.py"} <= {Path(link).name for link in links}
    assert all((PAGE.parent / link).is_file() for link in links)
