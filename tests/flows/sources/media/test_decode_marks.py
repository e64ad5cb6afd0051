"""A process that a decoder crashed leaves word of whose it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.sources.media.decode_marks import DecodeMarks, suspects_of

# three readers, of whom two are inside FFmpeg; one more thread that reads nothing
CHILD = """
import ctypes, faulthandler, sys, threading, time
from pathlib import Path
from flows.sources.media.decode_marks import DecodeMarks
marks = DecodeMarks(Path(sys.argv[1]), ["north", "south", "west"])
marks.note_faults()
libc = ctypes.CDLL(None)

def read(camera_id, is_inside):
    mark = marks.of(camera_id)
    with mark:
        pass
    if is_inside:
        with mark:
            time.sleep(60)
    time.sleep(60)

def crash(camera_id):
    with marks.of(camera_id):
        libc.abort()  # without the interpreter's lock, as within FFmpeg

def crash_in_a_thread_of_ffmpeg():
    thread = ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, ctypes.c_void_p(8), None)
    time.sleep(60)

for camera_id, is_inside in (("south", True), ("west", False)):
    threading.Thread(target=read, args=(camera_id, is_inside), daemon=True).start()
time.sleep(0.5)
{how}
time.sleep(60)
"""
CRASHES = {
    "north": 'threading.Thread(target=crash, args=("north",)).start()',
    "a thread of FFmpeg's": "crash_in_a_thread_of_ffmpeg()",
    "a thread that reads nothing": "threading.Thread(target=faulthandler._sigsegv).start()",
}
FOUND = {"north": ("north",), "a thread of FFmpeg's": ("south",), "a thread that reads nothing": ()}


@pytest.mark.parametrize("crashed", CRASHES)
def test_whoever_crashed_the_process_is_found(crashed: str, tmp_path: Path) -> None:
    code = CHILD.replace("{how}", CRASHES[crashed])
    done = subprocess.run([sys.executable, "-c", code, tmp_path], timeout=120, check=False)
    assert done.returncode < 0
    found = suspects_of(tmp_path)
    assert found.camera_ids == FOUND[crashed]
    assert "Fatal Python error" in found.fault


def test_a_new_process_begins_without_marks(tmp_path: Path) -> None:
    marks = DecodeMarks(tmp_path, ["north", "south"])
    with marks.of("south"):
        assert suspects_of(tmp_path).camera_ids == ("south",)
    assert suspects_of(tmp_path).camera_ids == ()
    with marks.of("north"):
        DecodeMarks(tmp_path, ["north"])
    assert suspects_of(tmp_path).camera_ids == ()


def test_a_thread_whose_number_reads_like_the_names_is_found_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "threading.get_ident", lambda: int.from_bytes(b'\xc0\xf6["\x12\x7f', "little")
    )
    marks = DecodeMarks(tmp_path, ["north", "south"])
    with marks.of("south"):
        assert suspects_of(tmp_path).camera_ids == ("south",)


def test_damaged_marks_name_nobody(tmp_path: Path) -> None:
    assert suspects_of(tmp_path).camera_ids == ()
    (tmp_path / "watch.decoding").write_bytes(b"\0\0\0")
    (tmp_path / "watch.fault").write_bytes(b"")
    assert suspects_of(tmp_path).camera_ids == ()
