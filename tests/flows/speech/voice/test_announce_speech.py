"""Texts become sounds in a process apart, which may hang or die without harm."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.base import BothLanguages
from domain.errors import PutAside, Stop, TryAgain
from flows.speech.voice.cache import SpeechCache
from flows.speech.voice.compose import CallVoice, CallWords, join
from flows.speech.voice.engine import SAMPLE_RATE_HZ, read_speech
from flows.speech.voice.espeak import WORKER, EspeakEngine
from flows.speech.voice.worker import JsonLinesWorker

HELLO_ZH = "您好，前场请勿停留，谢谢您的配合。"
HELLO_EN = "Hello. Please do not stay on the forecourt."


@pytest.fixture(scope="module")
def engine() -> Iterator[EspeakEngine]:
    engine = EspeakEngine(answer_within_s=30.0)
    yield engine
    engine.close()


def samples(path: Path) -> bytes:
    with wave.open(str(path), "rb") as sound:
        return sound.readframes(sound.getnframes())


@pytest.mark.parametrize(("language", "text"), [("zh", HELLO_ZH), ("en", HELLO_EN)])
def test_a_text_becomes_a_wav_of_plausible_length(
    engine: EspeakEngine, tmp_path: Path, language: str, text: str
) -> None:
    speech = engine.synthesise(text, language, tmp_path / "hello.wav")
    assert 1.5 < speech.duration_s < 10
    assert max(samples(speech.path)) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["hello.wav"]


def test_the_languages_have_voices_of_their_own(engine: EspeakEngine, tmp_path: Path) -> None:
    digits = {
        language: engine.synthesise("1 2 3", language, tmp_path / f"{language}.wav").sha256
        for language in ("zh", "en")
    }
    assert digits["zh"] != digits["en"]


def test_one_process_serves_many_texts(engine: EspeakEngine, tmp_path: Path) -> None:
    pids = set()
    for number in range(5):
        engine.synthesise(f"number {number}", "en", tmp_path / f"{number}.wav")
        pids.add(engine.worker.pid)
    assert len(pids) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b\x07 c\ttab\nline",
        "<speak>markup & ampersand</speak> [[h@l'oU]]",
        "Hello 你好 мир مرحبا 1234567890 ¥ €",
        "👋 wave",
        "e" * 1_900,
        "\u202eright to left\u200b",
    ],
    ids=["control", "markup", "mixed", "emoji", "long", "direction"],
)
def test_odd_texts_are_spoken(engine: EspeakEngine, tmp_path: Path, text: str) -> None:
    for language in ("zh", "en"):
        assert engine.synthesise(text, language, tmp_path / "odd.wav").duration_s > 0.2


@pytest.mark.parametrize("text", ["", " \n\t", "\x00", "x" * 3_000, "\ud800"])
def test_a_text_without_words_or_without_end_is_put_aside_and_the_next_is_spoken(
    engine: EspeakEngine, tmp_path: Path, text: str
) -> None:
    pid = engine.worker.pid
    with pytest.raises(PutAside, match="cannot speak"):
        engine.synthesise(text, "en", tmp_path / "none.wav")
    assert list(tmp_path.iterdir()) == []
    engine.synthesise("fine", "en", tmp_path / "fine.wav")
    assert engine.worker.pid == pid


def test_a_language_without_a_voice_stops(engine: EspeakEngine, tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"'tlh'.*zh, en"):
        engine.synthesise("nuqneH", "tlh", tmp_path / "x.wav")


def test_a_folder_that_is_gone_says_try_again(engine: EspeakEngine, tmp_path: Path) -> None:
    with pytest.raises(TryAgain, match="No such file"):
        engine.synthesise("hello", "en", tmp_path / "gone" / "x.wav")


def test_a_worker_that_died_is_started_again(tmp_path: Path) -> None:
    engine = EspeakEngine(answer_within_s=30.0)
    try:
        engine.synthesise("one", "en", tmp_path / "one.wav")
        first = engine.worker.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
        engine.synthesise("two", "en", tmp_path / "two.wav")
        assert engine.worker.pid != first
    finally:
        engine.close()
    assert engine.worker.pid is None


def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    engine = EspeakEngine(answer_within_s=1.0)
    try:
        engine.synthesise("one", "en", tmp_path / "one.wav")
        hung = engine.worker.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(TryAgain, match="no answer within 1 s"):
            engine.synthesise("two", "en", tmp_path / "two.wav")
        engine.synthesise("two", "en", tmp_path / "two.wav")
        assert engine.worker.pid != hung
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("print('not json')", "no JSON"),
        ("print('[1]')", "no object"),
        ("pass", "ended without an answer"),
        ("import time; time.sleep(60)", "no answer within"),
    ],
)
def test_a_worker_that_makes_no_sense_says_try_again(program: str, said: str) -> None:
    worker = JsonLinesWorker("odd", [sys.executable, "-c", program], start_within_s=2.0)
    for _ in range(2):
        with pytest.raises(TryAgain, match=said):
            worker.ask({}, within_s=2.0)
        assert worker.pid is None


def test_a_worker_that_cannot_work_here_stops() -> None:
    program = """print('{"ready": false, "error": "no library"}', flush=True); input()"""
    worker = JsonLinesWorker("odd", [sys.executable, "-c", program], start_within_s=30.0)
    with pytest.raises(Stop, match="no library"):
        worker.ask({}, within_s=30.0)


def test_the_library_is_loaded_in_the_worker_only(engine: EspeakEngine, tmp_path: Path) -> None:
    engine.synthesise("hello", "en", tmp_path / "hello.wav")

    def maps(pid: int | None) -> str:
        return Path(f"/proc/{pid}/maps").read_text()

    assert "libespeak-ng" in maps(engine.worker.pid)
    assert "libespeak-ng" not in maps(os.getpid())


def test_the_worker_ends_with_its_parent(tmp_path: Path) -> None:
    start = (
        "import sys; from pathlib import Path; from flows.speech.voice.espeak import EspeakEngine\n"
        "engine = EspeakEngine()\n"
        "engine.synthesise('hello', 'en', Path(sys.argv[1]))\n"
        "print(engine.worker.pid, flush=True); input()"
    )
    command = [sys.executable, "-c", start, str(tmp_path / "x.wav")]
    root = Path(__file__).resolve().parents[4]
    parent = subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    ended = os.pidfd_open(worker)
    parent.kill()
    parent.wait()
    assert select.select([ended], [], [], 60.0)[0], "the worker outlived its parent by a minute"
    os.close(ended)


def test_the_worker_runs_where_its_data_have_a_long_path(tmp_path: Path) -> None:
    # espeak-ng keeps 160 bytes for it
    import espeakng_loader

    far = tmp_path / ("x" * 120) / ("y" * 120)
    far.mkdir(parents=True)
    (far / "espeakng_loader").symlink_to(Path(espeakng_loader.__file__).parent)
    environment = {**os.environ, "PYTHONPATH": str(far)}
    with subprocess.Popen(
        [sys.executable, str(WORKER)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == '{"ready": true, "rate_hz": 22050}\n'


def test_a_text_is_made_once_and_a_damaged_sound_is_made_again(
    engine: EspeakEngine, tmp_path: Path
) -> None:
    cache = SpeechCache(tmp_path / "speech", engine)
    first = cache.speech(HELLO_EN, "en")
    made_at = first.path.stat().st_mtime_ns
    assert cache.speech(HELLO_EN, "en") == first
    assert first.path.stat().st_mtime_ns == made_at
    first.path.write_bytes(first.path.read_bytes()[:1000])
    again = cache.speech(HELLO_EN, "en")
    assert again.duration_s == pytest.approx(first.duration_s, rel=0.05)


def test_texts_languages_and_voices_do_not_share_sounds(tmp_path: Path) -> None:
    slow, fast = (EspeakEngine(words_per_minute=rate) for rate in (120, 200))
    paths = {
        SpeechCache(tmp_path, each).path(text, language)
        for each in (slow, fast)
        for text in ("1 2 3", "1 2 4")
        for language in ("zh", "en")
    }
    assert len(paths) == 8


def test_a_cache_folder_that_cannot_be_made_says_try_again(
    engine: EspeakEngine, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TryAgain, match="file"):
        SpeechCache(tmp_path / "file" / "speech", engine).speech(HELLO_EN, "en")


def test_the_longest_unused_sounds_are_forgotten(engine: EspeakEngine, tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, engine, keep=3)
    made = [cache.speech(f"number {number}", "en").path for number in range(4)]
    for age, path in enumerate((made[1], made[3], made[0], made[2])):
        os.utime(path, ns=(10**18 - age * 10**9, 10**18))
    cache.speech("number 2", "en")  # used again
    SpeechCache(tmp_path, engine, keep=3).speech("one more", "en")
    assert set(tmp_path.iterdir()) >= {made[1], made[2], made[3]}
    assert made[0] not in tmp_path.iterdir()


def test_an_announcement_is_mandarin_a_pause_and_english(
    engine: EspeakEngine, tmp_path: Path
) -> None:
    cache = SpeechCache(tmp_path, engine)
    sound = CallVoice(cache, pause_s=0.5).sound(CallWords(BothLanguages(zh=HELLO_ZH, en=HELLO_EN)))
    (tmp_path / "whole.wav").write_bytes(sound.content)
    pause = bytes(2 * (SAMPLE_RATE_HZ // 2))
    zh, en = cache.speech(HELLO_ZH, "zh"), cache.speech(HELLO_EN, "en")
    assert samples(tmp_path / "whole.wav") == samples(zh.path) + pause + samples(en.path)
    whole = read_speech(tmp_path / "whole.wav")
    assert whole.duration_s == pytest.approx(zh.duration_s + 0.5 + en.duration_s)


def test_what_is_no_sound_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    for content in (b"", b"RIFF", b"x" * 500, join([], 0.0)):
        path.write_bytes(content)
        with pytest.raises(PutAside):
            read_speech(path)
