"""Bring a life to cells of the matrix that none has hit: a fault and a kill, once an offence is in that state.

A plan says which cells are aimed at, so a life that fails is played again as it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.events.commands import CommandKind
from domain.offence_states import OPEN, State
from domain.picture_digest import CLEAR
from tests.simulation.happenings import HAPPENINGS, OPERATORS, ask
from tests.simulation.matrix import ORDERED_CELLS, Cell
from tests.simulation.street import PICTURES

if TYPE_CHECKING:
    from tests.simulation.world import World

REST_TICKS = 2  # between two of them, so that a life goes on
NUDGE_EVERY = 4  # ticks, for a state that does not come by itself

# what brings a fault, and with which number, of several one; the others come with the kill itself
BRINGS: dict[str, tuple[str, tuple[int, ...]]] = {
    "disk full": ("full", (0, 1, 2)),
    "clock ahead": ("set clock", (0, 2, 4)),
    "clock back": ("set clock", (1, 3, 5)),
    "machine restarted": ("machine", (0, 1, 2)),
    "site edited": ("edit", tuple(range(8))),
    "camera silent": ("silence", (0, 1)),
    "picture unfit": ("picture", (0, 1)),
    "speaker faulty": ("speaker", tuple(range(1, 8))),
    "mail faulty": ("mail", tuple(range(1, 5))),
    "models away": ("models", (0, 1, 2)),
    "command doubled": ("double", (1, 2, 3)),
    "command late": ("command", (0,)),
    "commands contradict": ("contradict", (1, 2, 3)),
}
UNFIT = tuple(row for row, sight in enumerate(PICTURES) if sight.faults or sight.unfit_areas)


@dataclass(frozen=True)
class Aim:
    """A cell that is wanted, and a number that says how it is come to."""

    cell: Cell
    b: int


class Aims:
    """The cells that one life still aims at."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wanted: deque[Aim] = deque()
        self._brought: Aim | None = None  # in this tick
        self._rests_until = 0  # ticks

    def add(self, number: int, b: int) -> None:
        """Aim at one more cell, by its number."""
        self._wanted.append(Aim(ORDERED_CELLS[number % len(ORDERED_CELLS)], b))

    def clear(self) -> None:
        """Aim at nothing any more."""
        self._wanted.clear()

    def bring(self) -> None:
        """Before the programs work: bring a fault where the state is there, or help a state to come."""
        world, hit = self._world, self._world.matrix.hit
        self._wanted = deque(each for each in self._wanted if each.cell not in hit)
        if not self._wanted or world.ticks < self._rests_until:
            return
        states = world.states()
        for aim in self._wanted:
            state, fault, name = aim.cell
            if state in states and world.running[name] is not None:
                self._wanted.remove(aim)
                self._wanted.append(aim)  # last, if it should not be hit
                self._brought, self._rests_until = aim, world.ticks + REST_TICKS
                self._bring_fault(fault, aim.b + world.ticks)
                if world.running[name] is not None:  # a restart of the machine ends it at once
                    self._arm(fault, name, aim.b)
                return
        if world.ticks % NUDGE_EVERY == 0:
            NUDGES[self._wanted[0].cell[0]](world, self._wanted[0].b + world.ticks)
            self._wanted.rotate(-1)

    def strike(self) -> None:
        """After the programs worked: kill whoever had nothing to write."""
        aim, self._brought = self._brought, None
        if aim is None or aim.cell in self._world.matrix.hit:
            return
        world, (_, fault, name) = self._world, aim.cell
        if fault == "killed after a write":
            HAPPENINGS["come"](world, aim.b, 1)  # so that it gets something to do
        elif world.running[name] is not None:
            world.disk.cut_at.pop(name, None)
            world.died(name, "before anything")

    def _bring_fault(self, fault: str, b: int) -> None:
        if fault in BRINGS:
            kind, numbers = BRINGS[fault]
            second = UNFIT[b % len(UNFIT)] if kind == "picture" else b
            HAPPENINGS[kind](self._world, numbers[b % len(numbers)], second)

    def _arm(self, fault: str, name: str, b: int) -> None:
        world = self._world
        world.disk.cut_at[name] = "after" if fault == "killed after a write" else "before"
        world.back_at[name] = world.ticks + 1 + b % 3
        world.loses[name] = (b >> 4) % 16
        if fault == "write torn":
            world.torn.add(name)


def _open_ones(world: World, *states: State) -> list[str]:
    return [name for name in world.model.open_ids() if world.model.offences[name].state in states]


def _command(kind: CommandKind) -> Callable[[World, int], None]:
    def give(world: World, b: int) -> None:
        if names := _open_ones(world, *OPEN):
            ask(world, names[b % len(names)], kind, OPERATORS[b % 2])

    return give


def _come(world: World, b: int) -> None:
    HAPPENINGS["come"](world, b, 1)
    if b % 2:
        for camera in world.cameras.values():
            camera.sight, camera.silent_for = CLEAR, 0


def _open_unwarned(world: World, b: int) -> None:
    """Let somebody come who is not fit to be warned."""
    HAPPENINGS["picture"](world, b, UNFIT[b % len(UNFIT)])
    HAPPENINGS["come"](world, b, 1)


def _leave_unwarned(world: World, b: int) -> None:
    if not _open_ones(world, State.OPENED):
        _open_unwarned(world, b)
        return
    for camera in world.cameras.values():
        camera.sight = CLEAR
        for walker in camera.walkers:
            walker.is_inside = False


def _leave_warned(world: World, b: int) -> None:
    if not _open_ones(world, State.WARNED):
        _come(world, b)
    HAPPENINGS["step out"](world, b, b >> 1)


def _lose_sight(world: World, b: int) -> None:
    if _open_ones(world, *OPEN):
        HAPPENINGS["silence"](world, b, 1)
    else:
        _come(world, b)


def _recognise(world: World, b: int) -> None:
    """Let two offences be one's: somebody is lost, somebody else offends, and they are taken for the first."""
    subjects = {world.model.offences[name].opened.subject_id for name in world.model.open_ids()}
    for camera in world.cameras.values():
        offending = [
            each for each in camera.visible() if f"{camera.camera_id}/{each.number}" in subjects
        ]
        lost = [each for each in camera.gone if f"{camera.camera_id}/{each}" in subjects]
        if offending and lost and not camera.links:
            camera.recognise(offending[-1], lost[-1])
            return
    for camera in world.cameras.values():
        for walker in camera.visible():
            if f"{camera.camera_id}/{walker.number}" in subjects:
                camera.new_number(walker, walker.came_at_s)
                walker.is_hidden = True
                HAPPENINGS["come"](world, int(camera.camera_id == "north"), 1)
                return
    _come(world, b)


# how a state is helped to come that is not there
NUDGES: dict[str, Callable[[World, int], None]] = {
    State.SUSPECTED.value: _come,
    State.OPENED.value: _open_unwarned,
    State.WARNED.value: _come,
    State.ESCALATED.value: _come,
    State.EXEMPTED.value: _come,
    State.COMPLIED.value: _leave_warned,
    State.LAPSED.value: _leave_unwarned,
    State.TAKEN_OVER.value: _command(CommandKind.TAKE_OVER),
    State.DISMISSED.value: _command(CommandKind.DISMISS),
    State.UNKNOWN.value: _lose_sight,
    State.MERGED.value: _recognise,
}
