"""Which lines of a conversation fit the context of a model. Pure."""

from collections.abc import Callable, Sequence

__all__ = ["clip", "first_kept"]


def first_kept(costs: Sequence[int], start: int, *, limit: int, budget: int) -> int:
    """The first line to keep, so that the prompt's beginning stays the same as long as possible.

    As long as everything from `start` on is within `limit`, nothing moves: the evaluated prefix stays valid. Beyond,
    the oldest lines go until half of `budget` is free, so that the next trim is far away.

    Args:
        costs: tokens of each line, oldest first.
        start: the first line kept so far.
        limit: tokens beyond which lines are dropped; at most `budget`.
        budget: tokens there are.

    Returns:
        An index into `costs`, `len(costs)` if not even the last line fits.
    """
    start = min(start, len(costs))
    total = sum(costs[start:])
    if total <= limit:
        return start
    while start < len(costs) and total > budget // 2:
        if start == len(costs) - 1 and total <= budget:
            break
        total -= costs[start]
        start += 1
    return start


def clip(text: str, limit: int, count: Callable[[str], int]) -> str:
    """The longest beginning of a text, cut between words, that has at most `limit` tokens, with "…" for the rest."""
    if count(text) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count(f"{text[:middle]}…") <= limit:
            low = middle
        else:
            high = middle - 1
    cut = text[:low]
    if not text[low].isspace() and " " in cut:
        cut = cut[: cut.rfind(" ")]
    return f"{cut}…"
