"""Events of the disk and of evidence that waits: for the whole site, not for a camera."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from domain.events.base import EventData

StorageState = Literal["ok", "nearly_full", "full", "read_only"]
EvidenceWork = Literal["sealing", "masking"]


class StorageChanged(EventData):
    """A disk of the data folder is nearly full, full or cannot be written, or is well again."""

    event_type: ClassVar[str] = "forewarn.storage.changed.v1"
    site_id: str
    state: StorageState = Field(
        description="nearly_full: all goes on; full: recordings and evidence wait, the event log lives "
        "on a reserve; read_only: nothing can be written, whatever the reason"
    )
    folders: tuple[str, ...] = Field(
        description="of the data folder that lie on this disk, such as recordings; '.' the data "
        "folder itself, with the event log"
    )
    free_bytes: int = Field(ge=0, description="for forewarn, its reserve not counted")
    size_bytes: int = Field(ge=0, description="of the whole disk")
    reason: str = Field(description="for people: what is the matter, what waits, what to try")
    reason_zh: str = Field(description="the same in Chinese")


class EvidenceBehind(EventData):
    """Evidence waits for longer than it should, or no longer does."""

    event_type: ClassVar[str] = "forewarn.evidence.behind.v1"
    site_id: str
    work: EvidenceWork = Field(
        description="sealing: of offences that have ended; masking: of clips of sealed records"
    )
    is_behind: bool
    count: int = Field(ge=0, description="offences or records that wait")
    oldest_s: float = Field(ge=0, description="how long the first of them has been waiting")
    reason: str = Field(description="for people")
    reason_zh: str = Field(description="the same in Chinese")
