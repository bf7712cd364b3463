"""aiortc is pinned: `media/rtc/private.py` uses members it does not promise. An upgrade must fail here."""

import importlib.metadata
import inspect
import sys

import aioice
import aioice.ice
import aioice.turn
import aiortc
import pylibsrtp
import pylibsrtp._binding
import pytest

from media.rtc.burst import libc_functions
from media.rtc.private import PRIVATE_MEMBERS, PROTECT, protect_address

PINNED = "1.16.0"


class _Nowhere:
    role = "controlled"

    async def _recv(self) -> bytes:
        return b""

    async def _send(self, data: bytes) -> None:
        return None


def _objects() -> dict[str, object]:
    connection = aioice.Connection(ice_controlling=False)
    dtls = aiortc.RTCDtlsTransport(
        _Nowhere(),  # type: ignore[arg-type]
        [aiortc.RTCCertificate.generateCertificate()],
    )
    return {
        "aioice.Connection": connection,
        "aioice.ice.StunProtocol": aioice.ice.StunProtocol,
        "aiortc.RTCDtlsTransport": dtls,
        "pylibsrtp.Session": pylibsrtp.Session(),
        "pylibsrtp._binding": pylibsrtp._binding,
    }


def test_the_installed_aiortc_is_the_pinned_one() -> None:
    assert importlib.metadata.version("aiortc") == PINNED


@pytest.mark.parametrize(
    ("owner", "member"), [(o, m) for o, members in PRIVATE_MEMBERS.items() for m in members]
)
async def test_a_private_member_is_where_it_was(owner: str, member: str) -> None:
    found = _objects()[owner]
    annotated = inspect.isclass(found) and member in inspect.get_annotations(found)
    assert hasattr(found, member) or annotated, f"{owner}.{member} has moved; look at media/rtc/private.py"


def test_signatures_that_are_overridden_are_as_they_were() -> None:
    gather = inspect.signature(aioice.Connection.get_component_candidates)
    assert list(gather.parameters) == ["self", "component", "addresses", "timeout"]
    assert inspect.iscoroutinefunction(aioice.Connection.query_consent)
    received = inspect.signature(aioice.ice.StunProtocol.datagram_received)
    assert list(received.parameters) == ["self", "data", "addr"]
    request = inspect.signature(aioice.ice.StunProtocol.request)
    assert {"integrity_key", "retransmissions"} <= set(request.parameters)
    data = inspect.signature(aioice.Connection.data_received)
    assert list(data.parameters) == ["self", "data", "component"]


def test_candidates_are_gathered_and_consent_is_asked_for_through_the_overridden_methods() -> None:
    assert "self.get_component_candidates(" in inspect.getsource(aioice.Connection.gather_candidates)
    assert "self.query_consent()" in inspect.getsource(aioice.Connection.connect)


def test_the_dtls_transport_reads_through_what_it_is_handed() -> None:
    source = inspect.getsource(aiortc.RTCDtlsTransport)
    assert "self.transport._recv()" in source
    assert "self.transport._send(" in source


def test_the_nominated_pair_changes_only_where_the_way_out_is_led_anew() -> None:
    pair = inspect.signature(aioice.Connection.check_complete)
    assert list(pair.parameters) == ["self", "pair"]
    lost = inspect.signature(aioice.Connection.protocol_lost)
    assert list(lost.parameters) == ["self", "protocol"]
    assert "receiver.protocol_lost(self)" in inspect.getsource(aioice.ice.StunProtocol.connection_lost)
    whole = inspect.getsource(aioice.Connection)
    assert whole.count("self._nominated[") == 2
    for method in (aioice.Connection.check_complete, aioice.Connection.set_selected_pair):
        assert inspect.getsource(method).count("self._nominated[") == 1
    assert whole.count("self._nominated.clear()") == 1
    assert "self._nominated.clear()" in inspect.getsource(aioice.Connection.close)


def test_a_relay_has_no_socket_that_packets_could_be_sent_to_past_it() -> None:
    assert '"socket"' not in inspect.getsource(aioice.turn.TurnTransport.get_extra_info)


@pytest.mark.skipif(sys.platform != "linux", reason="compiled sending is for Linux")
def test_libsrtp_protects_by_the_function_that_compiled_code_calls() -> None:
    ffi, lib = pylibsrtp._binding.ffi, pylibsrtp._binding.lib
    assert ffi.typeof(ffi.addressof(lib, "srtp_protect")).cname == PROTECT
    assert protect_address() is not None
    assert libc_functions() is not None
