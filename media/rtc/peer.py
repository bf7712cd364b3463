"""A person's WebRTC peer: answers offers, takes sound and camera in, sends mix and others' cameras."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from media.realtime.jitter import JitterBuffer
from media.realtime.packet import ReceivedPacket
from media.rtc import rtcp
from media.rtc.audio_group import AudioGroup
from media.rtc.forwarder import TrackForwarder
from media.rtc.ice import CandidateError, IceServer, IgnoredCandidate, parse_candidate
from media.rtc.inbound import CLOCK_RATES, InboundTracks, opus_payload_type
from media.rtc.outbound import OutboundAudio
from media.rtc.packets import ExtensionWriter, PacketError, RtpHeader, header_extension, parse_rtp
from media.rtc.private import Ending, RemoteTransport, SecureTransport, TransportError
from media.rtc.sdp import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    MID,
    AnswerSection,
    LocalTransport,
    Offer,
    SdpError,
    Section,
    parse_offer,
    write_answer,
)
from media.rtc.slots import Slots
from media.rtc.source import TrackSource
from media.rtc.statistics import PeerStatistics, ReceivedStream

__all__ = ["Peer", "PeerState"]

CONNECT_TIMEOUT_S = 20.0
"""From the first answer to a working connection."""

MAX_REMOTE_CANDIDATES = 64
"""Each is checked with packets to an address of the client's choice, so there is an end."""

MAX_VOICES = 16
"""Single voices that a client may be sent beside the mix."""

ACTIVE_NS = 2_000_000_000
"""A stream from which nothing came for so long does not come at present; DTX sends more often."""

MAX_PACKETS_PER_S = 2500
MAX_BURST = 2500.0
"""What a client may send: three layers of a camera and a voice are some 500 packets a second."""

