"""Decide whether somebody may do something; nothing else in the house does.

>>> from domain.access.permissions import Permission
>>> from domain.access.people import People
>>> people = People.model_validate({"people": [
...     {"id": "wang", "name": "Wang Fang", "roles": ["reviewer"], "accounts": ["wfang"]}]})
>>> wang = ask_as_account(people, "wfang")
>>> decide(people, wang, Permission.SEE_MASKED).is_allowed
True
>>> str(decide(people, wang, Permission.SEE_UNMASKED).why_not.en)
'Wang Fang (reviewer) may not look at what is not masked; officer may'

A console keeps the `Asker` that `log_in` gave, and asks `decide` anew each time with what
`PeopleFile.people()` says at that moment: who was removed, lost a role or got another password is out at
once. Acts on evidence go through `evidence_store.access.gate`, which also puts each decision on record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from secrets import token_hex
from typing import Literal

from domain.access.passwords import hash_password, matches
from domain.access.people import People, Person
from domain.access.permissions import REQUIRES_PEOPLE_FILE, WORDS, Permission
from domain.base import BothLanguages
from domain.errors import Stop

Proof = Literal["account", "password", "nothing"]
MAKE_A_LIST = "forewarn people add ID --name NAME --role officer --account ACCOUNT"


@dataclass(frozen=True, slots=True)
class Asker:
    """Name who asks, and how that is known; made by `ask_as_account` and `log_in`."""

    name: str  # what goes on record: the person's name, else the account or what was typed
    person_id: str = ""  # "": nobody of the people file
    proof: Proof = "nothing"
    account: str = ""  # of the operating system; "" in a browser
    # the hash that the password fitted: another one since then ends what it opened
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """Allow or refuse one permission to somebody, with the role or the reason."""

    permission: Permission
    asker: Asker
    role_id: str = ""  # that permits it; "" where it is refused, or the site has no people file
    why_not: BothLanguages | None = None  # None: allowed

    @property
    def is_allowed(self) -> bool:
        """Return True where they may."""
        return self.why_not is None


class NotAllowed(Stop):
    """Refuse to somebody what they asked for; `decision` says why in both languages."""

    exit_code = 77  # EX_NOPERM

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        super().__init__(decision.why_not.en if decision.why_not else "not allowed")


def ask_as_account(people: People | None, account: str) -> Asker:
    """Identify who asks by an account of the operating system; people None: the site has no file.

    The account is the name of this process's user id; not one out of the environment.
    """
    person = people.of_account(account) if people else None
    if person is None:
        return Asker(account, account=account)
    return Asker(person.name, person.id, "account", account)


def log_in(people: People, who: str, password: str, account: str = "") -> Asker | None:
    """Identify who asks by id or name and a password; None: no such person, or not their password.

    Takes as long for somebody who is not listed as for a wrong password. It does not count attempts:
    whoever shows a login to a network has to slow down who fails. The account is the operating system's,
    at a command line; "" in a browser.
    """
    person = people.called(who)
    kept = person.password if person and person.password else _nobodys_hash()
    fits = matches(password, kept)
    if not fits or person is None or person.password is None:
        return None
    return Asker(person.name, person.id, "password", account, person.password)


def decide(people: People | None, asker: Asker, permission: Permission) -> Decision:
    """Decide whether `asker` may do now what needs `permission`.

    People are as the file is at this moment; None: the site has none. Then what needs a list is refused to
    everybody, and all else is allowed to whoever gets this far. An asker whose proof no longer holds is
    nobody.
    """
    if people is None:
        why_not = _no_list(permission) if permission in REQUIRES_PEOPLE_FILE else None
        return Decision(permission, asker, why_not=why_not)
    person = people.person(asker.person_id) if asker.person_id else None
    if person is None or not _is_proven(asker, person):
        return Decision(permission, asker, why_not=_unknown(asker, permission))
    role = people.role_for(person, permission)
    if role is None:
        return Decision(permission, asker, why_not=_lacks_role(people, person, permission))
    return Decision(permission, asker, role.id)


def check_may(people: People | None, asker: Asker, permission: Permission) -> Decision:
    """Return the decision of `decide`, unrecorded, where it is a yes; else NotAllowed says why."""
    decision = decide(people, asker, permission)
    if not decision.is_allowed:
        raise NotAllowed(decision)
    return decision


def _is_proven(asker: Asker, person: Person) -> bool:
    if asker.proof == "account":
        return asker.account in person.accounts
    return asker.proof == "password" and bool(asker.password) and asker.password == person.password


def _no_list(permission: Permission) -> BothLanguages:
    words = WORDS[permission]
    return BothLanguages(
        zh=f"本站点没有人员名单，任何人都不能{words.zh}；请先建立：{MAKE_A_LIST}",
        en=f"nobody may {words.en} while this site has no list of people; make one: {MAKE_A_LIST}",
    )


def _unknown(asker: Asker, permission: Permission) -> BothLanguages:
    words, who = WORDS[permission], asker.name or "?"
    if asker.account and asker.proof != "password":
        return BothLanguages(
            zh=f"系统账号 {asker.account} 不在人员名单中，不能{words.zh}；可用 --by 指明本人并输入密码",
            en=f"account {asker.account} is nobody in this site's list of people and may not {words.en}; "
            "be added to it, or say who you are with --by ID and your password",
        )
    return BothLanguages(
        zh=f"{who} 未登录、已被移出名单或密码已更改，不能{words.zh}",
        en=f"{who} may not {words.en}: not logged in, removed from the list, or the password was changed",
    )


def _lacks_role(people: People, person: Person, permission: Permission) -> BothLanguages:
    words, roles = WORDS[permission], ", ".join(person.roles)
    others = ", ".join(people.who_may(permission))
    return BothLanguages(
        zh=f"{person.name}（{roles or '无角色'}）不能{words.zh}；{others or '没有任何角色'}可以",
        en=f"{person.name} ({roles or 'no role'}) may not {words.en}; {others or 'no role'} may",
    )


@cache
def _nobodys_hash() -> str:
    """Make a hash that costs as much to check as anybody's, and fits nothing that is known."""
    return hash_password(token_hex(16))
