"""Read a site file, with the taxonomy that its rules are named by."""

from __future__ import annotations

from pathlib import Path

from domain.checked_yaml import YamlFileError as SiteFileError
from domain.checked_yaml import name_lines, read_checked
from domain.site import Site
from domain.taxonomy import category_faults
from domain.taxonomy_file import load_taxonomy, shipped_taxonomy

__all__ = ["SiteFileError", "load_site", "name_lines"]


def load_site(path: Path) -> Site:
    """Read and check a site file.

    Raises:
        SiteFileError: it, or the taxonomy that it names, is missing, not YAML, or says something
            that does not hold.
    """
    needs = "site, cameras, ladders, rules"
    site = read_checked(path, Site, needs, "samples/site.yaml")
    taxonomy = shipped_taxonomy()
    if site.taxonomy is not None:
        taxonomy = load_taxonomy(path.parent / site.taxonomy)
    if faults := list(category_faults(site, taxonomy)):
        raise SiteFileError(path, name_lines(path, faults))
    return site.with_taxonomy(taxonomy)
