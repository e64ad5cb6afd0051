"""Tell the files of a record that may be seen without a reason from its originals."""

from __future__ import annotations

# what may be shown, and may leave, without a reason; all else is an original: encrypted where the site
# has a key for that, and looked at with a reason only
OPEN_ROLES = ("masked snapshot", "drawn snapshot", "masked clip", "announcement", "numbers")


def is_original(role: str) -> bool:
    """Tell whether files of a role show people as the camera saw them; unknown roles count as such."""
    return role not in OPEN_ROLES
