"""Synthesised clauses made ready to be played in a row: trimmed, levelled, 48 kHz, with natural gaps."""

import av
import numpy as np
import numpy.typing as npt

__all__ = ["VOICE_RATE", "Delivery", "gap_after", "level", "loudness_gain", "resample", "trim"]

VOICE_RATE = 48_000
"""Samples a second of a voice ring."""

_FRAME_SECONDS = 0.005
_AUDIBLE = 0.008
"""Root mean square of a frame, of the loudest one's, from which on it is heard: -42 dB."""
_BEFORE_SECONDS = 0.010
_BEHIND_SECONDS = 0.030
_FADE_SECONDS = 0.003
_SPEECH_RMS = 0.11
"""Level of active speech, -19 dB of full scale: headroom for peaks and for several voices."""
_HIGHEST_PEAK = 0.92
_LOUDEST = 2.5
"""Root mean square of speech's loudest frame, of that of its active ones."""
_GAPS = {".": 0.26, "!": 0.26, "?": 0.28, "…": 0.30, ",": 0.12, ";": 0.18, ":": 0.18, "—": 0.16, "–": 0.16}
_GAP_WITHIN = 0.04


def _frames(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    size = max(1, int(rate * _FRAME_SECONDS))
    whole = samples[: len(samples) // size * size].reshape(-1, size)
    rms: npt.NDArray[np.float32] = np.sqrt(np.mean(np.square(whole), axis=1))
    return rms


def trim(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """Cuts silence at both ends: a synthesiser's padding in front is latency.

    Args:
        samples: float32 (n,).
        rate: samples a second.

    Returns:
        float32 (m,), m ≤ n, faded over 3 ms at both ends; empty when nothing is audible.
    """
    rms = _frames(samples, rate)
    loudest = float(rms.max()) if len(rms) else 0.0
    if loudest <= 1e-5:
        return samples[:0]
    audible = np.flatnonzero(rms >= _AUDIBLE * loudest)
    size = int(rate * _FRAME_SECONDS)
    begin = max(0, int(audible[0]) * size - int(rate * _BEFORE_SECONDS))
    end = min(len(samples), (int(audible[-1]) + 1) * size + int(rate * _BEHIND_SECONDS))
    cut = samples[begin:end].copy()
    fade = min(int(rate * _FADE_SECONDS), len(cut) // 2)
    _fade(cut[:fade], rising=True)
    _fade(cut[len(cut) - fade :], rising=False)
    return cut


def level(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """Brings speech to one loudness, so that a short clause is no louder than a long one.

    The root mean square of the frames within 20 dB of the loudest becomes -19 dB of full scale;
    peaks stay below 0.92.
    """
    rms = _frames(samples, rate)
    if not len(rms) or float(rms.max()) <= 1e-5:
        return samples
    gain = min(_gain(rms), _HIGHEST_PEAK / float(np.abs(samples).max()))
    return samples * np.float32(gain)


def loudness_gain(samples: npt.NDArray[np.float32], rate: int) -> float | None:
    """The factor that `level` would apply but for peaks; None for silence."""
    rms = _frames(samples, rate)
    return _gain(rms) if len(rms) and float(rms.max()) > 1e-5 else None


def _gain(rms: npt.NDArray[np.float32]) -> float:
    active = rms[rms >= 0.1 * rms.max()]
    return _SPEECH_RMS / float(np.sqrt(np.mean(np.square(active))))


class _Resampler:
    """To 48 kHz int16 by libswresample (98 dB below 0.8 of the old band's edge), piece by piece."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._converter = av.AudioResampler(format="flt", layout="mono", rate=VOICE_RATE)

    def push(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
        if not len(samples):
            return np.zeros(0, np.int16)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None], dtype=np.float32), format="flt", layout="mono"
        )
        frame.sample_rate = self._rate
        return _joined(self._converter.resample(frame))

    def finish(self) -> npt.NDArray[np.int16]:
        return _joined(self._converter.resample(None))


def _joined(frames: list[av.AudioFrame]) -> npt.NDArray[np.int16]:
    if not frames:
        return np.zeros(0, np.int16)
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return np.clip(np.rint(samples * 32767.0), -32768, 32767).astype(np.int16)


def resample(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.int16]:
    """Converts a whole clip to 48 kHz int16.

    Args:
        samples: float32 (n,) in [-1, 1].
        rate: samples a second; any integer, also one that moves the pitch.
    """
    if not len(samples):
        return np.zeros(0, np.int16)
    resampler = _Resampler(rate)
    return np.concatenate([resampler.push(samples), resampler.finish()])


class Delivery:
    """One sentence made ready to be played while it is still being synthesised.

    What `trim`, `level` and `resample` do to a whole clip; the loudness is the voice's usual one, as the sentence's own
    is not known before its end. Peaks lower the rest of the sentence.

    Args:
        rate: samples a second of what is synthesised.
        played_rate: what they are taken to be, to move the pitch.
        gain: see `loudness_gain`.

    Attributes:
        skipped: samples of silence left out in front.
    """

    def __init__(self, rate: int, played_rate: int, gain: float) -> None:
        self.skipped = 0
        self._rate = rate
        self._played_rate = played_rate
        self._gain = gain
        self._threshold = _AUDIBLE * _LOUDEST * _SPEECH_RMS / gain
        self._resampler = _Resampler(played_rate)
        self._held = np.zeros(0, np.float32)
        self._begun = False

    def push(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
        """Takes float32 (n,), gives int16 (m,) at 48 kHz: silence is held back until something follows it."""
        self._held = np.concatenate([self._held, samples])
        size = max(1, int(self._rate * _FRAME_SECONDS))
        audible = np.flatnonzero(_frames(self._held, self._rate) >= self._threshold)
        before = int(self._rate * _BEFORE_SECONDS)
        if not len(audible):
            if not self._begun:
                self._skip(max(0, len(self._held) - before - size) // size * size)
            return np.zeros(0, np.int16)
        if not self._begun:
            self._begun = True
            self._skip(max(0, int(audible[0]) * size - before))
            self._held = self._held.copy()
            _fade(self._held[: self._faded()], rising=True)
            audible = np.flatnonzero(_frames(self._held, self._rate) >= self._threshold)
        end = min((int(audible[-1]) + 1) * size, len(self._held) - self._faded()) if len(audible) else 0
        return self._give(max(0, end))

    def finish(self) -> npt.NDArray[np.int16]:
        """What is left, to a little behind the last that can be heard."""
        if not self._begun:
            return np.zeros(0, np.int16)
        end = min(len(self._held), int(self._rate * _BEHIND_SECONDS) + self._faded())
        _fade(self._held[max(0, end - self._faded()) : end], rising=False)
        return np.concatenate([self._give(end), self._resampler.finish()])

    def played_at(self, sample: int) -> int:
        """Where a sample of what was taken is in what is given, at 48 kHz; known once anything was given."""
        return max(0, sample - self.skipped) * VOICE_RATE // self._played_rate

    def _skip(self, count: int) -> None:
        self._held = self._held[count:]
        self.skipped += count

    def _faded(self) -> int:
        return int(self._rate * _FADE_SECONDS)

    def _give(self, count: int) -> npt.NDArray[np.int16]:
        given, self._held = self._held[:count], self._held[count:]
        if not len(given):
            return np.zeros(0, np.int16)
        before = self._gain
        self._gain = min(self._gain, _HIGHEST_PEAK / max(float(np.abs(given).max()), 1e-6))
        gains = np.full(len(given), self._gain, np.float32)
        ramp = min(self._faded(), len(given))
        gains[:ramp] = np.linspace(before, self._gain, ramp, dtype=np.float32)
        return self._resampler.push(given * gains)


def _fade(samples: npt.NDArray[np.float32], *, rising: bool) -> None:
    ramp = np.linspace(0.0, 1.0, len(samples), endpoint=False, dtype=np.float32)
    samples *= ramp if rising else ramp[::-1]


def gap_after(text: str) -> npt.NDArray[np.int16]:
    """The silence, at 48 kHz, that its punctuation puts behind a clause."""
    last = text.rstrip().rstrip("\"'”’)")[-1:]
    return np.zeros(int(_GAPS.get(last, _GAP_WITHIN) * VOICE_RATE), np.int16)
