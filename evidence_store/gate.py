"""The one gate to what needs somebody's authority: `domain.access` decides, the custody chain is told.

Programs that work by themselves (sealing, masking, terms of retention) do not come here: nobody asks them
to, and they show nobody anything. Whatever a person asks for does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from domain.access import Asker, Decision, NotAllowed, decide
from domain.acts import NEEDS_A_REASON, WORDS, Act
from domain.data_dir import DataDir
from domain.errors import ForewarnError, PutAside
from domain.facts import BothLanguages
from domain.people import People
from domain.people_file import PeopleFile
from evidence_store.custody import CustodyChain, OnBehalf
from evidence_store.sealed_files import EVIDENCE_ID
from evidence_store.site_key import open_chain

log = structlog.get_logger()
LONGEST_TOLD = 500  # characters of what somebody typed, in an entry


@dataclass(frozen=True, slots=True)
class Grant:
    """A yes of the gate, to one act; only the gate makes them.

    What is done by it has to be told to `chain`, whose entries say who did it and by which role.
    """

    decision: Decision
    chain: CustodyChain
    evidence_id: str = ""  # "": the act is about no single record
    reason: str = ""

    @property
    def on_behalf(self) -> OnBehalf:
        """Whose doing it is, for another chain's entries."""
        return self.chain.on_behalf or OnBehalf(self.who, {})

    @property
    def who(self) -> str:
        """The person's name, as it goes on record."""
        return self.decision.asker.name

    def check_is_for(self, act: Act, evidence_id: str) -> None:
        """Raises:
        NotAllowed: the grant is for another act or another record.
        """
        if (self.decision.act, self.evidence_id) != (act, evidence_id) or not evidence_id:
            held = f"{self.decision.act.value} {self.evidence_id}"
            why = BothLanguages(
                zh=f"许可只适用于 {held}", en=f"what was allowed is {held}, not {act} {evidence_id}"
            )
            raise NotAllowed(Decision(act, self.decision.asker, why_not=why))


class Gate:
    """Asks who may, for one data folder; safe for several threads."""

    def __init__(self, people_file: PeopleFile, chain: Callable[[], CustodyChain]) -> None:
        """Args:
        chain: opens the folder's custody chain; it may raise where the site's key is not at hand.
        """
        self.people_file = people_file
        self._open_chain = chain

    @classmethod
    def open(cls, data: DataDir, keys: Path | None = None) -> Self:
        """The gate of a data folder.

        Args:
            keys: folder of the site's private key; None: the data folder's own.
        """
        return cls(PeopleFile(data.people), lambda: open_chain(data, keys))

    def people(self) -> People | None:
        """Who is listed at this moment; None: the site has no list. Raises PeopleFileError."""
        return self.people_file.people()

    def allow(self, asker: Asker, act: Act, evidence_id: str = "", reason: str = "") -> Grant:
        """Ask for leave to do something; a refusal is on record before this raises.

        Returns:
            the leave. The entry of the act itself, through `grant.chain`, puts it on record.
        Raises:
            NotAllowed: they may not.
            PutAside: a reason is needed for this act and there is none.
            Stop: the people file or the site's key cannot be used.
            TryAgain: the chain cannot be written.
        """
        decision = decide(self.people(), asker, act)
        if not decision.is_allowed:
            self._note_refused(decision, evidence_id, reason)
            raise NotAllowed(decision)
        if act in NEEDS_A_REASON and not reason.strip():
            raise PutAside(
                f"to {WORDS[act].en} needs a reason, which goes on record; "
                "add --reason 'case 17, second review'"
            )
        authority = self._authority(decision) if decision.role_id else {}
        chain = self.chain().for_person(OnBehalf(asker.name, authority))
        return Grant(decision, chain, evidence_id, reason.strip())

    def check(self, asker: Asker, act: Act, evidence_id: str = "") -> Decision:
        """The same for what leaves no entry when it is allowed: looking at masked copies.

        Raises:
            NotAllowed: they may not; that is on record, where the site's key is at hand.
            Stop: the people file cannot be used.
        """
        decision = decide(self.people(), asker, act)
        if not decision.is_allowed:
            self._note_refused(decision, evidence_id, "")
            raise NotAllowed(decision)
        return decision

    def note_wrong_password(self, who: str, account: str = "") -> None:
        """Put on record that a login failed: a guess at a password has to be seen by somebody.

        Args:
            who: what was typed; it may be anything, a password in the wrong field included, so it is
                on record only where it is somebody's id or name.
        """
        people = self.people()
        person = people.called(who) if people else None
        told = {
            "act": "log in",
            "why": "wrong password" if person else "no such person",
            "person": person.id if person else "",
            "account": account,
        }
        self._tell_refused(told, person.name if person else account or "unknown")

    def chain(self) -> CustodyChain:
        """The custody chain, of the program itself. Raises Stop and TryAgain."""
        return self._open_chain()  # anew: the key that signs may have been changed meanwhile

    def _authority(self, decision: Decision) -> dict[str, str]:
        asker = decision.asker
        return {
            "person": asker.person_id,
            "role": decision.role_id,
            "act": decision.act.value,
            "proof": asker.proof,
            "account": asker.account,
            # an auditor sees that the list was changed by hand where no entry tells of it
            "people_sha256": self.people_file.sha256(),
        }

    def _note_refused(self, decision: Decision, evidence_id: str, reason: str) -> None:
        asker, why = decision.asker, decision.why_not
        told = {
            "act": decision.act.value,
            "why": why.en if why else "",
            "about": evidence_id if EVIDENCE_ID.fullmatch(evidence_id) else "",
            "reason": reason.strip()[:LONGEST_TOLD],
            "person": asker.person_id,
            "proof": asker.proof,
            "account": asker.account,
        }
        self._tell_refused(told, asker.name)

    def _tell_refused(self, told: dict[str, str], who: str) -> None:
        """Who cannot write the chain (the site's key is not at hand) is refused all the same."""
        try:
            # about no record: what an export tells of its record is what was done with it
            self.chain().append("refused", "", told, who[:LONGEST_TOLD] or "unknown")
        except ForewarnError as error:
            log.warning("refusal_not_on_record", act=told["act"], reason=str(error))
