"""Log-mel spectrograms as Whisper defines them (Radford et al. 2022, section 2.2).

Hann window of 25 ms every 10 ms, power spectrum, mel bands on Slaney's scale and of equal area (Slaney,
Auditory Toolbox, 1998), decadic logarithm, 80 dB of range below the maximum, then (x + 4) / 4.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["HOP", "log_mel", "mel_bands", "mel_power"]

RATE = 16_000
WINDOW = 400
HOP = 160
FLOOR = 1e-10
RANGE_DECADES = 8.0

_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _LINEAR_HZ_PER_MEL
_MELS_PER_LOG = 27.0 / np.log(6.4)


def _mel_of(hz: float) -> float:
    if hz < _KNEE_HZ:
        return hz / _LINEAR_HZ_PER_MEL
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) * _MELS_PER_LOG)


def _hz_of(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = _KNEE_HZ * np.exp((mel - _KNEE_MEL) / _MELS_PER_LOG)
    return np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ_PER_MEL, above)


@lru_cache(maxsize=4)
def mel_bands(count: int) -> npt.NDArray[np.float32]:
    """Triangular filters from 0 to 8 kHz: float32 (count, 201), each of unit area in hertz."""
    edges = _hz_of(np.linspace(0.0, _mel_of(RATE / 2), count + 2))
    bins = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    triangles = np.clip(np.minimum(rising, falling), 0.0, None)
    bands: npt.NDArray[np.float32] = (triangles * 2.0 / (high - low)).astype(np.float32)
    return bands


@lru_cache(maxsize=1)
def _hann() -> npt.NDArray[np.float32]:
    phase = np.arange(WINDOW) * (2.0 * np.pi / WINDOW)
    window: npt.NDArray[np.float32] = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
    return window


def mel_power(samples: npt.NDArray[np.float32], bands: int = 80) -> npt.NDArray[np.float32]:
    """The power in each band, before any logarithm.

    Args:
        samples: float32 (n,) at 16 kHz, n ≥ 400.
        bands: mel bands.

    Returns:
        float32 (n // 160, bands).

    Raises:
        ValueError: when the sound is shorter than a window.
    """
    if samples.ndim != 1 or len(samples) < WINDOW:
        raise ValueError(
            f"a spectrogram needs at least {WINDOW} samples in one dimension, not {samples.shape}"
        )
    padded = np.pad(samples, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(samples) // HOP]
    spectrum = np.fft.rfft(frames * _hann(), axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    energy: npt.NDArray[np.float32] = power.astype(np.float32) @ mel_bands(bands).T
    return energy


def log_mel(samples: npt.NDArray[np.float32], bands: int = 80) -> npt.NDArray[np.float32]:
    """The spectrogram of a sound.

    Args:
        samples: float32 (n,) at 16 kHz, n ≥ 400.
        bands: mel bands, 80 or 128 in the published models.

    Returns:
        float32 (bands, n // 160), contiguous.

    Raises:
        ValueError: when the sound is shorter than a window.
    """
    decades = np.log10(np.maximum(mel_power(samples, bands).T, FLOOR))
    np.maximum(decades, decades.max() - RANGE_DECADES, out=decades)
    decades += 4.0
    decades /= 4.0
    spectrogram: npt.NDArray[np.float32] = np.ascontiguousarray(decades, dtype=np.float32)
    return spectrogram
