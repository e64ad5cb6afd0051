"""Follow which keys may sign a custody chain: the first comes of its own, each names the one after it.

A public key that merely lies in the data folder proves nothing: whoever can write there can put one. A key
counts from where a key that counted named it, and only until the one that it named has signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from evidence_store.files.canonical_json import to_canonical
from evidence_store.keys.signature_file import fault_of_signature_file
from evidence_store.keys.signing_keys import PublicKeys, public_pem

ROTATED: Final = "key rotated"
CREATED: Final = "key created"


@dataclass(slots=True)
class KeySuccession:
    """Take signed entries in order; tell of each whether its key may have signed it.

    `anchors` are fingerprints from outside the data folder. With them one of these keys has to sign at
    some place; without, nobody knows whose chain it is.
    """

    keys: PublicKeys  # all that are there
    anchors: frozenset[str] = frozenset()
    in_force: str = ""  # signed the last entry; "": none is signed yet
    counted: set[str] = field(default_factory=set)  # all keys that signed
    named: set[str] = field(default_factory=set)  # by the key in force, not used yet

    def fault_of(self, entry: Mapping[str, Any]) -> str:
        """Say why its key may not sign this entry, "" if it may."""
        key_id = str(entry["key_id"])
        if self.may_sign(key_id) or self._is_stated(entry):
            return ""
        # a site that lost its key makes another; only somebody outside can vouch for that
        if entry["kind"] == CREATED and key_id in self.anchors:
            return ""
        if key_id in self.counted:
            return f"is signed by key {key_id[:16]}…, which {self.in_force[:16]}… replaced"
        is_made_anew = entry["kind"] == CREATED
        hint = "; if the key was lost and made anew, name both fingerprints" if is_made_anew else ""
        return f"is signed by key {key_id[:16]}…, which no key before it named{hint}"

    def may_sign(self, key_id: str) -> bool:
        """Tell whether a key may sign what comes next."""
        return not self.in_force or key_id == self.in_force or key_id in self.named

    def take(self, entry: Mapping[str, Any]) -> None:
        """Go on with an entry that has no fault."""
        key_id = str(entry["key_id"])
        if key_id != self.in_force:
            self.in_force = key_id
            self.named.clear()
        self.counted.add(key_id)
        if entry["kind"] == ROTATED:
            self.named.add(str(entry["details"].get("new_key_id", "")))

    @property
    def fault_at_end(self) -> str:
        """Say what is wrong with the whole where anchors are known, "" if nothing."""
        if not self.anchors or self.counted & self.anchors:
            return ""
        wanted = ", ".join(sorted(f"{each[:16]}…" for each in self.anchors))
        return f"has no entry signed by {wanted}: it is not this site's, or was written anew"

    def _is_stated(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether a new key begins with the word of those before it, as where folders share keys."""
        if entry["kind"] != ROTATED or entry["details"].get("new_key_id") != entry["key_id"]:
            return False
        statements = entry["details"].get("statements")
        if not isinstance(statements, list):
            return False
        return follow_statements(self.in_force, statements, self.keys) == str(entry["key_id"])


def follow_statements(key_id: str, statements: Sequence[Any], keys: PublicKeys) -> str:
    """Return the key to which signature files lead, each of a public key by the one before; "" if they do not hold."""
    for statement in statements:
        named = (
            str(statement.get("signs", "")).removesuffix(".pem")
            if isinstance(statement, dict)
            else ""
        )
        if key_id not in keys or named not in keys:
            return ""
        content, pem = to_canonical(statement), public_pem(keys[named])
        if fault_of_signature_file(content, f"{named}.pem", pem, key_id, keys):
            return ""
        key_id = named
    return key_id
