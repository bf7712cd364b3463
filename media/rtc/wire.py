"""One peer's way out, as compiled code sees it: the SRTP session, a socket of its own and the far side's address."""

import ipaddress
import os
import socket
import struct

from media.rtc.burst import WireRecord

__all__ = ["Wire"]


class Wire:
    """Owns a `WireRecord` and the descriptor in it.

    The descriptor is a duplicate: until this closes it, the kernel gives its number to nobody else, whenever and by
    whomever the original is closed.

    Attributes:
        record: to be read by `burst`; its `session` is 0 while packets have to go another way.
    """

    def __init__(self) -> None:
        self.record = WireRecord(fd=-1)

    @property
    def usable(self) -> bool:
        """Packets may go this way."""
        return bool(self.record.session) and not self.record.blocked

    def open(self, session: int, fd: int, host: str, port: int) -> None:
        """Leads to an address from now on.

        Args:
            session: libsrtp's `srtp_t`; lives until `close`.
            fd: a UDP socket of the address's family; duplicated.
            host: an IP address; a link-local one with a zone does not lead anywhere.
            port: of it.

        Raises:
            OSError: no descriptor is left; nothing is open then.
        """
        self.close()
        address = _sockaddr(host, port)
        if address is None:
            return
        self.record.fd = os.dup(fd)
        self.record.address[: len(address)] = address
        self.record.address_size = len(address)
        self.record.blocked = 0
        self.record.session = session

    def close(self) -> None:
        """Leads nowhere. Idempotent."""
        self.record.session = 0
        if self.record.fd >= 0:
            os.close(self.record.fd)
        self.record.fd = -1

    def drops(self) -> dict[str, int]:
        """Packets that compiled code dropped, by reason."""
        record = self.record
        counts = {
            "srtp-protect": record.unprotected,
            "send-would-block": record.would_block,
            "send-refused": record.unsent,
        }
        return {reason: count for reason, count in counts.items() if count}


def _sockaddr(host: str, port: int) -> bytes | None:
    """A `sockaddr_in` or `sockaddr_in6`, as Linux has it."""
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv4Address):
        return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, address.packed)
    if address.scope_id is not None:
        return None
    return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI16sI", port, 0, address.packed, 0)
