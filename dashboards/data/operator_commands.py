"""Commands that an operator may give about an offence, and what each needs."""

from __future__ import annotations

from dataclasses import dataclass

from casework.alarms.desk import AlarmActor
from casework.alarms.of_folder import desk_of_folder
from casework.alarms.reading import MoveRefused
from dashboards.data.offence_projection import OffenceView
from dashboards.display_names import DisplayNames
from dashboards.settings import ConsoleSettings
from dashboards.texts import in_language
from domain.access.decisions import Decision
from domain.base import BothLanguages
from domain.events.catalog import AlarmMoved, Mark, OffenceOpened, OffencePaused
from domain.events.commands import HOLD_OF, NEEDS_REASON, CommandKind, Hold, Refusal
from domain.offence_states import State
from domain.site.site import Site
from event_log.commands import (
    CommandAnswer,
    CommandRequest,
    StartRequest,
    give_command,
    start_offence,
    wait_for_answer,
)
from event_log.log import EventLog

# of the buttons; what cannot be undone stands last
ORDER = (
    CommandKind.TAKE_OVER,
    CommandKind.HAND_BACK,
    CommandKind.SPEAK,
    CommandKind.DISPATCH,
    CommandKind.LEFT,
    CommandKind.DISMISS,
)
ANSWER_WAIT_S = 5.0  # the watch program answers between two frames
UNANSWERED = frozenset({CommandKind.PAUSE, CommandKind.RESUME})  # nobody waits to hear of them
NEXT_CALL, OWN_WORDS = "", "own-words"  # beside the ids of the site's texts


@dataclass(frozen=True, slots=True)
class CommandForm:
    """What an operator typed for one command."""

    who: str
    reason: str = ""
    text: str = NEXT_CALL  # speak: an id of the site's texts, or one of the two above
    zh: str = ""
    en: str = ""
    despite: tuple[Hold, ...] = ()  # speak: holds that were shown and are passed over

    def lacks(self, command: CommandKind) -> bool:
        """Tell whether something that this command needs is missing."""
        if not self.who or (command in NEEDS_REASON and not self.reason):
            return True
        if self.despite and not self.reason:
            return True
        return command is CommandKind.SPEAK and self.text == OWN_WORDS and not (self.zh and self.en)


def commands_for(offence: OffenceView) -> frozenset[CommandKind]:
    """Return the commands that can make a difference now."""
    if offence.state == State.ESCALATED and not _is_alarm_closed(offence):
        return frozenset({CommandKind.DISMISS})
    if not offence.is_open:
        return frozenset()
    idle = {CommandKind.DISPATCH} if offence.is_dispatched else set()
    if not offence.taken_by:
        idle.add(CommandKind.HAND_BACK)
    opened = (event.data for event in offence.history if isinstance(event.data, OffenceOpened))
    if all(each.by_hand is None for each in opened):
        idle.add(CommandKind.LEFT)
    return frozenset(ORDER) - idle


def _is_alarm_closed(offence: OffenceView) -> bool:
    moved = [event.data for event in offence.history if isinstance(event.data, AlarmMoved)]
    return bool(moved) and not max(moved, key=lambda data: data.number).is_open


def can_wait_for(offence: OffenceView, who: str) -> bool:
    """Tell whether the ladder can wait for a person who decides what to do: once for each."""
    waited = (event.data for event in offence.history if isinstance(event.data, OffencePaused))
    is_new = bool(who) and all(each.by_hand.operator != who for each in waited)
    return is_new and offence.is_open and not offence.taken_by


def texts_to_speak(names: DisplayNames) -> dict[str, str]:
    """List choices for the speaker: label -> text id; the next call first."""
    choices = {names.say("operate.next_call"): NEXT_CALL}
    if names.site is None:
        return choices
    for offered in names.site.operators.texts:
        choices[in_language(offered.text, names.lang)] = offered.id
    if names.site.operators.free_words:
        choices[names.say("operate.own_words")] = OWN_WORDS
    return choices


def give(
    settings: ConsoleSettings,
    command: CommandKind,
    offence: OffenceView,
    form: CommandForm,
    key: str,
    decision: Decision | None = None,
) -> CommandAnswer | None:
    """Write the command into the log; a double click (the same key) writes it once.

    The answer is waited for a little: whoever asks is told of a refusal. `key` is of one opened dialog;
    `decision` the permission that was checked, None: the site has no list of people. Returns None where
    there is no answer in that time.

    Raises:
        ForewarnError: it could not be written.
    """
    is_own = form.text == OWN_WORDS
    request = CommandRequest(
        command,
        offence.offence_id,
        form.who,
        "console",
        reason=form.reason,
        text_id="" if is_own or command is not CommandKind.SPEAK else form.text,
        words=BothLanguages(zh=form.zh, en=form.en) if is_own else None,
        taking_from=offence.taken_by if command is CommandKind.TAKE_OVER else "",
        despite=form.despite if command is CommandKind.SPEAK else (),
        key=key,
        decision=decision,
    )
    patience_s = 0.0 if command in UNANSWERED else ANSWER_WAIT_S
    with EventLog.open(settings.data.events_db) as log:
        if command is CommandKind.DISMISS and offence.state == State.ESCALATED:
            done = _close_alarm(settings, log, offence, form, decision)
            if done is not None:
                return done
        answer = wait_for_answer(log, give_command(log, request).id, patience_s)
        why = answer.refusal.why if answer and answer.refusal else None
        if command is CommandKind.DISMISS and answer and why in (None, Refusal.ENDED):
            # also of who was sent there before it ended
            closed = _close_alarm(settings, log, offence, form, decision)
            return answer if why is None else closed or answer
    return answer


def _close_alarm(
    settings: ConsoleSettings,
    log: EventLog,
    offence: OffenceView,
    form: CommandForm,
    decision: Decision | None,
) -> CommandAnswer | None:
    """Close the alarm of an offence that has ended as false; None: it has none to be closed.

    Returns the answer that the move stands for.
    """
    asker = decision.asker if decision else None
    actor = AlarmActor(
        form.who, "console", asker.person_id if asker else "", decision.role_id if decision else ""
    )
    desk, _ = desk_of_folder(settings.data, log)
    try:
        row = desk.dismiss(offence.offence_id, actor, form.reason)
    except MoveRefused:
        return None
    return CommandAnswer(log.about(row["alarm_id"])[-1].event)


def start(
    settings: ConsoleSettings,
    site: Site,
    camera_id: str,
    rule_id: str,
    mark: Mark,
    form: CommandForm,
    key: str,
    decision: Decision | None = None,
) -> CommandAnswer | None:
    """Write that somebody saw something on a tile, and wait a little for the answer; see `give`.

    Raises:
        ForewarnError: it could not be written.
    """
    request = StartRequest(
        *(site.site.id, camera_id, rule_id, mark, form.who, "console"),
        key=key,
        reason=form.reason,
        decision=decision,
    )
    with EventLog.open(settings.data.events_db) as log:
        return wait_for_answer(log, start_offence(log, request).id, ANSWER_WAIT_S)


def hold_of(answer: CommandAnswer | None) -> Hold | None:
    """Return what holds the words back, where a second press may pass over it."""
    refusal = answer.refusal if answer else None
    return HOLD_OF.get(refusal.why) if refusal else None
