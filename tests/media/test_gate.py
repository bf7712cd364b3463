import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from media.realtime.decimator import EARS_FRAME, EARS_RATE, HISTORY, TAPS, decimate
from media.realtime.gate import CLOSE_FRAMES, FakeFrameActivity, Gate
from media.realtime.packet import FRAME, RATE
from tests.media.room_script import amplitude_of


def to_ears(sound: np.ndarray) -> np.ndarray:
    frames = len(sound) // FRAME
    history, scratch = np.zeros((1, HISTORY), np.float32), np.zeros(HISTORY + FRAME, np.float32)
    ears = np.zeros((1, EARS_FRAME), np.int16)
    out = []
    for frame in sound[: frames * FRAME].astype(np.float32).reshape(frames, 1, FRAME):
        decimate(np.ascontiguousarray(frame), np.zeros(1, np.int64), 1, TAPS, history, scratch, ears)
        out.append(ears[0].copy())
    return np.concatenate(out)


def sine(frequency: float, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


@pytest.mark.parametrize("frequency", [100, 1000, 4000, 6900])
def test_ears_hear_the_speech_band_as_it_is(frequency: float) -> None:
    assert amplitude_of(frequency, to_ears(sine(frequency))[1000:], EARS_RATE) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("frequency", [9100, 12000, 20000])
def test_what_16_khz_cannot_carry_is_not_folded_into_it(frequency: float) -> None:
    folded = abs(frequency - EARS_RATE * round(frequency / EARS_RATE))
    assert amplitude_of(folded, to_ears(sine(frequency))[1000:], EARS_RATE) < 0.001


def test_full_scale_is_clipped_and_does_not_wrap_around() -> None:
    square = np.sign(sine(200))
    filtered = np.convolve(square, TAPS)[::3]
    ears = to_ears(square)
    assert np.abs(filtered).max() > 1.05
    assert np.abs(ears - np.clip(filtered[: len(ears)] * 32767, -32768, 32767)).max() <= 1


def hear(gate: Gate, sound: np.ndarray) -> list[tuple[int, bool]]:
    """Frames at which the gate moved."""
    moved = []
    for index in range(len(sound) // EARS_FRAME):
        frame = np.ascontiguousarray(sound[index * EARS_FRAME : (index + 1) * EARS_FRAME])
        level = float(np.sqrt(np.mean((frame / 32768.0) ** 2)))
        if gate.hear(frame.data.cast("B"), level):
            moved.append((index, gate.opened))
    return moved


def spoken(directory: Path, text: str) -> np.ndarray:
    if shutil.which("espeak-ng") is None:
        pytest.fail("espeak-ng is needed to speak")
    path = directory / "speech.wav"
    subprocess.run(["espeak-ng", "-w", str(path), text], check=True)
    samples = np.frombuffer(path.read_bytes()[44:], np.int16).astype(np.float64)
    at = np.arange(0, len(samples) - 1, 22050 / EARS_RATE)
    speech: NDArray[np.float64] = np.interp(at, np.arange(len(samples)), samples)
    voiced = np.flatnonzero(np.abs(speech) > 500)
    return speech[voiced[0] : voiced[-1]].astype(np.int16)


def test_the_gate_opens_with_speech_and_closes_600_ms_after_it(tmp_path: Path) -> None:
    speech = spoken(tmp_path, "good morning everybody, shall we begin")
    silence = np.zeros(EARS_RATE, np.int16)
    start = len(silence) // EARS_FRAME
    moved = hear(Gate(), np.concatenate([silence, speech, silence]))
    assert [opened for _, opened in moved] == [True, False]
    assert start <= moved[0][0] <= start + 4
    end = (len(silence) + len(speech)) // EARS_FRAME
    assert end + CLOSE_FRAMES - 10 <= moved[1][0] <= end + CLOSE_FRAMES + 1


def test_speech_is_found_in_steady_noise_and_the_noise_alone_is_not_kept(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    noise = (random.normal(0, 300, 8 * EARS_RATE)).astype(np.int16)
    speech = spoken(tmp_path, "could somebody open the window please")
    noisy = noise.astype(int)
    noisy[5 * EARS_RATE : 5 * EARS_RATE + len(speech)] += speech
    moved = hear(Gate(), noisy.clip(-32768, 32767).astype(np.int16))
    second = 1000 // 20
    quiet_again = [index for index, opened in moved if not opened and index < 5 * second]
    assert quiet_again, "it closes on the noise"
    assert quiet_again[0] < 2.5 * second
    opened = [index for index, is_open in moved if is_open and index > 4.9 * second]
    assert opened
    assert 5 * second <= opened[0] <= 5 * second + 10


def test_a_click_does_not_open_the_gate() -> None:
    sound = np.zeros(EARS_RATE, np.int16)
    sound[3200:3210] = 20_000
    assert hear(Gate(FakeFrameActivity()), sound) == []


def test_a_closed_gate_says_that_it_was_open_once() -> None:
    gate = Gate(FakeFrameActivity())
    hear(gate, np.full(EARS_FRAME * 3, 5000, np.int16))
    assert gate.close()
    assert not gate.close()
