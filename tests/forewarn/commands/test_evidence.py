from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from domain.access.decisions import NotAllowed
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.evidence import EMBEDDING_SIZE, EvidenceRecord
from domain.ids import mint
from event_log.log import EventLog
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.media.stills import encode_jpeg
from evidence_store.search.stored_table import TableDamaged
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.open_vault import open_vault
from evidence_store.vault.re_encrypt import re_encrypt
from evidence_store.vault.vault import Vault
from forewarn.commands import audit
from forewarn.commands.evidence import group as evidence
from tests.support.example_events import warned_event
from tests.support.listed_people import list_people

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
APP = Typer()
APP.add_typer(evidence.app, name="evidence")
APP.command("audit")(audit.audit)


def run(data: DataDir, *words: str) -> Result:
    return CliRunner().invoke(APP, [*words, "--data", str(data.root)], env={"COLUMNS": "200"})


def json_lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def person(shirt: tuple[int, int, int]) -> np.ndarray:
    image = np.full((90, 40, 3), 128, np.uint8)
    image[15:45] = shirt
    return image


def record(number: int) -> EvidenceRecord:
    from models.appearance import describe

    rng = np.random.default_rng(number)
    embedding = rng.normal(size=EMBEDDING_SIZE).astype(np.float32)
    offence_id = mint("ofc", number)
    return EvidenceRecord(
        evidence_id=mint("evd", offence_id),
        offence_id=offence_id,
        site_id="campus",
        camera_id=f"gate-{number % 2}",
        zone_id="forecourt",
        rule_id="no-lingering",
        subject_id=f"gate/{number}",
        outcome="escalated" if number == 2 else "complied",
        first_seen_at=START + timedelta(minutes=number),
        ended_at=START + timedelta(minutes=number, seconds=20),
        dwell_s=20.0,
        rungs_spoken=1,
        best_score=0.8,
        subject_height_px=90.0,
        clip_duration_s=26.0,
        clip_from_at=START + timedelta(minutes=number, seconds=-3),
        complete=True,
        missing=(),
        files=(),
        embedding=embedding / np.linalg.norm(embedding),
        appearance=describe(person((40 * number, 250 - 40 * number, 90))),
        model_versions="detector=0123456789ab",
        software_version="0.1.0",
    )


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Make a data folder with four sealed records."""
    folder = DataDir(tmp_path / "var")
    vault, table = Vault(folder.evidence), EvidenceTable.open(folder.lancedb)
    signer = KeyFolder(folder.keys).create()
    chain = CustodyChain(folder.custody, signer)
    for number in range(4):
        made = record(number)
        with vault.draft(made.evidence_id) as draft:
            (draft / "clip.mp4").write_bytes(b"packets")
            (draft / "first.masked.jpg").write_bytes(encode_jpeg(person((90, 90, 90))))
            roles = {"clip.mp4": "clip", "first.masked.jpg": "masked snapshot"}
            table.put([vault.seal(draft, replace(made), roles, {}, signer)])
        note_sealed(chain, vault.folder_of(made.evidence_id), made.offence_id)
    return folder


def test_list_shows_the_newest_first_and_only_what_was_asked_for(data: DataDir) -> None:
    listed = json_lines(run(data, "evidence", "list", "--json"))
    assert [each["evidence_id"] for each in listed] == [record(n).evidence_id for n in (3, 2, 1, 0)]
    some = json_lines(
        run(data, "evidence", "list", "--json", "--camera", "gate-0", "--outcome", "escalated")
    )
    assert [each["evidence_id"] for each in some] == [record(2).evidence_id]
    late = run(data, "evidence", "list", "--json", "--since", "2026-03-02T08:03:00")
    assert len(json_lines(late)) == 1
    assert record(0).evidence_id in run(data, "evidence", "list").stdout


def test_an_empty_data_folder_lists_nothing_and_is_left_alone(tmp_path: Path) -> None:
    empty = DataDir(tmp_path / "none")
    assert json_lines(run(empty, "evidence", "list", "--json")) == []
    assert run(empty, "evidence", "verify").exit_code == 0
    assert not empty.root.exists()


def test_originals_are_shown_only_with_a_reason_that_is_logged(data: DataDir) -> None:
    wanted = record(1).evidence_id
    shown = json_lines(run(data, "evidence", "show", wanted, "--json"))[0]
    assert list(shown["paths"]) == ["first.masked.jpg", "numbers.json"]  # type: ignore[call-overload]
    assert "clip.mp4" not in str(shown["paths"])
    assert "viewed" not in data.custody.read_text()
    refused = run(data, "evidence", "show", wanted, "--unmasked")
    assert isinstance(refused.exception, NotAllowed) and "clip.mp4" not in refused.stdout
    assert "forewarn people add" in str(refused.exception)
    list_people(data, "officer")
    opened = run(data, "evidence", "show", wanted, "--unmasked", "--reason", "appeal 17", "--json")
    assert "clip.mp4" in json_lines(opened)[0]["paths"]  # type: ignore[operator]
    entry = json.loads(data.custody.read_text().splitlines()[-1])
    assert (entry["kind"], entry["evidence_id"]) == ("viewed", wanted)
    assert (entry["who"], entry["details"]["authority"]["role"]) == ("Mei Li", "officer")
    del entry["details"]["authority"]
    assert entry["details"] == {"reason": "appeal 17", "files": ["clip.mp4", "vectors.json"]}
    assert entry["signature"]


def test_an_unknown_id_says_where_to_find_the_known_ones(data: DataDir) -> None:
    result = run(data, "evidence", "show", "evd-0000000000000000")
    assert isinstance(result.exception, PutAside) and "evidence list" in str(result.exception)


def test_search_like_a_record_finds_it_first_without_a_server(data: DataDir) -> None:
    wanted = record(2).evidence_id
    for by in ("looks", "appearance", "both"):
        found = json_lines(run(data, "evidence", "search", "--like", wanted, "--by", by, "--json"))
        assert found[0]["evidence_id"] == wanted
        assert found[0]["similarity"] == pytest.approx(1.0, abs=1e-3)
        assert len(found) == 4


def test_search_by_the_colours_of_a_picture_needs_no_server(data: DataDir, tmp_path: Path) -> None:
    picture = tmp_path / "walker.jpg"
    picture.write_bytes(encode_jpeg(person((120, 130, 90))))
    words = ("evidence", "search", "--image", str(picture), "--by", "appearance", "--json")
    assert json_lines(run(data, *words))[0]["evidence_id"] == record(3).evidence_id
    picture.write_bytes(b"no picture")
    assert isinstance(run(data, *words).exception, PutAside)
    assert isinstance(run(data, "evidence", "search").exception, Stop)


@pytest.mark.triton
def test_search_by_picture_is_embedded_by_triton(
    data: DataDir, tmp_path: Path, triton_address: str
) -> None:
    from models.serving.client import Embedder, connect

    crop = person((10, 200, 30))
    with connect(triton_address) as connection:
        embedding = Embedder(connection).embed([crop])[0]
    made = replace(record(6), embedding=embedding)
    vault = Vault(data.evidence)
    with vault.draft(made.evidence_id) as draft:
        EvidenceTable.open(data.lancedb).put([vault.seal(draft, made, {}, {})])
    picture = tmp_path / "walker.png"
    picture.write_bytes(encode_jpeg(crop, quality=100))
    found = json_lines(
        run(
            data,
            "evidence",
            "search",
            "--image",
            str(picture),
            "--by",
            "looks",
            "--triton",
            triton_address,
            "--json",
        )
    )
    assert found[0]["evidence_id"] == made.evidence_id


def test_verify_passes_sound_evidence_and_names_what_was_changed(data: DataDir) -> None:
    (printed,) = json_lines(run(data, "evidence", "verify", "--json"))
    assert (printed["records"], printed["unsigned"], printed["problems"]) == (4, 0, [])
    assert printed["custody_entries"] == 4
    clip = data.evidence / record(1).evidence_id / "clip.mp4"
    clip.chmod(0o644)
    clip.write_bytes(b"packetz")
    one = run(data, "evidence", "verify", record(1).evidence_id)
    assert one.exit_code == 1 and f"{record(1).evidence_id}/clip.mp4: changed" in one.output
    assert run(data, "evidence", "verify", record(0).evidence_id).exit_code == 0
    everything = run(data, "evidence", "verify", "--json")
    assert everything.exit_code == 1
    assert len(json.loads(everything.stdout)["problems"]) == 1


def test_verify_names_a_row_of_the_event_log_that_was_changed(data: DataDir) -> None:
    with EventLog.open(data.events_db) as log:
        log.append([warned_event(number) for number in range(4)])
    sound = json_lines(run(data, "evidence", "verify", "--json"))[0]
    rows = {"rows": 4, "erased": 0, "from_row": 1, "behind_last_signed": 4}
    assert sound["event_log"] == rows
    (signed,) = [each for each in CustodyChain(data.custody).about("") if "log" in each["details"]]
    assert signed["kind"] == "verified" and signed["details"]["log"]["row"] == 4
    with closing(sqlite3.connect(data.events_db)) as connection, connection:
        connection.execute("UPDATE events SET subject = 'x' WHERE seq = 2")
    changed = run(data, "evidence", "verify", "--json")
    (problem,) = json.loads(changed.stdout)["problems"]
    assert changed.exit_code == 1 and "event log, row 2 " in problem
    assert "log" not in CustodyChain(data.custody).about("")[-1]["details"]


def test_every_command_tells_of_a_damaged_table_and_the_vault_verifies_without_it(
    data: DataDir, tmp_path: Path
) -> None:
    for path in data.lancedb.glob("evidence.lance/data/*"):
        path.write_bytes(bytes(path.stat().st_size))
    wanted = record(1).evidence_id
    for words in (
        ("list",),
        ("show", wanted),
        ("search", "--evidence", wanted),
        ("export", wanted, "--to", str(tmp_path / "out.zip")),
        ("upkeep",),
        ("erase", "--evidence", wanted, "--reason", "asked for", "--yes"),
    ):
        told = run(data, "evidence", *words).exception
        assert isinstance(told, TableDamaged), (words, told)
        assert f"evidence rebuild-table --data {data.root}" in str(told)
    checked = run(data, "evidence", "verify", "--json")
    facts = json.loads(checked.stdout)
    assert checked.exit_code == 1 and facts["records"] == 4
    (problem,) = facts["problems"]
    assert "evidence rebuild-table" in problem
    made = run(data, "evidence", "rebuild-table", "--json")
    assert made.exit_code == 0 and json.loads(made.stdout)["rows"] == 4
    assert json_lines(run(data, "evidence", "verify", "--json"))[0]["problems"] == []


def test_what_does_not_verify_is_not_exported(data: DataDir, tmp_path: Path) -> None:
    wanted, target = record(1).evidence_id, tmp_path / "out.zip"
    done = run(data, "evidence", "export", wanted, "--to", str(target), "--json")
    printed = json_lines(done)[0]
    assert target.is_file() and printed["withheld"] == ["clip.mp4", "vectors.json"]
    assert printed["masked"] is True
    target.unlink()
    clip = data.evidence / wanted / "clip.mp4"
    clip.chmod(0o644)
    clip.write_bytes(b"packetz")
    refused = run(data, "evidence", "export", wanted, "--to", str(target))
    assert isinstance(refused.exception, PutAside) and "clip.mp4: changed" in str(refused.exception)
    assert not target.exists()


def test_audit_tells_which_record_fails_and_its_exit_code_says_so(data: DataDir) -> None:
    shown = run(data, "audit")
    assert shown.exit_code == 1
    assert record(0).evidence_id in shown.output and "规则" in shown.output
    report = json.loads((data.audits / "latest.json").read_text("utf-8"))
    assert report["records"] == 4
    assert {each["check"] for each in report["findings"]} >= {"all-parts", "rule-known"}
    entry = json.loads(data.custody.read_text().splitlines()[-1])
    assert entry["kind"] == "audited" and entry["details"] == {"records": 4, "records_failed": 4}


def test_audit_of_nothing_passes_and_a_wrong_site_file_is_named(tmp_path: Path) -> None:
    empty = DataDir(tmp_path / "none")
    nothing = run(empty, "audit", "--json")
    assert nothing.exit_code == 0 and json.loads(nothing.stdout)["records"] == 0
    wrong = run(empty, "audit", "--site", str(tmp_path / "no.yaml"))
    assert isinstance(wrong.exception, Stop) and "no.yaml" in str(wrong.exception)


def test_encrypted_originals_are_shown_as_copies_that_can_be_opened(
    tmp_path: Path, data: DataDir
) -> None:
    key, wanted = EncryptionKeyFolder(data.keys).create(), record(1).evidence_id
    chain = CustodyChain(data.custody, KeyFolder(data.keys).signer())
    assert re_encrypt(open_vault(data), chain, lambda done, of: None).files == 8
    assert json_lines(run(data, "evidence", "verify", "--json"))[0]["problems"] == []
    plain = run(data, "evidence", "show", wanted, "--to", str(tmp_path / "copies"), "--json")
    assert "clip.mp4" not in json_lines(plain)[0]["paths"]
    list_people(data, "officer")
    words = ("--unmasked", "--reason", "appeal 17", "--to", str(tmp_path / "copies"), "--json")
    (printed,) = json_lines(run(data, "evidence", "show", wanted, *words))
    assert Path(printed["paths"]["clip.mp4"]).read_bytes() == b"packets"
    exported = tmp_path / "out.zip"
    words = ("--to", str(exported), "--unmasked", "--reason", "the court asked")
    assert run(data, "evidence", "export", wanted, *words).exit_code == 0
    with zipfile.ZipFile(exported) as archive:
        assert archive.read(f"{wanted}/record/clip.mp4") == b"packets"
    EncryptionKeyFolder(data.keys).key_file.unlink()
    lost = run(data, "evidence", "verify", wanted)
    assert lost.exit_code == 1 and f"is encrypted with key {key.key_id}" in lost.output
