"""The account is the user id's, whatever the environment says."""

from __future__ import annotations

import os
import pwd

import pytest

from domain.access import os_account
from domain.access.os_account import this_account


def test_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert this_account() == pwd.getpwuid(os.getuid()).pw_name != "somebody-else"


def test_a_user_id_without_a_name_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os_account.os, "getuid", lambda: 2**31 - 7)
    assert this_account() == f"uid {2**31 - 7}"
