"""Find the shared Python library that Triton's Python stub is linked with.

The stub for Python 3.11 needs libpython3.11.so.1.0; the server's wheel does not carry it, and not
every interpreter was built with one.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from domain.errors import Stop

# where version managers and distributions keep interpreters, as globs from / or the home folder
_HOME_PLACES = (
    ".pyenv/versions/{version}*/lib",
    ".local/share/uv/python/cpython-{version}*/lib",
    ".asdf/installs/python/{version}*/lib",
    ".local/share/mise/installs/python/{version}*/lib",
    "miniconda3/lib",
    "miniforge3/lib",
)
_SYSTEM_PLACES = (
    "usr/lib/*-linux-gnu",
    "usr/lib64",
    "usr/lib",
    "usr/local/lib",
    "opt/python*/lib",
    "opt/hostedtoolcache/Python/{version}*/x64/lib",
    "root/.pyenv/versions/{version}*/lib",
)


def find_libpython(version: str, library_folders: Iterable[Path]) -> Path:
    """Find the folder of libpython<version>.so.1.0, for a version such as "3.11".

    The library folders of the environment's own interpreter are looked at first.

    Raises:
        Stop: there is none on this machine; the message names the package to install.
    """
    name = f"libpython{version}.so.1.0"
    for folder in (*library_folders, *_linker_folders(name), *_usual_folders(version)):
        if _is_there(folder / name):
            return folder
    raise Stop(
        f"the Triton server needs {name} for its Python {version} environment, and this machine "
        f"has none. Install it (Debian, Ubuntu: apt install libpython{version}; Fedora: dnf "
        f"install python{version}-libs), or make .venv-triton with an interpreter that was built "
        "with a shared library (3.9 to 3.13)"
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that may not be entered
        return False


def _linker_folders(name: str) -> Iterator[Path]:
    """List the folders where the dynamic linker's cache has the library."""
    ldconfig = shutil.which("ldconfig") or shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if ldconfig is None:
        return
    listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        if line.strip().startswith(f"{name} ") and "=>" in line:
            yield Path(line.rsplit("=>", 1)[1].strip()).parent


def _usual_folders(version: str) -> Iterator[Path]:
    for base, places in ((Path.home(), _HOME_PLACES), (Path("/"), _SYSTEM_PLACES)):
        for place in places:
            try:
                yield from sorted(base.glob(place.format(version=version)))
            except OSError:
                continue
