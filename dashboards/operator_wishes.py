"""Which commands an operator may give about an offence, and what each needs: plain values, no widget."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.names import Names
from dashboards.offences import Offence
from dashboards.settings import ConsoleSettings
from domain.access import Decision
from domain.commands import HOLD_OF, NEEDS_REASON, CommandKind, Hold
from domain.facts import BothLanguages
from event_log.commands import Answer, Ask, give_command, wait_for_answer
from event_log.log import EventLog

# of the buttons; what cannot be undone stands last
ORDER = (
    CommandKind.TAKE_OVER,
    CommandKind.HAND_BACK,
    CommandKind.SPEAK,
    CommandKind.DISPATCH,
    CommandKind.DISMISS,
)
HOLD_WAIT_S = 5.0  # the watch program answers between two frames
NEXT_CALL, OWN_WORDS = "", "own-words"  # beside the ids of the site's texts


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed."""

    who: str
    reason: str = ""
    text: str = NEXT_CALL  # speak: an id of the site's texts, or one of the two above
    zh: str = ""
    en: str = ""
    despite: tuple[Hold, ...] = ()  # speak: holds that were told and are passed over

    def lacks(self, command: CommandKind) -> bool:
        """True while something that this command needs is missing."""
        if not self.who or (command in NEEDS_REASON and not self.reason):
            return True
        if self.despite and not self.reason:
            return True
        return command is CommandKind.SPEAK and self.text == OWN_WORDS and not (self.zh and self.en)


def commands_for(offence: Offence) -> frozenset[CommandKind]:
    """The commands that can make a difference now."""
    if not offence.is_open:
        return frozenset()
    idle = {CommandKind.DISPATCH} if offence.is_dispatched else set()
    if not offence.taken_by:
        idle.add(CommandKind.HAND_BACK)
    return frozenset(CommandKind) - idle


def texts_to_speak(names: Names) -> dict[str, str]:
    """Choices for the speaker: label -> text id; the next call first."""
    choices = {names.say("operate.next_call"): NEXT_CALL}
    if names.site is None:
        return choices
    for each in names.site.operators.texts:
        choices[getattr(each.text, names.lang)] = each.id
    if names.site.operators.free_words:
        choices[names.say("operate.own_words")] = OWN_WORDS
    return choices


def give(
    settings: ConsoleSettings,
    command: CommandKind,
    offence: Offence,
    form: Form,
    key: str,
    decision: Decision | None = None,
) -> Answer | None:
    """Write the command into the log; a double click (the same key) writes it once.

    Words are waited for a little: whoever asks for them stays at the dialog until it is known
    whether something holds them back.

    Returns:
        Its answer where there is one already, which is where it is refused at once.
    Raises:
        ForewarnError: it could not be written.
    """
    is_own = form.text == OWN_WORDS
    ask = Ask(
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
    patience_s = HOLD_WAIT_S if command is CommandKind.SPEAK else 0.0
    with EventLog.open(settings.data.events_db) as log:
        return wait_for_answer(log, give_command(log, ask).id, patience_s)


def hold_told(answer: Answer | None) -> Hold | None:
    """What holds the words back, where a second press may pass over it."""
    refusal = answer.refusal if answer else None
    return HOLD_OF.get(refusal.why) if refusal else None
