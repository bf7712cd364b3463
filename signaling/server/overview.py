"""How the server does, for Prometheus and for the operators' page."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping

from media.realtime.plane import PlaneStatistics
from signaling.server.census import PeerCensus
from signaling.server.conference import Conference
from signaling.server.measures import gather
from signaling.server.peer_metrics import peer_metrics
from signaling.server.snapshot import Moment, snapshot
from signaling.server.text import timestamp

__all__ = ["Overview"]

PIECES = 8
"""Of a snapshot, written in one turn of the loop: four peers, some 0.2 ms."""


class Overview:
    """Reads everything that counts, in turns short enough for a tick to come between them.

    Args:
        conference: the rooms.
        census: the peers.
        plane: the plane's statistics.
        forgotten: what else media dropped, by reason.
        version: of the server.
    """

    def __init__(
        self,
        conference: Conference,
        census: PeerCensus,
        plane: Callable[[], PlaneStatistics],
        forgotten: Callable[[], Mapping[str, int]],
        version: str,
    ) -> None:
        self._conference = conference
        self._census = census
        self._plane = plane
        self._forgotten = forgotten
        self._version = version
        self._started = timestamp()

    async def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        measures = await gather(self._conference, self._census)
        dropped = Counter(self._plane().drops) + Counter(self._forgotten())
        return await self._conference.metrics.exposition(peer_metrics(measures, dropped))

    async def snapshot(self) -> str:
        """The JSON text of a snapshot (docs/protocol.md)."""
        measures = await gather(self._conference, self._census)
        plane = self._plane()
        moment = Moment(
            at=timestamp(),
            clock_ms=time.monotonic_ns() / 1e6,
            started=self._started,
            version=self._version,
            mind=self._conference.mind.status,
            plane=plane,
            measures=measures,
            refused=self._conference.metrics.refused(),
            dropped=Counter(plane.drops) + Counter(self._forgotten()),
        )
        pieces = []
        for number, piece in enumerate(snapshot(moment)):
            if number and number % PIECES == 0:
                await asyncio.sleep(0)
            pieces.append(piece)
        return "".join(pieces)
