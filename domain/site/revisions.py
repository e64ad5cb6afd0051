"""Keep revisions of a checked site file in the data folder, so that a later edit reaches no program.

    site/000003.yaml    the site file, byte for byte
    site/000003.json    its hash, where it came from, when and by whom it was frozen; written last
    site/files/<hash>   what site files name and what decides how programs behave

Footage is not frozen, and neither is what paths to it are relative to: the folder of the original.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from pydantic import AwareDatetime, Field, ValidationError

from domain.base import FrozenModel
from domain.errors import Stop
from domain.files import sha256_of, write_atomically
from domain.site.loading import load_site
from domain.site.site import Site

CURE = "put it in force again: forewarn site apply SITE (or start the run with SITE)"
_MODE = 0o640
_NUMBER = re.compile(r"(\d{6,})\.json")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}")


class RevisionFacts(FrozenModel):
    """What is known of one revision beside its content."""

    revision: int = Field(ge=1)
    sha256: str
    files: dict[str, str] = Field(description="SHA-256 of each frozen file, by name")
    source: str = Field(description="path of the original")
    base: str = Field(description="folder that footage and other paths are relative to")
    frozen_at: AwareDatetime
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SiteContent:
    """A site file as it lies there now, with what it names."""

    site: Site
    source: Path
    content: bytes
    files: Mapping[str, bytes] = field(default_factory=dict)  # by name

    @property
    def base(self) -> Path:
        """Return the folder that its paths are relative to."""
        return self.source.parent

    @property
    def sha256(self) -> str:
        """Return the hash of the file's bytes."""
        return sha256(self.content).hexdigest()

    def file_hashes(self) -> dict[str, str]:
        """Return the hash of each file that it names, by name."""
        return {name: sha256(content).hexdigest() for name, content in sorted(self.files.items())}


@dataclass(frozen=True, slots=True)
class SiteRevision:
    """A revision that was read and is what its hashes say."""

    facts: RevisionFacts
    site: Site
    frozen: Mapping[str, Path]  # where the copies of the files that it names lie, by name

    @property
    def number(self) -> int:
        """Return its number."""
        return self.facts.revision

    @property
    def base(self) -> Path:
        """Return the folder that footage and other paths are relative to."""
        return Path(self.facts.base)

    def path_of(self, name: str) -> Path:
        """Return where a file that the site names is to be read: its copy, where it was frozen."""
        return self.frozen.get(name, self.base / name)


