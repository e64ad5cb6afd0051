"""Change a people file: under a lock, checked before it counts, whole or not at all, and on record.

Comments and order of a file that was written by hand stay.
"""

from __future__ import annotations

import fcntl
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from domain.access import Asker
from domain.acts import Act
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop, TryAgain
from domain.people import People
from domain.people_file import PeopleFile, load_people
from evidence_store.custody import OnBehalf
from evidence_store.gate import Gate
from evidence_store.whole_files import put_in_place, sync_folder

_HEAD = """\
# Who may do what with this site's evidence: docs/people-and-roles.md. Checked by `forewarn people check`;
# a change counts at once. Keep it readable for the accounts that run forewarn, and nobody else's to write.
"""
Row = dict[str, Any]


class PeopleEditor:
    """Changes one data folder's people file for somebody who may."""

    def __init__(self, data: DataDir, asker: Asker, keys: Path | None = None) -> None:
        self._data, self._asker = data, asker
        self._gate = Gate(PeopleFile(data.people), Gate.open(data, keys).chain)

    def add(self, row: Row) -> People:
        """Put a new person at the end.

        Args:
            row: id, name, roles, accounts and, where there is one, the password's hash.
        Raises:
            PutAside: somebody is called that already, or it does not fit.
            NotAllowed, Stop, TryAgain: as `_changed`.
        """

        def change(people: CommentedSeq) -> None:
            people.append(_tidy(row))

        return self._changed("added", str(row["id"]), change)

    def remove(self, person_id: str) -> People:
        """Take a person out; from then on they may nothing. Raises what `add` raises."""

        def change(people: CommentedSeq) -> None:
            del people[_row_of(people, person_id)]

        return self._changed("removed", person_id, change)

    def update(self, person_id: str, what: str, changes: Row) -> People:
        """Give somebody other roles, accounts, name or password. Raises what `add` raises.

        Args:
            what: of the change, in a word or two, for the record.
            changes: settings of a person; None takes one away.
        """

        def change(people: CommentedSeq) -> None:
            person = people[_row_of(people, person_id)]
            for name, value in changes.items():
                if value is None:
                    person.pop(name, None)
                else:
                    person[name] = _plain(value)

        return self._changed(what, person_id, change)

    def _changed(self, what: str, person_id: str, change: Callable[[CommentedSeq], None]) -> People:
        """Do it: read, change, check, tell the chain, put in place.

        Raises:
            NotAllowed: who asks may not change the list; that is on record.
            PutAside: the list would not hold then, or nobody could change it any more.
            Stop: the file as it is cannot be used, or the site's key is not at hand.
            TryAgain: somebody else changes it, or the disk is full.
        """
        path = self._data.people
        with _locked(self._data), _saying_what_failed(path):
            before = self._gate.people()
            on_behalf = self._leave(before, what, person_id)
            tree = _read_tree(path)
            change(tree["people"])
            content = _text_of(tree)
            temporary = _written_beside(path, content)
            try:
                after = _checked(temporary, path)
                if (
                    before is not None
                    and _somebody_changes(before)
                    and not _somebody_changes(after)
                ):
                    raise PutAside(
                        "then nobody could change the list of people any more; give somebody a role "
                        "with change-people first (registrar)"
                    )
                told = _told(what, person_id, after, content)
                self._gate.chain().for_person(on_behalf).append("people changed", "", told)
                put_in_place(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        return after

    def _leave(self, people: People | None, what: str, person_id: str) -> OnBehalf:
        """By what right: while nobody is listed who may, whoever can write the file makes the list."""
        own = what == "password" and self._asker.person_id == person_id
        if people is None or not _somebody_changes(people):
            return OnBehalf(self._asker.name, {"account": self._asker.account, "role": ""})
        if own and self._asker.proof != "nothing" and people.person(person_id):
            return OnBehalf(self._asker.name, {"person": person_id, "role": ""})
        return self._gate.allow(self._asker, Act.CHANGE_PEOPLE).on_behalf


def changed_by_hand(data: DataDir) -> bool:
    """True where the file is not as the last entry of the chain tells of it."""
    from evidence_store.custody import CustodyChain

    told = [
        each["details"].get("sha256")
        for each in CustodyChain(data.custody).about("")
        if each["kind"] == "people changed"
    ]
    return bool(told) and told[-1] != PeopleFile(data.people).sha256()


def _somebody_changes(people: People) -> bool:
    return any(people.role_for(each, Act.CHANGE_PEOPLE) for each in people.people)


def _told(what: str, person_id: str, after: People, content: bytes) -> dict[str, Any]:
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
    for row, each in enumerate(people):
        if each.get("id") == person_id:
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


def _tidy(row: Row) -> CommentedMap:
    return CommentedMap((name, _plain(value)) for name, value in row.items() if value)


def _plain(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    made = CommentedSeq(value)
    made.fa.set_flow_style()
    return made


def _checked(temporary: Path, path: Path) -> People:
    """Raises PutAside with the fault, in the words of the file that it would have been."""
    try:
        return load_people(temporary)
    except Stop as error:
        raise PutAside(
            str(error).replace(str(temporary), f"not changed: {path.name} would say")
        ) from error


def _written_beside(path: Path, content: bytes) -> Path:
    """A temporary file with the owner and mode of the one that it replaces."""
    like = path.stat() if path.exists() else None
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), like.st_mode & 0o777 if like else 0o640)
        if os.getuid() == 0:  # a file of root's would shut out the account that forewarn runs as
            owner = like or path.parent.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


@contextmanager
def _locked(data: DataDir) -> Iterator[None]:
    data.locks.mkdir(parents=True, exist_ok=True)
    file = os.open(data.locks / "people.lock", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)  # lets go of the lock, too


@contextmanager
def _saying_what_failed(path: Path) -> Iterator[None]:
    try:
        yield
        sync_folder(path.parent)
    except OSError as error:
        raise TryAgain(f"{path}: cannot be written: {error.strerror}; it is as it was") from error
