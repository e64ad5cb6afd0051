"""Read a YAML file as checked values; every error names file, line, what was needed and what came."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from domain.base import Fault
from domain.errors import Stop

MAX_FILE_BYTES = 4 * 1024 * 1024
_IN_PICTURE = frozenset({"polygon", "points"})
_Model = TypeVar("_Model", bound=BaseModel)


class YamlFileError(Stop):
    """Say why a file cannot be used; `problems` has one line for each fault."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.path = path
        self.problems = problems
        super().__init__("\n".join(problems))


def read_checked(
    path: Path,
    model: type[_Model],
    needs: str,
    example: str,
    names_in: str = "docs/reference/site-file.md",
) -> _Model:
    """Read and check a file.

    Args:
        path: of the file.
        model: what it should fit.
        needs: the settings of its outermost mapping, for messages.
        example: where one may be seen, and what kind of file it is: "samples/site.yaml".
        names_in: the page that lists its settings, for messages.
    Raises:
        YamlFileError: it is missing, not YAML, or says something that does not hold.
    """
    text = _read_text(path, example)
    tree = _parse(path, text, needs)
    # values come from the safe loader: the round-trip loader, which knows the lines, gives scalars
    # of its own classes (its timestamps lose their time zone when they are copied)
    values = _load(path, text, YAML(typ="safe", pure=True))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [
            f"{path}:{_line_of(tree, place)}: {_where(place)}{words}"
            for fault in _root_causes(error.errors(include_url=False))
            for place, words in _places(fault, names_in)
        ]
        raise YamlFileError(path, problems) from None


def name_lines(path: Path, faults: Iterable[Fault]) -> list[str]:
    """Word faults that were found after a file was read, each with its file and line."""
    tree = _parse(path, _read_text(path, ""), "")
    return [f"{path}:{_line_of(tree, place)}: {_where(place)}{words}" for place, words in faults]


def _read_text(path: Path, example: str) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise YamlFileError(path, [f"{path}: larger than 4 MiB; is this the right file?"])
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise YamlFileError(
            path, [f"{path}: cannot be read: {error.strerror}; {example} is an example"]
        ) from error
    except UnicodeDecodeError as error:
        raise YamlFileError(
            path, [f"{path}: not UTF-8 text (byte {error.start}); is this the right file?"]
        ) from error


def _parse(path: Path, text: str, needs: str) -> CommentedMap:
    tree = _load(path, text, YAML(typ="rt"))
    if not isinstance(tree, CommentedMap):
        came = "nothing" if tree is None else type(tree).__name__.removeprefix("Commented").lower()
        raise YamlFileError(path, [f"{path}:1: needs a mapping with {needs}; got {came}"])
    return tree


def _load(path: Path, text: str, loader: YAML) -> Any:
    """Load by one of two loaders: what one of them takes the other may refuse, such as `{{ name }}`."""
    try:
        return loader.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise YamlFileError(path, [f"{path}:{line}: not YAML: {_problem(error)}"]) from error
    except (YAMLError, ValueError) as error:
        raise YamlFileError(path, [f"{path}: not YAML: {str(error).splitlines()[0]}"]) from error
    except RecursionError:
        raise YamlFileError(
            path, [f"{path}: not YAML that can be read: nested too deeply"]
        ) from None


def _problem(error: MarkedYAMLError) -> str:
    """Return the parser's words, without values that they quote: one may be an address with a password."""
    words = str(error.problem)
    return words.partition(" with value ")[0] if isinstance(error, DuplicateKeyError) else words


def _places(fault: Any, names_in: str) -> list[Any]:
    """List (where, what is wrong) of a fault; a check of references finds several at once."""
    return fault.get("ctx", {}).get("faults") or [(fault["loc"], _say(fault, names_in))]


def _root_causes(faults: list[Any]) -> list[Any]:
    """Drop faults of a container whose contents are at fault: Pydantic counts only good items."""
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault in faults
        if not any(
            len(place) > len(fault["loc"]) and place[: len(fault["loc"])] == fault["loc"]
            for place in places
        )
    ]


def _line_of(tree: Any, location: tuple[int | str, ...]) -> int:
    """Find the line (from 1) of the deepest part of the location that the file has."""
    node, line = tree, 0
    for step in location:
        if isinstance(node, CommentedMap) and step in node:
            line = node.lc.key(step)[0]
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            line = node.lc.item(step)[0]
        else:
            break
        node = node[step]
    return int(line) + 1


def _where(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return f"{text}: " if text else ""


def _say(fault: Any, names_in: str) -> str:
    """Word a fault in one sentence: what was needed, what came."""
    kind, message = fault["type"], str(fault["msg"])
    if kind == "missing":
        return "is needed and missing"
    if kind == "extra_forbidden":
        return f"is not a known setting; see {names_in} for the names"
    message = message.removeprefix("Value error, ")
    if kind == "value_error":
        return message
    came = repr(fault.get("input"))
    # what stands where a name of a variable belongs is likely the secret itself
    if "//" in came or str(fault["loc"][-1]).endswith("_env"):
        came = "what is not shown here, for it may hold a password"
    hint = ""
    if kind in ("less_than_equal", "greater_than_equal") and _IN_PICTURE & set(fault["loc"]):
        hint = "; it is a share of the picture: pixels have to be divided by its width or height"
    return f"{message}, got {came if len(came) <= 60 else came[:57] + '...'}{hint}"
