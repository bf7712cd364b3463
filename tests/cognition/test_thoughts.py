"""What a persona thinks to itself: in its own prompt where that is composed anyway, and nowhere else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cognition.conversation.floor import Attendee
from cognition.events import Feedback, Heard
from cognition.inference.generator import FakeGenerator, Prompt
from cognition.persona.engine import Mind
from cognition.persona.life import Life
from cognition.persona.notes import InnerNote
from cognition.persona.recollection import Allowance
from cognition.persona.remembrance import REFRESHED_AFTER
from cognition.persona.thoughts import CUT_OFF, DISLIKED, KEPT_BACK, LIKED
from cognition.store.memory_store import MemoryStore
from tests.cognition.lives import ADA, BOB, NOVA, ROBIN, Hall, hall, now

pytestmark = pytest.mark.virtual_time

START = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Call:
    """A room with two personas and Ada, in which Nova thinks something."""

    def __init__(self, *said: str) -> None:
        self.generator = FakeGenerator(list(said) or ["Fine."])
        self.now = START
        self.thoughts = {"nova": "", "robin": ""}
        self.mind = Mind(
            [NOVA, ROBIN],
            self.generator,
            allowance=Allowance(stable=120, fresh=60, late=30),
            now=lambda: self.now,
            thinks=self.thinks,
        )
        self.mind.enter("hall", "nova", "Nova", "persona")
        self.mind.enter("hall", "robin", "Robin", "persona")
        self.enter("ada")

    def thinks(self, persona: str, room: str) -> InnerNote | None:
        text = self.thoughts[persona]
        return InnerNote(persona, text) if text else None

    def enter(self, person: str) -> None:
        self.mind.enter("hall", person, person.title(), "person", f"person-{person}")

    async def prompt_of(self, persona: str) -> str:
        await self.mind.prepare("hall", persona)
        return self.text(self.generator.prefilled[-1][1])

    async def reply(self, text: str, persona: str = "nova", to: frozenset[str] | None = None) -> str:
        self.now += timedelta(seconds=2)
        line = Heard("hall", "ada", "Ada", text, self.now, f"t{self.now}", to)
        return " ".join([clause.text async for clause in self.mind.reply("hall", persona, line)])

    @staticmethod
    def text(prompt: Prompt) -> str:
        return "\n".join([prompt.system, *(turn.text for turn in prompt.turns)])


async def test_what_a_persona_thinks_colours_its_own_replies_and_no_other_personas() -> None:
    call = Call()
    call.thoughts["nova"] = DISLIKED
    assert DISLIKED in await call.prompt_of("nova")
    assert DISLIKED not in await call.prompt_of("robin")
    await call.reply("Nova, how far is the moon?")
    assert DISLIKED in call.text(call.generator.streamed[-1][1])
    await call.reply("Robin, how far is the moon?", "robin")
    assert DISLIKED not in call.text(call.generator.streamed[-1][1])


async def test_a_new_thought_waits_until_what_stands_early_in_the_prompt_is_composed_anew() -> None:
    call = Call()
    before = await call.prompt_of("nova")
    call.thoughts["nova"] = CUT_OFF
    assert await call.prompt_of("nova") == before
    call.enter("bob")
    changed = await call.prompt_of("nova")
    assert CUT_OFF in changed
    call.thoughts["nova"] = LIKED
    assert await call.prompt_of("nova") == changed
    call.now += REFRESHED_AFTER
    assert LIKED in (later := await call.prompt_of("nova"))
    assert CUT_OFF not in later


async def test_the_words_of_a_thought_are_not_said_and_are_in_no_account_of_a_reply() -> None:
    call = Call("Well. Somebody did not like what I said, you know. It is far.")
    call.thoughts["nova"] = DISLIKED
    await call.prompt_of("nova")
    line = Heard("hall", "ada", "Ada", "Nova, how far is the moon?", START, "t1")
    clauses = [clause async for clause in call.mind.reply("hall", "nova", line)]
    assert [clause.text for clause in clauses] == ["Well.", "It is far."]
    assert call.mind.counts["inner note kept"] == 1
    assert not any("did not like" in repr(each.accounts) for each in clauses)


async def test_a_thought_names_nobody_and_nothing_is_thought_of_whispers() -> None:
    async with hall(NOVA, ROBIN, people=[ADA, BOB]) as room:
        circle = frozenset({"ada", "nova"})
        line = room.hear(ADA, "Nova, is my surprise for Bob a good one?", circle)
        room.life.held_back("nova", "hall", line)
        said = room.say("nova", "It is a lovely one.", interrupted=True)
        assert thought(room) == CUT_OFF
        room.told(replace(said, id="w1", to=circle))
        room.told(Feedback("hall", "ada", "nova", -1, room.at(), line="w1", id="f1"))
        assert thought(room) == CUT_OFF
        room.life.held_back("nova", "hall", room.hear(ADA, "Bob, do you like the stars?"))
        room.told(Feedback("hall", "ada", "nova", 1, room.at(), line=said.id, id="f2"))
        assert thought(room) == f"{KEPT_BACK} {LIKED}"
        assert room.life.in_mind("robin", "hall") is None


async def test_a_thought_is_in_mind_for_an_hour_also_across_a_restart() -> None:
    store = MemoryStore()
    async with hall(NOVA, people=[ADA], store=store) as room:
        room.judge(ADA, "nova", good=False)
        await room.life.settled()
        life = await Life.open([NOVA], store, clock=now, zone=UTC)
        life.present("hall", [Attendee("nova", "Nova", "persona"), ADA])
        note = life.in_mind("nova", "hall")
        assert note is not None
        assert note.read_by("nova") == DISLIKED
    later = await Life.open([NOVA], store, clock=lambda: now() + 3601, zone=UTC)
    assert later.in_mind("nova", "hall") is None


def thought(room: Hall) -> str:
    note = room.life.in_mind("nova", "hall")
    return "" if note is None else note.read_by("nova")
