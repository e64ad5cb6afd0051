"""What may happen in a simulated life: people move, operators ask, programs die, disks fill, clocks are set.

Each takes two numbers, drawn by chance, which say to whom it happens and how.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from domain.base import BothLanguages
from domain.errors import ForewarnError
from domain.events.catalog import Event, SiteApplied
from domain.events.commands import NEEDS_REASON, CommandKind
from domain.ids import mint
from domain.site.site import Site
from event_log.commands import CommandRequest, give_command
from tests.simulation.devices import HORN_MOODS, MAIL_MOODS
from tests.simulation.programs import PROGRAMS
from tests.simulation.sites import REVISIONS, revision_of
from tests.simulation.street import OUT_FOR, PICTURES, Camera, Walker

if TYPE_CHECKING:
    from tests.simulation.plan import Step
    from tests.simulation.world import World

OPERATORS = ("Wang", "Li")
# what a program does that cannot be taken back
DONE = {
    "watch": "after an append",
    "announce": "after a sound",
    "notify": "after a message",
    "preserve": "after a sealing",
}


def happen(world: World, step: Step) -> None:
    """Let one thing happen."""
    HAPPENINGS[step.kind](world, step.a, step.b)


def _camera(world: World, a: int) -> Camera:
    return world.cameras["south" if a % 3 == 0 else "north"]


def _who(world: World, a: int, b: int) -> tuple[Camera, Walker | None]:
    camera = _camera(world, a)
    return camera, camera.walkers[b % len(camera.walkers)] if camera.walkers else None


def _steady_s(world: World) -> float:
    watch = world.running["watch"]
    return watch.steady.now().timestamp() if watch is not None else world.clock.wall_s()


def _come(world: World, a: int, b: int) -> None:
    for _ in range(1 + b % 3):
        _camera(world, a).come(_steady_s(world), inside=b % 4 != 0)


def _leave(world: World, a: int, b: int) -> None:
    _, walker = _who(world, a, b)
    if walker is not None:
        walker.is_inside, walker.gone_in = False, 1 + b % OUT_FOR


def _step_out(world: World, a: int, b: int) -> None:
    _, walker = _who(world, a, b)
    if walker is not None:
        walker.is_inside = False


def _step_in(world: World, a: int, b: int) -> None:
    _, walker = _who(world, a, b)
    if walker is not None:
        walker.is_inside, walker.gone_in = True, None


def _hide(world: World, a: int, b: int) -> None:
    _, walker = _who(world, a, b)
    if walker is not None:
        walker.is_hidden = True


def _come_out(world: World, a: int, b: int) -> None:
    camera, _ = _who(world, a, b)
    for walker in [each for each in camera.walkers if each.is_hidden][:1]:
        walker.is_hidden = False
        if b % 2:
            camera.new_number(walker, _steady_s(world))


def _renumber(world: World, a: int, b: int) -> None:
    camera, walker = _who(world, a, b)
    if walker is not None:
        camera.new_number(walker, _steady_s(world))


def _swap(world: World, a: int, b: int) -> None:
    camera = _camera(world, a)
    if len(camera.walkers) >= 2:
        one, other = world.chance.sample(camera.walkers, 2)
        one.number, other.number = other.number, one.number


def _recognise(world: World, a: int, b: int) -> None:
    camera, walker = _who(world, a, b)
    if walker is not None and camera.gone and not walker.is_hidden and not camera.links:
        camera.recognise(walker, camera.gone[-1 - b % min(3, len(camera.gone))])


def _silence(world: World, a: int, b: int) -> None:
    world.fresh["camera silent"] = world.clock.now_s
    _camera(world, a).silent_for = (2, 7, 12, 31)[b % 4]


def _picture(world: World, a: int, b: int) -> None:
    world.fresh["picture unfit"] = world.clock.now_s
    _camera(world, a).sight = PICTURES[b % len(PICTURES)]


def _command(world: World, a: int, b: int) -> None:
    _ask(world, a, b)


def _double(world: World, a: int, b: int) -> None:
    world.fresh["command doubled"] = world.clock.now_s
    for _ in range(2):
        _ask(world, a, b)


def _contradict(world: World, a: int, b: int) -> None:
    world.fresh["commands contradict"] = world.clock.now_s
    _ask(world, a, b)
    _ask(world, a, b + 1 + a % 9)


def _ask(world: World, a: int, b: int) -> None:
    """Have an operator ask for something about an open offence, or about one that has ended."""
    names = world.model.open_ids()
    if a % 8 == 0 or not names:
        names = list(world.model.offences)[-5:]
        world.fresh["command late"] = world.clock.now_s
    kind = list(CommandKind)[b % len(CommandKind)]
    name = names[(a // 8) % len(names)] if names else mint("ofc", "none")
    ask(world, name, kind, OPERATORS[(b // 5) % 2], b)


def ask(world: World, name: str, kind: CommandKind, operator: str, b: int = 0) -> None:
    """Have an operator ask for something about an offence; `b` says in which words."""
    more: dict[str, Any] = {}
    if kind is CommandKind.SPEAK:
        own = BothLanguages(zh="请让一让", en="Make way please")
        more = ({}, {"text_id": "step"}, {"words": own}, {"text_id": "none"})[(b // 10) % 4]
    elif kind is CommandKind.TAKE_OVER and b % 3 == 0:
        more = {"taking_from": OPERATORS[0]}
    reason = "seen" if kind in NEEDS_REASON else ""
    try:
        give_command(world.log, CommandRequest(kind, name, operator, "console", reason, **more))
    except ForewarnError:
        if not world.disk.is_full:
            raise
    world.read_log()


def _kill(world: World, a: int, b: int) -> None:
    """Kill a program at one of its next writes; sometimes what it saved is lost as well."""
    name = (*PROGRAMS, "watch", "announce")[a % 6]
    if (b >> 8) % 3 == 0:  # when it is done, and nothing says so yet
        world.disk.cut_at[name] = DONE[name]
    else:
        world.disk.cuts[name] = (b >> 2) % 9
    world.back_at[name] = world.ticks + (1, 1, 2, 4, 8, 30)[(a >> 3) % 6]
    world.loses[name] = b % 16


def lose(world: World, name: str, how: int) -> None:
    """Take from a program that died what it had not on the disk, or what somebody deleted."""
    if how == 0:
        world.store.pop(name, None)
    elif how == 1:  # the last epoch was not on the disk yet
        world.store[name] = world.store_before.get(name, {})
    if name == "watch" and how % 4 in (0, 1):
        for camera in world.cameras.values():
            if how == 0:  # the tracker knows nothing either, and counts from 1
                camera.next_number = 1
            for walker in reversed(camera.walkers):
                camera.new_number(walker, _steady_s(world))
            if how == 0:
                camera.gone.clear()  # numbers that are somebody else's by now


def _torn(world: World, a: int, b: int) -> None:
    _kill(world, a, b)
    world.torn.update(world.disk.cuts.keys() | world.disk.cut_at)


def _freeze(world: World, a: int, b: int) -> None:
    """Stop a program for a while, as a busy machine does."""
    name = list(PROGRAMS)[a % 4]
    world.frozen_until[name] = world.ticks + (3, 8, 16)[b % 3]


def _full(world: World, a: int, b: int) -> None:
    world.disk.is_full = True
    world.room_at = world.ticks + (1, 3, 8)[a % 3]


def _set_clock(world: World, a: int, b: int) -> None:
    by_s = (40.0, -40.0, 3600.0, -3600.0, 90_000.0, -7200.0)[a % 6]
    world.fresh["clock ahead" if by_s > 0 else "clock back"] = world.clock.now_s
    world.clock.set_by_s += by_s


def _machine(world: World, a: int, b: int) -> None:
    """Take the machine's power; its clock may be behind when it is back."""
    world.fresh["machine restarted"] = world.clock.now_s
    for name in PROGRAMS:
        if world.running[name] is not None:
            world.died(name, "before anything")
        world.back_at[name] = world.ticks + 1 + a % 3
    world.clock.now_s += 15.0
    world.clock.restart()
    if b % 5 == 0 and world.data.clock.exists():  # it is not flushed: a loss of power may tear it
        world.data.clock.write_bytes(world.data.clock.read_bytes()[: b % 97])
    if b % 3 == 0:
        world.clock.set_by_s -= 1800.0
        world.fresh["clock back"] = world.clock.now_s


