"""What a peer says about itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from media.rtc.forwarder import NO_SLOT, SlotStatistics

__all__ = ["PeerStatistics", "ReceivedStream"]


@dataclass(frozen=True, slots=True)
class ReceivedStream:
    """One stream from the client.

    Attributes:
        kind: `audio` or `video`.
        ssrc: its synchronization source.
        lost: packets lost since the beginning; negative with duplicates.
        jitter_ms: interarrival jitter (RFC 3550 §6.4.1).
        packets: received.
        octets: of payload, received.
        active: it comes at present.
    """

    kind: str
    ssrc: int
    lost: int
    jitter_ms: float
    packets: int = 0
    octets: int = 0
    active: bool = True


@dataclass(frozen=True, slots=True)
class PeerStatistics:
    """Counts since the peer began.

    Attributes:
        packets_in: authentic RTP and RTCP packets received.
        bytes_in: of them, with SRTP's.
        packets_out: sent.
        bytes_out: of them.
        drops: datagrams dropped, received ones and ones to be sent, by reason.
        rtt_ms: round trip by the client's last report, None before one.
        remote_jitter_ms: of our audio, by the client's last report.
        remote_loss: fraction of our audio lost, by the client's last report, 0 to 1.
        remote_lost: packets of our audio lost since the beginning, by the client's last report.
        bandwidth: what the client believes that it can receive (REMB), in bit/s.
        budget: what its cameras may take of it, in bit/s.
        received: streams from the client; of each kind those that are gone are one, with an SSRC of 0.
        slots: of cameras, by mid.
        voices: of single voices, by mid.
        former_slots: of cameras, those that are gone, as one.
        former_voices: of single voices, those that are gone, as one.
        mix_packets: of the mix, sent.
        mix_octets: of them, of payload.
        keyframe_requests: sent to the client's camera.
        direct: the room's sound can go from compiled code to the socket, past the event loop.
        keyframe_wishes: keyframes that the client asked for.
        nacks_sent: packets of the client's camera that were asked for again.
        nacks_received: packets that the client asked for again.
        unrepaired: packets of the client's camera that are no longer asked for.
    """

    packets_in: int
    bytes_in: int
    packets_out: int
    bytes_out: int
    drops: Mapping[str, int]
    rtt_ms: float | None
    remote_jitter_ms: float | None
    remote_loss: float | None
    remote_lost: int | None
    bandwidth: int | None
    budget: int
    received: tuple[ReceivedStream, ...]
    slots: Mapping[str, SlotStatistics]
    voices: Mapping[str, SlotStatistics]
    mix_packets: int
    mix_octets: int
    keyframe_requests: int
    keyframe_wishes: int
    nacks_sent: int
    nacks_received: int
    unrepaired: int
    direct: bool = False
    former_slots: SlotStatistics = NO_SLOT
    former_voices: SlotStatistics = NO_SLOT
