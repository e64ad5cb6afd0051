"""A people file is checked with its lines, and it alone decides who may do what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.decisions import Asker, NotAllowed, ask_as_account, check_may, decide, log_in
from domain.access.passwords import hash_password, matches, new_password
from domain.access.people import People, shipped_roles
from domain.access.people_file import PeopleFile, PeopleFileError, load_people
from domain.access.permissions import REQUIRES_PEOPLE_FILE, WORDS, Permission
from tests.support.kept_password import HASH, PASSWORD

GOOD = f"""\
people:
  - id: wang
    name: 王芳
    roles: [officer]
    accounts: [wfang]
    password: {HASH}
  - id: li
    name: Li Lei
    roles: [operator, reviewer]
    accounts: [lilei, ll]
"""


def some_people(**changes: Any) -> People:
    wang: dict[str, Any] = {
        "id": "wang",
        "name": "王芳",
        "roles": ["officer"],
        "accounts": ["wfang"],
        "password": HASH,
    }
    return People.model_validate({"people": [wang | changes]})


def test_a_good_file_says_who_somebody_is_by_id_name_and_account(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(GOOD, encoding="utf-8")
    people = load_people(path)
    li, wang = people.person("li"), people.person("wang")
    assert people.called("Li Lei") is li and people.of_account("ll") is li
    assert people.called("王芳") is wang and people.called("wfang") is None
    assert people.of_account("root") is None and people.person("Li Lei") is None


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ("people:", "persons:", 1, "not a known setting; see docs/reference/people-and-roles.md"),
        ("id: li", "id: wang", 7, "'wang' came before"),
        ("id: li", "id: Li Lei", 7, "pattern"),
        ("    name: Li Lei\n", "", 7, "needed and missing"),
        ("name: Li Lei", "name: 王芳", 8, "each is one person's"),
        ("name: Li Lei", "name: wang", 8, "another person's id"),
        ("name: Li Lei", 'name: "Li\\nLei"', 8, "no line ends"),
        ("name: Li Lei", "name: ''", 8, "at least 1 character"),
        ("[operator, reviewer]", "[operator, officr]", 9, "did you mean officer?"),
        ("[operator, reviewer]", "[operator, king]", 9, "there are operator, reviewer"),
        ("[operator, reviewer]", "operator", 9, "valid tuple"),
        ("[lilei, ll]", "[lilei, wfang]", 10, "'wfang' is wang's already"),
        ("[lilei, ll]", "['li lei']", 10, "no operating system's account"),
        ("[lilei, ll]", "[1000]", 10, "valid string"),
        # an id of its own: every worker of a test run makes another hash
        pytest.param(
            f"password: {HASH}",
            "password: hunter2-hunter2",
            6,
            "is no hash of a password",
            id="plain",
        ),
        ("password: scrypt$16384", "password: scrypt$2", 6, "is no hash of a password"),
        ("password: scrypt$16384", "password: scrypt$1073741824", 6, "is no hash of a password"),
        ("    accounts: [wfang]", "    may: [erase]", 5, "not a known setting"),
        ("people:\n", "roles: []\npeople:\n", 1, "at least 1 item"),
        ("people:\n", "people: {}\nothers:\n", 1, "valid tuple"),
        ("people:\n", "people: ]\n", 1, "not YAML"),
    ],
)
def test_each_fault_of_a_people_file_is_named_with_its_line(
    tmp_path: Path, before: str, after: str, line: int, words: str
) -> None:
    path = tmp_path / "people.yaml"
    assert before in GOOD
    path.write_text(GOOD.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(PeopleFileError) as error:
        load_people(path)
    assert any(words in each for each in error.value.problems), error.value.problems
    assert any(each.startswith(f"{path}:{line}: ") for each in error.value.problems)
    assert "hunter2" not in str(error.value), "what may be a password is not repeated"


@pytest.mark.parametrize("content", [b"", b"- wang\n", b"\xff\xfe", b"people: null\n", b"42"])
def test_what_is_no_people_file_at_all_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.yaml"
    path.write_bytes(content)
    with pytest.raises(PeopleFileError, match=r"people\.yaml"):
        PeopleFile(path).people()


def test_a_city_may_have_other_roles_which_replace_the_shipped_ones(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(
        "roles:\n  - id: judge\n    title: {zh: 法官, en: Judge}\n    may: [see-unmasked]\n"
        "people:\n  - {id: bao, name: Bao, roles: [judge], accounts: [bao]}\n",
        encoding="utf-8",
    )
    people = load_people(path)
    bao = ask_as_account(people, "bao")
    assert decide(people, bao, Permission.SEE_UNMASKED).role_id == "judge"
    assert not decide(people, bao, Permission.SEE_MASKED).is_allowed
    path.write_text(path.read_text("utf-8").replace("[judge]", "[officer]"), encoding="utf-8")
    with pytest.raises(PeopleFileError, match="there are judge"):
        load_people(path)


def test_every_act_has_words_and_a_shipped_role() -> None:
    assert WORDS.keys() == set(Permission)
    assert {act for role in shipped_roles() for act in role.may} == set(Permission)


@pytest.mark.parametrize("act", Permission)
def test_without_a_list_what_needs_one_is_refused_to_everybody(act: Permission) -> None:
    decision = decide(None, ask_as_account(None, "root"), act)
    assert decision.is_allowed == (act not in REQUIRES_PEOPLE_FILE)
    if decision.why_not:
        assert "forewarn people add" in decision.why_not.en
        assert "forewarn people add" in decision.why_not.zh


ROLES = [each.id for each in shipped_roles()]


@given(
    roles=st.lists(st.sampled_from(ROLES), unique=True),
    act=st.sampled_from(list(Permission)),
    account=st.sampled_from(["wfang", "root", "", "wang"]),
)
def test_only_a_listed_account_with_a_role_that_has_the_act_may(
    roles: list[str], act: Permission, account: str
) -> None:
    people = some_people(roles=roles)
    decision = decide(people, ask_as_account(people, account), act)
    permits = any(act in role.may for role in shipped_roles() if role.id in roles)
    assert decision.is_allowed == (account == "wfang" and permits)
    assert bool(decision.role_id) == decision.is_allowed
    if decision.is_allowed:
        assert decision.role_id in roles


@given(st.builds(Asker, name=st.just("王芳"), person_id=st.just("wang"), account=st.text()))
def test_somebody_who_only_says_who_they_are_may_nothing(asker: Asker) -> None:
    assert not any(decide(some_people(), asker, act).is_allowed for act in Permission)


def test_a_password_opens_by_id_or_name_and_only_for_who_has_one() -> None:
    people = some_people()
    for who in ("wang", "王芳"):
        asker = log_in(people, who, PASSWORD)
        assert asker and asker.person_id == "wang"
        assert decide(people, asker, Permission.SEE_UNMASKED).role_id == "officer"
    assert log_in(people, "wang", PASSWORD + "x") is None
    assert log_in(people, "wang", "") is None
    assert log_in(people, "nobody", PASSWORD) is None
    assert log_in(some_people(password=None), "wang", PASSWORD) is None


@pytest.mark.parametrize(
    "later",
    [
        People(people=()),
        some_people(roles=[]),
        some_people(password=None),
        some_people(password=hash_password("another one of theirs")),
        some_people(id="wang-two"),
    ],
)
def test_who_was_removed_or_changed_is_out_at_once(later: People) -> None:
    asker = log_in(some_people(), "wang", PASSWORD)
    assert asker
    with pytest.raises(NotAllowed) as error:
        check_may(later, asker, Permission.SEE_UNMASKED)
    assert error.value.exit_code == 77
    assert error.value.decision.why_not is not None


def test_an_account_that_was_taken_from_somebody_opens_nothing() -> None:
    asker = ask_as_account(some_people(), "wfang")
    assert not decide(some_people(accounts=["other"]), asker, Permission.SEE_UNMASKED).is_allowed


def test_a_changed_file_counts_at_once_and_a_bad_one_permits_nothing(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    file = PeopleFile(path)
    assert file.people() is None and file.sha256() == ""
    path.write_text(GOOD, encoding="utf-8")
    first = file.people()
    assert first and first.person("li") and file.people() is first
    other = tmp_path / "new"
    other.write_text(GOOD.replace("id: li", "id: lo"), encoding="utf-8")
    os.utime(other, ns=(0, path.stat().st_mtime_ns))  # as quick as a clock's tick
    before = file.sha256()
    other.replace(path)
    second = file.people()
    assert second and second.person("li") is None and file.sha256() != before
    path.write_text("people: [", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(PeopleFileError):
            file.people()


def test_a_new_password_is_long_enough_and_never_the_same() -> None:
    made = {new_password() for _ in range(20)}
    assert len(made) == 20
    kept = hash_password(made.pop())
    assert not matches(made.pop(), kept)


def test_an_accent_typed_as_two_signs_is_the_same_password() -> None:
    assert matches("cafe\u0301 au lait!", hash_password("caf\u00e9 au lait!"))


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_a_password_that_is_too_short_or_too_long_is_not_taken(password: str) -> None:
    with pytest.raises(ValueError, match="10 to 256 characters"):
        hash_password(password)
