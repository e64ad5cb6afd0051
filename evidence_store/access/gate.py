"""Allow or refuse what needs a person's authority, and put it on record in the custody chain.

`domain.access.decisions` decides. Programs that work by themselves (sealing, masking, terms of retention) do
not come here: nobody asks them to, and they show nobody anything. Whatever a person asks for does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from domain.access.decisions import Asker, Decision, NotAllowed, decide
from domain.access.people import People
from domain.access.people_file import PeopleFile
from domain.access.permissions import NEEDS_A_REASON, WORDS, Permission
from domain.base import BothLanguages
from domain.data_dir import DataDir
from domain.errors import ForewarnError, PutAside
from evidence_store.custody.chain import CustodyChain, OnBehalf
from evidence_store.custody.signing_key import open_chain
from evidence_store.vault.sealed_files import EVIDENCE_ID

log = structlog.get_logger()
LONGEST_TYPED = 500  # characters of what somebody typed, in an entry


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission that the gate gave for one act; only the gate makes them.

    What is done by it has to be logged to `chain`, whose entries say who did it and by which role.
    """

    decision: Decision
    chain: CustodyChain
    evidence_id: str = ""  # "": the act is about no single record
    reason: str = ""

    @property
    def on_behalf(self) -> OnBehalf:
        """Return on whose behalf another chain's entries are added."""
        return self.chain.on_behalf or OnBehalf(self.who, {})

    @property
    def who(self) -> str:
        """Return the person's name, as it goes on record."""
        return self.decision.asker.name

    def check_is_for(self, permission: Permission, evidence_id: str) -> None:
        """Raise NotAllowed where the grant is for another act or another record."""
        is_for = self.decision.permission, self.evidence_id
        if is_for != (permission, evidence_id) or not evidence_id:
            held = f"{self.decision.permission.value} {self.evidence_id}"
            why = BothLanguages(
                zh=f"许可只适用于 {held}",
                en=f"what was allowed is {held}, not {permission} {evidence_id}",
            )
            raise NotAllowed(Decision(permission, self.decision.asker, why_not=why))


class Gate:
    """Ask for permissions in one data folder; safe for several threads."""

    def __init__(self, people_file: PeopleFile, chain: Callable[[], CustodyChain]) -> None:
        """Name both; nothing is read yet. `chain` may raise where the site's key is not at hand."""
        self.people_file = people_file
        self._open_chain = chain

    @classmethod
    def open(cls, data: DataDir, keys: Path | None = None) -> Self:
        """Open a data folder's gate; `keys`: the site's private key's folder, None: the data folder's own."""
        return cls(PeopleFile(data.people), lambda: open_chain(data, keys))

    def people(self) -> People | None:
        """Return who is listed now; None: the site has no list; raises PeopleFileError."""
        return self.people_file.people()

    def allow(
        self, asker: Asker, permission: Permission, evidence_id: str = "", reason: str = ""
    ) -> Grant:
        """Ask for a grant to do something; a refusal is on record before this raises.

        `evidence_id` is "" where the act is about no single record. The entry of the act itself, through
        `grant.chain`, puts the grant on record.

        Raises:
            NotAllowed: they may not.
            PutAside: a reason is needed for this act and there is none.
            Stop: the people file or the site's key cannot be used.
            TryAgain: the chain cannot be written.
        """
        decision = self._decide(asker, permission, evidence_id, reason)
        if permission in NEEDS_A_REASON and not reason.strip():
            raise PutAside(
                f"to {WORDS[permission].en} needs a reason, which goes on record; "
                "add --reason 'case 17, second review'"
            )
        authority = self._authority(decision) if decision.role_id else {}
        chain = self.chain().for_person(OnBehalf(asker.name, authority))
        return Grant(decision, chain, evidence_id, reason.strip())

    def check(self, asker: Asker, permission: Permission, evidence_id: str = "") -> Decision:
        """Check what leaves no entry when it is allowed: looking at masked copies.

        Raises:
            NotAllowed: they may not; that is on record, where the site's key is at hand.
            Stop: the people file cannot be used.
        """
        return self._decide(asker, permission, evidence_id, "")

    def note_wrong_password(self, who: str, account: str = "") -> None:
        """Put on record that a login failed: a guess at a password has to be seen by somebody.

        `account` is the operating system's; "": not known.
        """
        people = self.people()
        # what was typed may be anything, a password in the wrong field included: on record is only
        # somebody's id or name
        person = people.called(who) if people else None
        details = {
            "act": "log in",
            "why": "wrong password" if person else "no such person",
            "person": person.id if person else "",
            "account": account,
        }
        self._log_refused(details, person.name if person else account or "unknown")

    def chain(self) -> CustodyChain:
        """Open the custody chain, of the program itself; raises Stop and TryAgain."""
        # anew each time: the key that signs may have been changed meanwhile
        return self._open_chain()

    def _decide(
        self, asker: Asker, permission: Permission, evidence_id: str, reason: str
    ) -> Decision:
        decision = decide(self.people(), asker, permission)
        if not decision.is_allowed:
            self._note_refused(decision, evidence_id, reason)
            raise NotAllowed(decision)
        return decision

    def _authority(self, decision: Decision) -> dict[str, str]:
        asker = decision.asker
        return {
            "person": asker.person_id,
            "role": decision.role_id,
            "act": decision.permission.value,
            "proof": asker.proof,
            "account": asker.account,
            # an auditor sees that the list was changed by hand where no entry tells of it
            "people_sha256": self.people_file.sha256(),
        }

    def _note_refused(self, decision: Decision, evidence_id: str, reason: str) -> None:
        asker, why = decision.asker, decision.why_not
        details = {
            "act": decision.permission.value,
            "why": why.en if why else "",
            "about": evidence_id if EVIDENCE_ID.fullmatch(evidence_id) else "",
            "reason": reason.strip()[:LONGEST_TYPED],
            "person": asker.person_id,
            "proof": asker.proof,
            "account": asker.account,
        }
        self._log_refused(details, asker.name)

    def _log_refused(self, details: dict[str, str], who: str) -> None:
        """Append a refusal; who cannot write the chain (no key at hand) is refused all the same."""
        try:
            # about no record: an export has only what was done with its record
            self.chain().append("refused", "", details, who[:LONGEST_TYPED] or "unknown")
        except ForewarnError as error:
            log.warning("refusal_not_on_record", act=details["act"], reason=str(error))
