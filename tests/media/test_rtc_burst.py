"""A mix goes to its listeners from compiled code: what arrives, what is counted, what closed peers are safe from."""

import gc
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import aioice
import pytest
from aioice.ice import CandidatePair
from hypothesis import given, settings
from hypothesis import strategies as st

from media.audience import Audience
from media.realtime.peer_port import FakePeer
from media.rtc.audio_group import AudioGroup
from media.rtc.outbound import OutboundAudio
from media.rtc.packets import ExtensionWriter, build_rtp, parse_rtp
from media.rtc.private import _Protector
from media.rtc.rtcp import NtpClock
from media.rtc.wire import Wire
from perf.listener_load import audio_session
from tests.media.rtc_client import Tone, loopback_only, rtc_client
from tests.media.watched_peer import join, watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="compiled sending is for Linux")

KEY = "5a" * 28
NOW_NS = 7_000_000_000


class Ordinary:
    """A transport that keeps what was to be sent the ordinary way."""

    def __init__(self) -> None:
        self.plain: list[bytes] = []
        self.control: list[bytes] = []

    def send_rtp(self, packet: bytes) -> bytes | None:
        self.plain.append(packet)
        return packet

    def send_rtcp(self, packet: bytes) -> bool:
        self.control.append(packet)
        return True

    def send_datagram(self, protected: bytes) -> bool:
        return True


class Listener:
    """One who hears: a stream, a wire with a real socket and session, and the ear at its far end."""

    def __init__(self, *, ssrc: int = 77, sequence: int = 0, offset: int = 0, mid: str = "0") -> None:
        self.ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ear.bind(("127.0.0.1", 0))
        self.ear.settimeout(5)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.session = audio_session(KEY, inbound=False)
        self.remote = audio_session(KEY, inbound=True)
        self.ordinary = Ordinary()
        self.counted: Counter[str] = Counter()
        self.wire = Wire()
        self.outbound = OutboundAudio(
            ssrc=ssrc,
            cname="c",
            sequence=sequence,
            offset=offset,
            sender=self.ordinary,
            wire=self.wire,
            clock=lambda: NOW_NS,
            ntp=NtpClock(0, 0),
            count=lambda reason: self.counted.update([reason]),
        )
        self.outbound.negotiate(111, ExtensionWriter(mid, 4, 2))
        self.open()

    def open(self) -> None:
        host, port = self.ear.getsockname()
        self.wire.open(_Protector(self.session).address, self.socket.fileno(), host, port)

    def hear(self) -> bytes:
        return bytes(self.remote.unprotect(self.ear.recv(2048)))

    def hears_nothing(self) -> bool:
        self.ear.setblocking(False)
        try:
            self.ear.recv(2048)
        except BlockingIOError:
            return True
        finally:
            self.ear.settimeout(5)
        return False

    def close(self) -> None:
        self.wire.close()
        self.ear.close()
        self.socket.close()


@contextmanager
def listeners(count: int = 1, sequence: int = 0) -> Iterator[list[Listener]]:
    with ExitStack() as stack:
        made = [Listener(ssrc=100 + index, sequence=sequence) for index in range(count)]
        for one in made:
            stack.callback(one.close)
        yield made


def group(members: list[Listener]) -> AudioGroup:
    return AudioGroup(members, clock=lambda: NOW_NS)


def test_all_listeners_hear_the_same_packet_each_on_her_own_stream() -> None:
    with listeners(5) as members:
        group(members).send(b"opus", 960)
        for one in members:
            packet = one.hear()
            header = parse_rtp(packet)
            assert (header.ssrc, header.payload_type, header.marker) == (one.outbound.ssrc, 111, True)
            assert packet[header.payload :] == b"opus"
            assert not one.ordinary.plain
            assert (one.outbound.packets, one.outbound.octets) == (1, 4)
            assert one.wire.record.packets == 1


@settings(deadline=None, max_examples=60)
@given(
    ssrc=st.integers(1, 2**32 - 1),
    sequence=st.integers(0, 2**15 - 1),
    offset=st.integers(0, 2**32 - 1),
    mid=st.text("abc012", min_size=1, max_size=16),
    first=st.integers(0, 2**32 - 1),
    steps=st.lists(st.sampled_from([960, 1920, 19_200]), min_size=1, max_size=5),
    payload=st.binary(min_size=1, max_size=1275),
)
def test_it_sends_byte_for_byte_what_the_ordinary_way_sends(
    ssrc: int, sequence: int, offset: int, mid: str, first: int, steps: list[int], payload: bytes
) -> None:
    one = Listener(ssrc=ssrc, sequence=sequence, offset=offset, mid=mid)
    other = Listener(ssrc=ssrc, sequence=sequence, offset=offset, mid=mid)
    try:
        all_of_them = group([one])
        timestamp = first
        for step in [0, *steps]:
            timestamp = (timestamp + step) & 0xFFFFFFFF
            all_of_them.send(payload, timestamp)
            other.outbound.send(payload, timestamp)
            assert one.hear() == other.ordinary.plain[-1]
    finally:
        one.close()
        other.close()


