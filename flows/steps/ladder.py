"""The ladder for one rule in one zone: people present in, events out, all on the frames' clock.

Gap semantics. A stay begins with the first frame in the zone. Unseen for up to the rule's
gap_tolerance_s (missed detections, occlusion) the stay goes on and the gap counts as stayed. Seen
outside for comply_after_s, or unseen for longer than the tolerance while the camera works: left.
No frames at all for longer than the tolerance, or a notice that the camera ended or failed: nobody
can say, so offences become unknown, and stays that were no offence yet are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.cameras import CameraNotice
from domain.events import Event
from domain.ladder import FINAL, State, Trigger, find_move
from domain.site import Ladder, Rule
from flows.steps.offence import Offence, OffenceWriter
from flows.steps.zones import Presence, Seen


class ZoneLadder:
    """Stays and offences of one rule in one zone of one camera.

    A plain class: `step` can be called with no stream running. Its state is in `offences`, keyed by
    track id, and `last_at`; both are what a restart needs.
    """

    def __init__(self, rule: Rule, ladder: Ladder, writer: OffenceWriter) -> None:
        self._rule = rule
        self._ladder = ladder
        self._writer = writer
        self._gap = timedelta(seconds=rule.gap_tolerance_s)
        self.offences: dict[int, Offence] = {}
        self.last_at: datetime | None = None

    def step(self, presence: Presence) -> list[Event]:
        """Take one frame; the events that it causes, in order of track id."""
        at = presence.frame.captured_at
        if self.last_at is not None and at <= self.last_at:
            return []  # a replayed frame
        events: list[Event] = []
        if self.last_at is not None and at - self.last_at > self._gap:
            silent_s = (at - self.last_at).total_seconds()
            events += self._lose_sight(f"the camera gave no frames for {silent_s:.1f} s")
        self.last_at = at
        seen = {person.track_id: person for person in presence.people}
        for track_id, person in seen.items():
            if person.is_inside and track_id not in self.offences:
                self.offences[track_id] = Offence.begin(presence.frame, person)
        for track_id in sorted(self.offences):
            events += self._climb(track_id, presence, seen.get(track_id))
        return events

    def notice(self, notice: CameraNotice) -> list[Event]:
        """Take news of the camera; anything but "up" means that nobody is watching any more."""
        if notice.status == "up":
            return []
        reason = notice.reason or "the footage ended"
        return self._lose_sight(reason)

    def _lose_sight(self, reason: str) -> list[Event]:
        events: list[Event] = []
        for track_id in sorted(self.offences):
            offence = self.offences[track_id]
            if offence.state not in FINAL:
                events += self._move(offence, Trigger.SIGHT_LOST, offence.last.at, reason=reason)
        self.offences.clear()
        return events

    def _climb(self, track_id: int, presence: Presence, person: Seen | None) -> list[Event]:
        """Move one subject's offence as far as this frame takes it."""
        offence, at = self.offences[track_id], presence.frame.captured_at
        offence.note(presence.frame, person)
        basis = self._basis_for_having_left(offence, at, is_seen=person is not None)
        if basis is not None:
            del self.offences[track_id]
            if offence.state in FINAL:
                return []
            return self._move(offence, Trigger.LEFT, at, basis=basis)
        events: list[Event] = []
        if person is not None and person.is_inside:
            # nobody is warned on the strength of a frame in which they were not seen
            for trigger in self._due(offence, at):
                events += self._move(offence, trigger, at)
        return events

    def _basis_for_having_left(
        self, offence: Offence, at: datetime, *, is_seen: bool
    ) -> str | None:
        if is_seen and offence.outside_since is not None:
            if (at - offence.outside_since).total_seconds() >= self._ladder.comply_after_s:
                return "seen outside the zone"
        elif not is_seen and at - offence.last_seen_at > self._gap:
            return "no longer seen"
        return None

    def _due(self, offence: Offence, at: datetime) -> Iterator[Trigger]:
        """Triggers that this moment brings, one after the other; the caller makes each move."""
        if offence.state is State.SUSPECTED and offence.stayed_s(at) >= self._rule.threshold_s:
            yield Trigger.THRESHOLD_REACHED
        if offence.state in (State.OPENED, State.WARNED):
            spoken = len(offence.rungs)
            since = offence.rungs[-1].at if spoken else offence.opened_at
            assert since is not None
            waited_s = (at - since).total_seconds()
            if spoken < len(self._ladder.rungs):
                if waited_s >= self._ladder.rungs[spoken].after_s:
                    yield Trigger.RUNG_DUE
            elif waited_s >= self._ladder.escalate_after_s:
                yield Trigger.LADDER_SPENT

    def _move(
        self, offence: Offence, trigger: Trigger, at: datetime, *, basis: str = "", reason: str = ""
    ) -> list[Event]:
        move = find_move(offence.state, trigger)
        offence.enter(move.after, at)
        if move.event_type is None:
            return []
        return [self._writer.write(move, offence, at, basis=basis, reason=reason)]