REVERSED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class PeerState(Enum):
    """Where a peer is in its life; it only goes forward."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    """No connection came about, or the client is gone without a word. Nothing is held any more."""
    CLOSED = "closed"
    """Closed by the client or by `close`. Nothing is held any more."""


class Peer:
    """One client's connection; all of it runs on the event loop that `answer` is called on.

    Args:
        ice_servers: STUN and TURN servers; with none, nothing outside is contacted.
        video_slots: the most `recvonly` videos that are served; more are answered `inactive`.
        on_state: called with each new state, synchronously; must not raise.
        jitter: takes the client's sound; one of its own by default.
        clock: monotonic nanoseconds.

    Attributes:
        jitter: Opus packets are pushed into it as they arrive.
        state: the current state.
        microphone: the client's voice, for `watch`.
        slots: mids of the videos that the client receives, in order.

    Raises:
        ValueError: an ICE server's URL is malformed.
    """

    def __init__(
        self,
        *,
        ice_servers: Sequence[IceServer],
        video_slots: int,
        on_state: Callable[[PeerState], None],
        jitter: JitterBuffer | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.jitter = jitter if jitter is not None else JitterBuffer()
        self.state = PeerState.NEW
        self._video_slots = video_slots
        self._on_state = on_state
        self._clock = clock
        self._ntp = rtcp.NtpClock(time.time_ns(), clock())
        self._drops: Counter[str] = Counter()
        self._transport = SecureTransport(ice_servers=ice_servers, sink=self, clock=clock)
        self._cname = secrets.token_urlsafe(12)
        self._audio = OutboundAudio(
            ssrc=_random_ssrc(),
            cname=self._cname,
            sequence=secrets.randbelow(1 << 15),
            offset=secrets.randbits(32),
            sender=self._transport,
            wire=self._transport.wire,
            clock=clock,
            ntp=self._ntp,
            count=self.count,
        )
        self._inbound = InboundTracks(self._audio.ssrc, self._transport.send_rtcp)
        self._camera: TrackSource | None = None
        self._camera_on = False
        self._former_keyframe_requests = 0
        self.microphone = TrackSource(lambda rid: False, clock, clock_rate=48_000)
        self._slots = Slots(self.count, clock)
        self._allowed = float(MAX_BURST)
        self._allowed_ns = clock()
        self._offer: Offer | None = None
        self._active = True
        self._candidates = 0
        self._session = secrets.randbits(62)
        self._version = 0
        self._answering = asyncio.Lock()
        self._connection: asyncio.Task[None] | None = None
        self._rtt_ms: float | None = None
        self._remote_jitter_ms: float | None = None
        self._remote_loss: float | None = None
        self._remote_lost: int | None = None

    @property
    def slots(self) -> Sequence[str]:
        """Mids of the `recvonly` videos of the client that are served, in order."""
        return tuple(self._slots.videos)

    @property
    def voice_slots(self) -> Sequence[str]:
        """Mids of the `recvonly` audios of the client beyond the first, which is the mix; in order."""
        return tuple(self._slots.voices)

    @property
    def camera(self) -> TrackSource | None:
        """The client's camera while it sends one, by its last offer."""
        return self._camera if self._camera_on else None

    async def answer(self, sdp: str) -> str:
        """Answers an offer; the first begins the connection, later ones change what is sent.

        Raises:
            SdpError: the offer cannot be answered; nothing has changed.
        """
        offer = parse_offer(sdp)
        async with self._answering:
            if self.state in (PeerState.FAILED, PeerState.CLOSED):
                raise SdpError(f"the connection is {self.state.value}; join again")
            before = self._offer
            if before is not None:
                _check_renegotiation(before, offer)
            plan = self._plan(offer)
            if before is None:
                await self._transport.gather()
                if self.state is not PeerState.NEW:
                    raise SdpError("the connection was closed meanwhile; join again")
                self._active = offer.setup != "active"
            self._offer = offer
            self._apply(plan)
            for reason in offer.ignored:
                self.count(reason)
            for candidate in offer.candidates:
                if self._candidates < MAX_REMOTE_CANDIDATES:
                    self._candidates += 1
                    await self._transport.add_candidate(candidate)
            if self._connection is None:
                remote = RemoteTransport(
                    username=offer.username,
                    password=offer.password,
                    lite=offer.lite,
                    fingerprints=offer.fingerprints,
                    active=not self._active,
                )
                self._enter(PeerState.CONNECTING)
                self._connection = asyncio.create_task(self._connect(remote), name="peer-connection")
            self._version += 1
            return write_answer(
                plan,
                LocalTransport(
                    username=self._transport.username,
                    password=self._transport.password,
                    fingerprint=self._transport.fingerprint,
                    active=self._active,
                    candidates=self._transport.candidates,
                ),
                session=self._session,
                version=self._version,
            )

    async def add_candidate(self, candidate: str, mid: str | None, mline: int | None) -> None:
        """Adds a trickled candidate; an empty one ends them and needs nothing done.

        Raises:
            CandidateError: it is malformed, of an unknown m-line, one too many, or there was no offer yet.
        """
        if not candidate:
            return
        if self._offer is None:
            raise CandidateError("a candidate comes after the offer")
        if mid is None and mline is None:
            raise CandidateError("a candidate has a mid or an m-line index")
        sections = self._offer.sections
        if mid is not None and all(section.mid != mid for section in sections):
            raise CandidateError(f"there is no m-line with mid {mid[:16]!r}")
        if mline is not None and not 0 <= mline < len(sections):
            raise CandidateError(f"there is no m-line {mline}")
        parsed = parse_candidate(candidate)
        if isinstance(parsed, IgnoredCandidate):
            self.count(parsed.reason)
            return
        if self._candidates >= MAX_REMOTE_CANDIDATES:
            raise CandidateError(f"at most {MAX_REMOTE_CANDIDATES} candidates")
        self._candidates += 1
        await self._transport.add_candidate(parsed)

    def send_audio(self, payload: bytes, timestamp: int) -> None:
        """Sends one Opus packet of 20 ms at once; never blocks and never raises.

        Args:
            payload: the packet.
            timestamp: media time in samples at 48 kHz, modulo 2**32; a step beyond 960 begins a talkspurt.
        """
        self._audio.send(payload, timestamp)

    @property
    def outbound(self) -> OutboundAudio:
        """The sound that the client hears."""
        return self._audio

    @property
    def grouping(self) -> type[AudioGroup]:
        """See `GroupedPeer`."""
        return AudioGroup

    def watch(self, source: TrackSource | None, slot: str) -> None:
        """Shows a camera in a slot from its next keyframe on, or passes a voice on as it is, or nothing.

        Raises:
            KeyError: the client offered no such slot.
        """
        self._slots.get(slot).watch(source)
        self._slots.settle()

    def view(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """Takes the width and height of the client's tiles by slot, in device pixels; (0, 0) is hidden.

        Raises:
            KeyError: the client offered no such slot.
        """
        for slot in sizes:
            self._slots.videos[slot]
        for slot, (width, height) in sizes.items():
            self._slots.view(slot, width, height)
        self._slots.settle()

    def statistics(self) -> PeerStatistics:
        """Counts since the beginning."""
        now_ns = self._clock()
        wire = self._transport.wire
        drops = Counter(self._drops)
        drops.update(wire.drops())
        if self._audio.unwanted:
            drops["audio-not-negotiated"] += self._audio.unwanted
        return PeerStatistics(
            packets_in=self._transport.packets_in,
            bytes_in=self._transport.bytes_in,
            packets_out=self._transport.packets_out + wire.record.packets,
            bytes_out=self._transport.bytes_out + wire.record.octets,
            drops=dict(drops),
            direct=wire.usable,
            rtt_ms=self._rtt_ms,
            remote_jitter_ms=self._remote_jitter_ms,
            remote_loss=self._remote_loss,
            remote_lost=self._remote_lost,
            bandwidth=self._slots.downlink.estimate,
            budget=self._slots.downlink.budget,
            received=tuple(
                ReceivedStream(
                    stream.track.kind,
                    stream.ssrc,
                    stream.reception.lost,
                    stream.reception.jitter_ms,
                    stream.packets,
                    stream.octets,
                    now_ns - stream.last_ns < ACTIVE_NS,
                )
                for stream in self._inbound.streams.values()
                if stream.reception.expected
            )
            + tuple(
                ReceivedStream(kind, 0, gone.lost, 0.0, gone.packets, gone.octets, active=False)
                for kind, gone in self._inbound.former.items()
                if gone.packets
            ),
            slots={mid: forwarder.statistics() for mid, forwarder in self._slots.videos.items()},
            voices={mid: forwarder.statistics() for mid, forwarder in self._slots.voices.items()},
            former_slots=self._slots.former_videos,
            former_voices=self._slots.former_voices,
            mix_packets=self._audio.packets,
            mix_octets=self._audio.octets,
            keyframe_requests=self._former_keyframe_requests
            + (self._camera.keyframe_requests if self._camera is not None else 0),
            keyframe_wishes=self._slots.keyframe_wishes,
            nacks_sent=self._inbound.nacks,
            nacks_received=self._slots.nacks,
            unrepaired=sum(stream.missing.given_up for stream in self._inbound.streams.values())
            + sum(gone.unrepaired for gone in self._inbound.former.values()),
        )

    async def close(self) -> None:
        """Ends the connection; no task, socket or thread is left when it returns. Idempotent."""
        self._enter(PeerState.CLOSED)
        task = self._connection
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._release()
        if task is not None and not task.cancelled():
            task.result()

    def count(self, reason: str) -> None:
        """Counts a dropped datagram."""
        self._drops[reason] += 1

    def on_rtp(self, data: bytes, arrival_ns: int) -> None:
        """Takes one received RTP packet from the transport."""
        if not self._allow(arrival_ns):
            self.count("flood")
            return
        try:
            header = parse_rtp(data)
        except PacketError:
            self.count("rtp-unparsable")
            return
        stream = self._inbound.route(header, data, arrival_ns)
        if isinstance(stream, str):
            self.count(stream)
            return
        continuous, hopeless = self._inbound.received(stream, header, data, arrival_ns)
        section = stream.track.section
        source = self.microphone if section.kind == "audio" else self._camera
        if source is None:
            self.count("camera-off")
        elif header.end == header.payload:
            self.count("padding-only")
            source.pad(stream.rid, header)
        else:
            if section.kind == "audio":
                self._hear(section, header, data, arrival_ns)
                if not source.watched:
                    source.pass_over(stream.rid, header.sequence, continuous)
                    return
            if not continuous:
                self.count("stream-restarted")
                source.interrupt(stream.rid)
            elif hopeless:
                source.hopeless(stream.rid)
            source.deliver(stream.rid, header, data, section.codecs[header.payload_type], arrival_ns)

    def _hear(self, section: Section, header: RtpHeader, data: bytes, arrival_ns: int) -> None:
        number = section.extensions.get(AUDIO_LEVEL)
        level = header_extension(data, header, number) if number is not None else None
        self.jitter.push(
            ReceivedPacket(
                sequence=header.sequence,
                timestamp=header.timestamp,
                payload=data[header.payload : header.end],
                arrival_ns=arrival_ns,
                level=level[0] & 0x7F if level else None,
            )
        )

    def _allow(self, now_ns: int) -> bool:
        """One more packet from the client, if it keeps to what a client may send."""
        elapsed, self._allowed_ns = now_ns - self._allowed_ns, now_ns
        self._allowed = min(MAX_BURST, self._allowed + elapsed * MAX_PACKETS_PER_S / 1e9)
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True

    def on_rtcp(self, data: bytes, arrival_ns: int) -> None:
        """Takes one received RTCP packet from the transport."""
        if not self._allow(arrival_ns):
            self.count("flood")
            return
        try:
            facts = rtcp.parse_rtcp(data)
        except rtcp.RtcpError:
            self.count("rtcp-unparsable")
            return
        for fact in facts:
            known = True
            match fact:
                case rtcp.SenderReport():
                    self._on_sender_report(fact, arrival_ns)
                case rtcp.ReportBlock():
                    known = self._on_report(fact, arrival_ns)
                case rtcp.BitrateLimit():
                    self._slots.downlink.on_estimate(fact.bitrate, arrival_ns)
                case rtcp.Nack():
                    known = self._slots.on_nack(fact.ssrc, fact.sequences)
                case rtcp.KeyframeRequest():
                    known = self._slots.on_keyframe_request(fact.ssrc)
            if not known:
                self.count("rtcp-unknown-ssrc")
        self._slots.review(arrival_ns)

    def _on_sender_report(self, report: rtcp.SenderReport, arrival_ns: int) -> None:
        stream = self._inbound.sender_report(report, self._ntp.ntp(arrival_ns), arrival_ns)
        if stream is None:
            self.count("rtcp-unknown-ssrc")
            return
        source = self.microphone if stream.track.kind == "audio" else self._camera
        if source is None or stream.track.current.get(stream.rid) is not stream:
            return
        assert stream.clock_offset is not None
        ntp = report.ntp + stream.clock_offset & 0xFFFFFFFFFFFFFFFF
        if source.watched and not source.sender_time(stream.rid, ntp, report.timestamp, arrival_ns):
            self.count("rtcp-implausible")

    def _on_report(self, block: rtcp.ReportBlock, arrival_ns: int) -> bool:
        if block.ssrc == self._audio.ssrc:
            self._remote_jitter_ms = block.jitter / 48
            self._remote_loss = block.fraction_lost / 256
            self._remote_lost = block.lost
        elif not self._slots.on_report(block.ssrc, block.lost, block.fraction_lost / 256):
            return False
        if block.last_report:
            now = self._ntp.ntp(arrival_ns) >> 16 & 0xFFFFFFFF
            elapsed = (now - block.last_report - block.delay) & 0xFFFFFFFF
            # A round trip of more than half a minute is a lie, or the clock's rounding below zero.
            if elapsed < 30 << 16:
                self._rtt_ms = elapsed * 1000 / 65536
        return True

    def _plan(self, offer: Offer) -> list[AnswerSection]:
        """Decides how each m-line is answered, without changing anything."""
        heard = seen = False
        served = 0
        voices: list[str] = []
        plan: list[AnswerSection] = []
        for section in offer.sections:
            usable = section.codecs and not section.rejected and section.mid in offer.bundle
            if not usable:
                plan.append(AnswerSection(section, None))
            elif section.kind == "audio" and heard:
                plan.append(self._plan_voice(section, len(voices) < MAX_VOICES))
                voices.append(section.mid)
            elif section.kind == "audio":
                heard = True
                direction = REVERSED[section.direction]
                sends = direction in ("sendrecv", "sendonly")
                plan.append(self._answered(section, direction, self._audio.ssrc if sends else None, "room"))
            elif section.direction == "recvonly" and served < self._video_slots:
                served += 1
                plan.append(
                    self._answered(section, "sendonly", self._slot_ssrc(section), f"slot-{section.mid}")
                )
            elif section.direction in ("sendonly", "sendrecv") and not seen:
                seen = True
                plan.append(self._answered(section, "recvonly", None, ""))
            else:
                plan.append(self._answered(section, "inactive", None, ""))
        return plan

    def _plan_voice(self, section: Section, served: bool) -> AnswerSection:
        if section.direction != "recvonly" or not served:
            return AnswerSection(section, None)
        return self._answered(section, "sendonly", self._slot_ssrc(section), f"slot-{section.mid}")

    def _slot_ssrc(self, section: Section) -> int:
        forwarder = self._slots.videos.get(section.mid) or self._slots.voices.get(section.mid)
        return forwarder.ssrc if forwarder is not None else _random_ssrc()

    def _answered(self, section: Section, direction: str, ssrc: int | None, stream: str) -> AnswerSection:
        return AnswerSection(section, direction, ssrc, stream, self._cname)

    def _apply(self, plan: Sequence[AnswerSection]) -> None:
        receiving: list[Section] = []
        kept: dict[str, dict[str, TrackForwarder]] = {"video": {}, "audio": {}}
        self._audio.negotiate(None, ExtensionWriter("", None, None))
        self._camera_on = False
        rids: tuple[str, ...] = ("",)
        for answer in plan:
            section = answer.section
            extensions = ExtensionWriter(
                section.mid, section.extensions.get(MID), section.extensions.get(ABS_SEND_TIME)
            )
            if answer.direction in ("recvonly", "sendrecv"):
                receiving.append(section)
                if section.kind == "video":
                    self._camera_on = True
                    rids = section.rids or ("",)
            if answer.ssrc is None:
                continue
            if answer.ssrc == self._audio.ssrc:
                self._audio.negotiate(opus_payload_type(section), extensions)
            else:
                before = self._slots.videos if section.kind == "video" else self._slots.voices
                forwarder = before.get(section.mid) or self._new_forwarder(answer.ssrc, section.kind)
                numbers = {codec: number for number, codec in reversed(section.codecs.items())}
                forwarder.negotiate(numbers, extensions)
                kept[section.kind][section.mid] = forwarder
        self._slots.replace(kept["video"], kept["audio"])
        self._inbound.negotiate(receiving)
        if self._camera_on and (self._camera is None or self._camera.rids != rids):
            if self._camera is not None:
                self._former_keyframe_requests += self._camera.keyframe_requests
            self._camera = TrackSource(self._request_keyframe, self._clock, rids)

    def _new_forwarder(self, ssrc: int, kind: str) -> TrackForwarder:
        return TrackForwarder(
            ssrc=ssrc,
            cname=self._cname,
            sender=self._transport,
            count=self.count,
            clock=self._clock,
            sequence=secrets.randbelow(1 << 15),
            timestamp=secrets.randbits(32),
            clock_rate=CLOCK_RATES[kind],
        )

    def _request_keyframe(self, rid: str) -> bool:
        for track in self._inbound.tracks.values():
            stream = track.current.get(rid)
            if track.kind == "video" and stream is not None:
                if self.state is not PeerState.CONNECTED:
                    return False
                return self._transport.send_rtcp(rtcp.keyframe_request(self._audio.ssrc, stream.ssrc))
        return False

    async def _connect(self, remote: RemoteTransport) -> None:
        outcome = PeerState.FAILED
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._transport.connect(remote)
            self._enter(PeerState.CONNECTED)
            if await self._transport.ended() is Ending.REMOTE:
                outcome = PeerState.CLOSED
            else:
                self.count("consent-expired")
        except TransportError as error:
            self.count(str(error))
        except TimeoutError:
            self.count("connect-timeout")
        except asyncio.CancelledError:
            outcome = PeerState.CLOSED
            raise
        finally:
            await self._release()
            self._enter(outcome)

    async def _release(self) -> None:
        self._slots.release()
        await self._transport.close()

    def _enter(self, state: PeerState) -> None:
        if state is not self.state and self.state not in (PeerState.FAILED, PeerState.CLOSED):
            self.state = state
            self._on_state(state)


def _check_renegotiation(before: Offer, offer: Offer) -> None:
    if (offer.username, offer.password) != (before.username, before.password):
        raise SdpError("an ICE restart is not supported; join again")
    if offer.fingerprints != before.fingerprints:
        raise SdpError("the certificate changed; join again")
    for index, section in enumerate(before.sections):
        if index >= len(offer.sections) or (
            not section.rejected
            and not offer.sections[index].rejected
            and (offer.sections[index].kind, offer.sections[index].mid) != (section.kind, section.mid)
        ):
            raise SdpError(f"m-line {index + 1} changed its place; m-lines are only added at the end")


def _random_ssrc() -> int:
    return secrets.randbelow((1 << 32) - 1) + 1
