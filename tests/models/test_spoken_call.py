"""`continuum call` as a user types it, against `continuum serve` with the embedded models."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from perf.running_server import RunningServer, running_server
from perf.speech_corpus import SENTENCES, cached_wav, paused_corpus, speakers
from signaling.caller.caller import in_call
from signaling.caller.outcome import CallOptions
from signaling.caller.wav import WavRecorder, read_speech
from tests.hearing import corpus_cache, sounding, transcribe, weights, word_error_rate

pytestmark = [pytest.mark.models, pytest.mark.timeout(240)]

GREETED_WITHIN_MS = 4_000
"""Twice what is promised on quiet cores; `perf.reply` measures that."""
JOINS = 6
QUESTIONS = (SENTENCES[1], SENTENCES[3], SENTENCES[8])


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server() as running:
        yield running


def continuum_call(server: RunningServer, room: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "signaling.cli", "call", room, "--url", server.url, *arguments],
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_spoken_questions_are_understood_and_answered_by_voice(server: RunningServer, tmp_path: Path) -> None:
    # Of the voices the one that Whisper understands word for word where it hears the file itself.
    voice = speakers(weights("voice"))[1]
    wavs = [cached_wav(question, voice, corpus_cache()) for question in QUESTIONS]
    out = tmp_path / "heard.wav"
    spoken = [argument for wav in wavs for argument in ("--wav", str(wav))]
    ended = continuum_call(server, "spoken", *spoken, "--out", str(out), "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)

    assert [turn["said"] for turn in told["turns"]] == [str(wav) for wav in wavs]
    understood = " ".join(turn["heard"] for turn in told["turns"])
    # One proper name misheard is up to three words of the 28.
    assert word_error_rate(" ".join(QUESTIONS), understood) <= 0.15, understood
    for turn in told["turns"]:
        assert turn["reply"], turn
        assert turn["latency"]["onWire"] is not None, turn
        assert 0 < turn["caller"]["first_sound_ms"] < 45_000, turn
        # What the server knows ends at the wire; the caller's jitter buffer and clock come on top.
        assert turn["caller"]["first_sound_ms"] > turn["latency"]["onWire"] - 200, turn

    heard = read_speech(out)
    assert heard.size / 48_000 == pytest.approx(told["audio"]["seconds"], abs=0.5)
    loud = np.concatenate([heard[first:last] for first, last in sounding(heard)]) / 32768
    assert np.sqrt(np.mean(np.square(loud))) > 0.01
    said = [line["text"] for line in told["transcript"] if line["name"] == told["turns"][0]["persona"]]
    assert word_error_rate(" ".join(said), transcribe(heard)) <= 0.25, said


async def test_who_joins_is_greeted_by_voice_soon(server: RunningServer) -> None:
    took: list[float | None] = []
    while not any(one is not None and one <= GREETED_WITHIN_MS for one in took):
        # Whatever else the machine does may hold one greeting up, but hardly each of several.
        assert len(took) < JOINS, took
        async with in_call(CallOptions(room=f"greeting-{len(took)}", url=server.url)) as caller:
            assert await caller.greeted() or len(took) + 1 < JOINS, "nobody greeted"
            took.append(caller.greeting_ms)
            assert caller.result().greeting_ms == caller.greeting_ms


def test_a_speaker_who_pauses_in_a_sentence_is_heard_to_its_end(
    server: RunningServer, tmp_path: Path
) -> None:
    sentence = paused_corpus(weights("voice"), corpus_cache())[1]
    wav = tmp_path / "paused.wav"
    recorder = WavRecorder(wav)
    recorder.write(sentence.samples)
    recorder.close()
    ended = continuum_call(server, "paused", "--wav", str(wav), "--json")
    assert ended.returncode == 0, ended.stderr
    (turn,) = json.loads(ended.stdout)["turns"]
    assert word_error_rate(sentence.text, turn["heard"]) <= 0.2, turn
    assert turn["reply"]


def test_what_is_written_is_answered(server: RunningServer) -> None:
    ended = continuum_call(server, "written", "--text", "What is your name?")
    assert ended.returncode == 0, ended.stderr
    assert "Caller (written): What is your name?" in ended.stdout
    assert "turn 1: first sound after" in ended.stdout


@pytest.mark.parametrize(
    ("content", "reason"), [(b"no sound at all" * 50, "not a readable WAV"), (b"", "not a readable WAV")]
)
def test_a_file_that_is_no_wav_is_refused_in_one_line(
    server: RunningServer, tmp_path: Path, content: bytes, reason: str
) -> None:
    wav = tmp_path / "speech.wav"
    wav.write_bytes(content)
    ended = continuum_call(server, "refused", "--wav", str(wav), "--json")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert reason in ended.stderr
