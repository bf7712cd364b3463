"""`continuum call` against a small room over real WebRTC, and what it says when things are wrong."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from signaling.call import CallError, CallOptions, call, run
from signaling.caller.caller import in_call
from signaling.caller.wav import WavRecorder, read_speech
from tests.signaling.tiny_room import tiny_room


def babble(seconds: float, seed: int = 1) -> np.ndarray:
    """Syllables of a harmonic voice, 4 a second: something with an envelope to correlate."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * 48_000)) / 48_000
    pitch = np.interp(time, np.linspace(0, seconds, 6), rng.uniform(100, 180, 6))
    phase = 2 * np.pi * np.cumsum(pitch) / 48_000
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    envelope = 0.35 + 0.65 * np.abs(np.sin(2 * np.pi * 2 * time + rng.uniform(0, 3)))
    return (voice * envelope * 6_000).astype(np.int16)


def write(path: Path, samples: np.ndarray) -> Path:
    recorder = WavRecorder(path)
    recorder.write(samples)
    recorder.close()
    return path


def median_window_correlation(heard: np.ndarray, said: np.ndarray, window: int = 12_000) -> float:
    """Each window of `said` is sought in `heard`; the median of how well they are found."""
    best = []
    sums = np.concatenate([[0.0], np.cumsum(np.square(heard.astype(float)))])
    energy = sums[window:] - sums[:-window]
    for start in range(0, said.size - window, window):
        piece = said[start : start + window].astype(float)
        size = heard.size + window
        correlation = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece, size)), size)
        lags = correlation[: heard.size - window]
        best.append(np.max(lags / np.sqrt(np.maximum(energy[: lags.size], 1e4) * np.sum(piece**2))))
    return float(np.median(best))


async def test_a_caller_is_greeted_speaks_is_heard_and_hears_the_reply(tmp_path: Path) -> None:
    said = babble(1.0)
    options = CallOptions(
        room="lobby",
        wavs=(write(tmp_path / "said.wav", said),),
        texts=("and in writing",),
        out=tmp_path / "heard.wav",
    )
    async with tiny_room() as room:
        result = await call(replace(options, url=room.url))
    told = json.loads(json.dumps(result.to_json()))
    assert {"room", "you", "turns", "transcript", "audio"} <= told.keys()
    assert {"heard", "reply", "latency", "caller"} <= told["turns"][0].keys()
    assert {"first_sound_ms", "end_of_speech_at"} <= told["turns"][0]["caller"].keys()
    assert {"packets", "lost", "concealed"} <= told["audio"].keys()
    assert result.room == "lobby"
    assert result.greeting == "Hello there!"
    assert result.greeting_ms is not None
    assert 0 < result.greeting_ms < 60_000
    spoken, written = result.turns
    assert spoken.heard is not None
    assert spoken.heard.startswith("speech ")
    assert spoken.reply == written.reply == "I say the same."
    assert spoken.latency is not None
    assert spoken.latency["decided"] == 400
    (arrived,) = room.heard
    assert median_window_correlation(arrived, said) > 0.8
    heard = read_speech(tmp_path / "heard.wav")
    assert median_window_correlation(heard, arrived) > 0.75
    # The parrot answers after 0.4 s of quiet; the way there and back is the rest.
    assert spoken.caller.first_sound_ms is not None
    assert 400 < spoken.caller.first_sound_ms < 1200
    assert written.caller.first_sound_ms is not None
    assert written.caller.first_sound_ms < 600
    assert [line.kind for line in result.transcript if line.speaker == "you"] == ["speech", "chat"]
    assert result.audio.packets > 100
    assert heard.size == pytest.approx(result.audio.seconds * 48_000, abs=9_600)


async def test_a_turn_cut_off_by_a_restart_is_spoken_again_on_the_resumed_seat() -> None:
    said = babble(0.6)
    async with tiny_room(greet=False) as room, in_call(CallOptions(room="lobby", url=room.url)) as caller:
        turn = asyncio.create_task(caller.speak_turn(said, "said"))
        await asyncio.wait_for(room.hearing.wait(), 5.0)
        await room.restart()
        result = await turn
        assert result.reply == "I say the same."
        assert result.spoken_again == 1
        assert caller.result().audio.reconnects == 1
    assert [join.get("resume") for join in room.joins] == [None, "resume-token"]


async def test_a_connection_that_breaks_without_a_word_is_resumed() -> None:
    async with tiny_room(greet=False) as room, in_call(CallOptions(room="lobby", url=room.url)) as caller:
        assert caller.client._socket is not None
        caller.client._socket.transport.abort()
        await caller.until(lambda: caller.client.connections == 2, 10.0, "no second connection")
        turn = await caller.speak_turn(babble(0.3), "said")
        assert turn.reply == "I say the same."


async def test_what_was_written_but_not_acknowledged_before_a_restart_is_sent_again() -> None:
    async with tiny_room(greet=False, acknowledge=False) as room:
        async with in_call(CallOptions(room="lobby", url=room.url)) as caller:
            turn = asyncio.create_task(caller.write_turn("Are you there?"))
            await asyncio.wait_for(room.written.wait(), 5.0)
            room.acknowledge = True
            await room.restart()
            assert (await turn).reply == "I say the same."
            assert [line.text for line in caller.conversation.lines if line.speaker == "you"] == [
                "Are you there?"
            ]


async def test_an_answer_that_does_not_come_leaves_the_turn_without_reply_and_the_call_goes_on() -> None:
    options = CallOptions(room="lobby", wait_greeting=False, timeout=2.5)
    async with tiny_room(greet=False, answer=False) as room:
        async with in_call(replace(options, url=room.url)) as caller:
            first = await caller.speak_turn(babble(0.3), "said")
            assert first.reply is None
            assert first.caller.first_sound_ms is None
            room.answer = True
            assert (await caller.speak_turn(babble(0.3), "again")).reply == "I say the same."


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"token_status": 401}, "the server gives no token: no key"),
        (
            {"first_message": {"type": "bye", "code": "room-full", "message": "the room is full"}},
            "the room is full",
        ),
        ({"raw_first": "{"}, "no JSON"),
        ({"raw_first": "[]"}, "no message"),
    ],
)
async def test_a_server_that_refuses_is_quoted(settings: dict[str, object], reason: str) -> None:
    async with tiny_room(**settings) as room:
        with pytest.raises(CallError, match=reason):
            await call(CallOptions(room="lobby", url=room.url))


async def test_a_refused_chat_line_is_an_error() -> None:
    async with tiny_room(greet=False) as room:
        with pytest.raises(CallError, match="empty-text"):
            await call(CallOptions(room="lobby", url=room.url, texts=("  ",), wait_greeting=False))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (CallOptions(room="lobby", url="http://127.0.0.1:9"), "no answer from"),
        (CallOptions(room="lobby", url="nonsense"), "nonsense"),
        (CallOptions(room="lobby", wavs=(Path("/nowhere.wav"),)), "no such file"),
        (CallOptions(room="lobby", out=Path("/nowhere/out.wav")), "cannot be written"),
    ],
)
def test_what_cannot_be_called_is_said_in_one_line_with_status_1(options: CallOptions, reason: str) -> None:
    said: list[str] = []
    complaints: list[str] = []
    assert run(options, as_json=True, echo=said.append, complain=complaints.append) == 1
    assert said == []
    (line,) = complaints
    assert reason in line
    assert "\n" not in line
