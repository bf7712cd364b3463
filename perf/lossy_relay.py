"""A network on loopback between one client and a server: datagrams pass through it, or do not, or twice, or late."""

import asyncio
from typing import cast

import numpy as np

from perf.lossy_path import Path

__all__ = ["LossyRelay"]

Address = tuple[str, int]

MAX_SOURCES = 16
"""Sockets of one client: it checks the path from each of its addresses."""

MAX_UNDERWAY = 512
"""Datagrams that are delayed at a time; what comes then is lost, as in a full queue."""


class LossyRelay(asyncio.DatagramProtocol):
    """Forwards both ways as a `Path` says; the DTLS handshake passes undisturbed, lest joining take seconds.

    Attributes:
        address: where the client sends to, in place of the server.
        lost: datagrams that the network lost.
    """

    def __init__(self, server: Address, path: Path, seed: int) -> None:
        self._server = server
        self._path = path
        self._random = np.random.default_rng(seed)
        self._front: asyncio.DatagramTransport | None = None
        self._backs: dict[Address, _Back] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._number = 0
        self._underway = 0
        self._cut = False
        self.lost = 0
        self.address: Address = ("127.0.0.1", 0)

    @classmethod
    async def open(cls, server: Address, path: Path, seed: int) -> "LossyRelay":
        """Opens the client's side of it."""
        loop = asyncio.get_running_loop()
        relay = cls(server, path, seed)
        relay._front, _ = await loop.create_datagram_endpoint(lambda: relay, local_addr=("127.0.0.1", 0))
        relay.address = relay._front.get_extra_info("sockname")
        return relay

    def become(self, path: Path) -> None:
        """The network is another from now on."""
        self._path = path

    def cut(self) -> None:
        """Nothing passes from now on."""
        self._cut = True

    async def close(self) -> None:
        """Closes its sockets."""
        self._cut = True
        await asyncio.gather(*self._opening)
        for transport in (self._front, *(back.transport for back in self._backs.values())):
            if transport is not None:
                transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Takes one from the client; each of its addresses is given one of the relay's."""
        back = self._backs.get(addr)
        if back is None:
            if self._cut or len(self._backs) >= MAX_SOURCES:
                return
            back = self._backs[addr] = _Back(self, addr)
            task = asyncio.create_task(self._connect(back))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        if back.transport is not None:
            self.carry(back.transport, data, None)

    async def _connect(self, back: "_Back") -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: back, remote_addr=self._server)

    def returned(self, data: bytes, client: Address) -> None:
        """Takes one from the server."""
        if self._front is not None:
            self.carry(self._front, data, client)

    def carry(self, transport: asyncio.DatagramTransport, data: bytes, to: Address | None) -> None:
        """Sends a datagram as often and as late as its fate is."""
        if self._cut:
            return
        if data and 20 <= data[0] <= 63:
            transport.sendto(data, to)
            return
        self._number += 1
        fate = self._path.fate(self._number, self._random)
        if not fate or self._underway >= MAX_UNDERWAY:
            self.lost += 1
            return
        loop = asyncio.get_running_loop()
        for delay_ms in fate:
            if delay_ms <= 1.0:
                transport.sendto(data, to)
            else:
                self._underway += 1
                loop.call_later(delay_ms / 1000, self._arrive, transport, data, to)

    def _arrive(self, transport: asyncio.DatagramTransport, data: bytes, to: Address | None) -> None:
        self._underway -= 1
        if not self._cut and not transport.is_closing():
            transport.sendto(data, to)


class _Back(asyncio.DatagramProtocol):
    """The relay's side towards the server, for one of the client's addresses."""

    def __init__(self, relay: LossyRelay, client: Address) -> None:
        self._relay = relay
        self._client = client
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own is none by inheritance.
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._relay.returned(data, self._client)

    def error_received(self, exc: Exception) -> None:
        """The server's port is closed: as lost as any."""
        self._relay.lost += 1
