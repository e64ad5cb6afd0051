"""`forewarn people list`, `roles`, `check`: print the list of people and check it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from domain.access.people import People, Person, Role
from domain.access.people_file import PeopleFile
from domain.access.permissions import WORDS, Permission
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from evidence_store.access.people_remarks import remarks_on
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    console,
    data_dir,
    print_json,
)


def list_people(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Everybody on the list, with roles and accounts; never a password.

    Example: forewarn people list
    """
    people = PeopleFile(data_dir(data).people).people()
    if people is None:
        if not as_json:
            console.print(_nobody(data_dir(data)), highlight=False, soft_wrap=True)
        return
    if as_json:
        for person in people.people:
            print_json(person_as_json(person))
        return
    table = _table("id", "name", "roles", "accounts", "password")
    for person in people.people:
        kept = "set" if person.password else "none"
        table.add_row(
            person.id, person.name, ", ".join(person.roles), ", ".join(person.accounts), kept
        )
    console.print(table)


ROLES_HELP = """The roles in force and what each permits: the site's own, else the shipped ones.

Example: forewarn people roles
"""


def roles(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Print the roles in force and what each permits."""
    people = PeopleFile(data_dir(data).people).people() or People(people=())
    found = people.roles_in_force
    if as_json:
        for role in found:
            print_json(role.model_dump(mode="json"))
        return
    table = _table("role", "title", "may")
    for role in found:
        table.add_row(role.id, f"{role.title.zh} {role.title.en}", ", ".join(role.may))
    console.print(table)


def check(
    person_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="What this person may; else the whole file."),
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Is the list sound, and who may what? Each fault is named with its line; exit code 78 then.

    Without ID it also says what to look into: acts that nobody may do, people who can do nothing, a file
    that was changed by hand since the last change on record, or that others may write.

    Example: forewarn people check

    Example: forewarn people check wang-fang --json
    """
    folder = data_dir(data)
    people = PeopleFile(folder.people).people()
    if people is None:
        raise Stop(_nobody(folder))
    if person_id is not None:
        person = people.called(person_id)
        if person is None:
            raise PutAside(
                f"nobody is called {person_id!r}; `forewarn people list` shows who is there"
            )
        _print_person(people, person, as_json)
        return

    remarks = remarks_on(people, folder)
    if as_json:
        print_json({"people": len(people.people), "remarks": remarks})
        return
    console.print(f"{folder.people}: {len(people.people)} people, no fault", highlight=False)
    for remark in remarks:
        console.print(f"[yellow]remark:[/yellow] {remark}", highlight=False, soft_wrap=True)


def _nobody(folder: DataDir) -> str:
    return (
        f"{folder.people}: there is no list of people, so nobody may see what is unmasked; "
        "make one: forewarn people add ID --name NAME --role ROLE --account ACCOUNT"
    )


def _print_person(people: People, person: Person, as_json: bool) -> None:
    allowed: dict[Permission, Role | None] = {
        act: people.role_for(person, act) for act in Permission
    }
    if as_json:
        may = {act.value: role.id if role else None for act, role in allowed.items()}
        print_json(person_as_json(person) | {"may": may})
        return
    table = _table(person.name, "by which role")
    for act, role in allowed.items():
        permission = f"may {WORDS[act].en}" if role else f"[dim]may not {WORDS[act].en}[/dim]"
        table.add_row(permission, role.id if role else "")
    console.print(table)


def person_as_json(person: Person) -> dict[str, Any]:
    """Return a person as JSON values, without the password's hash."""
    facts = person.model_dump(mode="json", exclude={"password"})
    return facts | {"has_password": person.password is not None}


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
