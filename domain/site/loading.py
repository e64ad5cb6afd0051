"""Read a site file, with the taxonomy that its rules are named by."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from domain.checked_yaml import YamlFileError as SiteFileError
from domain.checked_yaml import name_lines, read_checked
from domain.site.checks.categories import category_faults
from domain.site.site import Site
from domain.site.taxonomy import Taxonomy

__all__ = ["SiteFileError", "load_site", "load_taxonomy", "name_lines", "shipped_taxonomy"]

SHIPPED = Path(__file__).with_name("taxonomy.yaml")


def load_site(path: Path, copies: Mapping[str, Path] | None = None) -> Site:
    """Read and check a site file.

    Args:
        path: of the file.
        copies: files to read in place of those that it names, by name; the others are seen from its folder.
    Raises:
        SiteFileError: it, or the taxonomy that it names, is missing, not YAML, or says something
            that does not hold.
    """
    site = read_checked(path, Site, "site, cameras, ladders, rules", "samples/site.yaml")
    taxonomy = shipped_taxonomy()
    if site.taxonomy is not None:
        taxonomy = load_taxonomy((copies or {}).get(site.taxonomy, path.parent / site.taxonomy))
    name = site.taxonomy or "the shipped taxonomy"
    if faults := list(category_faults(site.rules, site.retention.categories, taxonomy, name)):
        raise SiteFileError(path, name_lines(path, faults))
    return site.with_taxonomy(taxonomy)


@cache
def shipped_taxonomy() -> Taxonomy:
    """Return the taxonomy that holds where the site file names none."""
    return load_taxonomy(SHIPPED)


def load_taxonomy(path: Path) -> Taxonomy:
    """Read and check a taxonomy file; SiteFileError where it cannot be used."""
    return read_checked(path, Taxonomy, "classes", "domain/site/taxonomy.yaml")
