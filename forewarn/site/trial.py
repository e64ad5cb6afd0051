"""Try a revision of the site file in the environment of a run, before any program is stopped for it."""

from __future__ import annotations

from domain.cameras.credentials import credentials_of
from domain.data_dir import DataDir
from domain.errors import Stop
from domain.site.revisions import SiteRevision
from forewarn.programs.secrets import read_secrets


def try_revision(wanted: SiteRevision, runs: SiteRevision, data: DataDir) -> None:
    """Open what the programs of a run open by a revision; nothing is sent, and nothing kept.

    Who put it in force has another environment: what is set there says nothing about the run.

    Args:
        wanted: the revision.
        runs: what the run goes by now.
        data: its data folder.
    Raises:
        Stop: a program could not start with it: a secret is not set or cannot be used, or it is another site's.
    """
    # imported here: a run that is never given another site file needs neither
    from flows.notices.senders import open_senders
    from flows.speech.site_speakers import open_speakers

    site = wanted.site
    if site.site.id != runs.site.site.id:
        raise Stop(
            f"it is of site {site.site.id!r}, and this run of {runs.site.site.id!r}; every site needs a "
            "data folder and a run of its own"
        )
    secrets = read_secrets()
    for camera in site.cameras:
        credentials_of(camera, secrets)
    open_speakers(site, data, secrets, [camera.id for camera in site.cameras])
    open_senders(site, secrets)
