"""Build one of the environments from its hash-pinned lock file; needs only Python's own library.

    python3 deploy/make_env.py app      .venv           the application
    python3 deploy/make_env.py dev      .venv           the application and what its tests need
    python3 deploy/make_env.py server   .venv-triton    the Triton server's (it needs NumPy < 2)
    python3 deploy/make_env.py peers    .venv-peers     what the benchmarks compare with (about 7 GB)

Packages come through pip, so its configuration (a mirror, a proxy, a folder of wheels) is obeyed.
No interpreter is downloaded. A second call with the same lock file does nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WANTED = ((3, 12), (3, 11))
STAMP = "forewarn-lock.sha256"


def main(kind: str, folder: str) -> int:
    lock = ROOT / "requirements" / f"{kind}.lock"
    env = ROOT / folder
    stamp = env / STAMP
    if stamp.exists() and digest(lock) in stamp.read_text().split():
        return 0
    check_platform()
    python = find_python()
    if not (env / "bin" / "python").exists() or not runs(env / "bin" / "python"):
        make_venv(python, env)
    say(f"installing {lock.relative_to(ROOT)} into {folder}/ (this is done once)")
    install(env, python, ["--require-hashes", "--only-binary", ":all:", "-r", str(lock)])
    if kind in ("app", "dev"):
        install(env, python, ["--no-build-isolation", "--no-index", "-e", str(ROOT)])
    # an environment with the tests' packages has the application's too
    done = [digest(lock)] + ([digest(ROOT / "requirements" / "app.lock")] if kind == "dev" else [])
    stamp.write_text("\n".join(done) + "\n")
    return 0


def digest(lock: Path) -> str:
    """Hash what the environment depends on: the lock file and the interpreter."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def check_platform() -> None:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        fail(
            f"forewarn needs Linux on x86-64, this is {sys.platform} on {platform.machine()}",
            "use a machine or container of that kind",
        )


def find_python() -> str:
    """Return the running interpreter if its version fits, else one on PATH."""
    if sys.version_info[:2] in WANTED:
        return sys.executable
    for major, minor in WANTED:
        found = shutil.which(f"python{major}.{minor}")
        if found and runs(Path(found)):
            return found
    came = ".".join(map(str, sys.version_info[:2]))
    fail(
        f"forewarn needs Python 3.11 or 3.12, found {came} and no python3.12 or python3.11 on PATH",
        "install one of them (Debian: apt-get install python3.11 python3.11-venv), "
        "or name it: make PYTHON=/path/to/python3.12 …",
    )
    raise AssertionError


def runs(python: Path) -> bool:
    """Tell whether an interpreter starts: a version manager's shim may exist and yet not."""
    done = subprocess.run([str(python), "-c", ""], capture_output=True, check=False)
    return done.returncode == 0


def make_venv(python: str, env: Path) -> None:
    shutil.rmtree(env, ignore_errors=True)
    made = subprocess.run([python, "-m", "venv", str(env)], capture_output=True, text=True)
    if made.returncode == 0:
        return
    # Debian's python3 without python3-venv has no ensurepip; an own pip outside can do the work
    shutil.rmtree(env, ignore_errors=True)
    bare = subprocess.run(
        [python, "-m", "venv", "--without-pip", str(env)], capture_output=True, text=True
    )
    has_pip = subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode
    if bare.returncode or has_pip:
        fail(
            "this Python cannot make a virtual environment with pip in it: "
            + (made.stderr or made.stdout).strip().splitlines()[-1],
            "Debian, Ubuntu: apt-get install python3-venv; Fedora: dnf install python3-pip",
        )


def install(env: Path, python: str, arguments: list[str]) -> None:
    inside = env / "bin" / "python"
    pip = [str(inside), "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode:
        pip = [python, "-m", "pip", "--python", str(inside)]
    command = [
        *pip,
        "install",
        "--no-deps",
        "--disable-pip-version-check",
        "--no-input",
        *arguments,
    ]
    shown = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PIP_REQUIRE_VIRTUALENV": "0"},
    )
    assert shown.stdout is not None
    show_progress(shown.stdout, total=count_packages(arguments))
    if shown.wait():
        fail(
            "pip could not install the packages (its words stand above)",
            "is a package index reachable? `python3 -m pip config list` shows which one is asked",
        )


def count_packages(arguments: list[str]) -> int:
    lock = Path(arguments[-1])
    if not lock.is_file():
        return 0
    return sum("==" in line and not line.startswith((" ", "#")) for line in lock.open())


def show_progress(lines: Iterable[str], total: int) -> None:
    """Count packages in one line on a terminal, in a few lines elsewhere."""
    seen = 0
    for line in lines:
        if not line.startswith("Collecting "):
            continue
        seen += 1
        if sys.stderr.isatty():
            print(f"\r  {seen:>3} of {total}  {line.split()[1][:50]:<50}", end="", file=sys.stderr)
        elif seen % 50 == 0:
            print(f"  {seen} of {total}", file=sys.stderr)
    if sys.stderr.isatty() and seen:
        print(f"\r  {seen} fetched, unpacking{'':<50}", file=sys.stderr)


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def fail(what: str, remedy: str) -> None:
    say(f"error: {what}\n  try: {remedy}")
    sys.exit(78)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
