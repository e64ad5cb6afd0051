"""Which files of a record may be seen without a reason, and which are originals."""

from __future__ import annotations

# what may be shown, and may leave, without a reason; all else is an original: encrypted where the site
# has a key for that, and looked at with a reason only
OPEN_ROLES = ("masked snapshot", "drawn snapshot", "masked clip", "announcement", "numbers")


def is_original(role: str) -> bool:
    """True for what shows people as the camera saw them, and for every role not known to be open."""
    return role not in OPEN_ROLES
