"""Fetching: the right file or a clear error, and nothing half-written."""

from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from domain.errors import Stop, TryAgain
from models.registry import ModelEntry, read_registry
from models.sources import fetch, fetch_all, is_fetched

WEIGHTS = bytes(range(256)) * 5000
OTHER_WEIGHTS = b"other" * 1000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry(source: dict, content: bytes = WEIGHTS, name: str = "tiny") -> ModelEntry:
    """Make an entry like the detector's, from another source."""
    facts = read_registry().model("detector").model_dump()
    facts |= {"name": name, "source": source, "sha256": sha256(content)}
    return ModelEntry.model_validate(facts | {"size_bytes": len(content)})


def pair_at(address: str) -> ModelEntry:
    """Make an entry of two files, as the likeness model is."""
    facts = entry({"kind": "url", "url": f"{address}/weights.xml"}).model_dump()
    companion = {
        "source": {"kind": "url", "url": f"{address}/weights.bin"},
        "sha256": sha256(OTHER_WEIGHTS),
        "size_bytes": len(OTHER_WEIGHTS),
    }
    return ModelEntry.model_validate(facts | {"companions": [companion]})


def left_in(cache: Path) -> list[str]:
    return sorted(str(p.relative_to(cache)) for p in cache.rglob("*") if p.is_file())


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Make a package with two models, in a folder that is the only place where pip may look."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    path = shelf / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny_weights/model.bin", WEIGHTS)
        archive.writestr("tiny_weights/other.bin", OTHER_WEIGHTS)
        about = "tiny_weights-1.0.dist-info"
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return {
        "kind": "wheel",
        "package": "tiny-weights",
        "version": "1.0",
        "wheel_sha256": sha256(path.read_bytes()),
        "wheel_size_bytes": path.stat().st_size,
        "member": "tiny_weights/model.bin",
    }


def test_members_of_one_wheel_are_fetched_together(wheel: dict, cache: Path) -> None:
    other = wheel | {"member": "tiny_weights/other.bin"}
    entries = [entry(wheel), entry(other, OTHER_WEIGHTS, "other")]
    seen: list[tuple[str, int, int]] = []
    files = fetch_all(entries, cache, lambda *step: seen.append(step))
    assert files["tiny"].read_bytes() == WEIGHTS and files["other"].read_bytes() == OTHER_WEIGHTS
    assert left_in(cache) == ["other/other.bin", "tiny/model.bin"]
    assert ("tiny", len(WEIGHTS), len(WEIGHTS)) in seen
    of_wheel = [done for what, done, _ in seen if what == "tiny-weights"]
    assert of_wheel == sorted(of_wheel)  # a second download would start from 0 again


def test_what_was_fetched_is_not_fetched_again(wheel, cache, monkeypatch) -> None:
    fetch(entry(wheel), cache)
    monkeypatch.setenv("PIP_FIND_LINKS", str(cache))  # nothing there: a second fetch would fail
    assert fetch(entry(wheel), cache).read_bytes() == WEIGHTS


def test_a_damaged_file_is_fetched_again(wheel: dict, cache: Path) -> None:
    fetch(entry(wheel), cache).write_bytes(WEIGHTS[:-1])
    assert not is_fetched(entry(wheel), cache)
    assert fetch(entry(wheel), cache).read_bytes() == WEIGHTS


def test_another_wheel_under_the_name_is_refused(wheel: dict, cache: Path) -> None:
    with pytest.raises(Stop, match=r"(?s)tiny-weights 1\.0.*another file"):
        fetch(entry(wheel | {"wheel_sha256": "0" * 64}), cache)
    assert left_in(cache) == []


def test_a_wheel_without_the_member_is_named(wheel: dict, cache: Path) -> None:
    with pytest.raises(Stop, match=r"no member tiny_weights/gone\.bin"):
        fetch(entry(wheel | {"member": "tiny_weights/gone.bin"}), cache)
    assert left_in(cache) == []


def test_no_index_that_has_the_wheel_can_be_tried_again(wheel, cache, monkeypatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(cache))
    with pytest.raises(TryAgain, match=r"(?s)pip could not fetch it.*pip said"):
        fetch(entry(wheel), cache)
    assert left_in(cache) == []


