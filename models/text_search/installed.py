"""Find the pair of models that is installed: one folder with `pair.toml`, `tokenizer.json`, `triton_repo/`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from domain.errors import Stop
from models.registry import CACHE_DIR
from models.text_search.pair import Pair, read_pair

FOLDER_VARIABLE = "FOREWARN_TEXT_SEARCH"
SPEC, TOKENIZER_FILE, REPO = "pair.toml", "tokenizer.json", "triton_repo"


@dataclass(frozen=True, slots=True)
class InstalledPair:
    """A pair that can be used."""

    pair: Pair
    folder: Path

    @property
    def tokenizer_json(self) -> Path:
        """Its tokenizer."""
        return self.folder / TOKENIZER_FILE

    @property
    def triton_repo(self) -> Path:
        """Its two models, for Triton."""
        return self.folder / REPO


def pair_folder() -> Path:
    """Return where the pair lies: FOREWARN_TEXT_SEARCH, else beside the fetched models."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else CACHE_DIR / "text_search"


def installed_pair(folder: Path | None = None) -> InstalledPair | None:
    """Return the pair in `folder`, else `pair_folder()`; None: none; Stop: its file is wrong."""
    folder = folder or pair_folder()
    if not (folder / SPEC).is_file():
        return None
    return InstalledPair(read_pair(folder / SPEC), folder)


def need_pair() -> InstalledPair:
    """Return the pair in `pair_folder()`; Stop where there is none."""
    if (pair := installed_pair()) is None:
        raise Stop(
            "searching by words needs a pair of models, and none is installed; "
            "`forewarn models pair install FILE.toml` installs one, docs/how-to/models.md has an example"
        )
    return pair
