"""How new something is beside what is remembered, and how much it matters; pure, of vectors."""

import numpy as np
import numpy.typing as npt

from cognition.memory.finding import Finding
from cognition.memory.spoken import content_words

__all__ = ["SAME", "importance_of", "importance_of_turn", "nearest", "novelty"]

SAME = 0.95
"""Inner product from which two sentences about one attribute of somebody say the same in other words."""
_SHARE = 0.3
"""How much of a memory's importance hangs on its being new."""


def nearest(vector: npt.NDArray[np.float32], known: npt.NDArray[np.float32]) -> tuple[int, float]:
    """Which known sentence is nearest, and how near.

    Args:
        vector: float32[dimensions], of length one.
        known: float32[n, dimensions], likewise.

    Returns:
        Its row and the inner product; -1 and 0 where nothing is known.
    """
    if not len(known):
        return -1, 0.0
    products = known @ vector
    row = int(np.argmax(products))
    return row, float(products[row])


def novelty(similarity: float) -> float:
    """1 for what is unlike anything, 0 for what is known by heart."""
    return float(np.clip(2.0 * (1.0 - similarity), 0.0, 1.0))


def importance_of(finding: Finding, new: float) -> float:
    """What a finding is worth.

    Args:
        finding: with the importance of its kind.
        new: its novelty, 0 to 1.
    """
    return min(1.0, finding.importance * (1.0 - _SHARE + _SHARE * new) + (0.05 if finding.due else 0.0))


def importance_of_turn(text: str, found: int, new: float, *, persona: bool) -> float:
    """What words are worth beside what was found in them.

    Args:
        text: the words.
        found: how many findings came of them.
        new: their novelty, 0 to 1.
        persona: a persona said them.
    """
    said = min(len(content_words(text)), 12) / 12
    asked = 0.1 if text.rstrip().endswith("?") else 0.0
    value = 0.15 + 0.2 * said + 0.1 * new + 0.05 * min(found, 3) - asked - (0.1 if persona else 0.0)
    return min(max(value, 0.05), 0.6)
