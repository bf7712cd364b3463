"""The receiving half of a caller's connection: packets go to the jitter buffer as they arrive."""

import time

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection
from aiortc.rtp import RtpPacket

from media.realtime.jitter import JitterBuffer
from media.realtime.packet import ReceivedPacket

__all__ = ["Reception", "open_connection"]


class Reception:
    """What arrives over one connection.

    Attributes:
        jitter: the sound, to be pulled every 20 ms.
        packets: RTP packets of sound that arrived.
    """

    def __init__(self) -> None:
        self.jitter = JitterBuffer()
        self.packets = 0

    async def take(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        """Takes a packet off the wire."""
        self.packets += 1
        level = packet.extensions.audio_level
        self.jitter.push(
            ReceivedPacket(
                packet.sequence_number,
                packet.timestamp,
                packet.payload,
                time.monotonic_ns(),
                level[1] if level is not None else None,
            )
        )


def open_connection(ice_servers: object, reception: Reception) -> RTCPeerConnection:
    """A peer connection whose sound goes to `reception`.

    Args:
        ice_servers: as the room's `joined` names them.
        reception: gets the packets.
    """
    servers = [
        RTCIceServer(urls=one["urls"], username=one.get("username"), credential=one.get("credential"))
        for one in (ice_servers if isinstance(ice_servers, list) else [])
        if isinstance(one, dict) and "urls" in one
    ]
    return RTCPeerConnection(RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
