"""Test recordings of a site that encrypts: each segment as it closes, and evidence is cut out of them as before."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest

from domain.errors import PutAside
from evidence_store.erasure.erase_footage import erase_stretch
from evidence_store.erasure.erasure_request import ErasedStretch
from evidence_store.keys.encryption_keys import EncryptionKeys, new_key
from evidence_store.media.packets import open_video, read_packets
from evidence_store.recordings.footage import find_footage
from evidence_store.recordings.footage_clips import cut_footage
from evidence_store.recordings.recorder import SegmentRecorder
from evidence_store.recordings.segment_files import SegmentFiles, count_recordings_by_key
from evidence_store.recordings.segment_index import SegmentIndex

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
KEY = new_key()
KEYS = EncryptionKeys(KEY)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make six seconds of footage with a key frame every second."""
    path = tmp_path / "source.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"g": "10", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(60):
            frame = av.VideoFrame(96, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([4 * number]) * plane.buffer_size)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def record(
    source: Path,
    folder: Path,
    until_s: float = 60.0,
    *,
    segment_s: float = 1.0,
    closes: bool = True,
    keys: EncryptionKeys = KEYS,
) -> list[bytes]:
    """Feed a file as a camera's reader does; return the payloads fed."""
    recorder, fed = SegmentRecorder(folder, "gate", segment_s=segment_s, keys=keys), []
    with av.open(str(source)) as container:
        for packet in container.demux(video=0):
            at_s = float((packet.pts or 0) * (packet.time_base or 0))
            if packet.size and at_s <= until_s:
                fed.append(bytes(packet))
                recorder.write(packet, START + timedelta(seconds=at_s))
    if closes:
        recorder.close()
    assert recorder.problem is None
    return fed


def cut(folder: Path, target: Path, keys: EncryptionKeys | None = KEYS) -> list[bytes]:
    """Cut all of a recording, and return the clip's payloads."""
    target.mkdir()
    found = find_footage(folder, "gate", START, START + timedelta(seconds=6), keys)
    (clip,) = cut_footage(found, target, "clip")
    container, stream = open_video(clip.cut.path)
    with container:
        return [each.payload for each in read_packets(container, stream)]


def test_closed_segments_are_encrypted_and_give_back_what_came(
    source: Path, tmp_path: Path
) -> None:
    fed = record(source, tmp_path / "rec")
    files = [path for path in (tmp_path / "rec" / "gate").iterdir() if path.suffix != ".jsonl"]
    assert len(files) >= 5 and {path.suffix for path in files} == {".enc"}
    assert not any(payload in path.read_bytes() for payload in fed for path in files)
    assert cut(tmp_path / "rec", tmp_path / "out") == fed
    assert count_recordings_by_key(tmp_path / "rec") == {KEY.key_id: len(files)}


def test_the_open_segment_is_plain_and_read_all_the_same(source: Path, tmp_path: Path) -> None:
    record(source, tmp_path / "rec", closes=False)
    suffixes = [path.suffix for path in (tmp_path / "rec" / "gate").glob("2026*")]
    assert suffixes.count(".mp4") == 1 and suffixes.count(".enc") >= 4
    assert len(cut(tmp_path / "rec", tmp_path / "out")) > 45


def test_what_a_kill_left_plain_is_encrypted_by_the_next_process(
    source: Path, tmp_path: Path
) -> None:
    record(source, tmp_path / "rec", segment_s=4.0, closes=False)
    folder = tmp_path / "rec" / "gate"
    (left,) = folder.glob("*.mp4")
    killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "rec", killed)
    before = cut(killed, tmp_path / "before")
    # killed again, within the encryption
    (killed / "gate" / f".{left.name}.enc.part").write_bytes(b"half")
    begin = START + timedelta(seconds=60)
    recorder = SegmentRecorder(killed, "gate", keys=KEYS)
    with av.open(str(source)) as container:
        for packet in container.demux(video=0):
            recorder.write(packet, begin)
    recorder.close()
    assert [*killed.glob("gate/*.mp4"), *killed.glob("gate/.*")] == []
    assert cut(killed, tmp_path / "after") == before
    first = SegmentIndex(killed / "gate").read()[0]
    assert next(each for each in first if each.name == left.name).is_cut_off


