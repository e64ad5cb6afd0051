"""Choose the Triton server of a run: the named one, one that runs already, or one of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from domain.data_dir import DataDir
from domain.errors import ForewarnError, TryAgain
from models.serving.running import find_running
from models.text_search.installed import installed_pair

if TYPE_CHECKING:
    from models.serving.server import TritonServer

log = structlog.get_logger()

GivenUp = Callable[[], bool]

RESTART_PAUSE_S = 2.0
START_ATTEMPTS = 5
HELPERS_EVERY_S = 2.0


class Serving:
    """A Triton server's address, and keeping an embedded one alive."""

    def __init__(
        self,
        address: str,
        data: DataDir | None = None,
        given_up: GivenUp = lambda: False,
        withheld: frozenset[str] = frozenset(),
    ) -> None:
        self.address = address
        self.left_out: dict[str, str] = {}  # models that cannot be used, and why; as last proved
        self._withheld = withheld
        self._data = data
        self._given_up = given_up
        self._server: object | None = None
        self._retry_at_s = 0.0
        self._look_at_s = 0.0  # for helpers
        self._was_crippled = False

    @property
    def is_embedded(self) -> bool:
        """True when this run started the server and ends it."""
        return self._data is not None

    def withhold(self, variables: frozenset[str]) -> None:
        """Give an embedded server these variables of the environment no more, from its next start on."""
        self._withheld = variables

    def start(self) -> None:
        """Start the embedded server; the same ports after a crash, since programs know them."""
        from models.serving.server import TritonServer

        assert self._data is not None
        port = int(self.address.rsplit(":", 1)[1]) if self.address else 0
        pair = installed_pair()
        server = TritonServer(
            self._data.triton,
            grpc_port=port,
            more_repos=[pair.triton_repo] if pair else [],
            withheld=self._withheld,
        )
        self._server = server
        server.start()
        try:
            server.wait_ready(given_up=self._given_up)
        except BaseException:
            server.stop()
            raise
        self.address = server.address

    def keep_alive(self) -> None:
        """Start the embedded server again if it, or a helper of it, died; to be called now and then."""
        from models.serving.server import TritonServer

        if not isinstance(self._server, TritonServer):
            return
        if self._server.is_alive and not self._is_crippled(self._server):
            return
        if time.monotonic() < self._retry_at_s:
            return
        log.error(
            "triton_died",
            address=self.address,
            log_file=str(self._server.log_file),
            reason=self._server.log_tail(1),
        )
        try:
            self._server.stop()
            self.start()
            log.info("triton_back", address=self.address)
        except ForewarnError as error:
            log.error("triton_not_back", reason=str(error))
            self._retry_at_s = time.monotonic() + RESTART_PAUSE_S

    def _is_crippled(self, server: TritonServer) -> bool:
        """Tell whether a helper is dead at this look and was at the last: one just dead may be collected."""
        if time.monotonic() < self._look_at_s:
            return False
        self._look_at_s = time.monotonic() + HELPERS_EVERY_S
        was, self._was_crippled = self._was_crippled, server.has_lost_a_helper
        return was and self._was_crippled

    def stop(self) -> None:
        """End the embedded server, if there is one."""
        from models.serving.server import TritonServer

        if isinstance(self._server, TritonServer):
            self._server.stop()


@contextmanager
def serving(
    address: str | None,
    data: DataDir,
    given_up: GivenUp = lambda: False,
    withheld: frozenset[str] = frozenset(),
) -> Iterator[Serving]:
    """Serve the models by a server whose answers were proved with a known picture.

    Args:
        address: HOST:PORT of an existing server's gRPC service; None: the one that runs for this
            data folder, else one of our own, which ends with the block.
        data: the data folder, which the embedded server's files lie in.
        given_up: whether the server is waited for no more.
        withheld: variables of the environment that a server of our own does not get.
    Raises:
        TryAgain: it does not answer, or is not waited for. Stop: it answers wrongly, or cannot be started.
    """

    found = address or find_running(data.triton)
    chosen = Serving(found) if found else Serving("", data, given_up, withheld)
    try:
        if found:
            _prove(chosen)
        else:
            _start_and_prove(chosen, given_up)
        yield chosen
    finally:
        chosen.stop()


def _start_and_prove(chosen: Serving, given_up: GivenUp) -> None:
    """Start a server of our own and prove its answers.

    One that is killed while it starts is started again, a few times; one that ends by itself once,
    for that is how the death of one of its helpers looks.
    """
    from models.serving.server import EndedWhileStarting

    for attempt in range(1, START_ATTEMPTS + 1):
        if given_up():
            raise TryAgain("no Triton server was started: asked to end")
        try:
            chosen.start()
            _prove(chosen)
        except TryAgain as error:
            chosen.stop()
            log.error("triton_did_not_start", attempt=attempt, reason=str(error))
            if attempt == START_ATTEMPTS or given_up():
                raise
        except EndedWhileStarting as error:
            chosen.stop()
            log.error("triton_did_not_start", attempt=attempt, reason=str(error))
            if attempt > 1:
                raise
        else:
            return


def _prove(chosen: Serving) -> None:
    from models.serving.check import check_answers
    from models.serving.client import connect

    connection = connect(chosen.address)
    try:
        chosen.left_out = check_answers(connection)
    except TryAgain as error:
        raise TryAgain(f"{chosen.address}: {error}; is a Triton server running there?") from error
    finally:
        connection.close()
    for name, why in chosen.left_out.items():
        log.error("model_left_out", model=name, reason=why)
