"""The taxonomy as a file: the one that comes with forewarn, or a city's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from domain.checked_yaml import read_checked
from domain.taxonomy import Taxonomy

SHIPPED = Path(__file__).with_name("taxonomy.yaml")


@cache
def shipped_taxonomy() -> Taxonomy:
    """The one that holds where the site file names none."""
    return load_taxonomy(SHIPPED)


def load_taxonomy(path: Path) -> Taxonomy:
    """Read and check a taxonomy file.

    Raises:
        YamlFileError: it is missing, not YAML, or says something that does not hold.
    """
    return read_checked(path, Taxonomy, "classes", "domain/taxonomy.yaml")
