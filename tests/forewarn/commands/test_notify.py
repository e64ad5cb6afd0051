"""`forewarn notify test` tells whether messages arrive, and addresses stay secret."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml_site
from message_services import webhook

from domain.errors import Stop
from domain.site.loading import load_site
from flows.notices.senders import open_senders
from forewarn.programs.secrets import read_secrets
from forewarn.programs.supervision.plan import consumers_of

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = yaml_site.write(tmp_path / "site.yaml", {"gate": "nowhere.mp4"})
    site = json.loads(path.read_text())
    site["recipients"] = [
        {"id": "desk", "url_env": "DESK_URL", "language": "both"},
        {"id": "chief", "url_env": "CHIEF_URL"},
    ]
    path.write_text(json.dumps(site))
    return path


def secrets_file(tmp_path: Path, mode: int = 0o600, **secrets: str) -> Path:
    path = tmp_path / "secrets"
    path.write_text("# ours\n\n" + "".join(f"{k} = {v}\n" for k, v in secrets.items()))
    path.chmod(mode)
    return path


def test_each_recipient_gets_a_message_that_says_it_is_a_test(
    forewarn: Run, site_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = ("notify", "test", site_file, "--json")
    with webhook() as desk, webhook(status=500) as chief:
        secrets = secrets_file(
            tmp_path,
            DESK_URL=f"json://127.0.0.1:{desk.port}/token",
            CHIEF_URL=f"json://127.0.0.1:{chief.port}/token",
        )
        monkeypatch.setenv("FOREWARN_SECRETS", str(secrets))
        one = forewarn(*test, "--to", "desk")
        both = forewarn(*test)
    assert one.returncode == 0, one.stderr
    assert both.returncode == 65
    results = {row["recipient"]: row["result"] for row in json.loads(both.stdout)["messages"]}
    assert results == {"desk": "sent", "chief": "failed"}
    assert "这是一条测试通知" in desk.messages[0].text and "This is a test" in desk.messages[0].text
    assert "token" not in both.stdout + both.stderr


def test_an_address_that_is_not_set_is_named_by_its_variable(
    forewarn: Run, site_file: Path
) -> None:
    done = forewarn("notify", "test", site_file, "--to", "desk")
    assert done.returncode == 78
    assert "DESK_URL, which is not set" in done.stderr
    unknown = forewarn("notify", "test", site_file, "--to", "nobody")
    assert unknown.returncode == 65 and "recipients: desk, chief" in unknown.stderr


def test_the_environment_comes_before_the_secrets_file(tmp_path: Path) -> None:
    path = secrets_file(tmp_path, A="file", B="file=with=signs")
    found = read_secrets({"FOREWARN_SECRETS": str(path), "A": "environment"})
    assert (found["A"], found["B"]) == ("environment", "file=with=signs")


def test_a_secrets_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = secrets_file(tmp_path, mode=0o640, A="hunter2")
    with pytest.raises(Stop, match="chmod 600") as caught:
        read_secrets({"FOREWARN_SECRETS": str(path)})
    assert "hunter2" not in str(caught.value)
    with pytest.raises(Stop, match="cannot be read"):
        read_secrets({"FOREWARN_SECRETS": str(tmp_path / "nowhere")})


def test_a_line_without_a_name_is_refused_without_repeating_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.write_text("hunter2\n")
    path.chmod(0o600)
    with pytest.raises(Stop, match=":1: needs NAME=value") as caught:
        read_secrets({"FOREWARN_SECRETS": str(path)})
    assert "hunter2" not in str(caught.value)


def test_people_are_told_by_a_program_of_its_own_only_where_there_are_any(
    site_file: Path, sample_site_file: Path
) -> None:
    assert consumers_of(load_site(site_file)) == ("announce", "preserve", "notify", "mask")
    assert consumers_of(load_site(sample_site_file)) == ("announce", "preserve", "mask")
    with pytest.raises(Stop, match="apprise cannot use"):
        open_senders(load_site(site_file), {"DESK_URL": "x", "CHIEF_URL": "y"})


def test_check_tells_of_addresses_that_are_not_set_and_refuses_bad_ones(
    forewarn: Run, site_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(**secrets: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setenv("FOREWARN_SECRETS", str(secrets_file(tmp_path, **secrets)))
        return forewarn("check", site_file, "--no-cameras", "--json")

    unset = check(DESK_URL="json://127.0.0.1/hunter2")
    assert unset.returncode == 0, unset.stderr
    (note,) = json.loads(unset.stdout)["notes"]
    assert "recipients[1].url_env: CHIEF_URL is not set here" in note
    bad = check(DESK_URL="hunter2", CHIEF_URL="nonsense://hunter2")
    assert bad.returncode == 78
    problems = json.loads(bad.stdout)["problems"]
    assert len(problems) == 2 and "hunter2" not in bad.stdout + bad.stderr
