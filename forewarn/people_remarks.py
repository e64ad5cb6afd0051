"""What to look into in a people file that is sound as such."""

from __future__ import annotations

from domain.acts import WORDS, Act
from domain.data_dir import DataDir
from domain.people import People
from forewarn.people_edit import changed_by_hand


def remarks_on(people: People, folder: DataDir) -> list[str]:
    """A sentence for each; [] where there is nothing to say."""
    remarks = [
        f"nobody may {WORDS[act].en} ({act.value})"
        for act in Act
        if not any(people.role_for(each, act) for each in people.people)
    ]
    for each in people.people:
        if not each.roles:
            remarks.append(f"{each.id} has no role and may nothing")
        elif not each.accounts and each.password is None:
            remarks.append(f"{each.id} has neither an account nor a password and can prove nothing")
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