def test_numbers_go_on_over_the_rollover_and_between_both_ways_of_sending() -> None:
    with listeners(sequence=65_000) as [one]:
        sender = _Protector(one.session)
        for index in range(2000):
            if index % 7 == 3:
                one.outbound.send(b"opus", index * 960)
                protected = sender.protect(one.ordinary.plain.pop())
                assert protected is not None
                packet = bytes(one.remote.unprotect(protected))
            else:
                group([one]).send(b"opus", index * 960)
                packet = one.hear()
            header = parse_rtp(packet)
            assert header.sequence == (65_000 + index) & 0xFFFF
            assert header.marker is (index == 0)


def test_a_report_follows_the_first_packet_and_then_about_one_a_second() -> None:
    now_ns = NOW_NS
    with listeners() as [one]:
        everybody = AudioGroup([one], clock=lambda: now_ns)
        for index in range(500):
            now_ns += 20_000_000
            everybody.send(b"opus", index * 960)
            one.hear()
            if index == 0:
                assert len(one.ordinary.control) == 1
        assert 6 <= len(one.ordinary.control) <= 20


def test_a_socket_without_room_costs_the_packet_under_a_name_and_not_the_stream() -> None:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right, listeners() as [one]:
        os.dup2(left.fileno(), one.wire.record.fd)
        one.wire.record.address_size = 0
        for index in range(3000):
            group([one]).send(b"opus", index * 960)
        dropped = one.wire.drops()
        assert set(dropped) == {"send-would-block"}
        assert dropped["send-would-block"] + one.outbound.packets == 3000
        for _ in range(one.outbound.packets):
            one.remote.unprotect(right.recv(2048))
        group([one]).send(b"opus", 3000 * 960)
        assert parse_rtp(one.remote.unprotect(right.recv(2048))).sequence == 3000
        assert one.wire.drops() == dropped


def test_what_the_system_or_libsrtp_refuses_is_counted() -> None:
    with listeners(2) as [one, other]:
        group([one]).send(b"opus", 0)
        one.outbound._record.sequence = 0
        group([one]).send(b"opus", 960)
        assert one.wire.drops() == {"srtp-protect": 1}
        other.wire.record.address_size = 1
        group([other]).send(b"opus", 0)
        assert other.wire.drops() == {"send-refused": 1}
        assert other.outbound.packets == 0
        group([one]).send(b"opus", 1920)
        assert parse_rtp(one.hear()).sequence == 0
        assert parse_rtp(one.hear()).sequence == 1


def test_a_descriptor_that_the_kernel_gives_to_another_is_never_written_to() -> None:
    with listeners() as [one], ExitStack() as stack:
        old, source = one.socket.fileno(), one.socket.getsockname()
        one.socket.close()
        other = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        assert other.fileno() == old
        group([one]).send(b"opus", 0)
        assert one.ear.recvfrom(2048)[1] == source
        duplicate = one.wire.record.fd
        one.wire.close()
        taken = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        assert taken.fileno() == duplicate
        group([one]).send(b"opus", 960)
        assert not one.wire.send(b"single")
        assert one.hears_nothing()
        assert len(one.ordinary.plain) == 1


def test_a_session_that_is_gone_is_not_used_by_a_group_that_was_formed_before() -> None:
    with listeners(3) as members:
        everybody = group(members)
        everybody.send(b"opus", 0)
        leaver = members[1]
        leaver.wire.close()
        del leaver.session
        gc.collect()
        for index in range(1, 50):
            everybody.send(b"opus", index * 960)
        assert len(leaver.ordinary.plain) == 49
        assert [one.outbound.packets for one in members] == [50, 50, 50]
        assert members[0].wire.record.packets == members[2].wire.record.packets == 50
        assert leaver.wire.record.packets == 1


def test_a_group_keeps_the_streams_that_it_points_to() -> None:
    with listeners() as [one]:
        everybody = group([one])
        del one.outbound
        gc.collect()
        everybody.send(b"opus", 0)
        assert parse_rtp(one.hear()).sequence == 0


def test_who_did_not_agree_to_hear_is_sent_nothing_and_it_is_counted() -> None:
    with listeners() as [one]:
        one.outbound.negotiate(None, ExtensionWriter("", None, None))
        group([one]).send(b"opus", 0)
        assert one.hears_nothing()
        assert one.outbound.unwanted == 1


def test_packets_wait_their_turn_behind_what_the_event_loop_holds() -> None:
    with listeners() as [one]:
        one.wire.record.blocked = 1
        group([one]).send(b"opus", 0)
        assert not one.wire.send(b"single")
        assert one.hears_nothing()
        assert len(one.ordinary.plain) == 1


