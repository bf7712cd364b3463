"""One peer's way out past the event loop: the SRTP session, a socket of its own and the far side's address."""

import ipaddress
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
        self._socket: socket.socket | None = None
        self._to = ("", 0)

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
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.fromfd(fd, family, socket.SOCK_DGRAM)
        self._to = (host, port)
        self.record.fd = self._socket.fileno()
        self.record.address[: len(address)] = address
        self.record.address_size = len(address)
        self.record.blocked = 0
        self.record.session = session

    def send(self, protected: bytes) -> bool:
        """Sends one datagram at once; False when it has to go another way: it was not sent, nor counted.

        A datagram of the event loop's own sending costs some microseconds more.
        """
        if self._socket is None or self.record.blocked:
            return False
        try:
            self._socket.sendto(protected, socket.MSG_DONTWAIT, self._to)
        except OSError:
            # The event loop holds what finds no room, and tells of every other error.
            return False
        return True

    def close(self) -> None:
        """Leads nowhere. Idempotent."""
        self.record.session = 0
        if self._socket is not None:
            self._socket.close()
        self._socket = None
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
