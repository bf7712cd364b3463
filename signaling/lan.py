"""Serving other machines of the network: their addresses, a certificate made on the spot, a QR code."""

import ipaddress
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import ifaddr
import segno
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signaling.settings import Tls

__all__ = ["certificate_for", "invite_url", "local_addresses", "make_certificate", "qr_code", "still_good"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LIFE = timedelta(days=397)  # the most that browsers accept
_RENEW = timedelta(days=7)


def local_addresses() -> list[Address]:
    """Addresses of this machine that others may reach: no loopback, no link-local ones; IPv4 first."""
    found: set[Address] = set()
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            address = ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
            if not address.is_loopback and not address.is_link_local:
                found.add(address)
    return sorted(found, key=lambda address: (address.version, address.packed))


def certificate_for(state_dir: Path, addresses: Sequence[Address], hostname: str, now: datetime) -> Tls:
    """The certificate for these addresses: the stored one while it is good, else a new one.

    Raises:
        OSError: if it cannot be stored.
    """
    tls = Tls(certificate=state_dir / "certificate.pem", key=state_dir / "certificate.key")
    try:
        stored = tls.certificate.read_bytes()
        if tls.key.stat().st_mode & 0o077 == 0 and still_good(
            stored, tls.key.read_bytes(), addresses, hostname, now
        ):
            return tls
    except FileNotFoundError:
        pass
    certificate, key = make_certificate(addresses, hostname, now)
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Between the two writes they do not match; that is seen by the next start, which makes both anew.
    _write(tls.key, key)
    _write(tls.certificate, certificate)
    return tls


def make_certificate(addresses: Sequence[Address], hostname: str, now: datetime) -> tuple[bytes, bytes]:
    """A certificate signed by itself (RFC 5280) for this machine, and its key; both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Continuum on this network")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(_names(addresses, hostname)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def still_good(
    certificate: bytes, key: bytes, addresses: Sequence[Address], hostname: str, now: datetime
) -> bool:
    """Whether a stored certificate covers these addresses, matches its key and lasts for another week."""
    try:
        parsed = x509.load_pem_x509_certificate(certificate)
        private = serialization.load_pem_private_key(key, password=None)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return (
        parsed.not_valid_before_utc <= now < parsed.not_valid_after_utc - _RENEW
        and parsed.public_key() == private.public_key()
        and set(_names(addresses, hostname)) == set(names)
    )


def invite_url(host: str, port: int, invite: str) -> str:
    """The address of the page with an invite in its fragment, which browsers keep to themselves."""
    bare = host.strip("[]")
    return f"https://{f'[{bare}]' if ':' in bare else bare}:{port}/#invite={invite}"


def qr_code(text: str) -> str:
    """A QR code (ISO/IEC 18004) of half blocks for a terminal."""
    drawn = StringIO()
    segno.make(text, error="l", micro=False).terminal(drawn, compact=True, border=2)
    return drawn.getvalue()


def _names(addresses: Sequence[Address], hostname: str) -> list[x509.GeneralName]:
    hosts = dict.fromkeys(name for name in ("localhost", hostname, _local_name(hostname)) if _is_host(name))
    loopback: list[Address] = [ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1")]
    everyone = dict.fromkeys([*loopback, *addresses])
    return [*(x509.DNSName(name) for name in hosts), *(x509.IPAddress(address) for address in everyone)]


def _local_name(hostname: str) -> str:
    return hostname if "." in hostname else f"{hostname}.local"  # multicast DNS, RFC 6762


def _is_host(name: str) -> bool:
    return name.isascii() and 0 < len(name) <= 253 and all(c.isalnum() or c in "-._" for c in name)


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)
