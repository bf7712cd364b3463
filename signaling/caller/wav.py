"""WAV files in and out: anything PCM becomes 48 kHz mono; what is heard is written as it comes."""

import wave
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

__all__ = ["LONGEST_SECONDS", "RATE", "WavError", "WavRecorder", "read_speech"]

RATE = 48_000
LONGEST_SECONDS = 120


class WavError(Exception):
    """The file cannot be spoken; the message is one line and names the file."""


def read_speech(path: Path) -> npt.NDArray[np.int16]:
    """Reads a PCM WAV of any rate, width and number of channels.

    Returns:
        int16[n], 48 kHz mono.

    Raises:
        WavError: no such file, no WAV, not PCM, empty, silent, or longer than `LONGEST_SECONDS`.
    """
    pieces: list[npt.NDArray[np.int16]] = []
    total = 0
    try:
        with av.open(str(path), format="wav") as container:
            if not container.streams.audio:
                raise WavError(f"{path}: no sound in this WAV")
            stream = container.streams.audio[0]
            codec = stream.codec_context.name if stream.codec_context else "an unknown codec"
            if not codec.startswith("pcm_"):
                raise WavError(f"{path}: a WAV of {codec}, only PCM is read")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for decoded in container.decode(stream):
                for frame in resampler.resample(decoded):
                    pieces.append(frame.to_ndarray().reshape(-1).astype(np.int16, copy=False))
                    total += pieces[-1].size
                if total > LONGEST_SECONDS * RATE:
                    raise WavError(f"{path}: longer than {LONGEST_SECONDS} s")
            for frame in resampler.resample(None):
                pieces.append(frame.to_ndarray().reshape(-1).astype(np.int16, copy=False))
    except FileNotFoundError:
        raise WavError(f"{path}: no such file") from None
    except (av.FFmpegError, OSError, ValueError, OverflowError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WavError(f"{path}: not a readable WAV ({reason})") from error
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    if samples.size == 0:
        raise WavError(f"{path}: an empty WAV")
    if not samples.any():
        raise WavError(f"{path}: nothing but silence in this WAV")
    return samples


class WavRecorder:
    """Writes 48 kHz mono 16-bit frames to a file as they come; the header is right once closed."""

    def __init__(self, path: Path) -> None:
        try:
            self._target = path.open("wb")
        except OSError as error:
            raise WavError(f"{path}: cannot be written ({error.strerror})") from error
        # Opened here: `wave.open` of a path that cannot be opened leaves a broken object to the collector.
        self._file = wave.open(self._target, "wb")
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(RATE)

    def write(self, samples: npt.NDArray[np.int16]) -> None:
        """Appends int16[n]."""
        self._file.writeframesraw(samples.tobytes())

    def close(self) -> None:
        """Completes the header."""
        self._file.close()
        self._target.close()