@dataclass(frozen=True, slots=True)
class SiteRevisions:
    """Read and write the revisions of one data folder; who writes holds a lock."""

    folder: Path

    def numbers(self) -> list[int]:
        """List the numbers of the revisions that were frozen, in order."""
        found = (_NUMBER.fullmatch(path.name) for path in self.folder.glob("*.json"))
        return sorted(int(match[1]) for match in found if match)

    def yaml(self, number: int) -> Path:
        """Return the path of a revision's site file."""
        return self.folder / f"{number:06}.yaml"

    def facts(self, number: int) -> RevisionFacts:
        """Read what is known of a revision; raises Stop where it is gone or damaged."""
        path = self.folder / f"{number:06}.json"
        try:
            return RevisionFacts.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise Stop(f"{path}: site revision {number} is gone; {CURE}") from None
        except (OSError, ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else "damaged"
            raise Stop(f"{path}: site revision {number} cannot be read ({why}); {CURE}") from error

    def base_of(self, number: int) -> str | None:
        """Return the folder that a revision's paths are relative to; None: its facts are gone or damaged."""
        try:
            return self.facts(number).base
        except Stop:
            return None

    def has_content(self, number: int, content: SiteContent) -> bool:
        """Tell whether a revision was frozen from the same content, in the same folder."""
        if self.base_of(number) != str(content.base):
            return False
        facts = self.facts(number)
        return (facts.sha256, facts.files) == (content.sha256, content.file_hashes())

    def freeze(self, content: SiteContent, facts: RevisionFacts) -> None:
        """Write a revision, or write a damaged one again; OSError: the disk is full or cannot be written."""
        for name, data in content.files.items():
            write_atomically(self._copy(name, sha256(data).hexdigest()), data, mode=_MODE)
        write_atomically(self.yaml(facts.revision), content.content, mode=_MODE)
        as_json = facts.model_dump_json(indent=1).encode()
        write_atomically(self.folder / f"{facts.revision:06}.json", as_json, mode=_MODE)

    def content_of(self, revision: SiteRevision) -> SiteContent:
        """Read the bytes of a revision that was loaded; raises Stop where they are gone or changed since."""
        facts = revision.facts
        content = SiteContent(
            revision.site,
            Path(facts.source),
            _bytes_of(self.yaml(revision.number)),
            {name: _bytes_of(path) for name, path in revision.frozen.items()},
        )
        if (content.sha256, content.file_hashes()) != (facts.sha256, facts.files):
            raise Stop(f"{self.yaml(revision.number)}: was changed while it was read; {CURE}")
        return content

    def still_says(self, content: SiteContent, facts: RevisionFacts) -> bool:
        """Tell whether a revision's files are there and hold these bytes."""
        try:
            return self.facts(facts.revision) == facts and all(
                _bytes_of(path) == wanted
                for path, wanted in [
                    (self.yaml(facts.revision), content.content),
                    *(
                        (self._copy(name, facts.files[name]), wanted)
                        for name, wanted in content.files.items()
                    ),
                ]
            )
        except Stop:
            return False

    def load(self, number: int, sha256: str, files: Mapping[str, str]) -> SiteRevision:
        """Read a revision that somebody else vouches for.

        Args:
            number: of the revision.
            sha256: of the site file, as the event log has it.
            files: of the files that it names, by name, likewise.
        Raises:
            Stop: something of it is gone or was changed.
            SiteFileError: this version of forewarn cannot use what it says.
        """
        facts = self.facts(number)
        _check_hash(self.yaml(number), number, sha256)
        if (facts.sha256, facts.files) != (sha256, dict(files)):
            path = self.folder / f"{number:06}.json"
            raise Stop(
                f"{path}: site revision {number}: names other hashes than the event log; {CURE}"
            )
        frozen = {name: self._copy(name, file_hash) for name, file_hash in files.items()}
        for name, path in frozen.items():
            _check_hash(path, number, files[name], f" ({name})")
        return SiteRevision(facts, load_site(self.yaml(number), frozen), frozen)

    def _copy(self, name: str, file_hash: str) -> Path:
        # some readers go by the ending
        ending = Path(name).suffix if _ENDING.fullmatch(Path(name).suffix) else ""
        return self.folder / "files" / f"{file_hash}{ending}"


def named_files(site: Site) -> list[str]:
    """List the files that a site names and that decide what programs do, footage excepted."""
    recordings = [
        recording.file
        for ladder in site.ladders
        for rung in ladder.rungs
        for recording in rung.recordings
    ]
    authority = [site.time_stamping.ca_file] if site.time_stamping else []
    taxonomy = [site.taxonomy] if site.taxonomy else []
    return sorted({*recordings, *authority, *taxonomy})


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Stop(f"{path}: cannot be read: {error.strerror}; {CURE}") from error


def _check_hash(path: Path, number: int, wanted: str, which: str = "") -> None:
    try:
        found = sha256_of(path)
    except OSError as error:
        raise Stop(
            f"{path}: of site revision {number}{which}, cannot be read: {error.strerror}; {CURE}"
        ) from error
    if found != wanted:
        raise Stop(
            f"{path}: of site revision {number}{which}, was changed: its SHA-256 should be "
            f"{wanted[:12]}…, as the event log has it, and is {found[:12]}…; {CURE}"
        )
