import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from signaling.lan import certificate_for, invite_url, local_addresses, make_certificate, qr_code, still_good

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOME = [ipaddress.ip_address("192.168.1.20"), ipaddress.ip_address("fd00::2")]
CAFE = [ipaddress.ip_address("10.0.0.7")]


def test_a_certificate_names_every_address_and_the_host() -> None:
    certificate, _ = make_certificate(HOME, "desk", NOW)
    names = x509.load_pem_x509_certificate(certificate).extensions
    alternative = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {*HOME, ipaddress.ip_address("127.0.0.1")} <= set(alternative.get_values_for_type(x509.IPAddress))
    assert alternative.get_values_for_type(x509.DNSName) == ["localhost", "desk", "desk.local"]


@pytest.mark.parametrize("hostname", ["", "höst", "a b", "x" * 300, "-\n"])
def test_a_host_name_that_no_certificate_may_hold_is_left_out(hostname: str) -> None:
    certificate, key = make_certificate(HOME, hostname, NOW)
    assert still_good(certificate, key, HOME, hostname, NOW)


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server with a fresh certificate, and of a client that trusts this one and no other."""
    tls = certificate_for(tmp_path, [], "desk", datetime.now(UTC))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tls.certificate, tls.key)
    return server, ssl.create_default_context(cafile=str(tls.certificate))


async def test_a_client_that_trusts_it_connects_by_address(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    served, client = contexts

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with asyncio.timeout(10), await asyncio.start_server(greet, "127.0.0.1", 0, ssl=served) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()


def test_a_stored_certificate_is_used_again(tmp_path: Path) -> None:
    first = certificate_for(tmp_path / "state", HOME, "desk", NOW)
    before = first.certificate.read_bytes()
    assert (
        certificate_for(tmp_path / "state", list(reversed(HOME)), "desk", NOW + timedelta(days=300)) == first
    )
    assert first.certificate.read_bytes() == before
    assert first.key.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"certificate.pem", "certificate.key"}


@pytest.mark.parametrize(
    ("addresses", "hostname", "later"),
    [
        (CAFE, "desk", timedelta()),
        (HOME, "laptop", timedelta()),
        (HOME, "desk", timedelta(days=392)),
        (HOME, "desk", timedelta(days=-2)),
    ],
)
def test_another_network_name_or_time_makes_a_new_one(
    tmp_path: Path, addresses: list[ipaddress.IPv4Address], hostname: str, later: timedelta
) -> None:
    tls = certificate_for(tmp_path, HOME, "desk", NOW)
    before = tls.certificate.read_bytes()
    certificate_for(tmp_path, addresses, hostname, NOW + later)
    assert tls.certificate.read_bytes() != before
    assert still_good(tls.certificate.read_bytes(), tls.key.read_bytes(), addresses, hostname, NOW + later)


@pytest.mark.parametrize("name", ["certificate.pem", "certificate.key"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, name: str) -> None:
    tls = certificate_for(tmp_path, HOME, "desk", NOW)
    (tmp_path / name).write_bytes(b"\xffnot pem")
    certificate_for(tmp_path, HOME, "desk", NOW)
    assert still_good(tls.certificate.read_bytes(), tls.key.read_bytes(), HOME, "desk", NOW)


def test_a_key_that_does_not_fit_is_not_good() -> None:
    certificate, _ = make_certificate(HOME, "desk", NOW)
    _, key = make_certificate(HOME, "desk", NOW)
    assert not still_good(certificate, key, HOME, "desk", NOW)


def test_addresses_are_those_that_others_can_reach() -> None:
    for address in local_addresses():
        assert not address.is_loopback
        assert not address.is_link_local


def test_an_invite_is_in_the_fragment_and_ipv6_in_brackets() -> None:
    assert invite_url("192.168.1.20", 8200, "a.b.c") == "https://192.168.1.20:8200/#invite=a.b.c"
    assert invite_url("fd00::2", 8200, "a.b.c") == "https://[fd00::2]:8200/#invite=a.b.c"


def test_a_qr_code_fits_a_terminal_of_eighty_columns() -> None:
    lines = qr_code(invite_url("192.168.100.200", 8200, "x" * 260)).splitlines()
    assert lines
    assert max(map(len, lines)) <= 80
