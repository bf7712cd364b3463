"""Which persona knows about something, by what the words mean as well as by the words themselves."""

import math
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from cognition.conversation.affinity import WordAffinity
from cognition.conversation.names import words_of
from cognition.persona.profile import Persona
from cognition.search.embedder import Embedder, EmbeddingError

__all__ = ["MeaningAffinity"]

FRAME = "A question about {}."
"""What an entry of expertise is embedded as, for it is compared with what people ask."""
BEST = 0.7
"""Weight of a persona's nearest entry; the next one has the rest."""
NOTHING, EVERYTHING = 0.2, 0.6
"""Likeness that scores 0, and 1.

With the default model, of 42 everyday questions a quarter of those about a field lie below 0.25 and half below 0.29;
of ten about nothing in particular eight lie below 0.23 (`tests/cognition/test_meaning.py`).
"""
REMEMBERED = 64
"""Texts whose scores are kept."""
HEARD = 2 / 3
"""Share of a text's words that must have been read before, where it was not read to its end."""
AT_ONCE = 4
"""Texts read at once; of people who talk the next partial transcript comes soon."""


class MeaningAffinity:
    """An `Affinity` over vectors of each persona's expertise, worked out once, and of texts that were read ahead.

    Args:
        personas: who there may be.
        embedder: of texts; where it fails, or is not there yet, words alone count.
        counts: of texts that were not read, by reason.
    """

    def __init__(self, personas: Iterable[Persona], embedder: Embedder, counts: Counter[str]) -> None:
        personas = tuple(personas)
        self._words = WordAffinity(personas)
        self._embedder = embedder
        self._entries = tuple((persona.id, entry) for persona in personas for entry in persona.expertise)
        self._places = {
            persona.id: [at for at, (id, _) in enumerate(self._entries) if id == persona.id]
            for persona in personas
            if persona.expertise
        }
        self._known: tuple[str, npt.NDArray[np.float32]] | None = None
        """The embedder's name, and the vectors of the entries."""
        self._read: OrderedDict[tuple[int, int], Mapping[str, float]] = OrderedDict()
        """By the number and the hash of its words: what people said is not kept here."""
        self._reading = 0
        self._counts = counts

    async def read(self, text: str) -> None:
        """Works out what a text, or its beginning, is about; `scores` knows it from then on."""
        words = tuple(words_of(text))
        key = _key(words)
        if not words or not self._entries or key in self._read:
            return
        if self._reading >= AT_ONCE:
            self._counts["expertise: too much to read"] += 1
            return
        self._reading += 1
        try:
            known = await self._expertise()
            (vector,) = await self._embedder.embed([text])
        except EmbeddingError:
            self._counts["expertise: by words alone"] += 1
            return
        finally:
            self._reading -= 1
        self._read[key] = self._meant(known @ vector)
        while len(self._read) > REMEMBERED:
            self._read.popitem(last=False)

    def scores(self, text: str) -> Mapping[str, float]:
        """See `Affinity`: of words and meaning; of words alone where nothing was read of the text."""
        by_words = self._words.scores(text)
        meant = self._read_of(tuple(words_of(text))) if self._read else None
        if meant is None:
            return by_words
        return {
            id: 1.0 - (1.0 - by_words.get(id, 0.0)) * (1.0 - meant.get(id, 0.0))
            for id in {**meant, **by_words}
        }

    async def _expertise(self) -> npt.NDArray[np.float32]:
        name = self._embedder.name
        if self._known is None or self._known[0] != name:
            vectors = await self._embedder.embed([FRAME.format(entry) for _, entry in self._entries])
            self._known = name, vectors
            return vectors
        return self._known[1]

    def _meant(self, likeness: npt.NDArray[np.float32]) -> dict[str, float]:
        meant: dict[str, float] = {}
        for persona, places in self._places.items():
            near = np.sort(likeness[places])[::-1]
            score = BEST * near[0] + (1 - BEST) * near[min(1, near.size - 1)]
            if score > NOTHING:
                meant[persona] = float(min(1.0, (score - NOTHING) / (EVERYTHING - NOTHING)))
        return meant

    def _read_of(self, words: tuple[str, ...]) -> Mapping[str, float] | None:
        """What was read of a text: to its end, or else the longest beginning."""
        for number in range(len(words), max(1, math.ceil(HEARD * len(words))) - 1, -1):
            if (read := self._read.get(_key(words[:number]))) is not None:
                return read
        return None


def _key(words: tuple[str, ...]) -> tuple[int, int]:
    return len(words), hash(words)
