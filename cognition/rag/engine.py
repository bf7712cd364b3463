"""The context engine: asks all sources at once, leaves out the late ones, shares the tokens out, composes the text."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cognition.rag.composition import Offer, compose_text
from cognition.rag.context import LEFT_OUT_SHOWN, Account, Context, Load
from cognition.rag.source import Piece, Request, Source, identity_of

__all__ = ["ContextEngine", "Feed"]

RESERVE = 0.02
"""Seconds of a deadline, and two fifths of it at most, that are kept for composing what was loaded."""
MOST = 16
"""Pieces that are looked at of one source."""
_COUNTED = 4096
"""Texts whose length in tokens is remembered."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A source in an engine.

    Attributes:
        source: where it comes from.
        seconds: its own deadline; the whole composition's holds as well.
        priority: its share of the tokens, relative to the others'.
        floor: tokens that it is to have before others have more than theirs.
    """

    source: Source
    seconds: float = 0.04
    priority: int = 1
    floor: int = 0


@dataclass(slots=True)
class _Loading:
    load: Load
    pieces: Sequence[Piece] = ()


class ContextEngine:
    """Composes what a persona is told, for any number of requests at once.

    Args:
        feeds: the sources; what they say stands in this order.
        count: tokens of a text, by the model's own tokenizer (`Generator.count`).

    Raises:
        ValueError: two sources have one name.

    Attributes:
        counts: what was late, failed or left out, by reason.
    """

    def __init__(self, feeds: Sequence[Feed], count: Callable[[str], int]) -> None:
        if len({feed.source.name for feed in feeds}) != len(feeds):
            raise ValueError("sources have different names")
        self._feeds = tuple(feeds)
        self._count = lru_cache(_COUNTED)(count)
        self.counts: Counter[str] = Counter()

    async def compose(
        self,
        request: Request,
        *,
        budget: int,
        deadline: float,
        standing: Sequence[Context] = (),
        least: float = 0.0,
    ) -> Context:
        """Composes what is wanted; what a source has not given by its deadline is left out, and named in the account.

        Cancelled, it leaves no task behind.

        Args:
            request: for whom.
            budget: tokens of all of it at most.
            deadline: seconds from now.
            standing: contexts that are in the prompt already; nothing of them is said again.
            least: score below which a piece is not worth its tokens.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        feeds = [feed for feed in self._feeds if feed.source.parts & request.parts]
        until = began + deadline - min(RESERVE, 0.4 * deadline)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_load(feed, request, until)) for feed in feeds]
        loadings = [task.result() for task in tasks]
        offers = [
            Offer(
                feed.source.name,
                [piece for piece in loading.pieces[:MOST] if piece.part in request.parts],
                feed.priority,
                feed.floor,
            )
            for feed, loading in zip(feeds, loadings, strict=True)
        ]
        said = [used for context in standing for used in context.account.used]
        composed = compose_text(offers, budget, self._count, said=said, least=least)
        taken = Counter[str]()
        for used in composed.used:
            taken[used.source] += used.tokens
        loads = [
            Load(
                each.load.source,
                each.load.state,
                each.load.milliseconds,
                len(each.pieces),
                taken[each.load.source],
                each.load.reason,
            )
            for each in loadings
        ]
        left = Counter(f"{one.why}" for one in composed.left_out)
        self.counts.update(
            f"context source {one.state}: {one.source}" for one in loads if one.state != "loaded"
        )
        self.counts.update({f"context left out: {why}": count for why, count in left.items()})
        account = Account(
            identity_of(request.persona),
            request.place.room,
            request.now,
            request.words,
            request.listeners,
            budget,
            {"stable": composed.stable_tokens, "fresh": composed.fresh_tokens},
            deadline,
            1000 * (clock() - began),
            tuple(loads),
            composed.used,
            composed.left_out[:LEFT_OUT_SHOWN],
            tuple(sorted(left.items())),
        )
        return Context(composed.stable, composed.fresh, account)

    def forget(self) -> None:
        """Lets go of the texts it has counted: somebody wants to be forgotten."""
        self._count.cache_clear()


async def _load(feed: Feed, request: Request, until: float) -> _Loading:
    """What one source gives in time; never raises but when the whole is cancelled."""
    clock = asyncio.get_running_loop().time
    began = clock()

    def given_up(state: Literal["late", "failed"], error: BaseException) -> _Loading:
        reason = "" if state == "late" else _reason(error)
        return _Loading(Load(feed.source.name, state, 1000 * (clock() - began), reason=reason))

    try:
        async with asyncio.timeout_at(min(until, began + feed.seconds)) as limit:
            pieces = await feed.source.load(request)
        return _Loading(Load(feed.source.name, "loaded", 1000 * (clock() - began)), pieces)
    except TimeoutError as error:
        return given_up("late" if limit.expired() else "failed", error)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Something that the source waited for was cancelled, and not this composition.
        return given_up("failed", error)
    except Exception as error:  # whatever it is, the other sources are not to suffer from it
        return given_up("failed", error)


def _reason(error: BaseException) -> str:
    said = str(error).splitlines()
    return f"{type(error).__name__}: {said[0]}"[:200] if said else type(error).__name__