def test_without_room_a_segment_stays_plain_until_there_is_some(
    source: Path, tmp_path: Path
) -> None:
    name = "20260302T080000.000000Z.mp4"
    blocked = tmp_path / "rec" / "gate" / f".{name}.enc.part"
    blocked.mkdir(parents=True)  # nothing can be written there
    fed = record(source, tmp_path / "rec", 2.5)
    assert (blocked.parent / name).is_file(), "it was not lost"
    blocked.rmdir()
    files = SegmentFiles(blocked.parent, KEYS)
    files.finish(name)
    assert not (blocked.parent / name).exists()
    assert cut(tmp_path / "rec", tmp_path / "out") == fed


def test_a_changed_exchanged_or_keyless_segment_does_not_open(source: Path, tmp_path: Path) -> None:
    record(source, tmp_path / "rec")
    one, other, *_ = sorted((tmp_path / "rec" / "gate").glob("*.enc"))
    found = find_footage(
        tmp_path / "rec", "gate", START, START + timedelta(seconds=6), EncryptionKeys(new_key())
    )
    assert found.pieces == () and KEYS.current is not None
    assert KEYS.current.key_id in found.gaps[0].reason, "a key that is not at hand stops nobody"
    sound = one.read_bytes()
    changed = bytearray(sound)
    changed[len(sound) // 2] ^= 1
    for content in (bytes(changed), sound[:-1], other.read_bytes()):
        one.write_bytes(content)
        with pytest.raises(PutAside, match=one.name):
            SegmentFiles(one.parent, KEYS).file(one.name.removesuffix(".enc")).open().read()


@pytest.mark.parametrize("keys", [KEYS, EncryptionKeys()])
def test_a_damaged_segment_is_a_gap_and_costs_nothing_of_the_others(
    source: Path, tmp_path: Path, keys: EncryptionKeys
) -> None:
    record(source, tmp_path / "rec", segment_s=2.0, keys=keys)
    damaged = sorted((tmp_path / "rec" / "gate").glob("2026*"))[1]
    damaged.write_bytes(b"")  # as a power cut leaves it
    found = find_footage(tmp_path / "rec", "gate", START, START + timedelta(seconds=6), keys)
    (gap,) = found.gaps
    assert "cannot be read: " in gap.reason and damaged.name in gap.reason
    assert len(cut_footage(found, tmp_path, "clip")) == 2


def test_erasing_and_retention_take_the_encrypted_files(source: Path, tmp_path: Path) -> None:
    record(source, tmp_path / "rec")
    stretch = ErasedStretch("gate", START + timedelta(seconds=1.5), START + timedelta(seconds=2.5))
    gone, kept, is_open = erase_stretch(tmp_path / "rec", stretch, (), datetime.now(UTC))
    assert gone and (kept, is_open) == ([], False)
    assert not any((tmp_path / "rec" / "gate" / f"{name}.enc").exists() for name in gone)
    assert len(list((tmp_path / "rec" / "gate").glob("*.enc"))) >= 2


@pytest.mark.parametrize("left", [b"", b"forewarn", None], ids=["empty", "torn", "another's"])
def test_an_encrypted_file_that_a_loss_of_power_left_never_costs_the_plain_one(
    tmp_path: Path, left: bytes | None
) -> None:
    files, plain = SegmentFiles(tmp_path, KEYS), tmp_path / "a.mp4"
    plain.write_bytes(b"footage" * 1000)
    if left is None:
        (tmp_path / "b.mp4").write_bytes(b"other footage")
        files.finish("b.mp4")
        (tmp_path / "b.mp4.enc").rename(tmp_path / "a.mp4.enc")
    else:
        (tmp_path / "a.mp4.enc").write_bytes(left)
    files.finish("a.mp4")
    assert not plain.exists()
    with files.file("a.mp4").open() as file:
        assert file.read() == b"footage" * 1000


def test_a_plain_file_goes_once_the_encrypted_one_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, plain = SegmentFiles(tmp_path, KEYS), tmp_path / "a.mp4"
    plain.write_bytes(b"footage" * 1000)
    done: list[str] = []
    sync, replace, unlink = os.fsync, Path.replace, Path.unlink

    def note_sync(handle: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        sync(handle)

    def note_replace(path: Path, target: Path) -> Path:
        done.append(f"name {target.name}")
        return replace(path, target)

    def note_unlink(path: Path, missing_ok: bool = False) -> None:
        if path == plain:
            done.append("unlink")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    monkeypatch.setattr(Path, "unlink", note_unlink)
    files.finish("a.mp4")
    assert done == ["sync .a.mp4.enc.part", "name a.mp4.enc", f"sync {tmp_path.name}", "unlink"]
