"""A people file for tests: one person for each shipped role, known by an account or a password."""

from __future__ import annotations

from domain.access.decisions import Asker, ask_as_account
from domain.access.os_account import this_account
from domain.access.people import shipped_roles
from domain.access.people_file import load_people
from domain.data_dir import DataDir
from tests.support.kept_password import HASH
from tests.support.kept_password import PASSWORD as PASSWORD


def list_people(data: DataDir, *mine: str) -> None:
    """Write a people file.

    Args:
        data: the folder that it is put into.
        mine: roles of "me", whose account runs the tests. Beside them there is somebody called like each
            role ("Olga the officer", id "the-officer"), by PASSWORD.
    """
    rows = [
        f"  - {{id: me, name: Mei Li, roles: [{', '.join(mine)}], accounts: [{this_account()}]}}"
    ]
    for role in shipped_roles():
        rows.append(
            f"  - {{id: the-{role.id}, name: Olga the {role.id}, roles: [{role.id}], "
            f"accounts: [acc-{role.id}], password: {HASH}}}"
        )
    data.root.mkdir(parents=True, exist_ok=True)
    data.people.write_text("people:\n" + "\n".join(rows) + "\n", encoding="utf-8")


def by_role(data: DataDir, role: str) -> Asker:
    """Who has one role, known by their account."""
    return ask_as_account(load_people(data.people), f"acc-{role}")
