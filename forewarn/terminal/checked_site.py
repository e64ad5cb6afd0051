"""Read a site file that is to go live, and refuse what could never work."""

from __future__ import annotations

from pathlib import Path

from domain.base import Fault
from domain.errors import Stop
from domain.site.loading import SiteFileError, load_site, name_lines
from domain.site.site import Site


def load_checked_site(path: Path) -> Site:
    """Read a site file and look for what could never happen, or would happen twice.

    Raises:
        SiteFileError: all faults at once, each with its line.
    """
    # geometry and schedules take a moment to load
    from flows.site_checks.detectors import detector_faults
    from flows.site_checks.rules import site_faults
    from models.registry import read_registry

    site = load_site(path)
    faults = [*site_faults(site), *detector_faults(site, read_registry())]
    refuse(path, [*faults, *_authority_faults(site, path.parent)])
    return site


def _authority_faults(site: Site, folder: Path) -> list[Fault]:
    """Check that the time-stamping authority's certificates can be read: else no stamp could be kept."""
    if site.time_stamping is None:
        return []
    from evidence_store.custody.time_stamps import read_certificates

    try:
        read_certificates(folder / site.time_stamping.ca_file)
    except Stop as error:
        return [(("time_stamping", "ca_file"), str(error))]
    return []


def refuse(path: Path, faults: list[Fault]) -> None:
    """Raise SiteFileError where there are faults."""
    if faults:
        raise SiteFileError(path, name_lines(path, faults))
