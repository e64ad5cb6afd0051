"""Where a running forewarn keeps its things: one folder, `var/` unless --data says another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataDir:
    """Layout of the data folder; nothing else may spell these names."""

    root: Path

    @property
    def events_db(self) -> Path:
        """SQLite file of the event log."""
        return self.root / "events.sqlite"

    @property
    def evidence(self) -> Path:
        """The vault: one folder for each evidence record."""
        return self.root / "evidence"

    @property
    def custody(self) -> Path:
        """What was done with evidence, by whom and why: a signed, linked entry a line."""
        return self.root / "custody.jsonl"

    @property
    def holds(self) -> Path:
        """Legal holds in force, a small file each."""
        return self.root / "holds"

    @property
    def keys(self) -> Path:
        """Public keys that check this folder's signatures; the private one, unless kept elsewhere."""
        return self.root / "keys"

    @property
    def people(self) -> Path:
        """Who may do what; none: nobody may see what is unmasked."""
        return self.root / "people.yaml"

    @property
    def lancedb(self) -> Path:
        """LanceDB database of evidence rows and vectors."""
        return self.root / "lancedb"

    @property
    def recordings(self) -> Path:
        """Segments of live cameras, a folder each."""
        return self.root / "recordings"

    @property
    def announcements(self) -> Path:
        """Sounds spoken, as the file speaker writes them."""
        return self.root / "announcements"

    @property
    def notifications(self) -> Path:
        """What is remembered of each message to people, and its masked picture for a day."""
        return self.root / "notifications"

    @property
    def speech_cache(self) -> Path:
        """Synthesised texts, by hash, so that a warning is ready when it is due."""
        return self.root / "speech"

    @property
    def live(self) -> Path:
        """Latest picture and state of each camera, for the console."""
        return self.root / "live"

    @property
    def recovery(self) -> Path:
        """Bytewax recovery stores, one folder for each dataflow."""
        return self.root / "recovery"

    @property
    def triton(self) -> Path:
        """Embedded Triton server: address, log."""
        return self.root / "triton"

    @property
    def audits(self) -> Path:
        """Results of evidence audits, as JSON."""
        return self.root / "audits"

    @property
    def beats(self) -> Path:
        """Signs of life of the running programs."""
        return self.root / "beats"

    @property
    def locks(self) -> Path:
        """Who holds this folder, and each program's place in it."""
        return self.root / "locks"

    @property
    def logs(self) -> Path:
        """Log files of the programs that `forewarn run` starts."""
        return self.root / "logs"
