"""Inspect the Triton server's own environment, and lay out what it needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import Stop
from models.registry import ROOT
from models.serving.libpython import find_libpython

DEFAULT_ENVIRONMENT = ROOT / ".venv-triton"

_ASK = """
import json, sys, sysconfig
from importlib import metadata
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
libdir, multiarch = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("MULTIARCH")
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "packages": sysconfig.get_path("platlib"),
    "library_folders": [f for f in (libdir, libdir and multiarch and f"{libdir}/{multiarch}",
                                    f"{sys.base_prefix}/lib") if f],
    "numpy": version("numpy"), "openvino": version("openvino"), "server": version("nvidia-pytriton"),
}))
"""


@dataclass(frozen=True, slots=True)
class ServerEnvironment:
    """Paths of the server's parts."""

    bin_folder: Path
    python_version: str  # "3.11"
    tritonserver: Path
    libraries: Path  # of the wheel
    libpython_folder: Path
    python_backend: Path  # folder with libtriton_python.so
    stub: Path

    def variables(self, withheld: frozenset[str] = frozenset()) -> dict[str, str]:
        """Return the environment variables to start the server with; those `withheld` are left out."""
        variables = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PYTHON") and name not in withheld
        }
        libraries = [str(self.libpython_folder), str(self.libraries)]
        if inherited := variables.get("LD_LIBRARY_PATH"):
            libraries.append(inherited)
        variables["LD_LIBRARY_PATH"] = ":".join(libraries)
        # the stub takes its packages from the first python3 on PATH; PYTHONPATH is not obeyed
        variables["PATH"] = f"{self.bin_folder}:{variables.get('PATH', '/usr/bin:/bin')}"
        variables.pop("VIRTUAL_ENV", None)
        return variables

    def lay_out_backends(self, folder: Path, openvino_backend: Path) -> None:
        """Fill the folder that --backend-directory names with the wheel's parts and ours.

        Copies, not links: Triton refuses a library that lies outside its backend's folder.
        """
        python_backend = folder / "python"
        for source in (
            self.python_backend / "libtriton_python.so",
            self.python_backend / "triton_python_backend_utils.py",
            self.stub,
        ):
            _copy(source, python_backend)
        _copy(openvino_backend / "model.py", folder / "openvino")


def _copy(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{source.name}.part"
    shutil.copy2(source, temporary)
    temporary.replace(folder / source.name)


def inspect_environment(folder: Path = DEFAULT_ENVIRONMENT) -> ServerEnvironment:
    """Look at the server's environment.

    Raises:
        Stop: it is missing, lacks a package, has NumPy 2, or no shared Python library is found.
    """
    python = folder / "bin" / "python3"
    facts = _ask(folder, python)
    if int((facts["numpy"] or "0").split(".")[0]) >= 2:
        raise Stop(
            f"{folder}: the Triton server needs NumPy below 2 (under NumPy 2 its Python backend "
            f"sees only zeros and says nothing), found {facts['numpy']}; {_REMEDY}"
        )
    for package in ("numpy", "openvino", "server"):
        if facts[package] is None:
            name = "nvidia-pytriton" if package == "server" else package
            raise Stop(f"{folder}: the Triton server's environment has no {name}; {_REMEDY}")
    packages = Path(facts["packages"])
    triton = packages / "pytriton" / "tritonserver"
    environment = ServerEnvironment(
        bin_folder=(folder / "bin").absolute(),
        python_version=facts["version"],
        tritonserver=triton / "bin" / "tritonserver",
        libraries=packages / "nvidia_pytriton.libs",
        libpython_folder=find_libpython(facts["version"], map(Path, facts["library_folders"])),
        python_backend=triton / "backends" / "python",
        stub=triton / "python_backend_stubs" / facts["version"] / "triton_python_backend_stub",
    )
    for part in (environment.tritonserver, environment.stub, environment.libraries):
        if not part.exists():
            raise Stop(
                f"{folder}: nvidia-pytriton {facts['server']} should hold {part}, which is missing; "
                f"does it support Python {facts['version']}? {_REMEDY}"
            )
    return environment


_REMEDY = (
    "make it again with `make setup`, or: python3 -m venv .venv-triton && "
    ".venv-triton/bin/python -m pip install --require-hashes -r requirements/server.lock"
)


def _ask(folder: Path, python: Path) -> dict[str, Any]:
    if not python.exists():
        raise Stop(f"{folder}: there is no environment for the Triton server; {_REMEDY}")
    try:
        answer = subprocess.run(
            [python, "-I", "-c", _ASK], capture_output=True, text=True, timeout=60, check=True
        )
        return dict(json.loads(answer.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        message = getattr(error, "stderr", None) or str(error)
        raise Stop(
            f"{folder}: its Python does not run: {str(message).strip()[-300:]}; {_REMEDY}"
        ) from error
