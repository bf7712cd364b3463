"""What a peer counts only ever grows, whatever is negotiated; and who may hear a voice that is passed on."""

from dataclasses import asdict

from media.rtc import rtcp
from media.rtc.packets import build_rtp
from media.rtc.peer import Peer
from media.rtc.sdp import parse_offer
from media.rtc.statistics import PeerStatistics
from tests.media.test_rtc_forwarder import vp8

MS = 1_000_000
TRANSPORT = (
    "a=rtcp-mux",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789012345678901",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=setup:actpass",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
)


def offer(*sections: tuple[str, str, str]) -> str:
    """An offer of these m-lines: kind, mid and direction; a camera that has layers is `layers`."""
    lines = ["v=0", "a=group:BUNDLE " + " ".join(mid for _, mid, _ in sections)]
    for kind, mid, direction in sections:
        number, codec = ("111", "opus/48000/2") if kind == "audio" else ("96", "VP8/90000")
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}", f"a=mid:{mid}", f"a=rtpmap:{number} {codec}"]
        lines += ["a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli"] if kind == "video" else []
        if direction == "layers":
            lines += [
                "a=rid:q send",
                "a=rid:h send",
                "a=simulcast:send q;h",
                "a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            ]
        lines += [f"a={'sendonly' if direction == 'layers' else direction}", *TRANSPORT]
    return "\r\n".join(lines)


class Line:
    """A peer that negotiates at once, with a connection that takes everything."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.sent: list[bytes] = []
        self.peer = Peer(
            ice_servers=[], video_slots=4, on_state=lambda state: None, clock=lambda: self.now_ns
        )
        self.peer._transport.send_rtp = self._send  # type: ignore[method-assign]
        self.peer._transport.send_rtcp = lambda packet: True  # type: ignore[method-assign]
        self.peer._transport.send_datagram = lambda protected: True  # type: ignore[method-assign]

    def _send(self, packet: bytes) -> bytes:
        self.sent.append(packet)
        return packet

    def negotiate(self, *sections: tuple[str, str, str]) -> None:
        self.peer._apply(self.peer._plan(parse_offer(offer(*sections))))

    def voice(self, *sequences: int, ssrc: int = 1000) -> None:
        """The client's voice, a packet 20 ms after the other."""
        for sequence in sequences:
            self.now_ns += 20 * MS
            self.peer.on_rtp(
                build_rtp(
                    111,
                    False,
                    sequence & 0xFFFF,
                    960 * sequence,
                    ssrc,
                    b"",
                    b"\xf8" + sequence.to_bytes(4, "big"),
                ),
                self.now_ns,
            )

    def picture(self, *sequences: int, ssrc: int = 2000, mid: str = "cam") -> None:
        extension = b"\xbe\xde" + bytes([0, 1, 4 << 4 | len(mid) - 1]) + mid.encode()
        for sequence in sequences:
            self.now_ns += 33 * MS
            self.peer.on_rtp(
                build_rtp(96, True, sequence, 3000 * sequence, ssrc, extension, vp8(sequence, True)),
                self.now_ns,
            )

    def voices(self) -> list[int]:
        """Numbers of the packets of a voice that were passed on to this one."""
        return [int.from_bytes(packet[-4:], "big") for packet in self.sent]


AUDIO = ("audio", "a", "sendrecv")
CAMERA = ("video", "cam", "sendonly")
SLOTS = [("video", "s1", "recvonly"), ("video", "s2", "recvonly")]
VOICES = [("audio", "v1", "recvonly"), ("audio", "v2", "recvonly")]
GONE = [(kind, mid, "inactive") for kind, mid, _ in [*SLOTS, *VOICES]]


def counts(one: PeerStatistics) -> dict[str, float]:
    """All that is a count, as the census and the tracks' measures sum it."""
    slots = (*one.slots.values(), one.former_slots)
    voices = (*one.voices.values(), one.former_voices)
    plain = {name: number for name, number in asdict(one).items() if type(number) is int and name != "budget"}
    sums = {
        f"{kind} {name}": sum(asdict(slot)[name] for slot in some)
        for kind, some in (("slots", slots), ("voices", voices))
        for name in ("packets", "octets", "retransmissions", "switches")
    }
    received = {
        f"received {kind} {name}": sum(asdict(stream)[name] for stream in one.received if stream.kind == kind)
        for kind in ("audio", "video")
        for name in ("packets", "octets")
    }
    return plain | sums | received


async def test_slots_that_are_renegotiated_away_keep_their_counts() -> None:
    sender, viewer = Line(), Line()
    sender.negotiate(AUDIO, CAMERA)
    viewer.negotiate(AUDIO, *SLOTS, *VOICES)
    camera = sender.peer.camera
    assert camera is not None
    viewer.peer.watch(camera, "s1")
    viewer.peer.watch(sender.peer.microphone, "v1")
    sender.picture(*range(10))
    sender.voice(*range(10))
    first = viewer.peer.statistics().slots["s1"]
    assert first.packets == 10
    viewer.now_ns = sender.now_ns
    ssrc = viewer.peer._slots.videos["s1"].ssrc
    viewer.peer.on_rtcp(rtcp.nack(1, ssrc, [int.from_bytes(viewer.sent[3][2:4], "big")]), viewer.now_ns)
    before = counts(viewer.peer.statistics())
    assert before["slots retransmissions"] == 1
    assert before["voices packets"] == 10
    viewer.negotiate(AUDIO, *GONE)
    assert viewer.peer.slots == viewer.peer.voice_slots == ()
    assert counts(viewer.peer.statistics()) == before
    viewer.negotiate(AUDIO, *SLOTS, *VOICES)
    viewer.peer.watch(camera, "s1")
    sender.picture(*range(10, 15))
    assert counts(viewer.peer.statistics())["slots packets"] == 15


async def test_streams_that_give_way_to_others_keep_their_counts() -> None:
    line = Line()
    line.negotiate(AUDIO, CAMERA)
    before = counts(line.peer.statistics())
    for number in range(30):
        line.picture(1, 2, 5, ssrc=3000 + number)
        line.now_ns += 600 * MS
        after = counts(line.peer.statistics())
        assert all(after[name] >= before[name] for name in before)
        before = after
    assert before["received video packets"] == 90
    assert len(line.peer._inbound.streams) <= 8
    line.negotiate(AUDIO, ("video", "cam", "inactive"))
    assert counts(line.peer.statistics()) == before


async def test_a_camera_that_is_offered_anew_with_layers_keeps_the_requests_that_were_sent() -> None:
    sender, viewer = Line(), Line()
    sender.negotiate(AUDIO, CAMERA)
    viewer.negotiate(AUDIO, *SLOTS)
    first = sender.peer.camera
    assert first is not None
    sender.picture(1)
    first._request_keyframe = lambda rid: True
    viewer.peer.watch(first, "s1")
    sender.now_ns += 1000 * MS
    first.want_keyframe(first.layers[0])
    asked = sender.peer.statistics().keyframe_requests
    assert asked >= 1
    sender.negotiate(AUDIO, ("video", "cam", "layers"))
    assert sender.peer.camera is not first
    assert sender.peer.statistics().keyframe_requests == asked


async def test_late_packets_of_a_whisper_reach_nobody_new_though_nobody_was_passed_it() -> None:
    speaker, bystander = Line(), Line()
    speaker.negotiate(AUDIO)
    bystander.negotiate(AUDIO, *VOICES)
    bystander.peer.watch(speaker.peer.microphone, "v1")
    speaker.voice(1, 2)
    bystander.peer.watch(None, "v1")
    speaker.voice(3, 4, 8)
    bystander.peer.watch(speaker.peer.microphone, "v1")
    speaker.voice(5, 6, 7, 9)
    assert bystander.voices() == [1, 2, 9]
    assert speaker.peer.jitter.statistics.received == 9


async def test_a_voice_that_began_anew_while_nobody_was_passed_it_is_passed_on_again() -> None:
    speaker, bystander = Line(), Line()
    speaker.negotiate(AUDIO)
    bystander.negotiate(AUDIO, *VOICES)
    speaker.voice(30_000)
    speaker.now_ns += 2000 * MS
    speaker.voice(7, 8, ssrc=1001)
    bystander.peer.watch(speaker.peer.microphone, "v1")
    speaker.voice(6, 9, ssrc=1001)
    assert bystander.voices() == [9]
