"""The content of a people file: who works at a site, and in which roles."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from domain.access.passwords import check_hash
from domain.access.permissions import Permission
from domain.base import BothLanguages, Fault, FrozenModel, Identifier, refuse_faults, repeated
from domain.checked_yaml import read_checked
from domain.events.commands import LONGEST_NAME

SHIPPED_ROLES = Path(__file__).with_name("roles.yaml")
DOCS = "docs/reference/people-and-roles.md"


class Role(FrozenModel):
    """A part that people play, and what it permits; what is not listed is not permitted."""

    id: Identifier
    title: BothLanguages
    may: tuple[Permission, ...] = Field(min_length=1, description="acts that it permits")


class RoleList(FrozenModel):
    """The content of domain/access/roles.yaml."""

    roles: tuple[Role, ...] = Field(min_length=1)


def _check_name(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError(f"a name has no line ends and no blanks around it, got {name!r}")
    return name


def _check_account(account: str) -> str:
    if not account.isprintable() or any(each.isspace() or each == ":" for each in account):
        raise ValueError(f"no operating system's account is called {account!r}")
    return account


Account = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_check_account)]


class Person(FrozenModel):
    """One person; never two, or nobody can be held to account."""

    id: Identifier
    name: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_NAME, description="as it stands on record"),
        AfterValidator(_check_name),
    ]
    roles: tuple[Identifier, ...] = Field(default=(), description="ids of roles")
    accounts: tuple[Account, ...] = Field(
        default=(), description="operating system's accounts that are this person and nobody else"
    )
    password: Annotated[str, AfterValidator(check_hash)] | None = Field(
        default=None,
        repr=False,
        description="made by `forewarn people password`; none: cannot log in to the console",
    )


class People(FrozenModel):
    """Everybody who may do anything at a site."""

    people: tuple[Person, ...]
    roles: tuple[Role, ...] | None = Field(
        default=None, min_length=1, description="a city's own; they replace the shipped ones"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_faults([*_repeated(self), *_unknown_roles(self)])
        return self

    @property
    def roles_in_force(self) -> tuple[Role, ...]:
        """Return the file's own roles, else the shipped ones."""
        return shipped_roles() if self.roles is None else self.roles

    def person(self, person_id: str) -> Person | None:
        """Find who has this id; None: nobody (any more)."""
        return next((person for person in self.people if person.id == person_id), None)

    def called(self, wanted: str) -> Person | None:
        """Find who has this id or, to the letter, this name; None: nobody."""
        return self.person(wanted) or next(
            (person for person in self.people if person.name == wanted), None
        )

    def of_account(self, account: str) -> Person | None:
        """Find whose account of the operating system it is; None: nobody's."""
        return next((person for person in self.people if account in person.accounts), None)

    def role_for(self, person: Person, permission: Permission) -> Role | None:
        """Find the first role of a person that has a permission; None: none does."""
        roles = {role.id: role for role in self.roles_in_force}
        held = (roles[role_id] for role_id in person.roles)
        return next((role for role in held if permission in role.may), None)

    def who_may(self, permission: Permission) -> list[str]:
        """List the ids of the roles that have a permission."""
        return [role.id for role in self.roles_in_force if permission in role.may]


@cache
def shipped_roles() -> tuple[Role, ...]:
    """Return the roles that hold where a people file has none of its own."""
    return read_checked(SHIPPED_ROLES, RoleList, "roles", "domain/access/roles.yaml", DOCS).roles


def _repeated(people: People) -> Iterator[Fault]:
    if people.roles is not None:
        for row, role_id in repeated([role.id for role in people.roles]):
            yield ("roles", row, "id"), f"ids should be unique, {role_id!r} came before"
    for row, person_id in repeated([person.id for person in people.people]):
        yield ("people", row, "id"), f"ids should be unique, {person_id!r} came before"
    for row, name in repeated([person.name for person in people.people]):
        words = f"names stand on record, so each is one person's; {name!r} came before"
        yield ("people", row, "name"), words
    ids = {person.id for person in people.people}
    for row, person in enumerate(people.people):
        if person.name in ids - {person.id}:  # "--by" takes either
            yield ("people", row, "name"), f"{person.name!r} is another person's id"
    seen: dict[str, str] = {}
    for row, person in enumerate(people.people):
        for column, account in enumerate(person.accounts):
            if account in seen:
                words = f"an account is one person, {account!r} is {seen[account]}'s already"
                yield ("people", row, "accounts", column), words
            seen.setdefault(account, person.id)


def _unknown_roles(people: People) -> Iterator[Fault]:
    known = [role.id for role in people.roles_in_force]
    for row, person in enumerate(people.people):
        for column, role in enumerate(person.roles):
            if role not in known:
                near = get_close_matches(role, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
                yield ("people", row, "roles", column), f"no role is called {role!r}; {hint}"
