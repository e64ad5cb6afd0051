"""Typeset a page in Chinese and English by typst.

Everything that a page says reaches its template as data, so that no text of a record can become markup.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evidence_store.media.fonts import font_folder

LANGUAGES = ("zh", "en")


def moment_text(moment: datetime | str) -> str:
    """Spell a moment as pages show it, in UTC; text that is no ISO 8601 moment stays as it is."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return str(moment)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def typeset(
    template: Path,
    facts_in: Callable[[str], Mapping[str, Any]],
    folder: Path,
    pictures: Sequence[Path] = (),
) -> None:
    """Write NAME.zh.pdf and NAME.en.pdf into `folder`, NAME being the template's.

    The template, a .typ file, reads beside it facts.json, which holds what `facts_in` gives for a language
    as JSON values, and may show the pictures by their names.

    Raises:
        Stop: the typesetter's font is not installed.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix=f"forewarn-{template.stem}-") as name:
        root = Path(name)
        for path in (template, *pictures):
            shutil.copyfile(path, root / path.name)
        for language in LANGUAGES:
            facts = json.dumps(facts_in(language), ensure_ascii=False)
            (root / "facts.json").write_text(facts, encoding="utf-8")
            pdf = typst.compile(
                str(root / template.name),
                root=str(root),
                font_paths=[str(font_folder())],
                ignore_system_fonts=True,
            )
            (folder / f"{template.stem}.{language}.pdf").write_bytes(pdf)
