"""Start and end a real Triton server on this machine, out of its own environment.

>>> with TritonServer(data_dir.triton) as server:    # doctest: +SKIP
...     server.wait_ready()
...     connection = connect(server.address)
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from domain.errors import Stop, TryAgain
from models.building import lay_out_configs
from models.registry import TRITON_REPO, read_registry
from models.serving.environment import DEFAULT_ENVIRONMENT, inspect_environment
from models.serving.loading import load_failed_again
from models.serving.running import (
    NOTE,
    RunningServer,
    end_helpers,
    end_unguarded,
    is_ready,
    read_note,
    wait_for_orphan,
)
from models.serving.shared_memory import name_prefix, remove_leftovers

OPENVINO_BACKEND = Path(__file__).resolve().parents[1] / "triton_backend" / "openvino"
GUARDIAN = Path(__file__).with_name("guardian.py")
EXIT_TIMEOUT_S = 10  # for requests under way
PORT_ATTEMPTS = 3
LOOPBACK = "127.0.0.1"


class EndedWhileStarting(Stop):
    """The server ended by itself; a helper of it may have been killed, so once more may help."""


class TritonServer:
    """An embedded Triton server: loopback only, ends with the process that started it."""

    def __init__(
        self,
        folder: Path,
        *,
        triton_repo: Path = TRITON_REPO,
        more_repos: Sequence[Path] = (),
        environment: Path = DEFAULT_ENVIRONMENT,
        models: Sequence[str] = ("*",),
        grpc_port: int = 0,
        http_port: int = 0,
        metrics_port: int = 0,
        withheld: frozenset[str] = frozenset(),
    ) -> None:
        """Say what to start; nothing happens yet.

        The folder, `DataDir.triton`, is for the log, the note server.json and links. Models are names of
        folders in the repositories, "*" is all of them; a port of 0 picks a free one. Variables of the
        environment that are `withheld` are secrets of ours.
        """
        self.folder = folder.absolute()
        self.log_file = self.folder / "tritonserver.log"
        self._repos = [triton_repo.absolute(), *(repo.absolute() for repo in more_repos)]
        self._environment = environment
        self._withheld = withheld
        self._models = tuple(models)
        self._wanted_ports = (grpc_port, http_port, metrics_port)
        self._guardian: subprocess.Popen[str] | None = None
        self._note: RunningServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the tritonserver program."""
        return self._running.pid

    @property
    def address(self) -> str:
        """Address of its gRPC service: "127.0.0.1:PORT"."""
        return self._running.address

    @property
    def http_port(self) -> int:
        """Port of its HTTP service."""
        return self._running.http_port

    @property
    def metrics_port(self) -> int:
        """Port at which Prometheus reads its metrics."""
        return self._running.metrics_port

    @property
    def is_alive(self) -> bool:
        """False before start() and after the server ended, however it did."""
        return self._guardian is not None and self._guardian.poll() is None

    @property
    def has_lost_a_helper(self) -> bool:
        """True where a Python backend of it is dead: its model answers no more."""
        return self._note is not None and self.is_alive and self._note.has_lost_a_helper

    def start(self) -> None:
        """Start the server process; wait_ready() says when it serves.

        Raises:
            Stop: the environment or the built models are not fit, see the message; or a server
                runs for this folder already.
        """
        wait_for_orphan(self.folder)
        before = read_note(self.folder)
        if before is not None and before.is_alive:
            raise Stop(
                f"{self.folder}: a Triton server runs already, process {before.pid}, at "
                f"{before.address}; use it with --triton {before.address}, or end it first"
            )
        end_helpers(self.folder)
        for repo in self._repos:
            lay_out_configs(read_registry().models, repo)
        self._check_models_are_built()
        environment = inspect_environment(self._environment)
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers()
        environment.lay_out_backends(self.folder / "backends", OPENVINO_BACKEND)
        ports = _pick_ports(self._wanted_ports)
        command = [
            *(sys.executable, "-I", "-S", str(GUARDIAN), str(os.getpid())),
            str(EXIT_TIMEOUT_S + 5),
            str(environment.tritonserver),
            *self._arguments(*ports),
        ]
        if self.log_file.exists():
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("wb") as log:
            self._guardian = subprocess.Popen(
                command,
                env=environment.variables(self._withheld),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C reaches the owner only, who ends it in order
            )
        assert self._guardian.stdout is not None
        pid = self._guardian.stdout.readline().strip()
        self._guardian.stdout.close()
        if not pid:
            self._guardian.wait()
            raise Stop(f"the Triton server did not start:\n{self.log_tail()}")
        self._note = RunningServer(
            pid=int(pid),
            owner_pid=os.getpid(),
            address=f"{LOOPBACK}:{ports[0]}",
            http_port=ports[1],
            metrics_port=ports[2],
            log_file=str(self.log_file),
        )
        self._note.write(self.folder)

    def wait_ready(
        self, timeout_s: float = 60.0, given_up: Callable[[], bool] = lambda: False
    ) -> None:
        """Wait until it serves what it could load, or nobody waits for it any more.

        Raises:
            EndedWhileStarting: by itself, or it could load nothing; the message has the end of its log.
            TryAgain: it was not ready in time, or somebody killed it or its guardian, or it was given up.
        """
        deadline = time.monotonic() + timeout_s
        attempt = 1
        while not is_ready(self.http_port):
            if given_up():
                raise TryAgain("the Triton server was asked to end while starting")
            if not self.is_alive:
                if self._was_killed():
                    raise TryAgain("the Triton server was killed while starting")
                if attempt == PORT_ATTEMPTS or not self._lost_its_port():
                    words = f"the Triton server ended while starting:\n{self.log_tail()}"
                    raise EndedWhileStarting(words)
                attempt += 1
                self.start()
            if time.monotonic() > deadline:
                raise TryAgain(
                    f"the Triton server was not ready after {timeout_s:.0f} s; the end of "
                    f"{self.log_file}:\n{self.log_tail()}"
                )
            time.sleep(0.1)
        self._need_a_model()

    def _need_a_model(self) -> None:
        try:
            loaded = load_failed_again(self.http_port)
        except (OSError, http.client.HTTPException) as error:
            raise TryAgain(f"the Triton server went away while starting: {error}") from error
        if not loaded.ready:
            words = f"the Triton server ended while starting: no model loads:\n{self.log_tail()}"
            self.stop()
            raise EndedWhileStarting(words)

    def stop(self, timeout_s: float = EXIT_TIMEOUT_S + 10.0) -> None:
        """End the server and its helpers; requests under way may finish. Safe to call twice."""
        if self._guardian is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._guardian.send_signal(signal.SIGTERM)
        try:
            self._guardian.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._guardian.kill()  # the server gets SIGTERM when its guardian dies
            self._guardian.wait()
        if self._guardian.returncode == -signal.SIGKILL:
            end_unguarded(self.folder, EXIT_TIMEOUT_S)
        (self.folder / NOTE).unlink(missing_ok=True)

    def log_tail(self, lines: int = 12) -> str:
        """Read what went wrong from the server's log: its last errors, or its last lines without any."""
        try:
            text = self.log_file.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            return f"(no log: {error.strerror})"
        kept = [line for line in text.splitlines() if line.strip() and line[0] not in "|+"]
        errors = [line for line in kept if _is_error(line)]
        return "\n".join((errors or kept)[-lines:]) or "(the log is empty)"

    @property
    def _running(self) -> RunningServer:
        if self._note is None:
            raise Stop("the Triton server was not started; call start() first")
        return self._note

    def _check_models_are_built(self) -> None:
        there = {c.parent.name: c.parent for r in self._repos for c in r.glob("*/config.pbtxt")}
        wanted = sorted(there) if "*" in self._models else self._models
        built = {name for name in there if (there[name] / "1" / "model.xml").exists()}
        missing = [name for name in wanted if name not in built]
        if missing or not wanted:
            raise Stop(
                f"{self._repos[0]}: not built yet: {', '.join(missing) or 'no model at all'}; "
                "run `forewarn models build`"
            )

    def _arguments(self, grpc_port: int, http_port: int, metrics_port: int) -> list[str]:
        return [
            *(f"--model-repository={repo}" for repo in self._repos),
            f"--backend-directory={self.folder / 'backends'}",
            "--model-control-mode=explicit",
            # a model that does not load is left out; ready is who serves the others
            "--exit-on-error=false",
            "--strict-readiness=false",
            *(f"--load-model={name}" for name in self._models),
            "--disable-auto-complete-config",
            *(f"--{kind}-address={LOOPBACK}" for kind in ("grpc", "http", "metrics")),
            f"--grpc-port={grpc_port}",
            f"--http-port={http_port}",
            f"--metrics-port={metrics_port}",
            # a killed server leaves its shared memory; under our name the next start removes it
            f"--backend-config=python,shm-region-prefix-name={name_prefix()}triton-",
            "--allow-gpu-metrics=false",
            "--cuda-memory-pool-byte-size=0:0",
            "--pinned-memory-pool-byte-size=0",
            f"--exit-timeout-secs={EXIT_TIMEOUT_S}",
        ]

    def _was_killed(self) -> bool:
        """Tell whether the server died of kill -9, or its guardian did.

        Where the server did, the guardian exits as a shell would.
        """
        killed = (128 + signal.SIGKILL, -signal.SIGKILL)
        return self._guardian is not None and self._guardian.returncode in killed

    def _lost_its_port(self) -> bool:
        """Tell whether somebody took a free port between picking it and using it."""
        return 0 in self._wanted_ports and "in use" in self.log_tail(60).lower()


def _is_error(line: str) -> bool:
    # Triton looks for a GPU driver on every machine and calls its absence an error
    is_error = line.startswith(("error:", "F")) or (line[0] == "E" and line[1:2].isdigit())
    return is_error and "CudaDriverHelper" not in line


def _pick_ports(wanted: tuple[int, int, int]) -> tuple[int, int, int]:
    with contextlib.ExitStack() as held:
        ports = []
        for port in wanted:
            if port == 0:
                probe = held.enter_context(socket.socket())
                probe.bind((LOOPBACK, 0))
                port = probe.getsockname()[1]
            ports.append(port)
    return ports[0], ports[1], ports[2]
