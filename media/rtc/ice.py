"""ICE configuration and the candidates of the far side, checked before anything is done with them."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aioice import Candidate

__all__ = ["CandidateError", "IceServer", "IgnoredCandidate", "parse_candidate", "server_arguments"]

LOOPBACK = "127.0.0.1"
"""Offered as a host candidate too, so that a call works on a machine whose only interface is `lo`."""

MAX_CANDIDATE_LENGTH = 512

_SERVER = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)


class CandidateError(ValueError):
    """A candidate that is none; `str(error)` says why."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server.

    Attributes:
        urls: `stun:host:port`, `turn:host:port?transport=udp|tcp` or `turns:host:port` (RFC 7064, RFC 7065).
        username: for TURN.
        credential: password for TURN.
    """

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class IgnoredCandidate:
    """A well-formed candidate that is of no use to this server.

    Attributes:
        reason: `candidate-tcp`, `candidate-mdns` or `candidate-rtcp`.
    """

    reason: str


def server_arguments(servers: Sequence[IceServer]) -> dict[str, Any]:
    """The keyword arguments of `aioice.Connection` for the first STUN and the first TURN server.

    Raises:
        ValueError: a URL is malformed, or a TURN server has no credentials.
    """
    arguments: dict[str, Any] = {}
    for server in servers:
        for url in server.urls:
            match = _SERVER.fullmatch(url)
            if match is None:
                raise ValueError(f"not a STUN or TURN URL: {url!r}")
            scheme = match["scheme"]
            secure = scheme.endswith("s")
            address = (match["host"].strip("[]"), int(match["port"] or (5349 if secure else 3478)))
            if scheme.startswith("turn"):
                if server.username is None or server.credential is None:
                    raise ValueError(f"{url!r} needs a username and a credential")
                if "turn_server" not in arguments:
                    arguments |= {
                        "turn_server": address,
                        "turn_ssl": secure,
                        "turn_transport": match["transport"] or ("tcp" if secure else "udp"),
                        "turn_username": server.username,
                        "turn_password": server.credential,
                    }
            else:
                arguments.setdefault("stun_server", address)
    return arguments


def parse_candidate(text: str) -> Candidate | IgnoredCandidate:
    """Takes a candidate attribute apart (RFC 8839 §5.1), with or without `a=` and `candidate:` before it.

    A `.local` name is not resolved: the browser that hides behind it checks our candidates itself, and its
    address is learnt from that (peer-reflexive, RFC 8445 §7.3.1.3).

    Raises:
        CandidateError: with the reason.
    """
    if len(text) > MAX_CANDIDATE_LENGTH:
        raise CandidateError(f"a candidate has at most {MAX_CANDIDATE_LENGTH} characters")
    fields = text.strip().removeprefix("a=").removeprefix("candidate:").split()
    if len(fields) < 8 or fields[6] != "typ":
        raise CandidateError("a candidate is 'foundation component transport priority address port typ type'")
    foundation, component, transport, priority, host, port, _, kind = fields[:8]
    if not foundation.isascii() or len(foundation) > 32:
        raise CandidateError("the foundation is 1 to 32 ASCII characters")
    _number("component", component, 1, 256)
    if transport.lower() not in ("udp", "tcp"):
        raise CandidateError(f"unknown transport {transport!r}")
    if kind not in ("host", "srflx", "prflx", "relay"):
        raise CandidateError(f"unknown type {kind!r}")
    rank = _number("priority", priority, 0, 2**32 - 1)
    number = _number("port", port, 0, 65535)
    if host.lower().endswith(".local"):
        return IgnoredCandidate("candidate-mdns")
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise CandidateError(f"{host!r} is not an IP address") from error
    if transport.lower() == "tcp":
        return IgnoredCandidate("candidate-tcp")
    if component != "1":
        return IgnoredCandidate("candidate-rtcp")
    if number == 0 or address.is_multicast or address.is_unspecified:
        raise CandidateError(f"nothing can be sent to {host} port {number}")
    return Candidate(
        foundation=foundation,
        component=1,
        transport="udp",
        priority=rank,
        host=str(address),
        port=number,
        type="srflx" if kind == "prflx" else kind,
    )


def _number(name: str, text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high):
        raise CandidateError(f"the {name} is a number from {low} to {high}, not {text!r}")
    return int(text)
