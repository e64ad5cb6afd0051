"""Change one thing at a time where it matters, and count how many changes some quick test notices.

`python -m benchmarks.mutations.mutants --sample 300 --seed 1` draws changes by chance, runs each against the quick tests of
its room, and names what no test noticed. `--part 2/10` is the second tenth of the same sample.
"""

from __future__ import annotations

import argparse
import ast
import copy
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutations.asked_tests import ask_tests
from benchmarks.mutations.changed_module import ROOT, ChangedModule, prepare, run_tests

# folders and modules -> the tests that are theirs; what only a real server shows is left out
SERVING = ("tests/models/serving/test_connection.py", "tests/models/serving/test_late_answers.py")
ROOMS: dict[str, tuple[str, ...]] = {
    "flows/escalation": ("tests/flows/escalation",),
    "flows/conditions": ("tests/flows/conditions", "tests/flows/escalation/test_not_known.py"),
    "flows/tracking": ("tests/flows/tracking",),
    "event_log": ("tests/event_log",),
    "evidence_store/custody": ("tests/evidence_store/custody",),
    "evidence_store/vault": ("tests/evidence_store/vault", "tests/evidence_store/keys"),
    **{
        f"models/serving/{name}.py": SERVING
        for name in ("client", "connection", "slots", "shared_memory")
    },
    "models/triton_backend": ("tests/models/serving/test_openvino_backend.py",),
}
OTHERS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
}  # fmt: skip
MOST_S, COLD_S = 30.0, 600.0  # of tests, for one change
# words for people and for logs are no behaviour that a quick test should hold
SPARED_CALLS = ("log.", "structlog.", "TypeVar", "Field", "field")


@dataclass(frozen=True)
class Mutant:
    """One change: the module, and the number of the node in it that is changed."""

    path: Path
    node: int

    def make(self) -> tuple[str, ChangedModule]:
        """Return how the change reads, and the changed module."""
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        node = next(each for place, each in enumerate(ast.walk(tree)) if place == self.node)
        before = ast.unparse(node).splitlines()[0][:70]
        _change(node)
        where = f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        changed = ChangedModule(self.path, compile(tree, str(self.path), "exec"))
        return f"{where}: {before}  ->  {ast.unparse(node).splitlines()[0][:70]}", changed


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every change of a module that is known here."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    spared = {
        id(part) for node in ast.walk(tree) for top in _spared(node) for part in ast.walk(top)
    }
    for number, node in enumerate(ast.walk(tree)):
        if id(node) not in spared and _change(copy.copy(node)):
            yield Mutant(path, number)


def _spared(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what of a node is left alone: types, decorators, words, what is raised or logged."""
    if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
        yield node.annotation
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield from (*node.decorator_list, *filter(None, [getattr(node, "returns", None)]))
    elif (
        isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert)
        or (isinstance(node, ast.Call) and ast.unparse(node.func).startswith(SPARED_CALLS))
        or (isinstance(node, ast.Expr) and _is_spared(node.value))
    ):
        yield node


def _is_spared(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) or (
        isinstance(value, ast.Call) and ast.unparse(value.func).startswith(SPARED_CALLS)
    )


def _change(node: ast.AST) -> bool:
    """Change a node in place; False: there is nothing to change about it."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in OTHERS:
            node.ops = [OTHERS[type(op)]()]  # type: ignore[list-item]
        case ast.BoolOp(op=op) | ast.BinOp(op=op) if type(op) in OTHERS:
            node.op = OTHERS[type(op)]()  # type: ignore[assignment]
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            node.test = ast.UnaryOp(ast.Not(), test)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            node.operand = ast.UnaryOp(ast.Not(), operand)
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() | float() as number):
            node.value = number * 2 or 1
        case ast.Expr(value=ast.Call() | ast.YieldFrom()):
            node.value = ast.Constant(None)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            node.value = ast.Constant(None)
        case _:
            return False
    ast.fix_missing_locations(node)
    return True


def _asked(
    room: str, tests: Sequence[str], made: Sequence[tuple[str, ChangedModule]]
) -> Iterator[tuple[str, str]]:
    """Yield by which test each change was noticed ("": by none), and how it reads."""
    if not made:
        return
    for answer in ask_tests(tests, [changed for _, changed in made], MOST_S):
        if answer.change < 0:
            print(f"{room}: {answer.asked} tests, {answer.seconds:.0f} s", flush=True)
            if answer.by:
                print(f"{room}: these fail without any change, and are not asked: {answer.by}")
            continue
        reads, changed = made[answer.change]
        by = answer.by
        if answer.is_cold and run_tests(answer.files, changed, COLD_S)[0]:
            by = "some test, once it is imported anew"
        yield by, reads


def _modules_in(room: Path) -> list[Path]:
    return [room] if room.is_file() else sorted(room.rglob("*.py"))


def main() -> int:
    """Print what was noticed and what was not."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--sample", type=int, default=300)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only", default="", help="a room or module, such as flows/escalation")
    asked.add_argument("--verbose", action="store_true", help="name also what was noticed")
    asked.add_argument("--part", default="1/1", help="of the sample, such as 2/10")
    given = asked.parse_args()
    prepare("domain")
    drawn = [
        mutant
        for room in ROOMS
        for path in _modules_in(ROOT / room)
        if str(path.relative_to(ROOT)).startswith(given.only)
        for mutant in mutants_of(path)
    ]
    part, parts = map(int, given.part.split("/"))
    sample = random.Random(given.seed).sample(drawn, min(given.sample, len(drawn)))
    sample = sample[part - 1 :: parts]
    survived: list[str] = []
    killed: dict[str, list[bool]] = {}
    for room, tests in ROOMS.items():
        mutants = [each for each in sample if each.path.is_relative_to(ROOT / room)]
        made = [each.make() for each in mutants]
        for by, reads in _asked(room, tests, made):
            killed.setdefault(room, []).append(bool(by))
            if not by:
                survived.append(reads)
                print(f"not noticed: {reads}", flush=True)
            elif given.verbose:
                print(f"{reads}: {by}", flush=True)
    for room, each in sorted(killed.items()):
        print(f"{room:24} {sum(each):3} of {len(each)}")
    tried = sum(map(len, killed.values()))
    noticed = tried - len(survived)
    share = 100 * noticed / max(tried, 1)
    print(
        f"seed {given.seed}: {noticed} of {tried} noticed, {share:.0f} %; {len(drawn)} known changes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
