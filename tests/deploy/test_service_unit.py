"""The systemd unit says what the docs promise, and systemd takes it."""

from __future__ import annotations

import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from domain.errors import Stop
from forewarn.programs.supervision.supervisor import STOP_GRACE_S
from models.serving.server import EXIT_TIMEOUT_S

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy" / "forewarn.service"


@pytest.fixture
def service() -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


def test_a_wrong_set_up_is_not_started_again_and_everything_else_is(
    service: dict[str, str],
) -> None:
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"].split() == ["2", str(Stop.exit_code)]


def test_systemd_waits_longer_than_forewarn_itself_needs(service: dict[str, str]) -> None:
    guarded_s = EXIT_TIMEOUT_S + 10  # see TritonServer.stop
    assert float(service["TimeoutStopSec"]) > STOP_GRACE_S + guarded_s
    assert service["KillMode"] == "mixed", "programs are asked by their supervisor, in order"


def test_nothing_but_the_data_folder_can_be_written(service: dict[str, str]) -> None:
    assert service["ProtectSystem"] == "strict"
    assert service["ExecStart"].endswith(f"--data /var/lib/{service['StateDirectory']}")
    assert (service["UMask"], service["NoNewPrivileges"]) == ("0027", "yes")


def test_systemd_finds_no_fault_in_it(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: the unit was only read")
    # what it names need not be on the machine that tests
    text = UNIT.read_text().replace("/opt/forewarn/.venv/bin/forewarn", "/bin/true")
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    found = subprocess.run(
        [analyze, "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (found.returncode, found.stderr) == (0, "")
