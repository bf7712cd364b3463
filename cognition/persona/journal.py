"""What a persona writes in idle time, under its name: short pieces about what it lived through.

A piece is composed by rules from what happened; a language model, where one is idle, may word it. What was whispered,
and what a persona thinks to itself, is not in it.
"""

import math
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from cognition.conversation.names import words_of
from cognition.conversation.transcript import plain
from cognition.inference.generator import GenerationError, Generator, Prompt, Turn
from cognition.persona.rights import Work
from cognition.persona.state import State

__all__ = ["Entry", "Experience", "compose", "feeling", "topics_of", "worded"]

MAX_PEOPLE = 12
MAX_TOPICS = 60
MAX_DEEDS = 4
MAX_ENTRY = 600
ENOUGH = 6
"""Lines after which there is something to write about."""
MAX_TOKENS = 90

_TOPIC = re.compile(r"[^\W\d_]{5,}")
_COMMON = frozenset(
    """about above after again against almost along already although always among another anybody anyone anything
    around asked aren't because become before began behind being believe below between bring called can't cannot
    certainly could couldn't didn't doesn't doing don't during earlier either enough every everybody everyone
    everything exactly first friend getting going great guess haven't having hello here's honestly i'll idea instead
    isn't it's itself really right little maybe might minute moment month morning maybe never nobody nothing often
    other others perhaps person please pretty probably quite rather remember remind right saying seems shall should
    shouldn't since someone somebody something sometimes sorry still sure thank thanks that's their theirs there
    there's these they'll they're thing things think thinking those though thought through today together tomorrow
    tonight under until usually wasn't week weren't we'll we're we've whatever what's where which while whole whose
    without won't would wouldn't years yesterday you'll you're you've yours yourself minutes talking speak talk
    question answer people matter means maybe later tell""".split()
)

_FEELINGS = (
    (0.0, "pleased"),
    (25.0, "happy"),
    (50.0, "excited"),
    (90.0, "wide awake"),
    (115.0, "tense"),
    (140.0, "frustrated"),
    (180.0, "unhappy"),
    (210.0, "gloomy"),
    (245.0, "weary"),
    (275.0, "drowsy"),
    (310.0, "calm"),
    (335.0, "content"),
)
"""Words for affect and their angle in the circumplex (after Russell 1980, figure 2)."""
_EVEN = 0.15


@dataclass(frozen=True, slots=True)
class Entry:
    """A piece of a journal; a `Work`, so it carries its author's name.

    Attributes:
        id: unique.
        room: where that happened of which it tells; it is shown there and nowhere else.
        work: what was written, by whom, when.
    """

    id: str
    room: str
    work: Work


@dataclass(slots=True)
class Experience:
    """What a persona has lived through in a room and not written about yet.

    Attributes:
        lines: how many lines of others it took in.
        spoke: how often it spoke.
        interrupted: how often it was interrupted.
        praised: how often it was praised, less how often it was blamed.
        people: lines by speaker's name.
        topics: how often longer words were said.
        deeds: what it did by itself.
    """

    lines: int = 0
    spoke: int = 0
    interrupted: int = 0
    praised: int = 0
    people: dict[str, int] = field(default_factory=dict)
    topics: dict[str, int] = field(default_factory=dict)
    deeds: list[str] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        """Whether there is something to write about."""
        return self.lines + 2 * len(self.deeds) >= ENOUGH

    def copy(self) -> "Experience":
        """The same, which further events do not change."""
        return Experience(
            self.lines,
            self.spoke,
            self.interrupted,
            self.praised,
            self.people.copy(),
            self.topics.copy(),
            list(self.deeds),
        )

    def heard(self, name: str, topics: Sequence[str]) -> None:
        """Somebody said something to all: their name as it is spoken, and `topics_of` it."""
        self.lines += 1
        if name and (name in self.people or len(self.people) < MAX_PEOPLE):
            self.people[name] = self.people.get(name, 0) + 1
        for topic in topics:
            self.topics[topic] = self.topics.get(topic, 0) + 1
        if len(self.topics) > MAX_TOPICS:
            self.topics = dict(Counter(self.topics).most_common(MAX_TOPICS // 2))

    def did(self, deed: str) -> None:
        """It did something by itself."""
        self.deeds = [*self.deeds, plain(deed, 160)][-MAX_DEEDS:]


def topics_of(text: str) -> list[str]:
    """The longer words of a line, less those that all lines have."""
    return [word for word in words_of(text[:400]) if word not in _COMMON and _TOPIC.fullmatch(word)]


def feeling(valence: float, arousal: float) -> str:
    """The word for a mood."""
    if math.hypot(valence, arousal) < _EVEN:
        return "even-tempered"
    angle = math.degrees(math.atan2(arousal, valence)) % 360.0
    return min(_FEELINGS, key=lambda each: min(abs(each[0] - angle), 360.0 - abs(each[0] - angle)))[1]


def compose(experience: Experience, state: State, at: datetime) -> str:
    """A short piece about what was lived through, in the first person.

    Args:
        experience: what happened.
        state: how the persona is now.
        at: now, in the people's time zone.
    """
    names = {word for name in experience.people for word in words_of(name)}
    people = [name for name, _ in Counter(experience.people).most_common(3)]
    topics = [
        word for word, count in Counter(experience.topics).most_common(12) if count > 1 and word not in names
    ][:3]
    said = [f"This {_part(at)} I was with {_listed(people)}." if people else f"A quiet {_part(at)}."]
    if topics:
        said.append(f"We talked about {_listed(topics)}.")
    if len(people) > 1 and experience.people[people[0]] > 0.6 * experience.lines:
        said.append(f"It was mostly {people[0]} who talked.")
    said += [f"{deed}." for deed in experience.deeds]
    if experience.praised > 0:
        said.append("Somebody liked what I said.")
    elif experience.praised < 0:
        said.append("Something I said was not well taken, and I want to do better.")
    if experience.interrupted > 1:
        said.append(f"I was interrupted {experience.interrupted} times.")
    if not experience.spoke:
        said.append("I mostly listened.")
    tired = " and tired" if state.energy < 0.35 else ""
    said.append(f"I feel {feeling(state.valence, state.arousal)}{tired}.")
    return plain(" ".join(said), MAX_ENTRY)


async def worded(
    generator: Generator, persona: str, name: str, facts: str, keep: Callable[[str], bool]
) -> str | None:
    """The same in the words of a language model; None where it failed or made up what is not in the facts.

    Cancelled, it stops within a token.

    Args:
        generator: the language model.
        persona: the persona's id.
        name: its name.
        facts: what `compose` gave.
        keep: whether a text holds to what is known.
    """
    prompt = Prompt(
        f"You are {name}. You keep a diary of your conversations. Rewrite the note as one short diary entry of two or "
        "three plain sentences, in the first person. Keep the names and facts. Add nothing.",
        (Turn("user", facts),),
        opening="I",
    )
    key = f"journal/{persona}"
    pieces: list[str] = ["I"]
    stream: AsyncGenerator[str] = generator.stream(key, prompt, max_tokens=MAX_TOKENS)
    try:
        async with aclosing(stream) as answer:
            async for piece in answer:
                pieces.append(piece)
    except GenerationError:
        return None
    finally:
        generator.forget(key)
    text = plain("".join(pieces), MAX_ENTRY)
    whole = text[: text.rfind(".") + 1]
    return whole if len(whole) > 20 and keep(whole) else None


def _part(at: datetime) -> str:
    return (
        "night" if at.hour < 5 else "morning" if at.hour < 12 else "afternoon" if at.hour < 18 else "evening"
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
