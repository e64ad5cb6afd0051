"""`forewarn people`: changes are checked, whole, on record, and count at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from domain.access.decisions import NotAllowed, log_in
from domain.access.people import People
from domain.access.people_file import PeopleFileError, load_people
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.custody.chain_check import check_chain
from evidence_store.custody.signing_key import keys_of
from evidence_store.keys.signing_keys import KeyFolder
from forewarn.commands.people import edit as people
from forewarn.terminal.identity import WrongPassword
from tests.support.listed_people import PASSWORD, list_people

ROOT = Path(__file__).resolve().parents[3]
APP = Typer()
APP.add_typer(people.app, name="people")


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    folder = DataDir(tmp_path / "var")
    KeyFolder(folder.keys).create()
    return folder


def run(data: DataDir, *words: str, **environment: str) -> Result:
    env = {"COLUMNS": "200", "FOREWARN_KEYS": "", "FOREWARN_OPERATOR": ""} | environment
    return CliRunner().invoke(APP, ["people", *words, "--data", str(data.root)], env=env)


def done(result: Result) -> Result:
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def listed(data: DataDir) -> People:
    return load_people(data.people)


def entries(data: DataDir, kind: str) -> list[Entry]:
    chain = CustodyChain(data.custody)
    report = check_chain(chain, keys_of(data))
    assert report.problems == []
    return [each for each in chain.about("") if each["kind"] == kind]


def test_the_first_person_makes_the_list_and_each_change_is_on_record(data: DataDir) -> None:
    done(run(data, "add", "office", "--name", "Site office", "--role", "registrar", "--me"))
    done(run(data, "add", "wang", "--name", "王芳", "--role", "officer", "--account", "wfang"))
    done(run(data, "set", "wang", "--role", "officer", "--role", "auditor"))
    wang = listed(data).person("wang")
    assert wang and wang.roles == ("officer", "auditor") and wang.accounts == ("wfang",)
    done(run(data, "remove", "wang"))
    assert [each.id for each in listed(data).people] == ["office"]
    printed = [
        (each["details"]["what"], each["details"]["person"])
        for each in entries(data, "people changed")
    ]
    assert printed == [
        ("added", "office"),
        ("added", "wang"),
        ("changed", "wang"),
        ("removed", "wang"),
    ]
    assert entries(data, "people changed")[-1]["details"]["authority"]["role"] == "registrar"
    assert data.people.stat().st_mode & 0o007 == 0, "hashes are not for everybody's eyes"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["add", "wang"], "'wang' came before"),
        (["add", "Wang Fang"], "pattern"),
        (["add", "li", "--role", "officr"], "did you mean officer"),
        (["add", "li", "--name", "王芳"], "each is one person's"),
        (["add", "li", "--account", "wfang"], "wang's already"),
        (["add", "li", "--account", "a b"], "no operating system's account"),
        (["remove", "nobody"], "nobody has the id"),
        (["set", "wang"], "nothing to change"),
        (["set", "office", "--role", "officer"], "nobody could change the list"),
        (["remove", "office"], "nobody could change the list"),
    ],
)
def test_a_change_that_does_not_hold_changes_nothing(
    data: DataDir, words: list[str], error: str
) -> None:
    done(run(data, "add", "office", "--role", "registrar", "--me"))
    done(run(data, "add", "wang", "--name", "王芳", "--account", "wfang"))
    before, chain = data.people.read_bytes(), data.custody.read_bytes()
    result = run(data, *words)
    assert result.exit_code != 0 and error in str(result.exception)
    assert (data.people.read_bytes(), data.custody.read_bytes()) == (before, chain)
    assert [each.name for each in data.root.glob(".people*")] == []


def test_who_may_not_change_the_list_is_refused_on_record(data: DataDir) -> None:
    list_people(data, "officer")
    for words in (["add", "friend", "--role", "officer"], ["remove", "the-auditor"],
                  ["set", "me", "--role", "registrar"], ["password", "the-officer", "--off"]):  # fmt: skip
        before = data.people.read_bytes()
        result = run(data, *words)
        assert isinstance(result.exception, NotAllowed), words
        assert data.people.read_bytes() == before
        last = entries(data, "refused")[-1]
        assert (last["who"], last["details"]["act"]) == ("Mei Li", "change-people")
    assert len(entries(data, "refused")) == 4


def test_somebody_else_acts_by_their_password_only(data: DataDir) -> None:
    list_people(data, "operator")
    words = ("add", "li", "--role", "reviewer", "--by", "the-registrar")
    wrong = run(data, *words, FOREWARN_PASSWORD="not their password")
    assert isinstance(wrong.exception, WrongPassword) and listed(data).person("li") is None
    assert entries(data, "refused")[-1]["details"]["why"] == "wrong password"
    assert isinstance(run(data, *words).exception, WrongPassword), "nobody is there to type it"
    done(run(data, *words, FOREWARN_PASSWORD=PASSWORD))
    right = entries(data, "people changed")[-1]["details"]["authority"]
    assert (right["person"], right["proof"]) == ("the-registrar", "password")
    assert right["account"], "also whose account it was done with"


def test_a_password_in_the_wrong_field_does_not_come_on_record(data: DataDir) -> None:
    list_people(data, "operator")
    run(data, "remove", "me", "--by", "correct horse battery", FOREWARN_PASSWORD="x" * 12)
    assert "correct horse" not in data.custody.read_text()
    assert entries(data, "refused")[-1]["details"]["why"] == "no such person"


def test_everybody_may_set_their_own_password_and_it_opens_what_they_may(data: DataDir) -> None:
    list_people(data, "officer")
    done(run(data, "password", "me", FOREWARN_NEW_PASSWORD="a new one of mine"))
    assert log_in(listed(data), "me", "a new one of mine")
    assert "a new one" not in data.people.read_text() + data.custody.read_text()
    short = run(data, "password", "me", FOREWARN_NEW_PASSWORD="short")
    assert isinstance(short.exception, PutAside) and "10 to 256" in str(short.exception)
    (made,) = [
        json.loads(line)
        for line in done(
            run(data, "password", "me", "--random-password", "--json")
        ).stdout.splitlines()
    ]
    assert log_in(listed(data), "me", made["password"])
    done(run(data, "password", "me", "--off"))
    assert log_in(listed(data), "me", made["password"]) is None


def test_comments_and_order_of_a_list_made_by_hand_stay(data: DataDir) -> None:
    data.people.write_text(
        "# ours\npeople:\n  - id: b  # the boss\n    name: B\n    roles: [registrar]\n"
        f"    accounts: [{people.this_account()}]\nroles:\n"
        "  - id: registrar\n    title: {zh: 管理, en: Admin}\n    may: [change-people]\n",
        encoding="utf-8",
    )
    done(run(data, "add", "a", "--name", "A"))
    text = data.people.read_text("utf-8")
    assert "# ours" in text and "# the boss" in text
    assert text.index("id: b") < text.index("id: a") < text.index("roles:\n")


def test_a_list_that_cannot_be_used_stops_every_command(data: DataDir) -> None:
    data.people.write_text("people: [{id: wang}]\n")
    for words in (["list"], ["check"], ["add", "li"], ["log"]):
        result = run(data, *words)
        assert isinstance(result.exception, PeopleFileError), words
        assert f"{data.people}:1: people[0].name: is needed and missing" in str(result.exception)


def test_check_tells_what_somebody_may_and_what_to_look_into(data: DataDir) -> None:
    assert isinstance(run(data, "check").exception, Stop)
    done(run(data, "add", "office", "--role", "registrar", "--role", "officer", "--me"))
    printed = json.loads(done(run(data, "check", "office", "--json")).stdout)
    assert printed["may"]["see-unmasked"] == "officer" and printed["may"]["erase"] is None
    remarks = json.loads(done(run(data, "check", "--json")).stdout)["remarks"]
    assert "nobody may erase evidence (erase)" in remarks
    assert not any("by hand" in each for each in remarks)
    data.people.write_text(data.people.read_text() + "  - {id: spy, name: Spy, roles: [officer]}\n")
    data.people.chmod(0o666)
    remarks = json.loads(done(run(data, "check", "--json")).stdout)["remarks"]
    for words in ("changed by hand", "may be written by others", "spy has neither an account"):
        assert any(words in each for each in remarks), words


def test_the_list_shows_no_hash(data: DataDir) -> None:
    list_people(data)
    for more in ([], ["--json"]):
        shown = done(run(data, "list", *more)).output
        assert "the-officer" in shown and "scrypt" not in shown
    assert "officer" in done(run(data, "roles", "--json")).stdout


def test_the_log_is_for_auditors_and_shows_who_was_refused(data: DataDir) -> None:
    assert isinstance(run(data, "log").exception, NotAllowed), "without a list nobody reads it"
    list_people(data, "operator")
    assert isinstance(run(data, "log").exception, NotAllowed)
    words = ("log", "--by", "the-auditor", "--kind", "refused", "--json")
    printed = [
        json.loads(line)
        for line in done(run(data, *words, FOREWARN_PASSWORD=PASSWORD)).stdout.splitlines()
    ]
    assert [each["act"] for each in printed] == ["read-access-log"] * 2
    assert printed[-1]["who"] == "Mei Li" and printed[-1]["person"] == "me"
    words = ("log", "--by", "the-auditor", "--who", "the-keeper")
    assert "No such entry" in done(run(data, *words, FOREWARN_PASSWORD=PASSWORD)).output


@pytest.mark.parametrize("reason", ["[/] case 17", "[conceal]case 17[/conceal]", "\x1b[8m case 17"])
def test_no_reason_hides_an_act_from_the_log(data: DataDir, reason: str) -> None:
    list_people(data, "auditor")
    CustodyChain(data.custody).append("viewed", "evd-0123456789abcdef", {"reason": reason}, "Wang")
    shown = done(run(data, "log")).output
    # a narrow terminal breaks the cell between words
    assert all(word in shown for word in reason.replace("\x1b", "\ufffd").split())


def test_many_changes_at_once_lose_none(data: DataDir) -> None:
    done(run(data, "add", "office", "--role", "registrar", "--me"))

    def start(number: int) -> subprocess.Popen[bytes]:
        words = ("people", "add", f"p{number}", "--data", str(data.root), "--keys", str(data.keys))
        return subprocess.Popen([sys.executable, "-m", "forewarn", *words], cwd=ROOT)

    assert [each.wait(300) for each in [start(number) for number in range(4)]] == [0] * 4
    assert {each.id for each in listed(data).people} == {"office", "p0", "p1", "p2", "p3"}
    assert len(entries(data, "people changed")) == 5


@pytest.fixture(autouse=True)
def no_password_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("FOREWARN_PASSWORD", "FOREWARN_NEW_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    yield
