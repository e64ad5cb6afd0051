"""Name the account of the operating system that runs this process."""

from __future__ import annotations

import os
import pwd


def this_account() -> str:
    """Return the name of this process's user id; "uid 1234" where it has none.

    The environment (LOGNAME, USER) is not asked: there everybody may write what they like.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
