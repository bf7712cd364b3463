"""aiortc is pinned: `media/rtc/private.py` uses members it does not promise. An upgrade must fail here."""

import importlib.metadata
import inspect

import aioice
import aioice.ice
import aiortc
import pylibsrtp
import pylibsrtp._binding
import pytest

from media.rtc.private import PRIVATE_MEMBERS

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
