"""Wait for a Triton server that may still be starting."""

from __future__ import annotations

import time
from collections.abc import Sequence

from domain.errors import Stop, TryAgain
from models.serving.connection import Connection


def wait_for_models(connection: Connection, models: Sequence[str], timeout_s: float) -> None:
    """Wait until the models are loaded; see Connection.check_models_ready for what is raised."""
    give_up_at = time.monotonic() + timeout_s
    while True:
        try:
            return connection.check_models_ready(models)
        except (TryAgain, Stop):
            if time.monotonic() > give_up_at:
                raise
        time.sleep(0.1)
