"""`forewarn triton`: run the embedded server, or ask any server how it is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from domain.errors import Stop, TryAgain
from flows.signals import install_stop_signals
from forewarn.programs.supervision.supervisor import in_order
from forewarn.terminal.models_note import note_left_out
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    console,
    data_dir,
    print_json,
)
from models.serving.environment import DEFAULT_ENVIRONMENT
from models.serving.running import find_running

if TYPE_CHECKING:
    from models.serving.status import ServerStatus

app = typer.Typer(
    no_args_is_help=True,
    help="The Triton Inference Server that answers for the models.\n\n"
    "Example: forewarn triton serve   (then, elsewhere: forewarn triton status)",
)

PortOption = Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free port.")]


@app.command()
def serve(
    grpc_port: PortOption = 0,
    http_port: PortOption = 0,
    metrics_port: PortOption = 0,
    environment: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The server's own Python environment (.venv-triton)."),
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Run a Triton server on loopback with all models, until Ctrl-C or SIGTERM.

    Its address is printed when it is ready, and is found by other commands with the same --data.

    Example: forewarn triton serve --grpc-port 8001
    """
    from models.serving.check import check_answers
    from models.serving.connection import connect
    from models.serving.server import TritonServer

    server = TritonServer(
        data_dir(data).triton,
        environment=environment or DEFAULT_ENVIRONMENT,
        grpc_port=grpc_port,
        http_port=http_port,
        metrics_port=metrics_port,
    )
    stopped, _ = install_stop_signals()
    with in_order(stopped), server:
        with console.status("starting the Triton server"):
            server.wait_ready(given_up=stopped.is_set)
            with connect(server.address) as connection:
                note_left_out(check_answers(connection))
        ports = {"http_port": server.http_port, "metrics_port": server.metrics_port}
        if as_json:
            print_json({"address": server.address, "pid": server.pid, **ports})
        console.print(
            f"Triton answers (rightly) at {server.address}; HTTP {server.http_port}, "
            f"metrics {server.metrics_port}, log {server.log_file}. Ctrl-C ends it.",
            highlight=False,
            soft_wrap=True,
        )
        while not stopped.wait(0.5):
            if not server.is_alive:
                raise Stop(f"the Triton server ended by itself:\n{server.log_tail()}")
    console.print("Triton has ended.")


@app.command()
def status(
    triton: Annotated[
        str | None,
        typer.Option("--triton", metavar="HOST:PORT", help="gRPC address; else that of --data."),
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Say whether a server is up, which models are ready, and whether its answers are right.

    Ends with 0 if all is well, 75 if no server can be reached, 78 if its answers are wrong.

    Example: forewarn triton status --triton 127.0.0.1:8001 --json
    """
    from models.serving.check import check_answers
    from models.serving.connection import connect
    from models.serving.status import read_status

    folder = data_dir(data).triton
    address = triton or find_running(folder)
    if address is None:
        raise TryAgain(
            f"no Triton server runs for {folder}; start one with `forewarn triton serve`, or name "
            "one with --triton HOST:PORT"
        )
    with connect(address) as connection:
        found = read_status(connection)
        wrong: Stop | None = None
        left_out: dict[str, str] = {}
        try:
            left_out = check_answers(connection)
        except Stop as error:
            wrong = error
        how = "shared memory" if connection.uses_shared_memory else "gRPC"
    if as_json:
        fault = str(wrong) if wrong else None
        print_json(
            asdict(found)
            | {"transport": how, "answers_right": not wrong, "fault": fault, "left_out": left_out}
        )
    else:
        _print(found, how, answers_right=wrong is None)
        note_left_out(left_out)
    if wrong:
        raise wrong


def _print(found: ServerStatus, how: str, *, answers_right: bool) -> None:
    verdict = "right" if answers_right else "WRONG"
    console.print(
        f"Triton {found.version} at {found.address}, by {how}; its answers are {verdict}",
        highlight=False,
    )
    table = Table(
        "model", "state", "requests", "failed", "pictures", "batch", "waits", "answers in"
    )
    for model in found.models:
        table.add_row(
            model.name,
            model.state if not model.reason else f"{model.state}: {model.reason}",
            *(str(n) for n in (model.requests, model.failures, model.pictures, model.mean_batch)),
            f"{model.waiting_ms} ms",
            f"{model.answering_ms} ms",
        )
    console.print(table)
