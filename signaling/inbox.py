"""News of one room that waits for the mind: bounded, and nothing lost that the mind has to know."""

import asyncio
from collections.abc import Sequence

from signaling.ipc.jsonrpc import JsonObject

__all__ = ["Inbox", "News"]

News = tuple[str, JsonObject]
"""Method and params, as docs/architecture.md lists them."""

KEPT_WHISPERS = 16
"""Of one person; they wait as they came, because what is said between two of them is for those of the first."""

_CHAT = "chat.received"
_JOINED, _LEFT, _WHISPER = "participant.joined", "participant.left", "whisper"


class Inbox:
    """First in, first out. Who comes, goes, can hear and whispers, and how far voices are, is told in any case.

    Written lines and gates are refused beyond `capacity`, and give way to what has to be known. That is bounded as
    well: of a gate and of a voice the newest news is kept, one who left takes along what was still to be told of
    them, and one who has turned around too often is held to have spoken to nobody meanwhile.

    Args:
        capacity: from how many news on something is left out.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._news: list[News] = []
        self._unnoticed: News | None = None
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._news)

    async def get(self) -> News:
        """The oldest."""
        while not self._news:
            self._filled.clear()
            await self._filled.wait()
        return self._news.pop(0)

    def put(self, method: str, params: JsonObject) -> Sequence[str]:
        """Takes one more.

        Returns:
            The methods of news that were lost: this one, or one that gave way to it.
        """
        news, who = (method, params), str(params["id"])
        lost: Sequence[str] = ()
        if method == _LEFT:
            self._part(who, news)
        elif method == _WHISPER:
            self._merge_whispers(who)
        if len(self._news) >= self._capacity:
            replaced = self._replace(news)
            if not replaced and _expendable(method):
                return (method,)
            if not replaced:
                lost = self._make_room()
        self._news.append(news)
        self._filled.set()
        return lost

    def _part(self, who: str, left: News) -> None:
        """Forgets what is not told yet of one who has left; their written lines stay."""
        theirs = [news for news in self._news if str(news[1]["id"]) == who and news[0] != _CHAT]
        if theirs:
            self._remove(theirs)
        if theirs and theirs[0][0] == _JOINED:
            # They came and went unnoticed. One such news is kept, for the room may be empty now.
            if self._unnoticed is not None:
                self._remove([self._unnoticed])
            self._unnoticed = left

    def _merge_whispers(self, who: str) -> None:
        theirs = [news for news in self._news if news[0] == _WHISPER and str(news[1]["id"]) == who]
        if len(theirs) >= KEPT_WHISPERS:
            first, second = theirs[:2]
            at = next(index for index, news in enumerate(self._news) if news is first)
            self._news[at] = _WHISPER, {**first[1], "listeners": []}
            self._remove([second])

    def _replace(self, news: News) -> bool:
        """Forgets older news that this makes needless; tells whether there was any."""
        kind = _state_told(news)
        older = [each for each in self._news if kind is not None and _state_told(each) == kind]
        self._remove(older)
        return bool(older)

    def _make_room(self) -> Sequence[str]:
        oldest = next((news for news in self._news if _expendable(news[0])), None)
        if oldest is None:
            return ()
        self._remove([oldest])
        return (oldest[0],)

    def _remove(self, needless: Sequence[News]) -> None:
        self._news = [news for news in self._news if all(news is not each for each in needless)]


def _expendable(method: str) -> bool:
    return method == _CHAT or method.startswith("gate.")


def _state_told(news: News) -> tuple[str, ...] | None:
    """Of what it tells the state, so that the newest is enough; None where each counts."""
    method, params = news
    if method.startswith("gate."):
        return "gate", str(params["id"])
    if method.startswith("voice."):
        return method, str(params["id"]), str(params.get("first_packet_ns") is None)
    return None
