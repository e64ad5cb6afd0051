"""Change a people file: under a lock, checked before it counts, in one step, and on record.

Comments and order of a file that was written by hand stay.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from domain.access.decisions import Asker
from domain.access.people import People
from domain.access.people_file import PeopleFile, load_people
from domain.access.permissions import Permission
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.files import put_in_place
from domain.processes.file_lock import file_lock
from evidence_store.access.gate import Gate
from evidence_store.custody.chain import CustodyChain, OnBehalf
from evidence_store.files.try_again import reraise_as_try_again

_HEAD = """\
# Who may do what with this site's evidence: docs/reference/people-and-roles.md. Checked by `forewarn people check`;
# a change counts at once. Keep it readable for the accounts that run forewarn, and nobody else's to write.
"""
Row = dict[str, Any]


class PeopleEditor:
    """Change one data folder's people file on behalf of `asker`."""

    def __init__(self, data: DataDir, asker: Asker, keys: Path | None = None) -> None:
        self._data, self._asker = data, asker
        self._gate = Gate.open(data, keys)

    def add(self, row: Row) -> People:
        """Add a person at the end of the list.

        `row` has id, name, roles, accounts and, where there is one, the password's hash.

        Raises:
            PutAside: somebody is called that already, or it does not fit.
            NotAllowed, Stop, TryAgain: as `_changed`.
        """
        tidy = CommentedMap((name, _plain(value)) for name, value in row.items() if value)
        return self._changed("added", str(row["id"]), lambda people: people.append(tidy))

    def remove(self, person_id: str) -> People:
        """Remove a person, who may do nothing from then on; raises what `add` raises."""
        return self._changed(
            "removed", person_id, lambda people: people.pop(_row_of(people, person_id))
        )

    def update(self, person_id: str, what: str, changes: Row) -> People:
        """Change a person's roles, accounts, name or password; None takes one away.

        `what` names the change on record, in a word or two. Raises what `add` raises.
        """

        def change(people: CommentedSeq) -> None:
            person = people[_row_of(people, person_id)]
            for name, value in changes.items():
                if value is None:
                    person.pop(name, None)
                else:
                    person[name] = _plain(value)

        return self._changed(what, person_id, change)

    def _changed(
        self, what: str, person_id: str, change: Callable[[CommentedSeq], object]
    ) -> People:
        """Read the file, change it, check it, log the change to the custody chain, put it in place.

        Raises:
            NotAllowed: who asks may not change the list; that is on record.
            PutAside: the list would not hold then, or nobody could change it any more.
            Stop: the file as it is cannot be used, or the site's key is not at hand.
            TryAgain: somebody else changes it, or the disk is full.
        """
        path = self._data.people
        self._data.locks.mkdir(parents=True, exist_ok=True)
        lock = file_lock(self._data.locks / "people.lock")
        with lock, reraise_as_try_again(str(path), advice="it is as it was"):
            before = self._gate.people()
            on_behalf = self._authorize(before, what, person_id)
            tree = _read_tree(path)
            change(tree["people"])
            content = _text_of(tree)
            temporary = _written_beside(path, content)
            try:
                after = _checked(temporary, path)
                if _somebody_changes(before) and not _somebody_changes(after):
                    raise PutAside(
                        "then nobody could change the list of people any more; give somebody a role "
                        "with change-people first (registrar)"
                    )
                details = _change_details(what, person_id, after, content)
                self._gate.chain().for_person(on_behalf).append("people changed", "", details)
                put_in_place(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        return after

    def _authorize(self, people: People | None, what: str, person_id: str) -> OnBehalf:
        """Name whose doing the change is; raises NotAllowed."""
        own = what == "password" and self._asker.person_id == person_id
        # while nobody is listed who may change the list, whoever can write the file makes it
        if not _somebody_changes(people):
            return OnBehalf(self._asker.name, {"account": self._asker.account, "role": ""})
        if own and self._asker.proof != "nothing" and people and people.person(person_id):
            return OnBehalf(self._asker.name, {"person": person_id, "role": ""})
        return self._gate.allow(self._asker, Permission.CHANGE_PEOPLE).on_behalf


def changed_by_hand(data: DataDir) -> bool:
    """Return True where the people file differs from what the chain's last entry about it says."""
    logged = [
        entry["details"].get("sha256")
        for entry in CustodyChain(data.custody).about("")
        if entry["kind"] == "people changed"
    ]
    return bool(logged) and logged[-1] != PeopleFile(data.people).sha256()


def _somebody_changes(people: People | None) -> bool:
    return people is not None and any(
        people.role_for(person, Permission.CHANGE_PEOPLE) for person in people.people
    )


def _change_details(what: str, person_id: str, after: People, content: bytes) -> dict[str, Any]:
    person = after.person(person_id)
    return {
        "what": what,
        "person": person_id,
        "name": person.name if person else "",
        "roles": list(person.roles) if person else [],
        "accounts": list(person.accounts) if person else [],
        "has_password": bool(person and person.password),
        "sha256": sha256(content).hexdigest(),
    }


def _row_of(people: CommentedSeq, person_id: str) -> int:
    for row, person in enumerate(people):
        if person.get("id") == person_id:
            return row
    raise PutAside(f"nobody has the id {person_id!r}; `forewarn people list` shows who is there")


def _read_tree(path: Path) -> CommentedMap:
    if not path.exists():
        new = CommentedMap(people=CommentedSeq())
        new.yaml_set_start_comment(_HEAD.replace("# ", "").rstrip("\n"))
        return new
    load_people(path)  # says what is wrong with it, by its lines
    tree: CommentedMap = _yaml().load(path.read_text("utf-8"))
    if not isinstance(tree["people"], CommentedSeq) or tree["people"].fa.flow_style():
        tree["people"] = CommentedSeq(tree["people"])  # "people: []" goes on in lines of its own
    return tree


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.width = 4096  # hashes stay in one line
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _text_of(tree: CommentedMap) -> bytes:
    text = io.StringIO()
    _yaml().dump(tree, text)
    return text.getvalue().encode()


def _plain(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    made = CommentedSeq(value)
    made.fa.set_flow_style()
    return made


def _checked(temporary: Path, path: Path) -> People:
    """Read a changed list; raises PutAside with its fault, named as if it stood in `path`."""
    try:
        return load_people(temporary)
    except Stop as error:
        raise PutAside(
            str(error).replace(str(temporary), f"not changed: {path.name} would say")
        ) from error


def _written_beside(path: Path, content: bytes) -> Path:
    """Write a temporary file with the owner and mode of the one that it replaces."""
    like = path.stat() if path.exists() else None
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), like.st_mode & 0o777 if like else 0o640)
        # a file of root's would shut out the account that forewarn runs as
        if os.getuid() == 0:
            owner = like or path.parent.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
