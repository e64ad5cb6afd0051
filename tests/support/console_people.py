"""People who may log in to a staged console, and their requests to it."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from domain.data_dir import DataDir
from domain.files import write_atomically
from tests.support.kept_password import HASH
from tests.support.kept_password import PASSWORD as PASSWORD

PEOPLE_ROLES = {"olga": "operator", "felix": "officer", "ava": "auditor"}


def write_people(data: DataDir, people: Mapping[str, str], kept: str = HASH) -> None:
    """Write a people file of ids and their role; a name is the id with a capital, `kept` a hash."""
    listed = [
        {"id": person_id, "name": person_id.title(), "roles": [role], "password": kept}
        for person_id, role in people.items()
    ]
    write_atomically(data.people, json.dumps({"people": listed}).encode(), durable=False)


def ask(
    console: Any, path: str, method: str = "GET", body: str = "", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """Send one request; no redirect is followed, a body goes out as a form."""
    connection = http.client.HTTPConnection(console.address.removeprefix("http://"), timeout=30)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if body or method == "POST":
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body=body or None, headers=sent)
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer, read


def log_in(console: Any, who: str, password: str = PASSWORD, path: str = "/") -> Any:
    """Send the login's form."""
    body = urllib.parse.urlencode({"who": who, "password": password, "next": path})
    return ask(console, "/login", "POST", body)


def cookie_of(console: Any, who: str) -> str:
    """Log somebody in; return what their browser sends from then on."""
    answer, _ = log_in(console, who)
    assert answer.status == 303
    return str(answer.headers["Set-Cookie"]).partition(";")[0]
