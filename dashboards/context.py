"""What all pages of one console share; made once, in serve.py."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.door import Door
from dashboards.evidence_lookup import EvidenceLookup
from dashboards.file_keys import FileKeys
from dashboards.poller import Poller
from dashboards.settings import ConsoleSettings


@dataclass(frozen=True, slots=True)
class Context:
    """The loaded side of the console."""

    settings: ConsoleSettings
    poller: Poller
    keys: FileKeys
    evidence: EvidenceLookup
    door: Door
