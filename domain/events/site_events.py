"""Events of the site file: which revision of it is in force, and that the file says something else."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from domain.base import FrozenModel
from domain.events.base import EventData


class NamedFile(FrozenModel):
    """A file that a site file names and that was frozen with it: a taxonomy, certificates, a sound."""

    name: str = Field(description="as the site file has it")
    sha256: str = Field(description="of its bytes, in hex")


class SiteApplied(EventData):
    """A revision of the site file is in force from here on: every program reads that one."""

    event_type: ClassVar[str] = "forewarn.site.applied.v1"
    site_id: str
    revision: int = Field(ge=1, description="number of the revision in the data folder's site/")
    sha256: str = Field(description="of the site file's bytes, in hex")
    files: tuple[NamedFile, ...] = Field(
        default=(), description="what was frozen with it, footage excepted"
    )
    by: str = Field(default="", description="who put it in force; '' where a run's start did")
    person: str = Field(
        default="", description="id in the site's people file; '': as typed, nobody checked it"
    )
    reason: str = ""


class SiteFileChanged(EventData):
    """The site file that a live run was started with says something else than what is in force."""

    event_type: ClassVar[str] = "forewarn.site.file-changed.v1"
    site_id: str
    revision: int = Field(ge=1, description="of the site file, the one that stays in force")
    standing: Literal["edited", "faulty", "missing", "refused", "in force"] = Field(
        description="edited: it could be put in force; refused: it was, and this run cannot use it; "
        "in force: it is as it was again"
    )
    reason: str = Field(description="for people: what is the matter, and what to do")
    reason_zh: str = Field(description="the same in Chinese")
