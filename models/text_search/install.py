"""Install the pair that a site brings: fetch its files, build both towers, try them out.

The pair's folder is put in place in one step. There is one pair at a time; vectors of an earlier one
stay in their own table.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.errors import Stop
from models.direct import DirectInference
from models.registry import CompanionFile
from models.source_kinds import Source
from models.sources import Progress, fetch_all
from models.text_search.build import build_pair
from models.text_search.client import TextSearch
from models.text_search.installed import REPO, SPEC, TOKENIZER_FILE, InstalledPair, pair_folder
from models.text_search.pair import PICTURES, TEXTS, TOKENIZER, read_pair


@dataclass(frozen=True, slots=True)
class _ToFetch:
    name: str
    source: Source
    sha256: str
    companions: tuple[CompanionFile, ...] = ()


def install_pair(
    spec: Path, folder: Path | None = None, progress: Progress = lambda what, done, total: None
) -> InstalledPair:
    """Fetch and build the pair that a file describes, into `pair_folder()` unless another is named.

    The one that was installed before is replaced at the end.

    Raises:
        Stop: the file is wrong, a source is not what it says, or a model cannot be built.
        TryAgain: a source cannot be reached.
    """
    folder, pair = folder or pair_folder(), read_pair(spec)
    files = fetch_all(
        [
            _ToFetch(f"{pair.name}-{role}", file.source, file.sha256)
            for role, file in pair.files.items()
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
    search = TextSearch(DirectInference(made.triton_repo), made)
    search.describe_text("a person, 一个人")
    search.describe_pictures([np.full((90, 40, 3), 127, np.uint8)])
