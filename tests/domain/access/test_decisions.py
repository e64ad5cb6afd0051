"""A decision holds for this moment, this person and one permission, and says why not."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.decisions import (
    Asker,
    Decision,
    NotAllowed,
    Proof,
    ask_as_account,
    check_may,
    decide,
)
from domain.access.people import People, shipped_roles
from domain.access.permissions import REQUIRES_PEOPLE_FILE, WORDS, Permission

PEOPLE = People.model_validate(
    {
        "people": [
            {"id": "wang", "name": "王芳", "roles": ["officer"], "accounts": ["wfang"]},
            {"id": "li", "name": "Li Lei", "roles": ["reviewer"], "accounts": ["ll"]},
            {"id": "guest", "name": "Guest", "accounts": ["guest"]},
        ]
    }
)
PROOFS: tuple[Proof, ...] = get_args(Proof)
permissions = st.sampled_from(list(Permission))


@given(permission=permissions, account=st.sampled_from(["wfang", "ll", "guest", "root"]))
def test_a_refusal_says_what_is_refused_in_both_languages_and_a_yes_names_the_role(
    permission: Permission, account: str
) -> None:
    decision = decide(PEOPLE, ask_as_account(PEOPLE, account), permission)
    assert decision.permission is permission
    if decision.is_allowed:
        assert decision.role_id and decision.why_not is None
        return
    assert decision.why_not is not None and decision.role_id == ""
    assert WORDS[permission].zh in decision.why_not.zh
    assert WORDS[permission].en in decision.why_not.en


def test_who_lacks_a_role_is_told_which_role_it_takes() -> None:
    why_not = decide(PEOPLE, ask_as_account(PEOPLE, "ll"), Permission.SEE_UNMASKED).why_not
    assert why_not is not None
    assert why_not.en.startswith("Li Lei (reviewer) may not") and "officer" in why_not.en
    nothing = decide(PEOPLE, ask_as_account(PEOPLE, "guest"), Permission.WATCH).why_not
    assert nothing is not None and "Guest (no role)" in nothing.en and "无角色" in nothing.zh


def test_an_unlisted_account_is_named_and_told_what_to_do() -> None:
    why_not = decide(PEOPLE, ask_as_account(PEOPLE, "root"), Permission.WATCH).why_not
    assert why_not is not None
    assert "account root is nobody" in why_not.en and "--by" in why_not.en and "--by" in why_not.zh


@given(permission=permissions, name=st.sampled_from(["王芳", "root", ""]))
def test_without_a_list_only_what_needs_one_is_refused_whoever_asks(
    permission: Permission, name: str
) -> None:
    decision = decide(None, Asker(name), permission)
    assert decision.is_allowed == (permission not in REQUIRES_PEOPLE_FILE)
    assert decision.role_id == ""


@given(
    permission=permissions,
    proof=st.sampled_from(PROOFS),
    account=st.sampled_from(["", "root", "ll"]),
    password=st.sampled_from(["", "scrypt$made-up"]),
)
def test_an_asker_whose_proof_does_not_hold_is_nobody(
    permission: Permission, proof: Proof, account: str, password: str
) -> None:
    forged = Asker("王芳", "wang", proof, account, password)
    assert not decide(PEOPLE, forged, permission).is_allowed


@given(permissions)
def test_checking_raises_the_very_refusal_or_returns_the_very_yes(permission: Permission) -> None:
    for account in ("wfang", "ll", "guest"):
        asker = ask_as_account(PEOPLE, account)
        decision = decide(PEOPLE, asker, permission)
        if decision.is_allowed:
            assert check_may(PEOPLE, asker, permission) == decision
            continue
        with pytest.raises(NotAllowed) as caught:
            check_may(PEOPLE, asker, permission)
        assert caught.value.decision == decision
        assert str(caught.value) == (decision.why_not.en if decision.why_not else "")


def test_an_asker_hides_the_hash_that_opened_for_them() -> None:
    asker = Asker("王芳", "wang", "password", "", "scrypt$32768$8$3$salt$key")
    assert "scrypt" not in repr(asker)
    assert "scrypt" not in repr(Decision(Permission.WATCH, asker))


def test_the_first_role_that_permits_it_is_named() -> None:
    roles = [role.id for role in shipped_roles() if Permission.WATCH in role.may]
    assert len(roles) >= 2
    both = {"id": "a", "name": "A", "roles": roles[1::-1], "accounts": ["a"]}
    people = People.model_validate({"people": [both]})
    assert decide(people, ask_as_account(people, "a"), Permission.WATCH).role_id == roles[1]