def test_a_single_datagram_that_finds_no_room_or_is_refused_is_left_to_the_ordinary_way() -> None:
    with listeners() as [one]:
        assert one.wire.send(b"single")
        assert one.ear.recv(2048) == b"single"
        assert not one.wire.send(bytes(70_000))
        assert one.hears_nothing()
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as right,
    ):
        right.bind("")
        wire = Wire()
        wire._socket, wire._to = left, right.getsockname()
        sent = 0
        while wire.send(b"%d" % sent):
            sent += 1
        assert [right.recv(2048) for _ in range(sent)] == [b"%d" % index for index in range(sent)]
        assert wire.send(b"again")
        wire.close()
        assert not wire.send(b"closed")


def test_ipv6_is_reached_and_a_zone_is_left_to_the_ordinary_way() -> None:
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as ear,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as out,
        listeners() as [one],
    ):
        try:
            ear.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        ear.settimeout(5)
        one.wire.open(_Protector(one.session).address, out.fileno(), "::1", ear.getsockname()[1])
        group([one]).send(b"opus", 0)
        assert b"opus" in one.remote.unprotect(ear.recv(2048))
        assert one.wire.send(b"single")
        assert ear.recv(2048) == b"single"
        one.wire.open(_Protector(one.session).address, out.fileno(), "fe80::1%lo", 9)
        assert not one.wire.usable
        assert not one.wire.send(b"single")


SECOND_PROCESS = """
from media.rtc.burst import burst
from tests.media.test_rtc_burst import group, listeners
assert sum(burst.stats.cache_hits.values()) == 1, burst.stats
with listeners(3) as members:
    group(members).send(b"opus", 960)
    assert all(one.hear().endswith(b"opus") for one in members)
print("heard")
"""


def test_another_process_runs_the_code_that_this_one_left_on_disk() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SECOND_PROCESS], cwd=root, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


async def test_the_way_out_follows_the_nominated_pair_and_ends_with_the_peer() -> None:
    with loopback_only(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(5)
        async with watched() as held, rtc_client() as client:
            client.speak(Tone(440))
            await join(client, held)
            peer, transport = held.peer, held.peer._transport
            assert peer.statistics().direct
            everybody = peer.grouping([peer])
            everybody.send(b"\xf8", 0)
            assert transport.wire.record.packets == 1
            connection = transport._connection
            before = connection._nominated[1]
            host, port = ear.getsockname()
            candidate = aioice.Candidate("1", 1, "udp", 1, host, port, "host")
            candidate._network_host = candidate.host
            other = CandidatePair(before.protocol, candidate)
            other.state, other.nominated = CandidatePair.State.SUCCEEDED, True
            connection.check_complete(other)
            everybody.send(b"\xf8", 960)
            assert ear.recv(2048)[1] & 0x7F == peer.outbound._record.payload_type
            sent = transport.packets_out, transport.bytes_out
            first = transport.send_rtp(build_rtp(111, False, 1, 1, 4711, b"", b"one"))
            # The event loop holds something: what comes now goes after it, by the same way.
            transport.wire.record.blocked = 1
            second = transport.send_rtp(build_rtp(111, False, 2, 1, 4711, b"", b"two"))
            assert first is not None
            assert second is not None
            assert not transport.wire.record.blocked
            assert (ear.recv(2048), ear.recv(2048)) == (first, second)
            assert transport.packets_out == sent[0] + 2
            assert transport.bytes_out == sent[1] + len(first) + len(second)
            relay = SimpleNamespace(
                local_candidate=before.protocol.local_candidate,
                transport=SimpleNamespace(
                    is_closing=lambda: False, get_extra_info=lambda name: None, sendto=lambda data, to: None
                ),
            )
            connection._nominated[1] = SimpleNamespace(protocol=relay, remote_addr=("127.0.0.1", 9))  # type: ignore[assignment]
            transport.reroute()
            assert not peer.statistics().direct
            connection._nominated[1] = before
            transport.reroute()
            assert peer.statistics().direct
        assert transport.wire.record.fd == -1
        everybody.send(b"\xf8", 1920)
        assert peer.statistics().drops["not-connected"] == 1
        assert transport.send_rtp(build_rtp(111, False, 3, 1, 4711, b"", b"three")) is None
        assert peer.statistics().drops["not-connected"] == 2


def test_listeners_are_grouped_anew_only_when_they_are_others() -> None:
    formed: list[int] = []

    class Company:
        def __init__(self, peers: list[FakePeer]) -> None:
            formed.append(len(peers))
            self._peers = peers

        def send(self, payload: bytes, timestamp: int) -> None:
            for peer in self._peers:
                peer.send_audio(payload, timestamp)

    class Grouped(FakePeer):
        grouping = Company

    peers = [Grouped(), Grouped(), FakePeer()]
    audience = Audience()
    for index in range(3):
        audience.send([*peers], b"opus", index)
    audience.send([*peers[1:]], b"opus", 3)
    assert formed == [2, 1]
    assert [len(peer.sent) for peer in peers] == [3, 4, 4]


def test_a_session_of_another_library_than_expected_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with listeners() as [one]:
        monkeypatch.setattr("media.rtc.audio_group._FUNCTIONS", None)
        group([one]).send(b"opus", 0)
        assert len(one.ordinary.plain) == 1
        assert one.hears_nothing()
