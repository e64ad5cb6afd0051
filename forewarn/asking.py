"""Who asks at the command line: the operating system's account, or somebody by their password."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.access import Asker, ask_as_account, log_in
from domain.accounts import this_account
from domain.acts import Act
from domain.data_dir import DataDir
from domain.errors import Stop
from domain.people_file import PeopleFile

if TYPE_CHECKING:  # cryptography takes a while to load
    from evidence_store.custody import CustodyChain
    from evidence_store.gate import Gate, Grant

PASSWORD_VARIABLE = "FOREWARN_PASSWORD"
NEW_PASSWORD_VARIABLE = "FOREWARN_NEW_PASSWORD"
NAME_VARIABLE = "FOREWARN_OPERATOR"

ByOption = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="PERSON",
        envvar=NAME_VARIABLE,
        help="Who asks, by id or name; else whose account runs this. Their password is asked for.",
    ),
]


class WrongPassword(Stop):
    """Somebody said who they are and could not prove it."""

    exit_code = 77  # EX_NOPERM


def who_asks(data: DataDir, by: str = "", keys: Path | None = None) -> Asker:
    """Whoever runs this command, as far as it can be known.

    Where the site has a people file, that is the person of the account that runs this process, or,
    where `by` names somebody else, that person once their password was given. Where it has none, it is
    the account or the name that was typed, and nobody checks it.

    Args:
        by: id or name of a person; "": whose account it is.
    Raises:
        WrongPassword: not theirs, or there is no way to ask for it; the failure is on record.
        Stop: the people file cannot be used.
    """
    people, account, by = PeopleFile(data.people).people(), this_account(), by.strip()
    if people is None:
        return Asker(by or account, account=account)
    asker = ask_as_account(people, account)
    if not by or (asker.person_id and by in (asker.person_id, asker.name, account)):
        return asker
    found = log_in(people, by, _password_of(by), account)
    if found is None:
        from evidence_store.gate import Gate

        Gate.open(data, keys).note_wrong_password(by, account)
        raise WrongPassword(
            f"{by}: not in {data.people.name}, without a password, or not this one; "
            "`forewarn people password` sets one"
        )
    return found


def gate_of(data: DataDir, keys: Path | None = None) -> Gate:
    """The gate that acts on evidence go through."""
    from evidence_store.gate import Gate

    return Gate.open(data, keys)


def leave_to(
    act: Act, data: DataDir, keys: Path | None, by: str, evidence_id: str = "", reason: str = ""
) -> Grant:
    """Ask the gate for whoever runs this command; raises what `who_asks` and `Gate.allow` raise."""
    return gate_of(data, keys).allow(who_asks(data, by, keys), act, evidence_id, reason)


def check_may(act: Act, data: DataDir, keys: Path | None = None, by: str = "") -> None:
    """The same for what leaves no entry: looking at masked evidence."""
    gate_of(data, keys).check(who_asks(data, by, keys), act)


def chain_for(
    act: Act, data: DataDir, keys: Path | None, by: str, evidence_id: str = "", reason: str = ""
) -> CustodyChain:
    """The custody chain on behalf of who may do this; raises what `leave_to` raises."""
    return leave_to(act, data, keys, by, evidence_id, reason).chain


def _password_of(who: str) -> str:
    nobody = (
        f"--by {who} is not whose account this is, so it needs their password: run it in a "
        f"terminal, or put it into {PASSWORD_VARIABLE}"
    )
    return _secret(PASSWORD_VARIABLE, f"password of {who}", nobody)


def typed_password(who: str) -> str:
    """A new password; raises WrongPassword where nobody is there to type it."""
    nobody = (
        f"a new password for {who} is typed in a terminal, made with --random-password, or put "
        f"into {NEW_PASSWORD_VARIABLE}"
    )
    return _secret(NEW_PASSWORD_VARIABLE, f"new password of {who}", nobody, twice=True)


def _secret(variable: str, prompt: str, nobody: str, *, twice: bool = False) -> str:
    """From the environment, for scripts; else typed, and not shown.

    Raises:
        WrongPassword: nobody is there to type it.
    """
    if (given := os.environ.get(variable)) is not None:
        return given
    if not sys.stdin.isatty():
        raise WrongPassword(nobody)
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))
