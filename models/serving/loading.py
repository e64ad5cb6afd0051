"""Ask a server that has started which models it could not load, and have it try those once more.

It serves the others meanwhile: a model that was added and is broken must not take the cameras' sight.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

LOAD_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a server has of the models that it was told to load."""

    ready: tuple[str, ...]
    left_out: dict[str, str]  # name -> why


def load_failed_again(http_port: int) -> Loaded:
    """Have a server on this machine load again what it could not: a helper may have been killed meanwhile.

    Raises:
        OSError, http.client.HTTPException: it does not answer.
    """
    loaded = _look(http_port)
    for name in loaded.left_out:
        _post(http_port, f"/v2/repository/models/{name}/load")
    return _look(http_port) if loaded.left_out else loaded


def _look(http_port: int) -> Loaded:
    rows = _post(http_port, "/v2/repository/index") or []
    # one that it was not told to load has no state
    ready = tuple(row["name"] for row in rows if row.get("state") == "READY")
    left_out = {
        row["name"]: row.get("reason") or row["state"]
        for row in rows
        if row.get("state", "READY") != "READY" and row["name"] not in ready
    }
    return Loaded(ready, left_out)


def _post(http_port: int, path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", http_port, timeout=LOAD_TIMEOUT_S)
    try:
        connection.request("POST", path)
        answer = connection.getresponse()
        content = answer.read()
        return json.loads(content) if answer.status == http.client.OK and content else None
    finally:
        connection.close()
