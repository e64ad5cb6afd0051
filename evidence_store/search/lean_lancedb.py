"""Import LanceDB without the client of a catalogue server that it loads along and a folder never needs.

Some 200 Pydantic models of a REST client are more than half of what importing LanceDB costs. Their names are
given by stand-ins while it is imported; of a folder only the list of its tables is made of one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

_CLIENT = "lance_namespace_urllib3_client"


def load_lancedb() -> Any:
    """Return the module `lancedb`, imported at the first call."""
    if "lancedb" in sys.modules or _CLIENT in sys.modules:
        import lancedb

        return lancedb
    finder = _StandIns()
    sys.meta_path.insert(0, finder)
    try:
        import lancedb
    finally:
        sys.meta_path.remove(finder)
        # who asks for the client itself gets it
        for name in [name for name in sys.modules if _is_of_client(name)]:
            del sys.modules[name]
    return lancedb


def _is_of_client(name: str) -> bool:
    return name.split(".")[0] == _CLIENT


class _StandIn(ModuleType):
    """Has a plain class under each name that it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (SimpleNamespace,), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


class _StandIns(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if _is_of_client(fullname) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leave it empty."""
