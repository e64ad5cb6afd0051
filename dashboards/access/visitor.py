"""The person in front of a page, and what they may do; checked anew for every action."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.access.sessions import Sessions
from dashboards.texts import catalogue
from domain.access.decisions import Asker, Decision, decide
from domain.access.people import People
from domain.access.people_file import PeopleFile, PeopleFileError
from domain.access.permissions import Permission
from domain.base import BothLanguages

NOBODY = Asker("")


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person in front of one page."""

    people_file: PeopleFile
    sessions: Sessions
    handle: str  # of their session; "": none

    @property
    def asker(self) -> Asker:
        """Return who they are at this moment; nobody, once the session has ended."""
        session = self.sessions.of_handle(self.handle) if self.handle else None
        return session.asker if session else NOBODY

    @property
    def is_listed(self) -> bool:
        """Tell whether somebody logged in; not where the site has no list, so names are typed."""
        return bool(self.asker.person_id)

    def decide(self, permission: Permission) -> Decision:
        """Decide whether they have a permission now."""
        try:
            return decide(self.people_file.people(), self.asker, permission)
        except PeopleFileError:
            return Decision(
                permission, self.asker, why_not=BothLanguages(**catalogue()["login.unusable"])
            )

    def may(self, permission: Permission) -> bool:
        """Tell whether they have a permission now."""
        return self.decide(permission).is_allowed


def is_known(people: People, asker: Asker) -> bool:
    """Tell whether who logged in is still listed, with the password that they logged in with."""
    person = people.person(asker.person_id) if asker.person_id else None
    return bool(person and asker.password and person.password == asker.password)
