"""Identify who runs a command: the operating system's account, or somebody by their password."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from domain.access.decisions import Asker, ask_as_account, log_in
from domain.access.os_account import this_account
from domain.access.people_file import PeopleFile
from domain.access.permissions import Permission
from domain.data_dir import DataDir
from domain.errors import Stop
from evidence_store.access.gate import Gate, Grant
from evidence_store.custody.chain import CustodyChain

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
    """Identify who runs this command, as far as it can be known.

    Where the site has a people file, that is the person of the account that runs this process, or,
    where `by` names somebody else, that person once their password was given. Where it has none, it is
    the account or the name that was typed, and nobody checks it.

    Args:
        data: the folder with the people file.
        by: id or name of a person; "": whose account it is.
        keys: folder of the key that signs a failure's entry; None: the data folder's own.
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
        Gate.open(data, keys).note_wrong_password(by, account)
        raise WrongPassword(
            f"{by}: not in {data.people.name}, without a password, or not this one; "
            "`forewarn people password` sets one"
        )
    return found


def gate_of(data: DataDir, keys: Path | None = None) -> Gate:
    """Open the gate that acts on evidence go through."""

    return Gate.open(data, keys)


def authorize(
    act: Permission,
    data: DataDir,
    keys: Path | None,
    by: str,
    evidence_id: str = "",
    reason: str = "",
) -> Grant:
    """Authorize whoever runs this command for `act`; raise what `who_asks` and `Gate.allow` raise."""
    return gate_of(data, keys).allow(who_asks(data, by, keys), act, evidence_id, reason)


def check_may(act: Permission, data: DataDir, keys: Path | None = None, by: str = "") -> None:
    """Check that whoever runs this command may do `act`; no entry is made: for masked evidence."""
    gate_of(data, keys).check(who_asks(data, by, keys), act)


def authorized_chain(
    act: Permission,
    data: DataDir,
    keys: Path | None,
    by: str,
    evidence_id: str = "",
    reason: str = "",
) -> CustodyChain:
    """Open the custody chain on behalf of somebody who may do `act`; raise what `authorize` raises."""
    return authorize(act, data, keys, by, evidence_id, reason).chain


def _password_of(who: str) -> str:
    nobody = (
        f"--by {who} is not whose account this is, so it needs their password: run it in a "
        f"terminal, or put it into {PASSWORD_VARIABLE}"
    )
    return _secret(PASSWORD_VARIABLE, f"password of {who}", nobody)


def typed_password(who: str) -> str:
    """Ask for a new password; raise WrongPassword where nobody is there to type it."""
    nobody = (
        f"a new password for {who} is typed in a terminal, made with --random-password, or put "
        f"into {NEW_PASSWORD_VARIABLE}"
    )
    return _secret(NEW_PASSWORD_VARIABLE, f"new password of {who}", nobody, twice=True)


def _secret(variable: str, prompt: str, nobody: str, *, twice: bool = False) -> str:
    """Read a password from the environment, for scripts; else from the keyboard, not shown.

    Raises:
        WrongPassword: nobody is there to type it.
    """
    if (given := os.environ.get(variable)) is not None:
        return given
    if not sys.stdin.isatty():
        raise WrongPassword(nobody)
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))
