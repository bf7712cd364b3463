"""Synthesised clauses made ready to be played in a row: trimmed, levelled, 48 kHz, with natural gaps."""

import av
import numpy as np
import numpy.typing as npt

__all__ = ["VOICE_RATE", "gap_after", "level", "resample", "trim"]

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
    ramp = np.linspace(0.0, 1.0, fade, endpoint=False, dtype=np.float32)
    cut[:fade] *= ramp
    cut[len(cut) - fade :] *= ramp[::-1]
    return cut


def level(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """Brings speech to one loudness, so that a short clause is no louder than a long one.

    The root mean square of the frames within 20 dB of the loudest becomes -19 dB of full scale;
    peaks stay below 0.92.
    """
    rms = _frames(samples, rate)
    if not len(rms) or float(rms.max()) <= 1e-5:
        return samples
    active = rms[rms >= 0.1 * rms.max()]
    gain = _SPEECH_RMS / float(np.sqrt(np.mean(np.square(active))))
    gain = min(gain, _HIGHEST_PEAK / float(np.abs(samples).max()))
    return samples * np.float32(gain)


def resample(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.int16]:
    """Converts a whole clip to 48 kHz int16 by libswresample (98 dB below 0.8 of the old band's edge).

    Args:
        samples: float32 (n,) in [-1, 1].
        rate: samples a second; any integer, also one that moves the pitch.
    """
    if not len(samples):
        return np.zeros(0, np.int16)
    converter = av.AudioResampler(format="flt", layout="mono", rate=VOICE_RATE)
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples[None], dtype=np.float32), format="flt", layout="mono"
    )
    frame.sample_rate = rate
    pieces = [piece.to_ndarray()[0] for piece in (*converter.resample(frame), *converter.resample(None))]
    return np.clip(np.rint(np.concatenate(pieces) * 32767.0), -32768, 32767).astype(np.int16)


def gap_after(text: str) -> npt.NDArray[np.int16]:
    """The silence, at 48 kHz, that its punctuation puts behind a clause."""
    last = text.rstrip().rstrip("\"'”’)")[-1:]
    return np.zeros(int(_GAPS.get(last, _GAP_WITHIN) * VOICE_RATE), np.int16)
