"""Where sound begins and ends, by energy: pure functions of samples."""

import numpy as np
import numpy.typing as npt

__all__ = ["AUDIBLE_RMS", "last_voiced", "onset"]

BLOCK = 240  # 5 ms at 48 kHz
AUDIBLE_RMS = 0.004  # -48 dB of full scale: above coded silence and comfort noise, below any speech
_BELOW_PEAK = 0.02  # -34 dB of the loudest block: the fading tail of a last consonant


def _block_rms(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    whole = samples[: samples.size - samples.size % BLOCK].astype(np.float64).reshape(-1, BLOCK) / 32768.0
    levels: npt.NDArray[np.float64] = np.sqrt(np.mean(np.square(whole), axis=1))
    return levels


def last_voiced(samples: npt.NDArray[np.int16]) -> int:
    """The sample behind the last voiced block of an utterance.

    Args:
        samples: int16[n], 48 kHz, not silent.

    Returns:
        A position in 0..n, a multiple of 240 (5 ms); n when the utterance is shorter than a block.
    """
    levels = _block_rms(samples)
    if levels.size == 0:
        return int(samples.size)
    voiced = np.flatnonzero(levels >= max(float(levels.max()) * _BELOW_PEAK, 1e-4))
    return int(voiced[-1] + 1) * BLOCK if voiced.size else int(samples.size)


def onset(frame: npt.NDArray[np.float32]) -> int | None:
    """The first sample of the first audible block of a frame.

    Args:
        frame: float32[960] in [-1, 1].

    Returns:
        A position in the frame, a multiple of 240, or None when nothing is audible.
    """
    blocks = frame.reshape(-1, BLOCK)
    levels = np.einsum("ij,ij->i", blocks, blocks)
    audible = np.flatnonzero(levels >= BLOCK * AUDIBLE_RMS**2)
    return int(audible[0]) * BLOCK if audible.size else None
