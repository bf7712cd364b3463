"""Noise suppression as a client switches it: for its own track, from the next frame on, for as long as its seat."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from media.realtime.opus import OpusEncoder
from media.realtime.packet import FRAME, ReceivedPacket
from media.realtime.suppression import FakeSuppressor
from signaling.server.ports import FakeSessionPeer
from tests.signaling.house import House, house

pytestmark = pytest.mark.virtual_time

TICK_NS = 20_000_000


class Hiss:
    """What people send while time passes: 20 ms a packet and a tick."""

    def __init__(self, home: House) -> None:
        self._home = home
        self._random = np.random.default_rng(7)
        self._now: Iterator[int] = itertools.count(50)

    def cleaned(self, *peers: FakeSessionPeer) -> int:
        """How many frames are cleaned of a second of hiss from each peer, once what came before has died away."""
        encoders = [OpusEncoder() for _ in peers]
        before = 0
        for number in range(100):
            if number == 50:
                before = self._home.plane.statistics().cleaned
            tick = next(self._now)
            for peer, encoder in zip(peers, encoders, strict=True):
                frame = (self._random.standard_normal(FRAME) * 600).astype(np.int16)
                peer.jitter.push(
                    ReceivedPacket(tick & 0xFFFF, tick * FRAME, encoder.encode(frame), tick * TICK_NS)
                )
            self._home.plane.open("lobby").tick(tick * FRAME, tick * TICK_NS)
        return self._home.plane.statistics().cleaned - before


async def test_a_client_switches_the_suppression_of_its_own_sound(tmp_path: Path) -> None:
    async with house(tmp_path, suppressor=FakeSuppressor) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        peers = [await ada.connect(), await bob.connect()]
        hiss = Hiss(home)
        assert hiss.cleaned(*peers) == 100
        ada.send(type="state", noiseSuppression=False)
        await ada.settled()
        assert hiss.cleaned(*peers) == 50
        assert hiss.cleaned(peers[0]) == 0, "it is hers that is left as it comes"
        ada.send(type="state", muted=False)
        await ada.settled()
        assert hiss.cleaned(peers[0]) == 0, "what a message does not name stays as it is"
        ada.send(type="state", noiseSuppression=True)
        await ada.settled()
        assert hiss.cleaned(*peers) == 100


async def test_the_choice_is_kept_over_a_new_path_and_over_a_resume(tmp_path: Path) -> None:
    async with house(tmp_path, suppressor=FakeSuppressor) as home:
        ada = await home.seated("Ada")
        ada.send(type="state", noiseSuppression=False)
        peer = await ada.connect()
        hiss = Hiss(home)
        assert hiss.cleaned(peer) == 0, "said before there was any sound"
        ada.socket.hang_up()
        await ada.ended()
        again = home.arrive()
        assert (await again.join("Ada", resume=ada.resume))["you"] == ada.id
        peer = await again.connect()
        assert hiss.cleaned(peer) == 0
        again.send(type="leave")
        await again.ended()
        assert hiss.cleaned(await (await home.seated("Ada")).connect()) == 50, "a new seat begins anew"


async def test_the_others_are_not_told(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await ada.settled()
        await bob.settled()
        ada.send(type="state", noiseSuppression=False)
        assert await ada.settled() == []
        assert await bob.settled() == []
