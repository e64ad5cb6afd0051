"""Check at certain moments what a whole life has to keep, beside what each event has (model.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.events.wall_time import steady_time_of_sighting
from domain.offence_states import OPEN, State
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.chain_check import check_chain
from evidence_store.vault.vault import Vault
from evidence_store.vault.verify_record import verify_record
from flows.escalation.stays.offence import TOLD
from tests.simulation.devices import Sound
from tests.simulation.programs import SIGNER
from tests.simulation.promises import Violation
from tests.simulation.sites import revision_of

if TYPE_CHECKING:
    from tests.simulation.world import World

# ends after which nobody may be there to be spoken to
WITHDRAWN = (State.COMPLIED, State.DISMISSED, State.MERGED, State.UNKNOWN)


def check_fold(world: World) -> None:
    """Check that what the ladders know is what the log tells."""
    watch: Any = world.running["watch"]
    if watch is None:
        return
    known: set[str] = set()
    for ladder in world.ladders():
        for offence in ladder.offences.values():
            if offence.state not in TOLD:
                continue
            name = ladder.id_of(offence)
            known.add(name)
            told = world.model.offences.get(name)
            if told is None:
                raise Violation(f"{name}: {offence.state} in a ladder, and not in the log")
            holder = offence.hold.operator if offence.hold else ""
            passed = told.passed[-1] if told.passed else offence.escalation.next_rung
            if (told.state, told.holder if told.state in OPEN else holder, passed) != (
                offence.state,
                holder,
                offence.escalation.next_rung,
            ):
                raise Violation(
                    f"{name}: the ladder says {offence.state}, {holder!r}, rung "
                    f"{offence.escalation.next_rung}, the log {told.state}, {told.holder!r}, {passed}"
                )
    begun = {name for name, logic in watch.logics.items() if logic._watcher is not None}
    for name in world.model.open_ids():
        if str(world.model.key_of(name)) in begun and name not in known:
            raise Violation(f"{name}: open in the log, and in no ladder")


def check_sound(world: World, sound: Sound) -> None:
    """Check a call at the moment in which it is heard."""
    world.read_log()
    logged = world.model.warned.get(sound.warned_id)
    if logged is None:
        raise Violation(f"{sound.warned_id}: a call is heard, and nobody was warned")
    if sum(each.warned_id == sound.warned_id for each in world.horn.heard) > 1:
        raise Violation(f"{sound.warned_id}: heard twice")
    announce: Any = world.running["announce"]
    seen_at = steady_time_of_sighting(logged.event.data.sighting)  # type: ignore[attr-defined]
    age_s = (announce.steady.now() - seen_at).total_seconds()
    if age_s > 6.0:
        raise Violation(f"{sound.warned_id}: heard {age_s} s after it came due")
    others = [s for s in world.horn.heard[:-1] if s.from_s >= announce.began_s]
    if any(sound.from_s < each.until_s - 0.01 for each in others):
        raise Violation(f"{sound.warned_id}: two calls at once")
    offence = world.model.offences[logged.event.data.offence_id]  # type: ignore[attr-defined]
    was_read = 0 < offence.ended_seq <= announce.read_before
    if was_read and offence.state in WITHDRAWN:
        raise Violation(f"{sound.warned_id}: heard after its offence was {offence.state}")


def check_at_the_end(world: World) -> None:
    """Check that the log's past is as it was told, and that what was sealed is whole."""
    if world.whole_log() != list(world.model.events.values()):
        raise Violation("the log says something else than it said before")
    _check_caps(world)
    chain = CustodyChain(world.data.custody, SIGNER)
    vault = Vault(world.data.evidence)
    keys = {SIGNER.key_id: SIGNER.private.public_key()}
    for evidence_id, record in list(world.rows.by_id.items())[
        :: max(len(world.rows.by_id) // 4, 1)
    ]:
        if faults := verify_record(record, vault, keys, must_be_signed=True):
            raise Violation(f"{evidence_id}: {faults[0]}")
    chain.append("verified", "", {})  # what is torn at its end, the next entry mends
    if problems := check_chain(chain, keys).problems:
        raise Violation(f"the custody chain does not hold: {problems[0]}")


def _check_caps(world: World) -> None:
    """Check that nobody was called or told more often than the site file allows."""
    site = revision_of(world.plan.seed, 0)
    if "clock ahead" in world.fresh or "clock back" in world.fresh:
        return  # of calls that are dated ahead, or long ago, nobody knows when they were
    cap = site.speakers[0].max_calls_per_hour
    if cap is not None and len(world.horn.heard) > cap:
        raise Violation(f"{len(world.horn.heard)} calls within an hour, allowed are {cap}")
    for recipient in site.recipients:
        sent = len(world.mails[recipient.id].arrived)
        if sent > recipient.max_per_hour:
            raise Violation(f"{sent} messages to {recipient.id} within an hour")
