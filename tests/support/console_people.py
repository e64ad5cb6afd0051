"""People who may log in to a staged console."""

from __future__ import annotations

import json
from collections.abc import Mapping

from domain.data_dir import DataDir
from domain.live_view import write_whole
from domain.passwords import hash_password

PASSWORD = "four unrelated words"
PEOPLE_ROLES = {"olga": "operator", "felix": "officer", "ava": "auditor"}


def write_people(data: DataDir, people: Mapping[str, str], password: str = PASSWORD) -> None:
    """A people file: ids and their role; a name is the id with a capital."""
    kept = hash_password(password)
    listed = [
        {"id": each, "name": each.title(), "roles": [role], "password": kept}
        for each, role in people.items()
    ]
    write_whole(data.people, json.dumps({"people": listed}).encode())
