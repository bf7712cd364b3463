"""Who may ask for a token and open a WebSocket, by what the request says of where it comes from. Pure.

A page of any site can make a browser on this machine send requests here. Against that stand two checks: the
`Host` that the request was sent to must itself be loopback (a name that an attacker has rebound to 127.0.0.1
is not), and an `Origin`, which a browser does not let a page forge, must be ours.
"""

import ipaddress
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

__all__ = ["bearer", "is_local_request", "may_connect", "may_operate"]


def _host_of(authority: str) -> str | None:
    """The host of `host[:port]`, in lower case, without a final dot; None when it is none."""
    try:
        parts = urlsplit(f"//{authority}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if host is None or parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return host.removesuffix(".")


def _is_loopback(host: str | None) -> bool:
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _authority_of(origin: str) -> str | None:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") and parts.netloc else None


def is_local_request(
    client: str | None, host: str | None, origin: str | None, *, forwarded: bool = False
) -> bool:
    """Whether a request comes from this machine and from no foreign page.

    Args:
        client: address of the other end.
        host: the `Host` header.
        origin: the `Origin` header.
        forwarded: whether a proxy says that it hands the request on; then nobody knows where it comes from.
    """
    if forwarded or not _is_loopback(client) or host is None or not _is_loopback(_host_of(host)):
        return False
    if origin is None:
        return True
    authority = _authority_of(origin)
    return authority is not None and _is_loopback(_host_of(authority))


def may_connect(host: str | None, origin: str | None, allowed: Collection[str]) -> bool:
    """Whether a WebSocket may be opened: by no page, one of this very host, or one of an allowed origin.

    Args:
        host: the `Host` header.
        origin: the `Origin` header.
        allowed: origins such as `https://example.org`.
    """
    if origin is None or origin in allowed:
        return True
    authority = _authority_of(origin)
    return authority is not None and host is not None and authority == host.lower()


def may_operate(credentials: str | None, is_key: Callable[[str], bool], *, local: bool) -> bool:
    """Whether one may look at how the server does: with its key, or without any on its own machine.

    Args:
        credentials: what was shown, if anything; a wrong key is refused wherever it comes from.
        is_key: whether it is the server's key.
        local: whether the request is local, see `is_local_request`.
    """
    return local if credentials is None else is_key(credentials)


def bearer(authorization: str | None) -> str | None:
    """The credentials of a `Bearer` authorization (RFC 6750), None without one."""
    if authorization is None:
        return None
    scheme, _, credentials = authorization.strip().partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" and credentials.strip() else None
