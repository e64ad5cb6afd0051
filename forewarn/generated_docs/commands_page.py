"""Print docs/reference/commands.md: every command with its options, from the command line itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

_HEAD = """\
<!-- printed from forewarn/commands/ by `make docs`; change it there -->
# Commands

`forewarn COMMAND --help` says the same in the terminal. People read stderr, programs stdout: with
`--json` a command prints nothing but JSON there.

## Exit codes

- 0: done, or stopped as asked
- 1: something checked is not as it should be (evidence that does not verify, a finding): see the output
- 2: the command line is wrong
- 65: an item cannot be used (a camera, a picture), or a command was refused
- 75: something is away (server, disk, lock): try again
- 77: not allowed, or a wrong password
- 78: the set-up is wrong (site file, environment, models not built): correct it
- 130, 143: Ctrl-C or SIGTERM ended another command than `run` and `up`
"""
_ROOT = str(Path(__file__).resolve().parents[2]) + "/"


def commands_page() -> str:
    """Return the whole page."""
    from forewarn.command_line import build_app  # it loads every command

    return "\n".join([_HEAD, *_sections(typer.main.get_command(build_app()), "forewarn", None)])


def _sections(command: Any, path: str, parent: Any) -> Iterator[str]:
    """Return a section for the command, then those of its own commands."""
    context = command.context_class(command, info_name=path.rpartition(" ")[2], parent=parent)
    if parent is not None:
        yield _section(command, path, context)
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _sections(inner, f"{path} {name}", context)


def _section(command: Any, path: str, context: Any) -> str:
    depth = "#" * path.count(" ")
    lines = [f"#{depth} {path}", "", _as_markdown(command.help or "")]
    records = [
        parameter.get_help_record(context) for parameter in command.params if not parameter.hidden
    ]
    rows = [(_tidy(left), _tidy(right)) for left, right in filter(None, records)]
    if rows:
        lines += ["", "| option | meaning |", "| --- | --- |"]
        lines += [f"| `{left}` | {right} |" for left, right in rows]
    return "\n".join(lines) + "\n"


def _as_markdown(words: str) -> str:
    """Turn help text into Markdown: examples become code, a remark in brackets a comment."""
    words = re.sub(r"^(Example: .+?) {2,}\((.+)\)$", r"\1  # \2", words, flags=re.MULTILINE)
    return re.sub(r"^Example: (.+)$", r"```sh\n\1\n```", words.strip(), flags=re.MULTILINE)


def _tidy(words: str) -> str:
    """Join into one line, without anything of the machine that it was printed on."""
    return " ".join(words.replace(_ROOT, "").split()).replace("|", "\\|")
