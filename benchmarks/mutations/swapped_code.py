"""Put changed code into functions that live already, so that nothing need be imported again.

Whoever holds such a function, by whatever name, has the changed one from then on. What a module does while it
is imported cannot be changed so.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from inspect import CO_OPTIMIZED
from types import CodeType, FunctionType

Pair = tuple[CodeType, CodeType]  # of one function: as it is, and changed


def changed_functions(old: CodeType, new: CodeType) -> list[Pair] | None:
    """Pair the outermost functions of a module that differ; None: more than functions do."""
    if _own(old) != _own(new):
        return None
    pairs: list[Pair] = []
    for one, other in zip(_inner(old), _inner(new), strict=True):
        if _is_same(one, other):
            continue
        if one.co_flags & CO_OPTIMIZED:
            pairs.append((one, other))
            continue
        of_class = changed_functions(one, other)
        if of_class is None:
            return None
        pairs += of_class
    return pairs


def place_of(code: CodeType) -> str:
    """Name where a function is written."""
    return f"{code.co_filename}:{code.co_firstlineno}:{code.co_qualname}"


def swap(pairs: Sequence[Pair]) -> bool:
    """Change all functions of these places; False: one is not alive."""
    new = {place_of(one): other for one, other in pairs}
    alive: set[str] = set()
    for each in gc.get_objects():
        if type(each) is FunctionType and (code := new.get(place := place_of(each.__code__))):
            each.__code__ = code
            alive.add(place)
    return alive == new.keys()


def _inner(code: CodeType) -> Iterator[CodeType]:
    return (each for each in code.co_consts if isinstance(each, CodeType))


def _own(code: CodeType) -> tuple[object, ...]:
    """Return what a code does itself, wherever it is written."""
    consts = [(type(c), c) for c in code.co_consts if not isinstance(c, CodeType)]
    inner = [c.co_name for c in _inner(code)]
    # 1 == 1.0 == True, also within tuples
    said = repr([c for _, c in consts if not isinstance(c, frozenset)])
    taken = (code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return code.co_code, consts, inner, said, taken, names


def _is_same(one: CodeType, other: CodeType) -> bool:
    return _own(one) == _own(other) and all(
        _is_same(a, b) for a, b in zip(_inner(one), _inner(other), strict=True)
    )
