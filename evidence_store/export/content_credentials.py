"""Put content credentials (C2PA) into copies that are handed out: where a picture or clip comes from.

The sealed file stays as it is, for its hash is what was signed. A copy of it gets the credential: which
record, the sealed file's SHA-256, what was done (taken by a camera, masked, exported), signed with the
site's own key. No network is used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.errors import PutAside
from domain.events.catalog import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.keys.signing_keys import Signer

KINDS = {".jpg": "image/jpeg", ".mp4": "video/mp4"}
_CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
# a thumbnail is a second picture that nobody asked for; nothing is fetched from anywhere
_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}


@dataclass(frozen=True, slots=True)
class CredentialWriter:
    """Write copies with a credential in them."""

    signer: Signer
    chain_pem: bytes  # the site's certificate and its issuers

    def write(self, record: EvidenceRecord, file: EvidenceFile, source: Path, target: Path) -> bool:
        """Write a copy of `source`, the sealed bytes of `file`, with a content credential.

        Returns:
            False for a kind of file that cannot hold one (such as .mkv); then nothing is written.
        Raises:
            PutAside: the file is not what its name says.
        """
        import c2pa

        kind = KINDS.get(source.suffix)
        if kind is None:
            return False
        manifest = json.dumps(_manifest(record, file, self.signer.key_id), ensure_ascii=False)
        try:
            with (
                c2pa.Context.from_dict(_SETTINGS) as context,
                c2pa.Signer.from_callback(
                    self.signer.private.sign,
                    c2pa.C2paSigningAlg.ED25519,
                    self.chain_pem.decode(),
                ) as signer,
                c2pa.Builder(manifest, context=context) as builder,
                source.open("rb") as content,
                target.open("w+b") as copy,
            ):
                builder.sign(signer, kind, content, copy)
        except c2pa.C2paError as error:
            target.unlink(missing_ok=True)
            raise PutAside(f"{file.name}: cannot hold a content credential: {error}") from error
        return True


def _manifest(record: EvidenceRecord, file: EvidenceFile, key_id: str) -> dict[str, Any]:
    created = {
        "action": "c2pa.created",
        "digitalSourceType": _CAPTURE,
        "description": f"Taken by camera {record.camera_id}",
    }
    if "clip" in file.role:
        created["when"] = record.clip_from_at.astimezone(UTC).isoformat(timespec="seconds")
    actions = [created]
    if file.role.startswith(("masked", "drawn")):
        actions.append(
            {
                "action": "c2pa.filtered",
                "description": "Everybody but the subject, and the subject's face, were masked by "
                "software; the pixels below are gone",
            }
        )
    if file.role.startswith("drawn"):
        words = "Place, box and a caption with what was measured were drawn in by software"
        actions.append({"action": "c2pa.drawing", "description": words})
    actions.append(
        {
            "action": "c2pa.published",
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "description": "Exported from sealed evidence",
        }
    )
    return {
        "claim_generator_info": [{"name": "forewarn", "version": record.software_version}],
        "title": f"{record.evidence_id} {file.name}",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {
                "label": "forewarn.evidence",
                "data": {
                    "evidence_id": record.evidence_id,
                    "file": file.name,
                    "role": file.role,
                    "sealed_sha256": file.sha256,
                    "site_key": key_id,
                },
            },
        ],
    }
