"""List the generated files; write them, or check that they are up to date."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from domain.access.people import People
from domain.errors import Stop
from domain.files import write_atomically
from domain.site.site import Site
from event_log import schema_files
from forewarn.generated_docs.commands_page import commands_page
from forewarn.generated_docs.ladder_page import ladder_page
from forewarn.generated_docs.site_reference import site_reference

ROOT = Path(__file__).resolve().parents[2]

# parts of pages that are written by hand otherwise: (page, first line, last line)
SETTINGS = (
    "docs/reference/site-file.md",
    "<!-- settings: printed from domain/site/site.py by `make docs` -->",
    "<!-- end of settings -->",
)
EVENT_TYPES = (
    "docs/reference/events.md",
    "<!-- types: made by event_log/schema_files.py -->",
    "<!-- end of types -->",
)
SCHEMAS = "event_log/schemas"


def render(root: Path) -> dict[str, str]:
    """Return the text of every generated file, by its path under `root`.

    Raises:
        Stop: a page that is only partly generated is missing, or has lost its markers.
    """
    pages = {
        "docs/reference/ladder.md": ladder_page(),
        "docs/reference/commands.md": commands_page(),
        "docs/reference/site.schema.json": schema_of(Site),
        "docs/reference/people.schema.json": schema_of(People),
        SETTINGS[0]: fill_in(root, *SETTINGS, site_reference()),
        EVENT_TYPES[0]: fill_in(root, *EVENT_TYPES, schema_files.types_list()),
    }
    return pages | {f"{SCHEMAS}/{name}": text for name, text in schema_files.render().items()}


def schema_of(file: type[BaseModel]) -> str:
    """Return the JSON Schema of a file that people write, for editors and other programs."""
    schema = {"$schema": schema_files.DIALECT, **file.model_json_schema()}
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def fill_in(root: Path, page: str, first: str, last: str, content: str) -> str:
    """Replace what stands between a page's two markers."""
    path = root / page
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise Stop(f"{path}: cannot be read: {error.strerror}; only a part is generated") from error
    before, found_first, rest = text.partition(first)
    _, found_last, after = rest.partition(last)
    if not found_first or not found_last:
        raise Stop(f"{path}: needs the lines {first!r} and {last!r} around its generated part")
    return f"{before}{first}\n{content.rstrip()}\n{last}{after}"


def check(root: Path) -> list[str]:
    """Return the paths of files that are missing, differ from the code, or should not be there."""
    rendered = render(root)
    stale = [name for name, text in rendered.items() if _text_of(root / name) != text]
    return sorted(stale + _left_over(root, rendered))


def write(root: Path) -> list[str]:
    """Bring every generated file up to date; return the paths of those that were not."""
    rendered = render(root)
    stale = check(root)
    for name in stale:
        if name in rendered:
            write_atomically(root / name, rendered[name].encode(), durable=False)
        else:
            (root / name).unlink()
    return stale


def _left_over(root: Path, rendered: dict[str, str]) -> list[str]:
    """Find schemas of event types that are gone."""
    names = (f"{SCHEMAS}/{path.name}" for path in (root / SCHEMAS).glob("*.schema.json"))
    return [name for name in names if name not in rendered]


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
