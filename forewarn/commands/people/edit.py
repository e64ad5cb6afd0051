"""`forewarn people`: change the list of people and what they may do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from domain.access.os_account import this_account
from domain.access.passwords import hash_password, new_password
from domain.access.people import People
from domain.access.people_file import load_people
from domain.access.permissions import Permission
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from evidence_store.access.people_editor import PeopleEditor
from forewarn.commands.people.log import people_log
from forewarn.commands.people.show import ROLES_HELP, check, list_people, person_as_json, roles
from forewarn.terminal.identity import ByOption, typed_password, who_asks
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    console,
    data_dir,
    keys_dir,
    print_json,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Who may do what with evidence, and by which role: see docs/reference/people-and-roles.md.",
)
app.command("list")(list_people)
app.command(help=ROLES_HELP)(roles)
app.command()(check)
app.command("log")(people_log)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Of the person: wang-fang.")]
NameOption = Annotated[str, typer.Option("--name", help="As it stands on record: 'Wang Fang'.")]
RoleOption = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="May be repeated; `people roles` lists them."),
]
AccountOption = Annotated[
    list[str] | None,
    typer.Option("--account", help="Operating system's account that is theirs alone; repeatable."),
]
RandomOption = Annotated[
    bool,
    typer.Option("--random-password", help="Make a password and print it, once."),
]


@app.command()
def add(
    person_id: IdArgument,
    name: NameOption = "",
    role: RoleOption = None,
    account: AccountOption = None,
    me: Annotated[bool, typer.Option("--me", help="The account that runs this is theirs.")] = False,
    random_password: RandomOption = False,
    if_none: Annotated[
        bool,
        typer.Option("--if-none", help="Where there is a list already, leave it and end well."),
    ] = False,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Add a person, with their roles; the first one makes the list.

    From the first person on, what nobody's role permits is refused to everybody. Give somebody the role
    registrar, or the list can later be changed with an editor only. A person acts at the command line
    by their account, and logs in to the console with a password (`forewarn people password ID`).

    Example: forewarn people add wang-fang --name "Wang Fang" --role officer --account wfang

    Example: forewarn people add admin --name "Site office" --role registrar --me
    """
    folder = data_dir(data)
    if if_none and folder.people.exists():
        load_people(folder.people)
        _say(
            f"{folder.people}: there already; `forewarn people password ID` sets a password",
            as_json,
        )
        return
    password = new_password() if random_password else None
    row = {
        "id": person_id,
        "name": name.strip() or person_id,
        "roles": list(role or ()),
        "accounts": [*dict.fromkeys([*(account or ()), *([this_account()] if me else [])])],
        "password": hash_password(password) if password else None,
    }
    folder.root.mkdir(parents=True, exist_ok=True)
    people = _editor(folder, by, keys).add(row)
    _print_changed(people, person_id, "added", password, as_json)


@app.command("set")
def set_person(
    person_id: IdArgument,
    name: NameOption = "",
    role: RoleOption = None,
    no_roles: Annotated[
        bool, typer.Option("--no-roles", help="They stay listed; may nothing.")
    ] = False,
    account: AccountOption = None,
    no_accounts: Annotated[bool, typer.Option("--no-accounts", help="Password only.")] = False,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Give a person other roles, accounts or another name; what is given replaces what was there.

    Example: forewarn people set wang-fang --role officer --role auditor
    """
    changes: dict[str, Any] = {}
    if name.strip():
        changes["name"] = name.strip()
    if role or no_roles:
        changes["roles"] = role or None
    if account or no_accounts:
        changes["accounts"] = account or None
    if not changes:
        raise Stop("nothing to change; give --name, --role, --no-roles, --account or --no-accounts")
    people = _editor(data_dir(data), by, keys).update(person_id, "changed", changes)
    _print_changed(people, person_id, "changed", None, as_json)


@app.command()
def remove(
    person_id: IdArgument,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Take a person off the list: at once they may nothing, logged in or not.

    What they did stays on record under their name.

    Example: forewarn people remove wang-fang
    """
    people = _editor(data_dir(data), by, keys).remove(person_id)
    _print_changed(people, person_id, "removed", None, as_json)


@app.command()
def password(
    person_id: IdArgument,
    random_password: RandomOption = False,
    off: Annotated[
        bool, typer.Option("--off", help="Take the password away: no login, accounts stay.")
    ] = False,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Set a password, for the console and for --by; everybody may set their own.

    It is asked for twice, has at least 10 characters, does not expire, and is kept as a scrypt hash
    (2^15, 8, 3), which costs 0.2 s of a core to try. What an older password opened is closed at once.
    For scripts: FOREWARN_NEW_PASSWORD in the environment.

    Example: forewarn people password wang-fang
    """
    folder = data_dir(data)
    editor = _editor(folder, by, keys)
    made = new_password() if random_password else None
    kept = None
    if not off:
        try:
            kept = hash_password(made or typed_password(person_id))
        except ValueError as error:
            raise PutAside(str(error)) from error
    people = editor.update(person_id, "password", {"password": kept})
    _print_changed(
        people, person_id, "without a password" if off else "has a new password", made, as_json
    )


def _editor(folder: DataDir, by: str, keys: Any) -> PeopleEditor:

    key_folder = keys_dir(keys)
    return PeopleEditor(folder, who_asks(folder, by, key_folder), key_folder)


def _print_changed(
    people: People, person_id: str, what: str, made: str | None, as_json: bool
) -> None:
    person = people.person(person_id)
    if as_json:
        facts = person_as_json(person) if person else {"id": person_id}
        print_json({"what": what} | facts | ({"password": made} if made else {}))
        return
    who = f"{person.name} ({', '.join(person.roles) or 'no role'})" if person else person_id
    console.print(f"{who}: {what}", highlight=False)
    if made:
        console.print(f"password of {person_id}: {made}", highlight=False)
    if not any(people.role_for(person, Permission.CHANGE_PEOPLE) for person in people.people):
        console.print(
            "[yellow]remark:[/yellow] nobody may change this list yet, so whoever can write it does: "
            "give somebody the role registrar",
            soft_wrap=True,
        )


def _say(words: str, as_json: bool) -> None:
    if not as_json:
        console.print(words, highlight=False, soft_wrap=True)
