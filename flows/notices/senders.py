"""Open a sender for each recipient of a site; addresses come from the environment."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import Stop
from domain.site.site import Site
from flows.notices.apprise_sender import AppriseSender


def open_senders(site: Site, secrets: Mapping[str, str]) -> dict[str, AppriseSender]:
    """Open a sender for each recipient.

    Raises:
        Stop: an address is not set, or is none that apprise knows. The message names the variable
            and never its value.
    """
    senders = {}
    for recipient in site.recipients:
        url = secrets.get(recipient.url_env)
        if not url:
            raise Stop(
                f"recipient {recipient.id!r}: needs an apprise address in {recipient.url_env}, which "
                "is not set; set it in the environment, or in the file that FOREWARN_SECRETS names; "
                "see docs/how-to/notifications.md"
            )
        senders[recipient.id] = AppriseSender(recipient.id, url)
    return senders
