"""Adaptive jitter buffer: holds a sender's packets, decodes them in the tick, conceals what is missing.

After NetEQ (WebRTC's audio jitter buffer): a delay target from the histogram of arrivals, growth and
shrinkage by whole pitch periods, concealment with fade, silence at no decode. Packets are kept by unwrapped
sequence number; the clock comes with each pull.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from media.realtime.delay import DelayTracker
from media.realtime.opus import AudioDecoder, OpusDecoder
from media.realtime.opus_packet import MAX_PACKET_SAMPLES, OpusError, packet_samples
from media.realtime.packet import FRAME, RATE, FrameKind, ReceivedPacket
from media.realtime.stretch import HISTORY, MAX_LAG, expand, shrink

__all__ = ["JitterBuffer", "JitterStatistics"]

_MAX_HELD = RATE
_MAX_PACKETS = 400
_MAX_PAYLOAD = 2048
_MAX_DROPOUT = 3000
_MAX_MISORDER = 100
_MAX_DISAGREEMENT_NS = 3_000_000_000
_DTX_BYTES = 2
_DIGITAL_SILENCE = 127

_TOLERANCE_NS = 2_500_000
_SLACK_NS = 20_000_000
_HURRY_NS = 60_000_000
_WORTHWHILE = FRAME // 2
_STRETCH_INTERVAL = 4 * FRAME

_LOSS_MEMORY = 1 / 200
_LOSS_WORTH_WAITING = 0.10
_LOSS_FORGIVEN = 0.05
_COPY_MEMORY = 50
_COPY_NS = 25_000_000
"""With a delay of a packet and a quarter the next one, with the copy of a lost one, is there when it is needed."""

_CONCEAL_FULL = 3 * FRAME
_CONCEAL_END = 6 * FRAME
_RECOVER = 240

_LENGTH = 16 * 1024


@dataclass(slots=True)
class JitterStatistics:
    """Counters since the buffer was made; frames are packets' worth of sound.

    Attributes:
        received: packets pushed.
        played: packets decoded and played.
        late: came after their sound was due, and were dropped.
        lost: never came, or came late.
        duplicate: came twice; the second was dropped.
        reordered: came after a later one and still in time.
        invalid: not Opus, or out of line with the stream; dropped.
        overflow: dropped because the buffer was full.
        concealed: frames made up.
        recovered: lost packets that were played from the copy in the next one.
        comfort: frames of silence the sender declared, not decoded.
        shrunk: frames that were shortened by a period.
        expanded: frames that were lengthened by a period.
        underruns: times at which a packet was due and nothing was there.
        resets: times at which the sender began anew.
        delay_ms: sum over played packets of how long they were held, beyond the fastest packet's way.
    """

    received: int = 0
    played: int = 0
    late: int = 0
    lost: int = 0
    duplicate: int = 0
    reordered: int = 0
    invalid: int = 0
    overflow: int = 0
    concealed: int = 0
    recovered: int = 0
    comfort: int = 0
    shrunk: int = 0
    expanded: int = 0
    underruns: int = 0
    resets: int = 0
    delay_ms: float = 0.0

    def add(self, other: "JitterStatistics") -> None:
        """Adds another buffer's counters."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def drops(self) -> Mapping[str, int]:
        """Packets that came and were not played, by reason."""
        return {
            "late": self.late,
            "duplicate": self.duplicate,
            "invalid": self.invalid,
            "overflow": self.overflow,
        }

    @property
    def mean_delay_ms(self) -> float:
        """Mean delay that the buffer added, in ms."""
        return self.delay_ms / self.played if self.played else 0.0


@dataclass(frozen=True, slots=True)
class _Held:
    """A packet in the buffer: unwrapped timestamp, length in samples."""

    timestamp: int
    samples: int
    packet: ReceivedPacket


