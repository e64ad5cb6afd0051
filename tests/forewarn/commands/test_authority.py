"""Nobody gets past their roles: every way to originals and every act, asked for by who may not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from domain.access.decisions import NotAllowed
from domain.access.os_account import this_account
from domain.access.permissions import REQUIRES_PEOPLE_FILE, Permission
from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.events.catalog import CommandGiven, CommandRefused, OffenceOpened
from domain.events.commands import Refusal
from event_log.log import EventLog
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.custody.chain_check import check_chain
from evidence_store.custody.signing_key import keys_of
from forewarn.command_line import build_app
from forewarn.evidence.look import RecordViewer
from tests.support.example_events import one_of_each
from tests.support.kept_evidence import Kept, chain_of, keep
from tests.support.listed_people import PASSWORD, list_people

ROOT = Path(__file__).resolve().parents[3]
OFFENCE = next(each for each in one_of_each() if isinstance(each.data, OffenceOpened))
# every command that needs somebody's authority; {id}: a record, {out}: a place to write to
ASKED_FOR: dict[Permission, list[str]] = {
    Permission.SEE_MASKED: [
        "evidence list",
        "evidence show {id}",
        "evidence search --evidence {id}",
    ],
    Permission.EXPORT_MASKED: ["evidence export {id} --to {out}/masked.zip"],
    Permission.SEE_UNMASKED: [
        "evidence show {id} --unmasked --reason appeal",
        "evidence show {id} --unmasked --reason appeal --to {out}/copies",
        "evidence show {id} --unmasked --json",
    ],
    Permission.EXPORT_UNMASKED: [
        "evidence export {id} --unmasked --reason appeal --to {out}/all.zip"
    ],
    Permission.HOLD: [
        "evidence hold {id} --reason appeal --owner lawyer",
        "evidence hold --camera gate --from 2026-03-02 --to 2026-03-03 --reason a --owner b",
    ],
    Permission.RELEASE: ["evidence release {id} --reason closed"],
    Permission.ERASE: [
        "evidence erase --evidence {id} --reason request --yes",
        "evidence retention samples/site.yaml --apply --despite-broken-chain",
    ],
    Permission.KEYS: [
        "keys create",
        "keys rotate",
        "keys certificate --site campus --request",
        "keys encryption create",
        "keys encryption rotate",
        "keys encryption apply",
        "keys encryption off --reason none",
        "backup create {out}/backup --with-private-keys",
    ],
    Permission.BACK_UP: ["backup create {out}/backup"],
    Permission.READ_ACCESS_LOG: ["people log"],
    Permission.CHANGE_PEOPLE: [
        "people add friend --role officer",
        "people set me --role officer",
        "people remove the-auditor",
        "people password the-officer --off",
    ],
}
COMMANDS = [
    "offences take-over {offence}",
    "offences hand-back {offence}",
    "offences speak {offence}",
    "offences dismiss {offence} --reason none",
    "offences dispatch {offence} --note none",
]
ONLY_IN_THE_CONSOLE = {Permission.WATCH, Permission.READ_AUDITS}


class Site:
    def __init__(self, folder: Path) -> None:
        self.data, self.out = DataDir(folder / "var"), folder / "out"
        self.out.mkdir()
        chain_of(self.data)
        self.kept: Kept = keep(self.data, 1)
        with EventLog.open(self.data.events_db) as log:
            log.append([OFFENCE])

    def run(self, command: str, **environment: str) -> Result:
        ids = {"id": self.kept.evidence_id, "offence": OFFENCE.subject}
        words = [*command.format(out=self.out, **ids).split(), "--data", str(self.data.root)]
        env = {"FOREWARN_KEYS": "", "FOREWARN_OPERATOR": "", "COLUMNS": "200"} | environment
        return CliRunner().invoke(build_app(words[:1]), words, env=env)

    def refused(self) -> list[Entry]:
        chain = CustodyChain(self.data.custody)
        assert check_chain(chain, keys_of(self.data)).problems == []
        return [each for each in chain.about("") if each["kind"] == "refused"]

    def answers(self) -> list[CommandGiven | CommandRefused]:
        with EventLog.open(self.data.events_db) as log:
            events = [each.event.data for each in log.about(OFFENCE.subject)]
        return [each for each in events if isinstance(each, CommandGiven | CommandRefused)]

    def check_untouched(self, answer: Result) -> None:
        """Nothing came out, and the record is whole."""
        assert not any(path.is_file() for path in self.out.rglob("*")), "nothing was written"
        assert "clip.mp4" not in answer.stdout, "not even where it lies is told"
        folder = self.data.evidence / self.kept.evidence_id
        assert (folder / "clip.mp4").read_bytes() == self.kept.clip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def no_password_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("FOREWARN_PASSWORD", raising=False)
    yield


def test_every_act_is_asked_for_somewhere() -> None:
    assert ASKED_FOR.keys() | {Permission.COMMAND} | ONLY_IN_THE_CONSOLE == set(Permission)


@pytest.mark.parametrize("act", sorted({*ASKED_FOR, Permission.COMMAND}))
def test_whoever_may_do_all_but_one_thing_gets_nothing_by_it_and_is_on_record(
    site: Site, act: Permission
) -> None:
    site.data.people.write_text(
        "roles:\n  - id: nearly-all\n    title: {zh: 某, en: Some}\n"
        f"    may: [{', '.join(sorted(set(Permission) - {act}))}]\n"
        "  - {id: keeps-the-list, title: {zh: 管, en: Keeps}, may: [change-people]}\n"
        f"people:\n  - {{id: me, name: Mei Li, roles: [nearly-all], accounts: [{this_account()}]}}\n"
        "  - {id: boss, name: Boss, roles: [keeps-the-list], accounts: [boss]}\n",
        encoding="utf-8",
    )
    for command in ASKED_FOR.get(act, COMMANDS):
        before = len(site.refused())
        answer = site.run(command)
        assert isinstance(answer.exception, NotAllowed), (command, answer.output)
        assert answer.exception.decision.permission is act
        site.check_untouched(answer)
        if act is Permission.COMMAND:
            answer = site.answers()[-1]
            assert isinstance(answer, CommandRefused) and answer.why is Refusal.NOT_ALLOWED
        else:
            (entry,) = site.refused()[before:]
            assert (entry["who"], entry["details"]["act"]) == ("Mei Li", act.value)


@pytest.mark.parametrize("act", sorted(REQUIRES_PEOPLE_FILE))
def test_without_a_list_nobody_gets_what_is_unmasked(tmp_path: Path, act: Permission) -> None:
    site = Site(tmp_path)
    for command in ASKED_FOR[act]:
        answer = site.run(command)
        assert isinstance(answer.exception, NotAllowed), command
        assert "forewarn people add" in str(answer.exception)
        site.check_untouched(answer)
    assert len(site.refused()) == len(ASKED_FOR[act])


def test_a_name_that_is_only_typed_opens_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    list_people(site.data)
    show = "evidence show {id} --unmasked --reason appeal --by the-officer"
    for environment in (
        {},
        {"FOREWARN_PASSWORD": "not their password"},
        {"LOGNAME": "acc-officer"},
    ):
        answer = site.run(show, **environment)
        assert answer.exit_code != 0
        site.check_untouched(answer)
    answer = site.run(show.removesuffix(" --by the-officer"), LOGNAME="acc-officer", USER="x")
    assert isinstance(answer.exception, NotAllowed), "the environment says nothing about who asks"
    assert site.run(show, FOREWARN_PASSWORD=PASSWORD).exit_code == 0


def test_who_may_goes_on_record_with_role_and_reason_and_once_removed_may_no_more(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    list_people(site.data, "officer", "keeper", "registrar")
    hold = site.run("evidence hold {id} --reason appeal --owner lawyer")
    show = site.run("evidence show {id} --unmasked --reason appeal --to {out}/copies")
    assert (hold.exit_code, show.exit_code) == (0, 0), (hold.output, show.output)
    assert (site.out / "copies" / "clip.mp4").read_bytes() == site.kept.clip
    entries = CustodyChain(site.data.custody).about(site.kept.evidence_id)[-2:]
    assert [
        (each["kind"], each["who"], each["details"]["authority"]["role"], each["details"]["reason"])
        for each in entries
    ] == [("held", "Mei Li", "keeper", "appeal"), ("viewed", "Mei Li", "officer", "appeal")]
    assert (
        site.run("people remove me --by the-registrar", FOREWARN_PASSWORD=PASSWORD).exit_code == 0
    )
    again = site.run("evidence show {id} --unmasked --reason appeal")
    assert isinstance(again.exception, NotAllowed)


def test_an_erasure_says_by_whose_authority(tmp_path: Path) -> None:
    site = Site(tmp_path)
    list_people(site.data, "keeper")
    done = site.run("evidence erase --evidence {id} --reason request --yes")
    assert done.exit_code == 0, done.output
    erasing = CustodyChain(site.data.custody).about(site.kept.evidence_id)[-2]
    assert (erasing["kind"], erasing["who"]) == ("erasing", "Mei Li")
    assert erasing["details"]["authority"]["person"] == "me"
    assert erasing["details"]["by"] == "Mei Li"


def test_a_command_of_somebody_listed_carries_their_person_and_role(tmp_path: Path) -> None:
    site = Site(tmp_path)
    list_people(site.data)
    words = "offences take-over {offence} --wait 0"
    assert isinstance(site.run(words).exception, NotAllowed)
    site.run(words + " --by the-operator", FOREWARN_PASSWORD=PASSWORD)
    given = site.answers()[-1]
    assert isinstance(given, CommandGiven), "not refused: it waits for the watch program"
    assert (given.operator, given.person, given.role) == (
        "Olga the operator",
        "the-operator",
        "operator",
    )


def test_a_notebook_goes_through_the_same_gate(tmp_path: Path) -> None:
    site = Site(tmp_path)
    list_people(site.data, "reviewer")
    look = RecordViewer(site.data)
    masked = look.masked(site.kept.evidence_id)
    assert "first.masked.jpg" in masked.names
    for name in ("clip.mp4", "first.jpg", "vectors.json", "../../people.yaml"):
        with pytest.raises(PutAside):
            masked.open(name)
    with pytest.raises(NotAllowed):
        look.originals(site.kept.evidence_id, "appeal")
    list_people(site.data, "officer")
    with pytest.raises(PutAside, match="reason"):
        RecordViewer(site.data).originals(site.kept.evidence_id, " ")
    with (
        RecordViewer(site.data).originals(site.kept.evidence_id, "appeal").open("clip.mp4") as clip
    ):
        assert clip.read() == site.kept.clip


def test_no_other_module_opens_the_vault() -> None:
    """Whoever adds one has to ask the gate there, or say here why nobody is shown anything."""
    known = {
        "evidence_store/verify_data_folder.py",  # hashes; shows nothing
        "evidence_store/backup/restore.py",  # hashes; shows nothing
        "flows/reports/contact_sheet.py",  # every face is masked in what it gives
        "dashboards/data/record_acts.py",  # asks
        "dashboards/serve.py",  # serves by keys that are minted after the gate was asked
        "casework/retention/service.py",  # holds and erases; its callers ask
        "forewarn/evidence/look.py",  # asks
        "forewarn/commands/evidence/group.py",  # asks
        "forewarn/commands/evidence/maintain.py",  # makes the table anew; shows nothing
        "forewarn/commands/keys/encryption.py",  # asks; encrypts anew
    }
    found = set()
    for room in (
        "forewarn",
        "flows",
        "dashboards",
        "models",
        "validation",
        "casework",
        "evidence_store",
    ):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and any(
                    each.name == "open_vault" for each in node.names
                ):
                    found.add(path.relative_to(ROOT).as_posix())
    assert found == known
