"""Plant one known bug at a time, and see whether the room's quick tests find it, or else the simulation.

`python -m benchmarks.mutations.planted_bugs --lives 12 --seed 1` lives through so many simulated lives with each that
no test finds, `--without-tests` with all; `--only 7 12` plants those alone. Exit code 1 where more than one in twenty is found by neither.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.mutations.asked_tests import ask_tests
from benchmarks.mutations.changed_module import ROOT, ChangedModule, prepare, run_in_fork, run_tests

LADDER, COMMANDS = "tests/flows/escalation", "tests/flows/escalation/commands"
SPEECH, NOTICES = "tests/flows/speech", "tests/flows/notices"
NOT_FOUND = 0
HUNG_S = 900.0
MOST_S = 60.0  # of tests, for one bug


@dataclass(frozen=True)
class PlantedBug:
    """Some text of a module in place of another, which stands there once."""

    breaks: str
    path: str
    old: str
    new: str
    tests: str  # of the room

    def plant(self) -> ChangedModule:
        """Return the module with the bug in it."""
        path = ROOT / self.path
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise LookupError(
                f"{self.path}: {self.old!r} stands there {text.count(self.old)} times"
            )
        code = compile(text.replace(self.old, self.new), str(path), "exec")
        return ChangedModule(path, code)


PLANTED = (
    PlantedBug("somebody is sent before the last call", "flows/escalation/schedule.py",
        "if climb.next_rung < len(self._ladder.rungs):",
        "if climb.next_rung < len(self._ladder.rungs) - 1:", LADDER),
    PlantedBug("no pause where it counts from when calls came due", "flows/escalation/schedule.py",
        ">= pause_s\n", ">= 0\n", LADDER),
    PlantedBug("the pause after a call follows the wall's clock", "flows/escalation/call_pauses.py",
        "said_until(made, self._of_wall)", "said_until(made)", LADDER),
    PlantedBug("warned while outside", "flows/escalation/ladder.py",
        "if holding is not None and holding.holds:\n            # nobody",
        "if holding is not None:\n            # nobody", LADDER),
    PlantedBug("a picture that is not fit warns", "flows/escalation/moves.py",
        "        if not reasons:\n            before", "        if True:\n            before", LADDER),
    PlantedBug("left while inside again", "flows/escalation/stays/stay.py",
        "DOES_NOT_HOLD:\n            self.outside_since = None", "DOES_NOT_HOLD:\n            pass", LADDER),
    PlantedBug("hidden for ever", "flows/conditions/lately_inside.py",
        "TOLERANCE_S = 30.0", "TOLERANCE_S = 3e6", "tests/flows/conditions"),
    PlantedBug("a rung asks for one thing of several", "flows/escalation/requests.py",
        "does, whom = rung.does, rung.notifies", "does, whom = rung.does[:1], rung.notifies", LADDER),
    PlantedBug("after a restart nobody is looked for", "flows/escalation/restart/replay_log.py",
        "is_missing=True)", "is_missing=False)", LADDER),
    PlantedBug("an operator's words count as a rung after a restart",
        "flows/escalation/restart/replay_log.py", "is_rung=not is_own_words", "is_rung=True", LADDER),
    PlantedBug("what no rule watches any more stays open", "flows/escalation/orphaned_offences.py",
        "    return ends\n", "    return []\n", LADDER),
    PlantedBug("commands that wait are not saved", "flows/escalation/watched_rule.py",
        "            ladder.held,\n", "            [],\n", LADDER),
    PlantedBug("a command is carried out twice", "flows/escalation/commands/held_commands.py",
        "if offence is not None and offence.was_done(pending.event.id):", "if False:", COMMANDS),
    PlantedBug("an answered command is not made again", "flows/escalation/commands/command_intake.py",
        "return PendingCommand(event, logged.seq, moment, is_answered=True)", "return None", COMMANDS),
    PlantedBug("never handed back", "flows/escalation/commands/held_commands.py",
        "if hold is None or at - hold.since < self._hand_back_after:", "if True:", COMMANDS),
    PlantedBug("two officers", "flows/escalation/commands/operator_commands.py",
        "        if act.command is CommandKind.DISPATCH:", "        if False:", COMMANDS),
    PlantedBug("calls are forgotten over a restart", "flows/speech/careful_speaker.py",
        "return None if attempt is None else attempt.as_spoken()", "return None", SPEECH),
    PlantedBug("a call is noted after its sound", "flows/speech/careful_speaker.py",
        "            note()\n            is_noted", "            is_noted", SPEECH),
    PlantedBug("the call that is being made is not saved", "flows/speech/call_queue.py",
        "running = [self._running.call, *self._running.along] if self._running else []",
        "running = []", SPEECH),
    PlantedBug("dismissed, and called all the same", "flows/speech/call_queue.py",
        '    OffenceDismissed: "an operator had dismissed the offence",\n', "", SPEECH),
    PlantedBug("two calls at once", "flows/speech/call_queue.py",
        "        return 0 < left_s <= LONGEST_SOUND_S", "        return False", SPEECH),
    PlantedBug("a call that has lost its use is made", "flows/speech/announce.py",
        "if tools.age_s(warned) > rules.too_late_after_s:", "if False:", SPEECH),
    PlantedBug("a message that was cut off is sent again", "flows/notices/deliver.py",
        'if note is not None and note.result == "being sent":', "if False:", NOTICES),
    PlantedBug("messages are forgotten over a restart", "flows/notify.py",
        "return DELIVERY_FORMAT.save(self._delivery)", "return DELIVERY_FORMAT.save(None)",
        NOTICES),
    PlantedBug("evidence waits for ever after a restart", "flows/preserve.py",
        "due = self.is_at_work", "due = False", "tests/flows/preservation"),
    PlantedBug("state is saved once only", "flows/keyed_logic.py",
        "                self._saved = self._watcher.save()\n            except",
        "                self._saved = self._saved or self._watcher.save()\n            except",
        "tests/flows/test_keyed_logic.py"),
    PlantedBug("an event of the log is passed over", "flows/sources/event_log.py",
        "self._place = LogPlace(self._log.log_id, page.scanned_to, event_id)",
        "self._place = LogPlace(self._log.log_id, page.scanned_to + (page.scanned_to % 50 == 49), event_id)",
        "tests/flows/sources/test_event_log_source_and_sink.py"),
    PlantedBug("steady time follows the wall's clock", "domain/cameras/steady_clock.py",
        "SEEN_WITHIN <= steady <= until:\n                return steady",
        "SEEN_WITHIN <= steady <= until:\n                return at", "tests/domain/cameras"),
    PlantedBug("half a line of custody is joined with the next", "evidence_store/custody/chain.py",
        'if last and not last.endswith(b"\\n"):', "if False:", "tests/evidence_store/custody"),
    PlantedBug("a sealed folder holds what its manifest does not name", "evidence_store/vault/vault.py",
        "            for path in folder.iterdir():\n",
        '            (folder / "more").touch()\n            for path in folder.iterdir():\n',
        "tests/evidence_store/vault"),
)  # fmt: skip


def failing_life(changed: ChangedModule | None, lives: int, seed: int) -> int:
    """Return in which simulated life something is not as promised, from 1; 0: in none, below 0: it hangs."""

    def live() -> int:
        if changed is not None:
            changed.install()
        from tests.simulation.__main__ import live_for

        lived = live_for(math.inf, seed, 1, most_failures=1, most_lives=lives)
        return lived.lives if lived.failed else NOT_FOUND

    return run_in_fork(live, HUNG_S)[0]


def found_by_tests(bugs: Sequence[PlantedBug]) -> dict[PlantedBug, str]:
    """Return which bugs some quick test of their rooms finds, and which."""
    found: dict[PlantedBug, str] = {}
    for tests in dict.fromkeys(bug.tests for bug in bugs):
        here = [bug for bug in bugs if bug.tests == tests]
        changes = [bug.plant() for bug in here]
        for answer in ask_tests([tests], changes, MOST_S):
            if answer.change < 0:
                if answer.by:
                    print(f"{tests}: these fail without any bug, and are not asked: {answer.by}")
                continue
            by = answer.by
            if answer.is_cold and run_tests(answer.files, changes[answer.change], HUNG_S)[0]:
                by = f"{tests}, once it is imported anew"
            if by:
                found[here[answer.change]] = by
            print(f"{here[answer.change].breaks}: {by or 'no test'}", flush=True)
    return found


def found_by_a_life(bug: PlantedBug, lives: int, seed: int) -> str:
    """Say in which simulated life a bug is found; "" where in none."""
    life = failing_life(bug.plant(), lives, seed)
    return f"simulation, in life {life}" if life > 0 else "simulation, which hangs" if life else ""


def main() -> int:
    """Print what finds each bug: some test, which is cheaper, or else a simulated life; return the exit code."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--lives", type=int, default=12, help="simulated, with each")
    asked.add_argument("--seed", type=int, default=1, help="of the first life")
    asked.add_argument("--only", type=int, nargs="*", help="numbers, counted from 1")
    asked.add_argument("--without-tests", action="store_true", help="by the simulation alone")
    given = asked.parse_args()
    prepare()
    planted = [*enumerate(PLANTED, 1)]
    chosen = [(number, bug) for number, bug in planted if number in (given.only or range(99))]
    found = {} if given.without_tests else found_by_tests([bug for _, bug in chosen])
    if len(found) < len(chosen) and failing_life(None, given.lives, given.seed):
        print("a life fails without any bug: make simulate says why")
        return 2
    for number, bug in chosen:
        by = found.get(bug) or found_by_a_life(bug, given.lives, given.seed)
        if by:
            found[bug] = by
        print(f"{number:2} {bug.breaks}: {by or 'NOT FOUND'}", flush=True)
    print(f"found {len(found)} of {len(chosen)}")
    return 1 if (len(chosen) - len(found)) * 20 > len(chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
