"""Find the font for Chinese and English texts about evidence.

Source: Noto Sans CJK, SIL Open Font License 1.1, out of a package.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from domain.errors import Stop

_FONT_PACKAGE = "cvttf_NotoSansCJK_Regular"
_FONT_NAME = "NotoSansCJKtc-Regular.otf"


def font_folder() -> Path:
    """Return the folder of the font's file; raises Stop if the font's package is not installed."""
    spec = importlib.util.find_spec(_FONT_PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        raise Stop(
            f"texts about evidence need the font package {_FONT_PACKAGE}; run `make setup` to install it"
        )
    return Path(places[0])


def font_file() -> Path:
    """Return the font's file; raises what `font_folder` raises."""
    return font_folder() / _FONT_NAME
