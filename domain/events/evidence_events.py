"""Events of evidence: that a record was sealed, and that its clips were masked."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from domain.base import FrozenModel
from domain.events.base import EventData


class EvidenceFile(FrozenModel):
    """One file of an evidence record."""

    name: str = Field(description="relative to the record's folder")
    role: Literal[
        "clip",
        "snapshot",
        "masked snapshot",
        "drawn snapshot",
        "masked clip",
        "announcement",
        "numbers",
        "search vectors",
    ] = Field(description="drawn snapshot: a masked one with what was measured drawn in")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


class EvidenceSealed(EventData):
    """An offence's evidence lies in the vault, hashed."""

    event_type: ClassVar[str] = "forewarn.evidence.sealed.v1"
    evidence_id: str
    offence_id: str
    site_id: str
    camera_id: str
    rule_id: str
    outcome: str
    complete: bool
    missing: tuple[str, ...] = Field(description="which parts are missing and why; () if complete")
    files: tuple[EvidenceFile, ...]
    manifest_sha256: str = Field(
        default="", description="of manifest.json, which names every file; '' before there were any"
    )
    signed_by: str = Field(
        default="", description="id of the key that signed the manifest; '' if it is not signed"
    )


class EvidenceMasked(EventData):
    """Masked copies of a record's clips lie beside it, or why there are none."""

    event_type: ClassVar[str] = "forewarn.evidence.masked.v1"
    evidence_id: str
    offence_id: str
    site_id: str
    camera_id: str
    files: tuple[EvidenceFile, ...] = Field(description="named added/…; () where none was made")
    reason: str = Field(default="", description="why a clip could not be masked; '' if all were")
