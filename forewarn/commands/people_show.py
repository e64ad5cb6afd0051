"""`forewarn people list`, `roles`, `check`: who is listed, and what that means."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from domain.acts import WORDS, Act
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.people import People, Person, Role
from domain.people_file import PeopleFile
from forewarn.options import DEFAULT_DATA, DataOption, JsonOption, console, data_dir, print_json


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
        for each in people.people:
            print_json(person_as_json(each))
        return
    table = _table("id", "name", "roles", "accounts", "password")
    for each in people.people:
        kept = "set" if each.password else "none"
        table.add_row(each.id, each.name, ", ".join(each.roles), ", ".join(each.accounts), kept)
    console.print(table)


def roles(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """The roles in force and what each permits: the site's own, else the shipped ones.

    Example: forewarn people roles
    """
    people = PeopleFile(data_dir(data).people).people() or People(people=())
    found = people.roles_in_force
    if as_json:
        for each in found:
            print_json(each.model_dump(mode="json"))
        return
    table = _table("role", "title", "may")
    for each in found:
        table.add_row(each.id, f"{each.title.zh} {each.title.en}", ", ".join(each.may))
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
        _tell_person(people, person, as_json)
        return
    from forewarn.people_remarks import remarks_on

    remarks = remarks_on(people, folder)
    if as_json:
        print_json({"people": len(people.people), "remarks": remarks})
        return
    console.print(f"{folder.people}: {len(people.people)} people, no fault", highlight=False)
    for each in remarks:
        console.print(f"[yellow]remark:[/yellow] {each}", highlight=False, soft_wrap=True)


def _nobody(folder: DataDir) -> str:
    return (
        f"{folder.people}: there is no list of people, so nobody may see what is unmasked; "
        "make one: forewarn people add ID --name NAME --role ROLE --account ACCOUNT"
    )


def _tell_person(people: People, person: Person, as_json: bool) -> None:
    allowed: dict[Act, Role | None] = {act: people.role_for(person, act) for act in Act}
    if as_json:
        may = {act.value: role.id if role else None for act, role in allowed.items()}
        print_json(person_as_json(person) | {"may": may})
        return
    table = _table(person.name, "by which role")
    for act, role in allowed.items():
        said = f"may {WORDS[act].en}" if role else f"[dim]may not {WORDS[act].en}[/dim]"
        table.add_row(said, role.id if role else "")
    console.print(table)


def person_as_json(person: Person) -> dict[str, Any]:
    """A person for programs; without the password's hash."""
    told = person.model_dump(mode="json", exclude={"password"})
    return told | {"has_password": person.password is not None}


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
