"""Who works at a site, and in which roles: the content of a people file."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.acts import Act
from domain.checked_yaml import read_checked
from domain.commands import LONGEST_NAME
from domain.facts import BothLanguages, Facts, Fault, Identifier
from domain.passwords import check_hash

SHIPPED_ROLES = Path(__file__).with_name("roles.yaml")
DOCS = "docs/people-and-roles.md"


class Role(Facts):
    """A part that people play, and what it permits; what is not listed is not permitted."""

    id: Identifier
    title: BothLanguages
    may: tuple[Act, ...] = Field(min_length=1, description="acts that it permits")


class RoleList(Facts):
    """The content of domain/roles.yaml."""

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


class Person(Facts):
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


class People(Facts):
    """Everybody who may do anything at a site."""

    people: tuple[Person, ...]
    roles: tuple[Role, ...] | None = Field(
        default=None, min_length=1, description="a city's own; they replace the shipped ones"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if faults := [*_repeated(self), *_unknown_roles(self)]:
            # the places ride along, so that the reader of the file can name their lines
            raise PydanticCustomError(
                "references",
                "{text}",
                {"text": "; ".join(words for _, words in faults), "faults": faults},
            )
        return self

    @property
    def roles_in_force(self) -> tuple[Role, ...]:
        """The file's own roles, else the shipped ones."""
        return shipped_roles() if self.roles is None else self.roles

    def person(self, person_id: str) -> Person | None:
        """Who has this id; None: nobody (any more)."""
        return next((each for each in self.people if each.id == person_id), None)

    def called(self, wanted: str) -> Person | None:
        """Who has this id or, to the letter, this name; None: nobody."""
        return self.person(wanted) or next(
            (each for each in self.people if each.name == wanted), None
        )

    def of_account(self, account: str) -> Person | None:
        """Whose account of the operating system it is; None: nobody's."""
        return next((each for each in self.people if account in each.accounts), None)

    def role_for(self, person: Person, act: Act) -> Role | None:
        """The first role of a person that permits an act; None: none does."""
        roles = {each.id: each for each in self.roles_in_force}
        return next((roles[each] for each in person.roles if act in roles[each].may), None)

    def who_may(self, act: Act) -> list[str]:
        """Ids of the roles that permit an act."""
        return [each.id for each in self.roles_in_force if act in each.may]


@cache
def shipped_roles() -> tuple[Role, ...]:
    """The roles that hold where a people file has none of its own."""
    return read_checked(SHIPPED_ROLES, RoleList, "roles", "domain/roles.yaml", DOCS).roles


def _repeated(people: People) -> Iterator[Fault]:
    if people.roles is not None:
        for row in _again([each.id for each in people.roles]):
            words = f"ids should be unique, {people.roles[row].id!r} came before"
            yield ("roles", row, "id"), words
    for row in _again([each.id for each in people.people]):
        words = f"ids should be unique, {people.people[row].id!r} came before"
        yield ("people", row, "id"), words
    for row in _again([each.name for each in people.people]):
        words = f"names stand on record, so each is one person's; {people.people[row].name!r} came before"
        yield ("people", row, "name"), words
    ids = {each.id for each in people.people}
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
    known = [each.id for each in people.roles_in_force]
    for row, person in enumerate(people.people):
        for column, role in enumerate(person.roles):
            if role not in known:
                near = get_close_matches(role, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
                yield ("people", row, "roles", column), f"no role is called {role!r}; {hint}"


def _again(values: list[str]) -> list[int]:
    return [row for row, each in enumerate(values) if each in values[:row]]
