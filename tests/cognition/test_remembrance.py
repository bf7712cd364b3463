"""What minds remember of earlier days: where it stands in prompts, when it is composed, who hears of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cognition.conversation.disposition import Disposition
from cognition.events import Heard, Read, Said
from cognition.inference.chatml import render
from cognition.inference.generator import FakeGenerator, Prompt
from cognition.inference.slots import common_prefix
from cognition.memory.recall import FakeRecall, Recalled, Source
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, PersonaVoice
from cognition.persona.prompt import turns_of
from cognition.persona.recollection import Allowance, Recollection, Remembering
from cognition.persona.remembrance import LATE_DEADLINE, REFRESHED_AFTER
from cognition.rag.composition import PREAMBLE
from cognition.rag.context import Account, Context
from cognition.rag.engine import ContextEngine, Feed
from cognition.rag.source import Request
from cognition.rag.sources.identity import IdentitySource
from cognition.rag.sources.memory import MemorySource
from cognition.store.timeline import Place

pytestmark = pytest.mark.virtual_time

FELIX = Persona("felix", "Felix", PersonaVoice(), "You are warm.", ())
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LAST_WEEK = NOW - timedelta(days=7)
ALLOWANCE = Allowance(stable=120, fresh=60, late=30)
ADA = frozenset({"felix", "person-ada"})


def memory(
    text: str, *, quote: str = "", kind: str = "fact", about: str = "person-ada", at: datetime = LAST_WEEK
) -> Recalled:
    return Recalled(text, text, quote, at, about, kind, 0.0, Source((1,), Place("attic"), ("Ada",)))


ROME = memory("Ada lives in Rome.")
LISBON = memory("The harbour festival takes place in Lisbon.", about="")
INTERVIEW = memory(
    "Ada has a job interview on Friday.", quote="I have a job interview on Friday", kind="thread"
)


class Counting(FakeGenerator):
    """Counts what a model would have to evaluate, in words and control tokens; one conversation a key."""

    def __init__(self) -> None:
        super().__init__(["Fine."])
        self.held: dict[str, list[int]] = {}
        self._vocabulary: dict[str, int] = {}
        self.evaluated = 0

    def _evaluate(self, key: str, prompt: Prompt, *, answer: bool) -> None:
        tokens = [
            self._vocabulary.setdefault(token, len(self._vocabulary))
            for segment in render(prompt, answer=answer)
            for token in ([segment.text] if segment.control else segment.text.split())
        ]
        self.evaluated += len(tokens) - common_prefix(self.held.get(key, []), tokens)
        self.held[key] = tokens

    async def prefill(self, key: str, prompt: Prompt) -> None:
        await super().prefill(key, prompt)
        self._evaluate(key, prompt, answer=False)

    def stream(self, key: str, prompt: Prompt, *, max_tokens: int):  # type: ignore[no-untyped-def]
        self._evaluate(key, prompt, answer=True)
        return super().stream(key, prompt, max_tokens=max_tokens)

    def forget(self, key: str) -> None:
        super().forget(key)
        self.held.pop(key, None)


def engine(recall: FakeRecall, count: FakeGenerator) -> Remembering:
    feeds = [Feed(IdentitySource(recall, lambda _: Disposition())), Feed(MemorySource(recall))]
    return Remembering(ContextEngine(feeds, count.count), recall)


class SlowRecall(FakeRecall):
    """Takes its time."""

    seconds = 0.0

    async def recall(self, *arguments: Any, **named: Any) -> tuple[Recalled, ...]:
        await asyncio.sleep(self.seconds)
        return await super().recall(*arguments, **named)

    async def about(self, *arguments: Any, **named: Any) -> tuple[Recalled, ...]:
        await asyncio.sleep(self.seconds)
        return await super().about(*arguments, **named)


class Call:
    """A room with Felix and some people, one of whom is known by a lasting identity."""

    def __init__(
        self,
        *memories: tuple[Recalled, frozenset[str] | None],
        people: str = "ada",
        recollection: Recollection | None = None,
    ) -> None:
        self.generator = Counting()
        self.recall = SlowRecall(memories)
        self.memory = engine(self.recall, self.generator)
        self.now = NOW
        self.mind = Mind(
            [FELIX],
            self.generator,
            recollection=recollection or self.memory,
            allowance=ALLOWANCE,
            now=lambda: self.now,
        )
        self.mind.enter("lobby", "felix", "Felix", "persona")
        for person in people.split():
            self.enter(person)

    def enter(self, person: str) -> None:
        self.mind.enter("lobby", person, person.title(), "person", f"person-{person}")

    async def prepare(self) -> Prompt:
        await self.mind.prepare("lobby", "felix")
        return self.generator.prefilled[-1][1]

    async def partial(self, words: str, turn: str = "t1", to: frozenset[str] | None = None) -> Prompt:
        await self.mind.anticipate("lobby", "felix", "ada", words, to, turn)
        return self.generator.prefilled[-1][1]

    def heard(self, text: str, turn: str = "t1", to: frozenset[str] | None = None) -> Heard:
        self.now += timedelta(seconds=2)
        return Heard("lobby", "ada", "Ada", text, self.now, turn, to)

    async def reply(self, to: Heard | Read) -> tuple[Account, ...]:
        clauses = [clause async for clause in self.mind.reply("lobby", "felix", to)]
        return clauses[0].accounts

    @property
    def asked(self) -> Prompt:
        return self.generator.streamed[-1][1]


def notes(prompt: Prompt) -> list[tuple[int, str]]:
    """Where something remembered stands after the examples, and what."""
    examples = len(turns_of((), "felix"))
    return [(place, turn.text) for place, turn in enumerate(prompt.turns[examples:]) if turn.role == "system"]


async def test_what_is_known_of_who_is_there_stands_before_the_conversation_and_stays() -> None:
    call = Call((ROME, ADA))
    first = await call.prepare()
    ((place, text),) = notes(first)
    assert place == 0
    assert "lives in Rome" in text
    before = call.generator.evaluated
    call.mind.record(call.heard("Hello."))
    call.mind.record(Said("lobby", "felix", "Hi Ada.", call.now, id="s1"))
    # What was learnt meanwhile would move everything that comes after it.
    call.recall.memories.append((memory("Ada likes tea."), ADA))
    later = await call.prepare()
    assert notes(later) == notes(first)
    assert call.generator.evaluated - before < 20


async def test_what_one_confided_is_not_told_while_others_share_their_microphone() -> None:
    confided = memory("Ada has a weak heart.", kind="fact")
    call = Call((confided, ADA), (LISBON, None))
    assert "heart" in str(notes(await call.prepare()))
    call.mind.record(call.heard("Nobody knows of my pacemaker."))
    call.mind.share("lobby", "ada", True)
    assert "heart" not in str(await call.prepare())
    assert call.generator.prefilled[-1][1].turns == turns_of((), "felix"), "nor what was said before"
    assert "has a weak heart" not in str(
        await call.partial("Is my heart weak, and where is the harbour festival", "t2")
    )
    question = call.heard("Is my heart weak, and where is the harbour festival?", "t2")
    call.mind.record(question)
    await call.reply(question)
    told = str(call.asked)
    assert "has a weak heart" not in told
    assert "pacemaker" not in told
    assert "Lisbon" in told, "what anybody may know is told"
    assert "heart" not in await call.mind.welcome("lobby", "felix", "ada")
    call.mind.share("lobby", "ada", False)
    assert "heart" in str(notes(await call.prepare()))
    assert "pacemaker" in str(await call.prepare())


async def test_a_microphone_is_shared_by_who_sits_there_and_not_by_who_comes_after() -> None:
    call = Call((ROME, ADA))
    call.mind.share("lobby", "ada", True)
    call.mind.leave("lobby", "ada")
    call.mind.share("attic", "ada", True)
    call.enter("ada")
    assert "Rome" in str(notes(await call.prepare()))
    assert call.mind.rooms() == ["lobby"]


async def test_a_mind_that_recalls_nothing_evaluates_what_one_without_a_memory_does() -> None:
    plain, call = Call(), Call((LISBON, frozenset({"felix", "person-bob"})))
    plain.mind = Mind([FELIX], plain.generator)
    plain.mind.enter("lobby", "felix", "Felix", "persona")
    plain.mind.enter("lobby", "ada", "Ada", "person")
    counts = []
    for each in (plain, call):
        await each.prepare()
        await each.partial("Where is the")
        await each.partial("Where is the harbour festival")
        question = each.heard("Where is the harbour festival this year?")
        before = each.generator.evaluated
        assert sum(bool(account.used) for account in await each.reply(question)) == 0
        counts.append((before, each.generator.evaluated - before))
    assert counts[0] == counts[1]
    assert plain.asked == call.asked


async def test_what_words_recall_is_evaluated_while_they_are_said_and_nothing_of_it_after() -> None:
    spoken = []
    for known in (True, False):
        call = Call(*([(LISBON, ADA)] if known else []))
        await call.prepare()
        await call.partial("Where is the harbour festival")
        question = call.heard("Where is the harbour festival this year?")
        before = call.generator.evaluated
        accounts = await call.reply(question)
        spoken.append(call.generator.evaluated - before)
        if known:
            ((place, text),) = notes(call.asked)
            assert call.asked.turns[len(turns_of((), "felix")) + place + 1].text.startswith("Ada: Where")
            assert "Lisbon" in text
            assert [used.text for account in accounts for used in account.used]
    assert spoken[0] == spoken[1], "words after the end of speech cost the same"


async def test_what_was_recalled_for_a_line_is_kept_for_it_and_gone_with_the_next() -> None:
    call = Call((LISBON, ADA))
    assert "Lisbon" in notes(await call.partial("The harbour festival takes"))[0][1]
    longer = await call.partial("The harbour festival takes place when the summer ends")
    assert "Lisbon" in notes(longer)[0][1]
    question = call.heard("The harbour festival takes place when the summer ends?")
    await call.reply(question)
    assert "Lisbon" in notes(call.asked)[0][1]
    call.mind.record(question)
    call.mind.record(Said("lobby", "felix", "Fine.", call.now, id="s1"))
    assert notes(await call.prepare()) == []
    assert notes(await call.partial("Thank you very much", "t2")) == []


async def test_what_only_the_last_words_recall_comes_after_the_line_and_is_short() -> None:
    call = Call((LISBON, ADA), (memory("Boats " * 40, about=""), ADA))
    await call.prepare()
    await call.partial("Tell me")
    question = call.heard("Tell me: harbour festival takes place where")
    before = call.generator.evaluated
    await call.reply(question)
    ((place, text),) = notes(call.asked)
    assert place == len(call.asked.turns) - len(turns_of((), "felix")) - 1
    assert "Lisbon" in text
    words = len(text.split())
    assert words <= ALLOWANCE.late
    said = len(question.text.split()) - 2
    # The line's other words, the addition, and the control tokens around them.
    assert call.generator.evaluated - before <= said + words + 10


class Hangs:
    """Recalls something, in a minute."""

    grown = 0

    async def compose(
        self,
        request: Request,
        *,
        budget: int,
        deadline: float,
        standing: Sequence[Context] = (),
        least: float = 0.0,
    ) -> Context:
        await asyncio.sleep(deadline)
        account = Account("felix", "lobby", NOW, "", request.listeners, budget, {}, deadline, 0.0)
        return Context("", "", account)

    async def about(
        self, persona: str, listeners: frozenset[str], person: str, *, now: datetime, limit: int = 6
    ) -> tuple[Recalled, ...]:
        await asyncio.sleep(60)
        return ()


async def test_a_memory_that_hangs_holds_a_reply_up_no_longer_than_its_deadline() -> None:
    call = Call(recollection=Hangs())
    loop = asyncio.get_running_loop()
    begun = loop.time()
    stream = call.mind.reply("lobby", "felix", call.heard("Where is the harbour festival?"))
    await anext(stream)
    # The fake model's first clause takes 0.15 s.
    assert loop.time() - begun == pytest.approx(0.15 + LATE_DEADLINE, abs=0.01)
    begun = loop.time()
    assert "Ada" in await call.mind.welcome("lobby", "felix", "ada")
    assert loop.time() - begun < 1.0
    assert call.mind.counts["greeting: remembered too late"] == 1


async def test_what_a_newcomer_may_not_know_is_gone_from_prompt_and_model_before_anything_is_made_for_them() -> (
    None
):
    call = Call((ROME, ADA))
    assert "Rome" in str(await call.prepare())
    call.enter("bob")
    forgotten = len(call.generator.forgotten)
    await call.reply(call.heard("Where do I live, Felix?"))
    assert "Rome" not in str(call.asked)
    assert len(call.generator.forgotten) == forgotten + 1
    assert "Rome" not in str(await call.prepare())


async def test_what_is_recalled_right_after_somebody_came_is_still_named_as_no_order() -> None:
    call = Call((ROME, ADA), (LISBON, None))
    assert PREAMBLE in str(await call.prepare())
    call.enter("bob")
    await call.reply(call.heard("Where is the harbour festival, Felix?"))
    ((_, note),) = notes(call.asked)
    assert "Lisbon" in note
    assert note.startswith(PREAMBLE), "what stood first in the prompt is out of it since Bob is here"


async def test_a_whisper_recalls_what_its_circle_may_know_and_leaves_no_trace_for_the_others() -> None:
    call = Call((LISBON, ADA), people="ada bob")
    circle = frozenset({"ada", "felix"})
    assert notes(await call.partial("Where is the harbour festival")) == []
    await call.partial("Where is the harbour festival", "t2", circle)
    await call.reply(call.heard("Where is the harbour festival?", "t2", circle))
    assert "Lisbon" in str(call.asked)
    forgotten = len(call.generator.forgotten)
    assert "Lisbon" not in str(await call.prepare())
    assert len(call.generator.forgotten) == forgotten + 1


async def test_what_was_corrected_is_in_no_prompt_any_more() -> None:
    call = Call((ROME, ADA))
    assert "Rome" in str(await call.prepare())
    call.recall.memories[:] = [(replace(ROME, id="2", text="Ada lives in Oslo."), ADA)]
    call.mind.forget_memories()
    later = str(await call.prepare())
    assert "Rome" not in later
    assert "Oslo" in later


async def test_what_somebody_said_who_is_forgotten_is_in_no_prompt_any_more() -> None:
    call = Call(people="ada bob")
    call.mind.record(call.heard("I live in Rome."))
    call.mind.record(Read("lobby", "bob", "Bob", "And I in Oslo.", call.now, "m1"))
    await call.prepare()
    forgotten = len(call.generator.forgotten)
    call.mind.let_go({"ada"})
    assert len(call.generator.forgotten) == forgotten + 1
    later = str(await call.prepare())
    assert "Rome" not in later
    assert "Oslo" in later


async def test_of_many_who_know_who_has_come_those_read_it_first_who_talk() -> None:
    call = Call((ROME, None))
    personas = [Persona(f"p{number}", f"P{number}", PersonaVoice(), "", ()) for number in range(8)]
    call.mind = Mind(
        personas, call.generator, recollection=engine(call.recall, call.generator), allowance=ALLOWANCE
    )
    for persona in personas:
        call.mind.enter("lobby", persona.id, persona.name, "persona")
    call.enter("ada")
    call.mind.record(Said("lobby", "p3", "Hi Ada!", NOW, id="s1"))
    for wanted in call.mind.most_wanted_first("lobby", [each.id for each in personas]):
        await call.mind.prepare("lobby", wanted)
    read = [key.partition("/")[2] for key, _ in call.generator.prefilled]
    assert read[0] == "p3"
    assert sorted(read) == [each.id for each in personas]
    assert all("Rome" in str(prompt) for _, prompt in call.generator.prefilled)


async def test_a_written_line_recalls_before_it_is_answered() -> None:
    call = Call((LISBON, ADA))
    await call.reply(Read("lobby", "ada", "Ada", "Where is the harbour festival?", NOW, "m1"))
    assert "Lisbon" in notes(call.asked)[0][1]


async def test_a_profile_that_leaves_no_room_for_memories_is_seated_all_the_same() -> None:
    call = Call((ROME, ADA))
    generator = FakeGenerator(["Fine."], capacity=640)
    mind = Mind([FELIX], generator, recollection=engine(call.recall, generator), allowance=ALLOWANCE)
    mind.enter("lobby", "felix", "Felix", "persona")
    mind.enter("lobby", "ada", "Ada", "person", "person-ada")
    await mind.prepare("lobby", "felix")
    assert notes(generator.prefilled[-1][1]) == []


async def test_who_comes_back_is_greeted_by_name_with_what_was_open() -> None:
    call = Call((INTERVIEW, ADA))
    words = await call.mind.welcome("lobby", "felix", "ada")
    assert "Ada" in words
    assert words.endswith("How did the job interview go?")
    call.mind.greeted("lobby", "ada")
    assert "Welcome back" in await call.mind.welcome("lobby", "felix", "ada")


async def test_a_stranger_is_greeted_as_one() -> None:
    call = Call((INTERVIEW, ADA), people="bob")
    assert await call.mind.welcome("lobby", "felix", "bob") == await Call(people="bob").mind.welcome(
        "lobby", "felix", "bob"
    )


async def test_a_greeting_says_nothing_that_others_who_are_there_may_not_know() -> None:
    call = Call((INTERVIEW, ADA), people="ada bob")
    assert "interview" not in await call.mind.welcome("lobby", "felix", "ada")
    call = Call((INTERVIEW, ADA | {"person-bob"}), people="ada bob")
    assert "interview" in await call.mind.welcome("lobby", "felix", "ada")


async def test_who_comes_under_another_name_from_the_same_browser_is_not_taken_for_the_other() -> None:
    call = Call((INTERVIEW, ADA), people="")
    call.mind.enter("lobby", "eve", "Eve", "person", "person-ada")
    assert "interview" not in await call.mind.welcome("lobby", "felix", "eve")


async def test_what_the_next_words_cut_short_is_recalled_with_them() -> None:
    call = Call((LISBON, ADA))
    call.recall.seconds = 0.02
    cut = asyncio.create_task(call.partial("Where is the harbour festival"))
    await asyncio.sleep(0.01)
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    assert "Lisbon" in str(await call.partial("Where is the harbour festival"))


async def test_what_is_cut_short_by_the_end_of_speech_is_recalled_then() -> None:
    call = Call((LISBON, ADA))
    call.recall.seconds = 0.02
    cut = asyncio.create_task(call.partial("Where is the harbour festival"))
    await asyncio.sleep(0.01)
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    await call.reply(call.heard("Where is the harbour festival?"))
    assert "Lisbon" in str(call.asked)


async def test_a_memory_that_was_late_is_asked_again_with_the_same_words() -> None:
    call = Call((LISBON, ADA))
    call.recall.seconds = 5.0
    assert "Lisbon" not in str(await call.partial("Where is the harbour festival"))
    call.recall.seconds = 0.0
    assert "Lisbon" in str(await call.partial("Where is the harbour festival"))


async def test_what_is_remembered_meanwhile_is_known_in_the_next_idle_time() -> None:
    call = Call()
    assert "Rome" not in str(await call.prepare())
    call.recall.memories[:] = [(ROME, ADA)]
    assert "Rome" not in str(await call.prepare()), "nobody has said that there is more"
    call.memory.grown += 1
    assert "Rome" not in str(await call.prepare()), "what was learnt just now stands in the conversation"
    call.now += REFRESHED_AFTER
    assert "Rome" in str(await call.prepare())


async def test_what_was_late_when_somebody_came_is_known_in_the_next_idle_time() -> None:
    call = Call((ROME, ADA))
    call.recall.seconds = 5.0
    assert "Rome" not in str(await call.prepare())
    call.recall.seconds = 0.0
    assert "Rome" in str(await call.prepare())
    call.recall.seconds = 5.0
    call.memory.grown += 1
    call.now += REFRESHED_AFTER
    assert "Rome" in str(await call.prepare()), "the older is better than nothing"
