"""The font for Chinese and English on what is written about evidence.

Source: Noto Sans CJK, SIL Open Font License 1.1, out of a package.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from domain.errors import Stop

_FONT_PACKAGE = "cvttf_NotoSansCJK_Regular"
_FONT_NAME = "NotoSansCJKtc-Regular.otf"


def font_folder() -> Path:
    """Where the font's file lies.

    Raises:
        Stop: it is not installed.
    """
    found = importlib.util.find_spec(_FONT_PACKAGE)
    places = list(found.submodule_search_locations or []) if found else []
    if not places:
        raise Stop(
            f"texts about evidence need the font package {_FONT_PACKAGE}; run `make setup` to install it"
        )
    return Path(places[0])


def font_file() -> Path:
    """The font's own file.

    Raises:
        Stop: the package is not installed.
    """
    return font_folder() / _FONT_NAME
