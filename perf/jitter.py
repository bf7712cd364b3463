"""The jitter buffer against aiortc's stock one, on speech through nine networks: delay, score and words.

Both get the same packets at the same instants, on a clock of its own (no waiting), and both are asked for 20 ms
every 20 ms. The stock buffer is aiortc's as its receiver uses it (`JitterBuffer(capacity=16, prefetch=4)`, its
Opus decoder), with a player that takes the next frame and plays silence where there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from aiortc.codecs.opus import OpusDecoder as StockDecoder
from aiortc.jitterbuffer import JitterBuffer as StockBuffer
from aiortc.rtp import RtpPacket
from av import AudioFrame

from media.realtime.jitter import JitterBuffer
from media.realtime.opus import OpusDecoder, OpusEncoder
from media.realtime.opus_packet import MAX_PACKET_SAMPLES
from media.realtime.packet import FRAME, RATE, ReceivedPacket
from media.speech.transcriber import WhisperTranscriber
from perf.lossy_path import PATHS, TICK_NS, Path
from perf.report import Report, Result, run
from perf.talk import Sound, Talk, lag, mos, open_transcriber, stoi_score, talk, transcribe, word_errors

__all__ = ["Heard", "Ours", "Receiver", "Stock", "measure", "receive"]

TARGET_DELAY_MS = 60.0
_ALIKE = 1e-3
_PHASE_NS = 9_000_000
_HINDMOST_S = 0.6
_TAIL_TICKS = 60


class Receiver(Protocol):
    """Takes packets as they come, gives 20 ms when asked."""

    def push(self, number: int, payload: bytes, arrival_ns: int) -> None:
        """Takes a packet."""
        ...

    def pull(self, out: Sound, now_ns: int) -> None:
        """Fills float32[960]."""
        ...


class Ours:
    """`JitterBuffer`."""

    def __init__(self) -> None:
        self.buffer = JitterBuffer()

    def push(self, number: int, payload: bytes, arrival_ns: int) -> None:
        """Takes a packet."""
        self.buffer.push(ReceivedPacket(number & 0xFFFF, number * FRAME & 0xFFFFFFFF, payload, arrival_ns))

    def pull(self, out: Sound, now_ns: int) -> None:
        """Fills float32[960]."""
        self.buffer.pull(out, now_ns)


class Stock:
    """aiortc's receiver without its sockets and its thread."""

    def __init__(self) -> None:
        self._buffer = StockBuffer(capacity=16, prefetch=4)
        self._decoder = StockDecoder()
        self._frames: list[Sound] = []

    def push(self, number: int, payload: bytes, arrival_ns: int) -> None:
        """Takes a packet; decodes what the buffer lets out."""
        packet = RtpPacket(sequence_number=number & 0xFFFF, timestamp=number * FRAME & 0xFFFFFFFF)
        packet._data = payload  # type: ignore[attr-defined]
        _, encoded = self._buffer.add(packet)
        if encoded is not None:
            for frame in self._decoder.decode(encoded):
                assert isinstance(frame, AudioFrame)
                left = frame.to_ndarray().reshape(-1)[::2]
                self._frames.append((left / np.float32(32768)).astype(np.float32))

    def pull(self, out: Sound, now_ns: int) -> None:
        """Fills float32[960] with the next frame, or silence."""
        out[:] = self._frames.pop(0) if self._frames else 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came out at the receiver.

    Attributes:
        delay_ms: mean over sentences of how much later they are heard than over a network and a buffer of none.
        stoi: mean short-time objective intelligibility, 0 to 1 (Taal et al. 2011).
        mos: mean PESQ, wide band (ITU-T P.862.2), 1 to 4.6.
        errors: share of words that are transcribed wrongly.
    """

    delay_ms: float
    stoi: float
    mos: float
    errors: float


def receive(receiver: Receiver, path: Path, payloads: Sequence[bytes]) -> Sound:
    """All sound that a receiver makes of a stream behind a network."""
    arrivals = path.arrivals(len(payloads))
    out = np.zeros((len(payloads) + _TAIL_TICKS, FRAME), np.float32)
    at = 0
    for tick in range(len(out)):
        now_ns = tick * TICK_NS + _PHASE_NS
        while at < len(arrivals) and arrivals[at][0] <= now_ns:
            receiver.push(arrivals[at][1], payloads[arrivals[at][1]], arrivals[at][0])
            at += 1
        receiver.pull(out[tick], now_ns)
    return out.reshape(-1)


def _encoded(talk: Talk, expected_loss: int) -> list[bytes]:
    """As it was sent."""
    encoder = OpusEncoder(expected_loss)
    pcm = np.rint(talk.sound * 32767).astype(np.int16).reshape(-1, FRAME)
    return [encoder.encode(frame) for frame in pcm]


def _codec_lags(talk: Talk, payloads: Sequence[bytes]) -> list[int]:
    """How many samples later each sentence is after encoding and decoding alone."""
    decoder, out = OpusDecoder(), np.zeros(MAX_PACKET_SAMPLES, np.float32)
    heard = np.zeros(len(talk.sound) + RATE, np.float32)
    for number, payload in enumerate(payloads):
        decoder.decode(payload, out)
        heard[number * FRAME : (number + 1) * FRAME] = out[:FRAME]
    return [lag(talk.sound[start:end], heard[start : end + RATE // 10]) for start, end in talk.spans]


def _judge(talk: Talk, heard: Sound, codec_lags: Sequence[int], transcriber: WhisperTranscriber) -> Heard:
    lags, scores, marks, said = [], [], [], []
    reach = round(_HINDMOST_S * RATE)
    for number, (start, end) in enumerate(talk.spans):
        spoken = talk.sound[start:end]
        later = lag(spoken, heard[start : end + reach])
        lags.append(later - codec_lags[number])
        found = heard[start + later : end + later]
        scores.append(stoi_score(spoken, found))
        marks.append(mos(spoken, found))
        said.append(transcribe(transcriber, heard, start + later, end + later))
    return Heard(
        1000 * float(np.mean(lags)) / RATE + _PHASE_NS / 1e6,
        float(np.mean(scores)),
        float(np.mean(marks)),
        word_errors(talk.texts, said),
    )


def measure() -> Report:
    """Sends the same speech through all networks to both receivers."""
    transcriber = open_transcriber()
    spoken = talk()
    encoded = {loss: _encoded(spoken, loss) for loss in sorted({path.reported for path in PATHS})}
    codec_lags = _codec_lags(spoken, encoded[5])
    results = []
    for path in PATHS:
        payloads = encoded[path.reported]
        ours = _judge(spoken, receive(Ours(), path, payloads), codec_lags, transcriber)
        stock = _judge(spoken, receive(Stock(), path, payloads), codec_lags, transcriber)
        delay_ms = min(TARGET_DELAY_MS, stock.delay_ms) if path.name == "clean" else stock.delay_ms
        # Scores that differ by less than this are those of the same sound.
        stoi, pesq = stock.stoi - _ALIKE, stock.mos - _ALIKE
        results += [
            Result(f"{path.name}: added delay", "ms", ours.delay_ms, stock.delay_ms, delay_ms),
            Result(f"{path.name}: STOI", "", ours.stoi, stock.stoi, stoi, higher_is_better=True),
            Result(f"{path.name}: PESQ", "MOS", ours.mos, stock.mos, pesq, higher_is_better=True),
            Result(
                f"{path.name}: word errors", "%", 100 * ours.errors, 100 * stock.errors, 100 * stock.errors
            ),
        ]
    seconds = len(spoken.sound) / RATE
    return Report(
        "jitter",
        results,
        [
            f"{len(spoken.texts)} sentences, {seconds:.0f} s of synthesised speech (piper, espeak-ng), Opus at 32 "
            "kbit/s (with copies, in-band FEC, where the sender knows of 20 % loss).",
            "Delay: by correlation with what was spoken, less the codec's; both receivers are asked every 20 ms.",
            f"Words: Whisper tiny.en; one of them is {100 / sum(len(text.split()) for text in spoken.texts):.1f} %.",
            "The target of everything is to be no worse than the stock buffer.",
        ],
    )


if __name__ == "__main__":
    run(measure)
