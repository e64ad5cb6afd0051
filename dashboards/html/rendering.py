"""Draw the HTML templates of the console; every value that is filled in is escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).with_name("templates")

_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def render(template: str, **values: object) -> str:
    """Fill in a template of `templates/`; values go by the names it calls them, and text is escaped.

    Raises:
        UndefinedError: the template uses a value that was not given.
    """
    return _environment.get_template(template).render(**values)
