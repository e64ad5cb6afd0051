"""List what an administrator should look into in a valid people file."""

from __future__ import annotations

from domain.access.people import People
from domain.access.permissions import WORDS, Permission
from domain.data_dir import DataDir
from evidence_store.access.people_editor import changed_by_hand


def remarks_on(people: People, folder: DataDir) -> list[str]:
    """Return a sentence for each point to look into in the folder's people file; [] where there is none."""
    remarks = [
        f"nobody may {WORDS[permission].en} ({permission.value})"
        for permission in Permission
        if not any(people.role_for(person, permission) for person in people.people)
    ]
    for person in people.people:
        if not person.roles:
            remarks.append(f"{person.id} has no role and may nothing")
        elif not person.accounts and person.password is None:
            remarks.append(
                f"{person.id} has neither an account nor a password and can prove nothing"
            )
    mode = folder.people.stat().st_mode & 0o777
    if mode & 0o022:
        remarks.append(
            f"{folder.people} may be written by others (mode {mode:o}); chmod 640 keeps it the owner's"
        )
    if changed_by_hand(folder):
        remarks.append(
            f"{folder.people} was changed by hand since the last change that is on record "
            "(`forewarn people log`)"
        )
    return remarks
