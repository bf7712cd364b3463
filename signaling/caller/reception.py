"""The receiving half of a caller's connection: packets go to our jitter buffer as they arrive.

Two private members of aiortc and aioice are relied upon, for what their interfaces do not offer: packets
before the stock jitter buffer and decoder thread, and a loopback candidate.
`tests/signaling/test_call_parts.py` holds both against the installed versions.
"""

import time

import aioice
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
)
from aiortc.rtp import RtpPacket

from media.realtime.jitter import JitterBuffer
from media.realtime.packet import RATE, ReceivedPacket
from media.rtc.reception import ReceptionStatistics

__all__ = ["Reception", "open_connection"]

_LOOPBACK = "127.0.0.1"


class Reception:
    """The sound that arrives over one connection.

    Attributes:
        jitter: to be pulled every 20 ms.
        statistics: loss and jitter of the packets.
        packets: how many arrived.
    """

    def __init__(self) -> None:
        self.jitter = JitterBuffer()
        self.statistics = ReceptionStatistics(RATE)
        self.packets = 0

    def attach(self, transceiver: RTCRtpTransceiver) -> None:
        """Takes the packets of an audio transceiver that has not been negotiated yet."""
        receiver: RTCRtpReceiver = transceiver.receiver
        receiver._handle_rtp_packet = self._take  # type: ignore[method-assign]
        _offer_loopback(transceiver)

    async def _take(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        now = time.monotonic_ns()
        level = packet.extensions.audio_level
        self.packets += 1
        self.statistics.add(packet.sequence_number, packet.timestamp, now)
        self.jitter.push(
            ReceivedPacket(
                sequence=packet.sequence_number,
                timestamp=packet.timestamp,
                payload=packet.payload,
                arrival_ns=now,
                level=level[1] if level is not None else None,
            )
        )


def open_connection(ice_servers: object) -> RTCPeerConnection:
    """A peer connection with one transport for everything.

    Args:
        ice_servers: as the room's `joined` names them; entries that name no address are passed over.
    """
    servers = [
        RTCIceServer(urls=one["urls"], username=one.get("username"), credential=one.get("credential"))
        for one in (ice_servers if isinstance(ice_servers, list) else [])
        if isinstance(one, dict) and "urls" in one
    ]
    return RTCPeerConnection(RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


def _offer_loopback(transceiver: RTCRtpTransceiver) -> None:
    """Adds 127.0.0.1 to the addresses offered: without it there is no call where `lo` is all there is."""
    connection: aioice.Connection = transceiver.sender.transport.transport.iceGatherer._connection
    gather = connection.get_component_candidates

    async def with_loopback(component: int, addresses: list[str], timeout: int = 5) -> list[aioice.Candidate]:  # noqa: ASYNC109
        return await gather(component, [*(one for one in addresses if one != _LOOPBACK), _LOOPBACK], timeout)

    connection.get_component_candidates = with_loopback  # type: ignore[method-assign]
