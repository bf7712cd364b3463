"""Fourteen personas in a room: whoever talks is up to date, the others are never far behind."""

from datetime import UTC, datetime, timedelta

from cognition.conversation.transcript import Line
from cognition.events import Heard, Said
from cognition.inference.generator import FakeGenerator
from cognition.memory.recall import FakeRecall
from cognition.persona.engine import Mind
from cognition.persona.profile import Persona, PersonaVoice
from cognition.persona.readiness import IN_PLAY, LAG, in_play, most_wanted_first, worth_preparing
from tests.cognition.test_remembrance import ALLOWANCE, ROME, Counting, engine

BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = [f"p{number}" for number in range(14)]


def line(number: int, speaker: str) -> Line:
    return Line(f"l{number}", speaker, speaker, "speech", "Well.", BEGUN + timedelta(seconds=number))


def test_whoever_spoke_lately_is_in_play() -> None:
    lines = [line(number, speaker) for number, speaker in enumerate(["p1", "p2", "ada", "p3", "p4", "p3"])]
    assert in_play(lines, NAMES) == {"p2", "p3", "p4"}


def test_of_a_few_all_are_in_play() -> None:
    assert in_play([], NAMES[:IN_PLAY]) == set(NAMES[:IN_PLAY])
    assert in_play([], NAMES) == frozenset()


def test_others_wait_until_they_are_far_behind() -> None:
    assert worth_preparing("p1", {"p1"}, 1)
    assert not worth_preparing("p2", {"p1"}, LAG)
    assert worth_preparing("p2", {"p1"}, LAG + 1)


async def test_a_line_is_read_at_once_by_those_who_talk_and_later_by_the_rest() -> None:
    generator = FakeGenerator(["Fine."])
    personas = [Persona(name, name.title(), PersonaVoice(), "You are warm.", ()) for name in NAMES]
    mind = Mind(personas, generator)
    for persona in personas:
        mind.enter("room", persona.id, persona.name, "persona")
    mind.enter("room", "ada", "Ada", "person")

    async def read_by(number: int, speaker: str, text: str) -> set[str]:
        at = BEGUN + timedelta(seconds=number)
        said = speaker != "ada"
        mind.record(
            Said("room", speaker, text, at, id=f"l{number}")
            if said
            else Heard("room", "ada", "Ada", text, at, f"l{number}")
        )
        before = len(generator.prefilled)
        for name in NAMES:
            await mind.prepare("room", name)
        return {key.partition("/")[2] for key, _ in generator.prefilled[before:]}

    assert await read_by(0, "ada", "Hello.") == set(NAMES)
    assert await read_by(1, "p4", "Hi.") == {"p4"}
    assert await read_by(2, "p9", "Good evening.") == {"p4", "p9"}
    assert await read_by(3, "ada", "So.") == {"p4", "p9"}
    assert await read_by(4, "ada", "word " * LAG) == set(NAMES)
    assert await read_by(5, "ada", "So.") == {"p4", "p9"}


def test_idle_time_goes_to_those_who_talk_and_then_to_whoever_is_furthest_behind() -> None:
    behind = {"p1": 10.0, "p2": 40.0, "p3": 0.0, "p4": 70.0}
    assert most_wanted_first({"p3"}, behind) == ["p3", "p4", "p2", "p1"]


def crowd(generator: FakeGenerator) -> Mind:
    """Everybody and Ada, of whom they know where she lives."""
    personas = [Persona(name, name.title(), PersonaVoice(), "You are warm.", ()) for name in NAMES]
    memories = engine(FakeRecall([(ROME, None)]), generator)
    mind = Mind(personas, generator, recollection=memories, allowance=ALLOWANCE)
    for persona in personas:
        mind.enter("room", persona.id, persona.name, "persona")
    mind.enter("room", "ada", "Ada", "person", "person-ada")
    return mind


def talk(mind: Mind, turn: int) -> None:
    """A question of Ada's and P4's answer."""
    at = BEGUN + timedelta(seconds=20 * turn)
    mind.record(Heard("room", "ada", "Ada", "And what about this one here?", at, f"h{turn}"))
    mind.record(Said("room", "p4", "That one is all right, I think.", at, id=f"s{turn}"))


async def test_whoever_the_last_words_of_a_question_choose_has_little_left_to_read() -> None:
    generator = Counting()
    mind = crowd(generator)
    for turn in range(6):
        talk(mind, turn)
        for name in mind.most_wanted_first("room", NAMES):
            await mind.prepare("room", name)
    question = Heard("room", "ada", "Ada", "Who knows?", BEGUN + timedelta(minutes=9), "q")
    for name in NAMES:
        before = generator.evaluated
        assert [clause async for clause in mind.reply("room", name, question)]
        assert generator.evaluated - before <= 48, name


async def test_idle_time_that_ends_early_again_and_again_reaches_everybody() -> None:
    generator = FakeGenerator(["Fine."])
    mind = crowd(generator)
    for turn in range(5):
        talk(mind, turn)
        for name in mind.most_wanted_first("room", NAMES)[:4]:
            await mind.prepare("room", name)
    assert {key.partition("/")[2] for key, _ in generator.prefilled} == set(NAMES)