def _edit(world: World, a: int, b: int) -> None:
    world.fresh["site edited"] = world.clock.now_s
    apply(world, a % REVISIONS)


def apply(world: World, number: int) -> None:
    """Put a revision in force, as the log then says."""
    site: Site = revision_of(world.plan.seed, number)
    said = f"{number}-{world.ticks}"
    data = SiteApplied(site_id=site.site.id, revision=number + 1, sha256=said)
    source = f"forewarn/{site.site.id}/site"
    event = Event(mint("evt", said, world.last_seq), source, site.site.id, world.clock.wall(), data)
    try:
        world.log.append([event])
    except ForewarnError:
        return  # the disk is full: nothing is in force that the log does not name
    world.revision = number


def _speaker(world: World, a: int, b: int) -> None:
    world.fresh["speaker faulty"] = world.clock.now_s
    world.horn.mood = HORN_MOODS[a % len(HORN_MOODS)]


def _models(world: World, a: int, b: int) -> None:
    """Take away for a while what sealing asks for: the model server, or the end of a recording."""
    world.fresh["models away"] = world.clock.now_s
    world.models_back_at = world.ticks + (4, 12, 30)[a % 3]


def _aim(world: World, a: int, b: int) -> None:
    world.aims.add(a, b)


def _mail(world: World, a: int, b: int) -> None:
    world.fresh["mail faulty"] = world.clock.now_s
    world.mails["desk" if b % 2 else "duty"].mood = MAIL_MOODS[a % len(MAIL_MOODS)]


HAPPENINGS: dict[str, Callable[[World, int, int], None]] = {
    "come": _come,
    "leave": _leave,
    "step out": _step_out,
    "step in": _step_in,
    "hide": _hide,
    "come out": _come_out,
    "renumber": _renumber,
    "swap": _swap,
    "recognise": _recognise,
    "silence": _silence,
    "picture": _picture,
    "command": _command,
    "double": _double,
    "contradict": _contradict,
    "kill": _kill,
    "torn": _torn,
    "freeze": _freeze,
    "full": _full,
    "set clock": _set_clock,
    "machine": _machine,
    "edit": _edit,
    "speaker": _speaker,
    "mail": _mail,
    "models": _models,
    "aim": _aim,
}
