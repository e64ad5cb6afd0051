"""Who looks at a page, and what they may do now; asked anew for every act."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.sessions import Sessions
from dashboards.texts import catalogue
from domain.access import Asker, Decision, decide
from domain.acts import Act
from domain.facts import BothLanguages
from domain.people import People
from domain.people_file import PeopleFile, PeopleFileError

NOBODY = Asker("")


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person in front of one page."""

    people_file: PeopleFile
    sessions: Sessions
    handle: str  # of their session; "": none

    @property
    def asker(self) -> Asker:
        """Who they are at this moment; nobody, once the session has ended."""
        session = self.sessions.of_handle(self.handle) if self.handle else None
        return session.asker if session else NOBODY

    @property
    def is_listed(self) -> bool:
        """True where somebody logged in; False where the site has no list, so names are typed."""
        return bool(self.asker.person_id)

    def decide(self, act: Act) -> Decision:
        """Whether they may do something now."""
        try:
            return decide(self.people_file.people(), self.asker, act)
        except PeopleFileError:
            return Decision(act, self.asker, why_not=BothLanguages(**catalogue()["login.unusable"]))

    def may(self, act: Act) -> bool:
        """True where they may do it now."""
        return self.decide(act).is_allowed


def is_known(people: People, asker: Asker) -> bool:
    """True while somebody who logged in is still listed, with the password that they logged in with."""
    person = people.person(asker.person_id) if asker.person_id else None
    return bool(person and asker.password and person.password == asker.password)
