"""Install the pair that a site brings: fetch its files, build both towers, keep what belongs together.

A pair lies in one folder, put in place in one step: `pair.toml`, `tokenizer.json`, and `triton_repo/`
with the two models. There is one pair at a time. Vectors of an earlier one stay in their own table.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.errors import Stop
from models.registry import CACHE_DIR, Source
from models.sources import Progress, fetch_all
from models.text_search.build import build_pair
from models.text_search.pair import PICTURES, TEXTS, TOKENIZER, Pair, read_pair

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


@dataclass(frozen=True, slots=True)
class _ToFetch:
    name: str
    source: Source
    sha256: str


def pair_folder() -> Path:
    """Where the pair lies: FOREWARN_TEXT_SEARCH, else beside the fetched models."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else CACHE_DIR / "text_search"


def installed_pair(folder: Path | None = None) -> InstalledPair | None:
    """The installed pair; None where there is none.

    Raises:
        Stop: there is one, and its file is wrong.
    """
    folder = folder or pair_folder()
    if not (folder / SPEC).is_file():
        return None
    return InstalledPair(read_pair(folder / SPEC), folder)


def need_pair(folder: Path | None = None) -> InstalledPair:
    """The installed pair.

    Raises:
        Stop: there is none.
    """
    found = installed_pair(folder)
    if found is None:
        raise Stop(
            "searching by words needs a pair of models, and none is installed; "
            "`forewarn models pair install FILE.toml` installs one, docs/models.md has an example"
        )
    return found


def install_pair(
    spec: Path, folder: Path | None = None, progress: Progress = lambda what, done, total: None
) -> InstalledPair:
    """Fetch and build a pair; the one that was installed before is replaced at the end.

    Raises:
        Stop: the file is wrong, a source is not what it says, or a model cannot be built.
        TryAgain: a source cannot be reached.
    """
    folder, pair = folder or pair_folder(), read_pair(spec)
    files = fetch_all(
        [
            _ToFetch(f"{pair.name}-{role}", each.source, each.sha256)
            for role, each in pair.files.items()
        ],
        folder.parent / "text_search_files",
        progress,
    )
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        (temporary / REPO).mkdir(parents=True)
        shutil.copyfile(files[f"{pair.name}-{TOKENIZER}"], temporary / TOKENIZER_FILE)
        build_pair(
            pair, files[f"{pair.name}-{PICTURES}"], files[f"{pair.name}-{TEXTS}"], temporary / REPO
        )
        shutil.copyfile(spec, temporary / SPEC)
        made = InstalledPair(pair, temporary)
        _try_out(made)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    except OSError as error:
        raise Stop(f"{folder}: the pair cannot be kept there: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return InstalledPair(pair, folder)


def _try_out(made: InstalledPair) -> None:
    """Raise Stop unless both towers answer; a server that cannot load a model would not start."""
    from models.direct import DirectInference
    from models.text_search.client import TextSearch

    search = TextSearch(DirectInference(made.triton_repo), made)
    search.describe_text("a person, 一个人")
    search.describe_pictures([np.full((90, 40, 3), 127, np.uint8)])
