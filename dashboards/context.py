"""Objects that all pages of one console share; made once, in serve.py."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.access.file_tokens import FileTokens
from dashboards.access.request_guard import RequestGuard
from dashboards.data.evidence_lookup import EvidenceLookup
from dashboards.data.poller import Poller
from dashboards.settings import ConsoleSettings


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    """Settings, loaded data and access checks of the console."""

    settings: ConsoleSettings
    poller: Poller
    tokens: FileTokens
    evidence: EvidenceLookup
    guard: RequestGuard