class JitterBuffer:
    """One sender's sound. Pushed and pulled on one thread.

    Attributes:
        statistics: counters.
        wake: called at each push, so that a sleeping clock notices; None when nobody sleeps.
    """

    def __init__(self, decoder: AudioDecoder | None = None) -> None:
        """An empty buffer.

        Args:
            decoder: of the sender's codec; libopus when not given.
        """
        self.statistics = JitterStatistics()
        self.wake: Callable[[], None] | None = None
        self._decoder: AudioDecoder = decoder if decoder is not None else OpusDecoder()
        self._delay = DelayTracker()
        self._loss = 0.0
        self._copies = 0
        self._patient = False
        self._held: dict[int, _Held] = {}
        self._newest: tuple[int, int, int] | None = None
        self._mark: int | None = None
        self._past_mark: int | None = None
        self._probe: ReceivedPacket | None = None
        self._sound = np.zeros(_LENGTH, np.float32)
        self._clear()

    @property
    def target_ms(self) -> float:
        """The delay aimed at."""
        return self._target_ns / 1e6

    @property
    def _target_ns(self) -> int:
        target = self._delay.target_ns
        return max(target, _COPY_NS) if self._patient and self._copies else target

    @property
    def held(self) -> int:
        """How many packets wait."""
        return len(self._held)

    def mark(self) -> bool:
        """Remembers the newest packet that has come; tells whether there is sound up to it yet to be played.

        Packets from before it that come only later belong to that sound.
        """
        self._mark = self._newest[0] if self._newest and (self._playing or self._held) else None
        self._past_mark = None
        return self._mark is not None

    @property
    def marked(self) -> bool:
        """Whether the next pull may still give sound from before `mark`, or made up from it."""
        return self._mark is not None

    def reset(self) -> None:
        """Forgets the stream: the next packet begins a new one. Counters stay."""
        self._held.clear()
        self._delay.reset()
        self._decoder.reset()
        self._newest = None
        self._probe = None
        self._loss = 0.0
        self._copies = 0
        self._patient = False
        self._clear()

    def push(self, packet: ReceivedPacket) -> None:
        """Takes a packet as it arrived; never raises, whatever it holds."""
        self.statistics.received += 1
        if self.wake is not None:
            self.wake()
        try:
            samples = packet_samples(packet.payload)
        except OpusError:
            self.statistics.invalid += 1
            return
        if len(packet.payload) > _MAX_PAYLOAD:
            self.statistics.invalid += 1
            return
        if not self._in_line(packet):
            if not self._begins_anew(packet):
                return
        sequence, timestamp = self._unwrap(packet)
        self._keep(sequence, _Held(timestamp, samples, packet))

    def pull(self, out: NDArray[np.float32], now_ns: int) -> FrameKind:
        """Takes the next 20 ms.

        Args:
            out: float32[960], filled.
            now_ns: the instant the frame is for, on the clock of `ReceivedPacket.arrival_ns`.

        Returns:
            What it is made of; the least of it when it is made of several.
        """
        if not self._playing and not self._begin(now_ns):
            out[:] = 0.0
            if self._comfort and self._held_back < RATE:
                self._held_back += FRAME
                self.statistics.comfort += 1
                return FrameKind.COMFORT
            return FrameKind.SILENCE
        while self._playing and self._end - self._start < FRAME:
            self._next(now_ns)
        count = min(FRAME, self._end - self._start)
        out[:count] = self._sound[self._start : self._start + count]
        out[count:] = 0.0
        self._start += count
        if self._mark is not None:
            self._pass_mark(self._mark)
        return self._kind

    def _pass_mark(self, mark: int) -> None:
        if self._next_sequence is None or self._next_sequence <= mark:
            return
        if self._past_mark is None:
            # What is made up for packets missing right after the mark sounds like those before it.
            self._past_mark = self._end - self._start + _CONCEAL_END
        else:
            self._past_mark -= FRAME
        if not self._playing or self._past_mark <= 0:
            self._mark = None

    def _clear(self) -> None:
        self._playing = False
        self._kind = FrameKind.SILENCE
        self._comfort = False
        self._held_back = 0
        self._next_sequence: int | None = None
        self._next_timestamp = 0
        self._mark = None
        self._past_mark = None
        self._taken = 0
        self._concealed = 0
        self._credit = 0
        self._last_samples = FRAME
        self._since_stretch = _STRETCH_INTERVAL
        self._sound[:] = 0.0
        self._start = self._end = HISTORY

    def _in_line(self, packet: ReceivedPacket) -> bool:
        """Whether a packet continues the stream (RFC 3550 A.1, and the timestamp agrees with the clock)."""
        if self._newest is None:
            return True
        sequence, timestamp, arrival_ns = self._newest
        ahead = _signed(packet.sequence - sequence, 16)
        if not -_MAX_MISORDER < ahead < _MAX_DROPOUT:
            return False
        elapsed_ns = _signed(packet.timestamp - timestamp, 32) * 1_000_000_000 // RATE
        return abs(elapsed_ns - (packet.arrival_ns - arrival_ns)) < _MAX_DISAGREEMENT_NS

    def _begins_anew(self, packet: ReceivedPacket) -> bool:
        """Whether a packet out of line is the second of a new stream, which it then begins (RFC 3550 A.1)."""
        before, self._probe = self._probe, packet
        if before is None or packet.sequence != (before.sequence + 1) & 0xFFFF:
            self.statistics.invalid += 1
            return False
        self.statistics.resets += 1
        self.reset()
        return True

    def _unwrap(self, packet: ReceivedPacket) -> tuple[int, int]:
        if self._newest is None:
            # Far from zero, so that reordered packets before the first stay positive.
            sequence, timestamp = packet.sequence + (1 << 16), packet.timestamp + (1 << 32)
            self._newest = (sequence, timestamp, packet.arrival_ns)
            return sequence, timestamp
        newest_sequence, newest_timestamp, _ = self._newest
        sequence = newest_sequence + _signed(packet.sequence - newest_sequence, 16)
        timestamp = newest_timestamp + _signed(packet.timestamp - newest_timestamp, 32)
        if sequence > newest_sequence:
            self._newest = (sequence, timestamp, packet.arrival_ns)
        return sequence, timestamp

    def _keep(self, sequence: int, held: _Held) -> None:
        behind = 0 if self._next_sequence is None else self._next_sequence - sequence
        if sequence in self._held or (0 < behind <= 64 and self._taken >> (behind - 1) & 1):
            self.statistics.duplicate += 1
            return
        self._delay.observe(held.timestamp, held.packet.arrival_ns)
        if behind > 0:
            self.statistics.late += 1
            return
        if self._held and sequence < max(self._held):
            self.statistics.reordered += 1
        self._held[sequence] = held
        while len(self._held) > _MAX_PACKETS or self._span() > _MAX_HELD:
            oldest = min(self._held)
            del self._held[oldest]
            self.statistics.overflow += 1
            if self._next_sequence is not None:
                self._skip_to(oldest + 1)
                self._next_timestamp = self._held[min(self._held)].timestamp

    def _span(self) -> int:
        return self._held[max(self._held)].timestamp - self._held[min(self._held)].timestamp

    def _begin(self, now_ns: int) -> bool:
        """Starts to play once the first packet is as old as the target delay."""
        if not self._held:
            return False
        first = min(self._held)
        held = self._held[first]
        if self._delay.age_ns(held.timestamp, now_ns) < self._target_ns:
            return False
        if self._next_sequence is not None:
            self.statistics.lost += first - self._next_sequence
            self._skip_to(first)
        self._next_sequence = first
        self._next_timestamp = held.timestamp
        self._playing = True
        self._concealed = self._credit = 0
        self._sound[:HISTORY] = 0.0
        self._start = self._end = HISTORY
        return True

    def _next(self, now_ns: int) -> None:
        """Adds the sound of the next packet, or what stands for it; or ceases to play."""
        assert self._next_sequence is not None
        held = self._held.get(self._next_sequence)
        if held is None:
            if self._held:
                self._miss()
            else:
                self._starve()
            return
        if held.timestamp > self._next_timestamp + self._credit:
            # The sender paused (DTX): what comes next begins when it is as old as the target again.
            self._pause(comfort=True)
            return
        del self._held[self._next_sequence]
        self._skip_to(self._next_sequence + 1)
        self._taken |= 1
        self._next_timestamp = held.timestamp + held.samples
        self._credit = 0
        if len(held.packet.payload) <= _DTX_BYTES or held.packet.level == _DIGITAL_SILENCE:
            self._add_silence(held.samples)
            self._comfort = True
            self.statistics.comfort += 1
            self._kind = FrameKind.COMFORT
        else:
            self._make_space()
            try:
                samples = self._decoder.decode(held.packet.payload, self._sound[self._end :])
            except OpusError:
                self.statistics.invalid += 1
                self._conceal()
                return
            self._comfort = False
            self._note_loss(False)
            has_copy = self._decoder.copies(held.packet.payload)
            self._copies = _COPY_MEMORY if has_copy else max(0, self._copies - 1)
            self._fade_in(samples)
            self._kind = FrameKind.SPEECH
        self.statistics.played += 1
        age_ns = self._delay.age_ns(held.timestamp, now_ns)
        self.statistics.delay_ms += age_ns / 1e6 + (self._end - held.samples - self._start) * 1000 / RATE
        self._stretch(held.samples, age_ns)

    def _miss(self) -> None:
        """A later packet is here: the next one is lost; what was already made up for it counts."""
        assert self._next_sequence is not None
        self.statistics.lost += 1
        self._note_loss(True)
        following = self._held.get(self._next_sequence + 1)
        first = self._held[min(self._held)]
        gap = first.timestamp - self._next_timestamp
        self._skip_to(self._next_sequence + 1)
        missing = min(self._last_samples, gap)
        if missing <= 0:
            return
        self._next_timestamp += missing
        if self._credit >= missing:
            self._credit -= missing
            return
        if following is None or not self._recover(following, missing):
            self._conceal(missing)

    def _recover(self, following: _Held, missing: int) -> bool:
        """Plays the copy of a lost packet that the next one carries; False when it carries none."""
        self._make_space()
        try:
            samples = self._decoder.recover(following.packet.payload, self._sound[self._end :][:missing])
        except OpusError:
            # It is counted when it is its turn to be played.
            return False
        if not samples:
            return False
        self._fade_in(samples)
        self._kind = FrameKind.SPEECH
        self.statistics.recovered += 1
        return True

    def _note_loss(self, lost: bool) -> None:
        """Waits for copies while there is enough to be won by them."""
        self._loss += _LOSS_MEMORY * (lost - self._loss)
        if self._loss > _LOSS_WORTH_WAITING:
            self._patient = True
        elif self._loss < _LOSS_FORGIVEN:
            self._patient = False

    def _starve(self) -> None:
        """Nothing is here: either the sender is silent, or a packet is late and the delay grows."""
        if self._comfort:
            self._pause(comfort=True)
            return
        if self._concealed == 0:
            self.statistics.underruns += 1
        if self._concealed >= _CONCEAL_END:
            self._pause(comfort=False)
            return
        self._credit += self._conceal()

    def _pause(self, comfort: bool) -> None:
        """Ceases to play, without a click; the next packet waits for the target delay."""
        if self._kind is not FrameKind.COMFORT and self._concealed < _CONCEAL_END:
            self._make_space()
            there = self._end - self._start
            made = min(self._decoder.conceal(self._sound[self._end :]), FRAME - there)
            self._end += made
            fade = min(max(made, _RECOVER), there + made)
            self._sound[self._end - fade : self._end] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        self._playing = False
        self._comfort = comfort
        self._held_back = 0
        self._kind = FrameKind.COMFORT if comfort else FrameKind.SILENCE

    def _skip_to(self, sequence: int) -> None:
        assert self._next_sequence is not None
        self._taken = (self._taken << min(sequence - self._next_sequence, 64)) & ((1 << 64) - 1)
        self._next_sequence = sequence

    def _make_space(self) -> None:
        """Moves what is not yet played to the front when the longest packet would not fit behind it."""
        if self._end + MAX_PACKET_SAMPLES + 2 * MAX_LAG > _LENGTH:
            played = self._start - HISTORY
            self._sound[: self._end - played] = self._sound[played : self._end]
            self._start -= played
            self._end -= played

    def _add_silence(self, samples: int) -> None:
        self._make_space()
        self._sound[self._end : self._end + samples] = 0.0
        self._end += samples
        self._concealed = 0
        self._last_samples = samples

    def _fade_in(self, samples: int) -> None:
        """Takes decoded sound in, faded in when what was made up before it had faded out."""
        gain = _gain(self._concealed)
        if gain < 1.0:
            rise = min(samples, _RECOVER)
            self._sound[self._end : self._end + rise] *= np.linspace(gain, 1.0, rise, dtype=np.float32)
        self._end += samples
        self._concealed = 0
        self._last_samples = samples

    def _conceal(self, missing: int = MAX_PACKET_SAMPLES) -> int:
        """Makes up a packet's sound, fading out over 60 ms once 60 ms are made up; returns its samples."""
        self._make_space()
        made = min(self._decoder.conceal(self._sound[self._end :]), missing)
        if made == 0:
            made = min(FRAME, missing)
            self._sound[self._end : self._end + made] = 0.0
        first, last = _gain(self._concealed), _gain(self._concealed + made)
        if last < 1.0:
            self._sound[self._end : self._end + made] *= np.linspace(first, last, made, dtype=np.float32)
        self._end += made
        self._concealed += made
        self._kind = FrameKind.CONCEALED
        self.statistics.concealed += 1
        return made

    def _stretch(self, samples: int, age_ns: int) -> None:
        """Brings the delay nearer to its target by one period of the newest packet.

        What decides is the age of a packet at the moment it is needed. Samples left over from the packet
        before add delay without buying safety, and are taken out first.
        """
        self._since_stretch += samples
        excess_ns = age_ns - self._target_ns
        left_over = self._end - samples - self._start
        at = self._end - samples
        if excess_ns < -_TOLERANCE_NS:
            lag = expand(self._sound, at, self._end, MAX_LAG)
            self._end += lag
            self.statistics.expanded += lag > 0
        elif self._since_stretch >= _STRETCH_INTERVAL or excess_ns > _HURRY_NS:
            longest = MAX_LAG if excess_ns > _SLACK_NS else left_over if left_over >= _WORTHWHILE else 0
            lag = shrink(self._sound, at, self._end, longest)
            self._end -= lag
            self.statistics.shrunk += lag > 0
            if lag:
                self._since_stretch = 0


def _signed(difference: int, bits: int) -> int:
    """A difference of two counters of so many bits, as the nearer of its two meanings."""
    half = 1 << (bits - 1)
    return ((difference + half) & ((1 << bits) - 1)) - half


def _gain(concealed: int) -> float:
    """Gain after so many samples were made up in a row."""
    faded = (concealed - _CONCEAL_FULL) / (_CONCEAL_END - _CONCEAL_FULL)
    return 1.0 - min(max(faded, 0.0), 1.0)
