"""Calls and messages: what is on record against what arrived at the speaker and at the desk."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.chaos.left import Left
from benchmarks.chaos.tally import Tally
from benchmarks.results import WrongOutputs
from domain.events.catalog import (
    AlarmNotified,
    AlarmOpened,
    AlarmOverdue,
    AnnouncementMade,
    MessageData,
    NotificationMade,
    NotificationRequested,
    OffenceWarned,
)
from tests.support.message_services import Got

# the record admits that it may have arrived
OPEN_CALLS = frozenset({"timed out", "unknown whether played"})
TOLD_APART_BYTES = 20_000  # a sound cut off before may be the beginning of several


def count_calls(left: Left, heard: Sequence[bytes], tally: Tally) -> None:
    """Count that each warning has one announcement, and each sound was heard as often as is on record.

    Args:
        left: what the run left.
        tally: takes the counts.
        heard: what the loudspeakers were given.
    """
    made = [data for _, data in left.of(AnnouncementMade)]
    warned = Counter(event.id for event, _ in left.of(OffenceWarned))
    tally.compare("call", warned, Counter(each.warned_event_id for each in made))
    written = [each for each in made if each.result == "written"]
    for each in written:
        if not (left.data.root / (each.audio_file or "?")).is_file():
            tally.lose("call", [f"{each.warned_event_id}: {each.audio_file} is not there"])
    check_heard(made, heard_times(left.data.announcements, heard), tally)
    tally.remarks.update(Counter(f"call {each.result}" for each in made))


def check_heard(made: Iterable[AnnouncementMade], heard: Counter[str], tally: Tally) -> None:
    """Hold what is on record against what was heard.

    Args:
        tally: takes the counts.
        made: announcements on record.
        heard: SHA-256 of a sound -> how often it reached a speaker, whole or its beginning.
    """
    played: Counter[str] = Counter()
    may_be: Counter[str] = Counter()
    for each in made:
        if each.said_with or each.audio_sha256 is None or each.result == "written":
            continue
        played[each.audio_sha256] += each.result == "played"
        may_be[each.audio_sha256] += each.result in OPEN_CALLS
    for sound in played.keys() | may_be.keys() | heard.keys():
        least, most, came = played[sound], played[sound] + may_be[sound], heard[sound]
        if came < least:
            tally.lose("call", [f"sound {sound[:12]}: played {least} times, heard {came} times"])
        if came > most:
            tally.double("call", [f"sound {sound[:12]}: heard {came} times, {most} on record"])


def heard_times(announcements: Path, heard: Iterable[bytes]) -> Counter[str]:
    """Return SHA-256 of a sound -> how often it, or the beginning of it, reached a speaker.

    Raises:
        WrongOutputs: a long piece of sound is of no call, or of several.
    """
    sounds = {_sha256(path.read_bytes()): path for path in announcements.rglob("*.wav")}
    contents = {sha256: path.read_bytes() for sha256, path in sounds.items()}
    times: Counter[str] = Counter()
    for body in heard:
        if not body:
            continue  # it was cut off before the first byte
        fits = [sha256 for sha256, sound in contents.items() if sound.startswith(body)]
        if len(fits) == 1:
            times[fits[0]] += 1
        elif len(body) > TOLD_APART_BYTES or not fits:
            raise WrongOutputs(f"a sound of {len(body)} bytes fits {len(fits)} calls")
    return times


def count_messages(left: Left, arrived: Iterable[Got], tally: Tally) -> None:
    """Count that each request and alarm has one answer for each recipient; what arrived is what was sent.

    Args:
        left: what the run left.
        tally: takes the counts.
        arrived: at the desk; each tells the number of its offence, so no two are alike.
    """
    made: list[MessageData] = [data for _, data in left.of(MessageData)]
    asked = Counter(
        f"{event.id} to {recipient}"
        for event, data in left.of(NotificationRequested)
        for recipient in data.recipients
    )
    turns = [(event.id, data.told) for event, data in left.of(AlarmOpened)]
    turns += [(event.id, data.told) for event, data in left.of(AlarmOverdue)]
    asked += Counter(f"{event_id} to {each}" for event_id, told in turns for each in told)
    answers = Counter(f"{_asked_by(each)} to {each.recipient_id}" for each in made)
    tally.compare("message", asked, answers)
    came = Counter(f"{each.title}\n{each.text}".strip() for each in arrived)
    sent = Counter(each.text.strip() for each in made if each.result == "sent")
    may_be = Counter(each.text.strip() for each in made if each.result == "unknown whether sent")
    for text in came.keys() | sent.keys() | may_be.keys():
        words = text.splitlines()[-1] if text else "a message without text"
        if came[text] < sent[text]:
            tally.lose("message", [f"{words}: sent {sent[text]}, arrived {came[text]} times"])
        if came[text] > sent[text] + may_be[text]:
            tally.double("message", [f"{words}: arrived {came[text]} times, sent {sent[text]}"])
    tally.remarks.update(Counter(f"message {each.result}" for each in made))


def _asked_by(made: MessageData) -> str:
    """Return the id of the event that a message is about."""
    if isinstance(made, AlarmNotified):
        return made.told_event_id
    return made.request_event_id if isinstance(made, NotificationMade) else ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
