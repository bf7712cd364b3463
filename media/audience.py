"""Those who hear the same: sent to in groups where their peers can be, one by one where not."""

from collections.abc import Callable, Sequence

from media.realtime.peer_port import AudioPeer, GroupedPeer, PeerGroup

__all__ = ["Audience"]


class Audience:
    """Peers in groups, which are formed anew only when they are others than last time."""

    def __init__(self) -> None:
        self._peers: list[AudioPeer] = []
        self._groups: list[PeerGroup] = []
        self._alone: list[AudioPeer] = []

    def send(self, peers: list[AudioPeer], payload: bytes, timestamp: int) -> None:
        """Sends one packet to all of them; see `AudioPeer.send_audio`."""
        if peers != self._peers:
            self._regroup(peers)
        for group in self._groups:
            group.send(payload, timestamp)
        for peer in self._alone:
            peer.send_audio(payload, timestamp)

    def _regroup(self, peers: list[AudioPeer]) -> None:
        self._peers = peers
        self._alone = []
        kinds: dict[Callable[[Sequence[AudioPeer]], PeerGroup], list[AudioPeer]] = {}
        for peer in peers:
            if isinstance(peer, GroupedPeer):
                kinds.setdefault(peer.grouping, []).append(peer)
            else:
                self._alone.append(peer)
        self._groups = [grouping(members) for grouping, members in kinds.items()]