@pytest.fixture
def website(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WEIGHTS)
    (folder / "pair").mkdir()
    (folder / "pair" / "weights.xml").write_bytes(WEIGHTS)
    (folder / "pair" / "weights.bin").write_bytes(OTHER_WEIGHTS)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_file_is_fetched_from_a_web_server(website: str, cache: Path) -> None:
    model = entry({"kind": "url", "url": f"{website}/weights.bin"})
    assert fetch(model, cache).read_bytes() == WEIGHTS


def test_a_wrong_file_is_not_kept(website: str, cache: Path) -> None:
    model = entry({"kind": "url", "url": f"{website}/weights.bin"}, b"what was expected")
    with pytest.raises(Stop, match=f"(?s)should have sha256 .*got {sha256(WEIGHTS)}"):
        fetch(model, cache)
    assert left_in(cache) == []


def test_a_file_that_is_gone_stops(website: str, cache: Path) -> None:
    with pytest.raises(Stop, match="404"):
        fetch(entry({"kind": "url", "url": f"{website}/gone.bin"}), cache)


def test_a_web_server_that_is_away_can_be_tried_again(cache: Path) -> None:
    with pytest.raises(TryAgain, match="cannot be reached"):
        fetch(entry({"kind": "url", "url": "http://127.0.0.1:9/weights.bin"}), cache)
    assert left_in(cache) == []


def test_both_files_of_a_pair_are_fetched_and_belong_to_it(website: str, cache: Path) -> None:
    model = pair_at(f"{website}/pair")
    assert fetch(model, cache) == cache / "tiny" / "weights.xml"
    assert left_in(cache) == ["tiny/weights.bin", "tiny/weights.xml"]
    (cache / "tiny" / "weights.bin").write_bytes(WEIGHTS)
    assert not is_fetched(model, cache)
    fetch(model, cache)
    assert is_fetched(model, cache)
    assert (cache / "tiny" / "weights.bin").read_bytes() == OTHER_WEIGHTS


def test_a_mirror_is_asked_before_the_network(tmp_path: Path, cache: Path) -> None:
    shelf = tmp_path / "mirror" / "as" / "it" / "came"
    shelf.mkdir(parents=True)
    (shelf / "weights.xml").write_bytes(WEIGHTS)
    (shelf / "weights.bin").write_bytes(OTHER_WEIGHTS)
    (tmp_path / "mirror" / "weights.bin").write_bytes(b"of another precision")
    model = pair_at("http://127.0.0.1:9")
    fetch(model, cache, tmp_path / "mirror")
    assert is_fetched(model, cache)


def test_what_is_neither_in_the_mirror_nor_reached_is_named_with_the_cure(
    tmp_path: Path, cache: Path
) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "weights.xml").write_bytes(b"of another precision")
    says = (
        r"(?s)http://127\.0\.0\.1:9/weights\.xml cannot be reached.*1 of that name with another hash"
        rf".*sha256 {sha256(WEIGHTS)}.*--mirror or FOREWARN_MODEL_MIRROR"
    )
    with pytest.raises(TryAgain, match=says):
        fetch(pair_at("http://127.0.0.1:9"), cache, tmp_path / "mirror")
    with pytest.raises(Stop, match="no folder"):
        fetch(pair_at("http://127.0.0.1:9"), cache, tmp_path / "elsewhere")
    assert left_in(cache) == []


def test_a_file_is_copied_and_a_missing_one_named(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "mine.bin"
    path.write_bytes(WEIGHTS)
    assert fetch(entry({"kind": "file", "path": str(path)}), cache).read_bytes() == WEIGHTS
    with pytest.raises(Stop, match=r"none\.bin cannot be read"):
        fetch(entry({"kind": "file", "path": str(tmp_path / "none.bin")}, b"gone", "other"), cache)


def test_a_cache_that_cannot_be_written_stops(tmp_path: Path) -> None:
    blocked = tmp_path / "cache"
    blocked.write_text("a file where the folder should be")
    path = tmp_path / "mine.bin"
    path.write_bytes(WEIGHTS)
    with pytest.raises(Stop, match="tiny"):
        fetch(entry({"kind": "file", "path": str(path)}), blocked)
