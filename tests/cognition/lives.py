"""Personas alive on virtual time: a hall with people in it, a store in memory, a floor that does what a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from cognition.conversation.floor import Attendee
from cognition.events import Arrived, Event, Feedback, Heard, Left, Read, Said
from cognition.inference.generator import Generator
from cognition.persona.due import Due
from cognition.persona.life import Life
from cognition.persona.profile import Persona, PersonaVoice
from cognition.store.memory_store import MemoryStore
from cognition.store.store import Storage

NOVA = Persona("nova", "Nova", PersonaVoice(), "You are brief.", ("stars",))
ROBIN = Persona("robin", "Robin", PersonaVoice(), "You are brief.", ("birds",))
EPOCH = 1.8e9
ADA, BOB = Attendee("ada", "Ada", "person"), Attendee("bob", "Bob", "person")


def now() -> float:
    return EPOCH + asyncio.get_running_loop().time()


class Hall:
    """What a test sees of one room: it says what happens, and keeps what personas want to say."""

    def __init__(self, life: Life, personas: Sequence[Persona], room: str = "hall") -> None:
        self.life = life
        self.room = room
        self.people: list[Attendee] = []
        self.personas = [Attendee(each.id, each.name, "persona") for each in personas]
        self.bids: list[Due] = []
        self.says: Callable[[Due], bool] = lambda due: True
        """Whether the floor grants a bid; it is then said at once."""
        self.deaf = False
        self._count = 0

    @property
    def present(self) -> list[Attendee]:
        return [*self.personas, *self.people]

    def told(self, event: Event) -> None:
        self.life.observe(event, self.present)

    def arrive(self, who: Attendee, *, greeted: bool = True) -> None:
        self.people.append(who)
        self.told(Arrived(self.room, who.id, who.name, self.at(), greeted=greeted))

    def leave(self, who: Attendee) -> None:
        self.people.remove(who)
        self.told(Left(self.room, who.id, who.name, self.at()))

    def hear(self, who: Attendee, text: str, to: frozenset[str] | None = None) -> Heard:
        line = Heard(self.room, who.id, who.name, text, self.at(), self._next(who.id), to)
        self.told(line)
        return line

    def read(self, who: Attendee, text: str) -> Read:
        line = Read(self.room, who.id, who.name, text, self.at(), self._next(who.id))
        self.told(line)
        return line

    def say(self, persona: str, text: str, *, id: str = "", interrupted: bool = False) -> Said:
        said = Said(self.room, persona, text, self.at(), interrupted, id or self._next(persona))
        self.told(said)
        return said

    def judge(self, who: Attendee, persona: str, *, good: bool) -> None:
        self.told(
            Feedback(self.room, who.id, persona, 1 if good else -1, self.at(), id=self._next("feedback"))
        )

    def tire(self, persona: str) -> None:
        """Lets a persona talk until it has no energy left."""
        for _ in range(40):
            self.say(persona, "word " * 150)

    def take(self, due: Due) -> None:
        """The floor: grants a bid, which is said, or refuses it; a deaf one does neither."""
        self.bids.append(due)
        if self.deaf:
            return
        if self.says(due):
            self.say(due.persona, due.text or "Here I am.", id=due.id)
        else:
            self.life.refused(due, "another-speaks")

    def kinds(self) -> list[str]:
        return [due.kind for due in self.bids]

    def texts(self) -> list[str]:
        return [due.text for due in self.bids]

    @staticmethod
    def at() -> datetime:
        return datetime.fromtimestamp(now(), UTC)

    def _next(self, who: str) -> str:
        self._count += 1
        return f"{who}-{self._count}-{now():.3f}"


@asynccontextmanager
async def hall(
    *personas: Persona,
    store: Storage | None = None,
    generator: Generator | None = None,
    people: Sequence[Attendee] = (),
) -> AsyncIterator[Hall]:
    """A hall with personas and people in it, whose life goes on until the end."""
    seated = personas or (NOVA,)
    life = await Life.open(seated, store or MemoryStore(), clock=now, generator=generator, zone=UTC)
    made = Hall(life, seated)
    for who in people:
        made.arrive(who)
    running = asyncio.create_task(life.run(lambda due: made.take(due)))
    try:
        yield made
        assert not running.done(), "a life goes on"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
