"""The one place that decides whether somebody may do something.

>>> from domain.acts import Act
>>> from domain.people import People
>>> people = People.model_validate({"people": [
...     {"id": "wang", "name": "Wang Fang", "roles": ["reviewer"], "accounts": ["wfang"]}]})
>>> wang = ask_as_account(people, "wfang")
>>> decide(people, wang, Act.SEE_MASKED).is_allowed
True
>>> str(decide(people, wang, Act.SEE_UNMASKED).why_not.en)
'Wang Fang (reviewer) may not look at what is not masked; officer may'

A console keeps the `Asker` that `log_in` gave, and asks `decide` anew for every act with what
`PeopleFile.people()` says at that moment: who was removed, lost a role or got another password is out at
once. Acts on evidence go through `evidence_store.gate`, which also puts each decision on record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from secrets import token_hex
from typing import Literal

from domain.acts import NEEDS_A_LIST, WORDS, Act
from domain.errors import Stop
from domain.facts import BothLanguages
from domain.passwords import hash_password, matches
from domain.people import People, Person

Proof = Literal["account", "password", "nothing"]
MAKE_A_LIST = "forewarn people add ID --name NAME --role officer --account ACCOUNT"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and how that is known; made by the functions below."""

    name: str  # what goes on record: the person's name, else the account or what was typed
    person_id: str = ""  # "": nobody of the people file
    proof: Proof = "nothing"
    account: str = ""  # of the operating system; "" in a browser
    # the hash that the password fitted: another one since then ends what it opened
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may do something, by which role, or why not."""

    act: Act
    asker: Asker
    role_id: str = ""  # that permits it; "" where it is refused, or the site has no people file
    why_not: BothLanguages | None = None  # None: allowed

    @property
    def is_allowed(self) -> bool:
        """True where they may."""
        return self.why_not is None


class NotAllowed(Stop):
    """Somebody may not do what they asked for."""

    exit_code = 77  # EX_NOPERM

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        super().__init__(decision.why_not.en if decision.why_not else "not allowed")


def ask_as_account(people: People | None, account: str) -> Asker:
    """Who asks by an account of the operating system.

    Args:
        account: the name that belongs to this process's user id; not one out of the environment.
    """
    person = people.of_account(account) if people else None
    if person is None:
        return Asker(account, account=account)
    return Asker(person.name, person.id, "account", account)


def log_in(people: People, who: str, password: str, account: str = "") -> Asker | None:
    """Who asks by a password.

    Takes as long for somebody who is not listed as for a wrong password. It does not count attempts:
    whoever shows a login to a network has to slow down who fails.

    Args:
        who: id or name of a person.
        account: of the operating system, at a command line; "" in a browser.
    Returns:
        None: no such person, no password, or not this one.
    """
    person = people.called(who)
    kept = person.password if person and person.password else _nobodys_hash()
    fits = matches(password, kept)
    if not fits or person is None or person.password is None:
        return None
    return Asker(person.name, person.id, "password", account, person.password)


def decide(people: People | None, asker: Asker, act: Act) -> Decision:
    """Whether somebody may do something now.

    Args:
        people: as the file is at this moment; None: the site has none. Then what needs a list is refused
            to everybody, and all else is allowed to whoever gets this far.
    """
    if people is None:
        return Decision(act, asker, why_not=_no_list(act) if act in NEEDS_A_LIST else None)
    person = people.person(asker.person_id) if asker.person_id else None
    if person is None or not _is_proven(asker, person):
        return Decision(act, asker, why_not=_unknown(asker, act))
    role = people.role_for(person, act)
    if role is None:
        return Decision(act, asker, why_not=_lacks_role(people, person, act))
    return Decision(act, asker, role.id)


def check_may(people: People | None, asker: Asker, act: Act) -> Decision:
    """The same decision, where it is a yes; nothing is put on record.

    Raises:
        NotAllowed: they may not; `decision` says why in both languages.
    """
    decision = decide(people, asker, act)
    if not decision.is_allowed:
        raise NotAllowed(decision)
    return decision


def _is_proven(asker: Asker, person: Person) -> bool:
    if asker.proof == "account":
        return asker.account in person.accounts
    return asker.proof == "password" and bool(asker.password) and asker.password == person.password


def _no_list(act: Act) -> BothLanguages:
    said = WORDS[act]
    return BothLanguages(
        zh=f"本站点没有人员名单，任何人都不能{said.zh}；请先建立：{MAKE_A_LIST}",
        en=f"nobody may {said.en} while this site has no list of people; make one: {MAKE_A_LIST}",
    )


def _unknown(asker: Asker, act: Act) -> BothLanguages:
    said, who = WORDS[act], asker.name or "?"
    if asker.account and asker.proof != "password":
        return BothLanguages(
            zh=f"系统账号 {asker.account} 不在人员名单中，不能{said.zh}；可用 --by 指明本人并输入密码",
            en=f"account {asker.account} is nobody in this site's list of people and may not {said.en}; "
            "be added to it, or say who you are with --by ID and your password",
        )
    return BothLanguages(
        zh=f"{who} 未登录、已被移出名单或密码已更改，不能{said.zh}",
        en=f"{who} may not {said.en}: not logged in, removed from the list, or the password was changed",
    )


def _lacks_role(people: People, person: Person, act: Act) -> BothLanguages:
    said, roles = WORDS[act], ", ".join(person.roles)
    others = ", ".join(people.who_may(act))
    return BothLanguages(
        zh=f"{person.name}（{roles or '无角色'}）不能{said.zh}；{others or '没有任何角色'}可以",
        en=f"{person.name} ({roles or 'no role'}) may not {said.en}; {others or 'no role'} may",
    )


@cache
def _nobodys_hash() -> str:
    """A hash that costs as much to check as anybody's, and fits nothing that is known."""
    return hash_password(token_hex(16))
