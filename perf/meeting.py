"""Meetings made by a seed: what people say, to whom, when, and who ought to answer it.

Whoever ought to answer is known because the words were made for it; nothing here asks the classifier that is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from random import Random

__all__ = ["PEOPLE", "PERSONAS", "Act", "Moment", "Script", "Want"]

PEOPLE = ("Ada", "Ben", "Carl", "Dora", "Emil", "Frida")
PERSONAS = {
    "Nova": "astronomy", "Felix": "cooking", "Robin": "birds", "Iris": "gardening", "Hugo": "chess",
    "Clara": "medicine", "Oscar": "cinema", "Maya": "travel", "Leon": "football", "Petra": "geology",
    "Silas": "law", "Wanda": "weather", "Boris": "engines", "Tilda": "poetry",
}  # fmt: skip
"""Names and what each knows about."""

_MISHEARD = {
    "Felix": "Phelix", "Clara": "Klara", "Oscar": "Oskar", "Nova": "Nowa", "Hugo": "Ugo", "Petra": "Peter",
    "Boris": "Borris", "Silas": "Cylas", "Robin": "Robyn", "Maya": "Maia",
}  # fmt: skip
"""What a transcriber makes of names."""

_TOPICS = (
    "the budget", "the train to Lisbon", "that old bridge", "the second chapter", "renewable energy",
    "the garden wall", "the new office", "the museum on Friday", "my presentation", "the broken printer",
    "the wedding cake", "the election", "the northern lights", "the marathon", "the company logo",
)  # fmt: skip

_DIRECT = (
    "{a}, what do you make of {t}?", "What do you think about {t}, {a}?", "{a}, can you tell us about {t}?",
    "Hey {a}, how would you handle {t}?", "So {a}, when should we talk about {t}?", "{a}? Is {t} any good?",
    "{a}, tell me about {t}.", "Could you explain {t} to me, {a}?", "{a}, do you remember {t}?",
    "Okay, {a}, your opinion on {t}, please.", "And what would you say about {t}, {a}?",
    "I have a question for {a}: what is so special about {t}?", "What does {a} think about {t}?",
    "Let's ask {a} about {t}.", "{a}, I would love to hear your view on {t}.", "Can {a} say something about {t}?",
)  # fmt: skip
_PAIR = (
    "{a} and {b}, what do you think about {t}?", "What do you think of {t}, {a} and {b}?",
    "{a}, {b}, how would you go about {t}?", "Hey {a} and {b}, do you agree about {t}?",
    "I want to hear {a} and {b} on {t}. What do you say?",
)  # fmt: skip
_TWO = (
    "What do you two think about {t}?", "I would like to hear both of you on {t}.",
    "Do the two of you agree on {t}?", "You two, what about {t}?",
)  # fmt: skip
_EACH = (
    "Each of you, what is your view on {t}?", "One by one, please: what do you think of {t}?",
    "Let's go round the table: what about {t}?",
)  # fmt: skip
_ALL = (
    "Everybody, what do you think of {t}?", "What do you all think about {t}?", "What does everyone think of {t}?",
)  # fmt: skip
_OPEN = (
    "Does anybody know something about {t}?", "Can anyone explain {t}?", "Any ideas about {t}?",
    "Who knows what happened with {t}?", "Could somebody tell me about {t}?", "Does anyone have thoughts on {t}?",
)  # fmt: skip
_ELSE = ("Anyone else?", "Anybody else on that?", "Who else has an opinion?", "Any other thoughts?")
_HANDOVER = (
    "{a}, ask {b} about {t}.", "{a}, can you check with {b} what to do about {t}?", "{a}, please pass {t} on to {b}.",
    "{a}, tell {b} what you know about {t}.",
)  # fmt: skip
_FOLLOW = ("And why is that?", "How do you know?", "What would that cost?", "Are you sure about it?")
_YOU_TOO = ("And you, {a}?", "What about you, {a}?", "{a}, and you?")
_ABOUT = (
    "{a} said something about {t} yesterday.", "I liked what {a} told us about {t}.", "{a} was right about {t}.",
    "I think {a} knows {t} well.",
)  # fmt: skip
_TO_PERSON = (
    "{p}, did you see {t}?", "What did you do about {t}, {p}?", "{p}, we should look at {t} tomorrow.",
    "Do you still like {t}, {p}?",
)  # fmt: skip
_PERSON_ANSWERS = (
    "Yes, I did.",
    "Not really, to be honest.",
    "I was going to, but then it rained.",
    "Only a little.",
)
_TALK = (
    "I was thinking about {t} again.", "We should really do something about {t}.", "It was late when we got to {t}.",
    "There is nothing like {t} in the morning.", "My sister never liked {t}.", "They have changed {t} completely.",
    "It took me three hours to find {t}.", "Next year will be better for {t}.",
)  # fmt: skip
_BACKCHANNELS = ("Mhm.", "Yeah.", "Right.", "I see.", "Okay.", "Uh-huh.")
_REMIND = (
    "{a}, remind me in {n} minutes to {d}.", "{a}, can you remind me in {n} minutes to {d}?",
    "Could you remind me in {n} minutes to {d}, {a}?",
)  # fmt: skip
_MINUTES = {2: "two", 3: "three", 5: "five", 8: "eight", 10: "ten"}
_TO_DO = ("call the dentist", "turn off the oven", "write to my sister", "feed the cat", "look at the map")
_DISCUSS = (
    "{a} and {b}, discuss {t} with each other.", "{a} and {b}, please debate {t}.",
    "{a}, {b}, talk it over with each other: what about {t}?",
)  # fmt: skip
_TO_PERSONA = ("Yes, please.", "No, thank you.", "Not today, I am afraid.", "Fine, it was a long day.")
_EXPERT = ("Does anybody know a good book on {e}?", "Can anyone tell me more about {e}?")


class Want(Enum):
    """What ought to become of an act."""

    NOBODY = auto()
    ALL = auto()
    """Each of those named, in order where they are named."""
    ONE = auto()
    """Exactly one of those named."""
    SOME = auto()
    """At least one of those named, and each at most once."""
    MAY = auto()
    """One of those named, who had asked, or nobody."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something one person says.

    Attributes:
        kind: what it is, for the figures.
        speaker: place of the person among `PEOPLE`.
        text: as a transcriber writes it.
        want: what ought to become of it.
        who: names of the personas that this is about, in order.
        ordered: they answer in this order.
        named: somebody in it is called by name.
        minutes: after which its speaker wants to be reminded; 0 for never.
    """

    kind: str
    speaker: int
    text: str
    want: Want
    who: tuple[str, ...] = ()
    ordered: bool = False
    named: bool = False
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """What a script may look at when it makes the next act.

    Attributes:
        asker: place of the person who asked last.
        answered: names of the personas that have spoken since.
    """

    asker: int | None
    answered: tuple[str, ...]


class Script:
    """Makes one act after the other.

    Attributes:
        present: places of those who are there, among `PEOPLE`.

    Args:
        people: how many people there are at first.
        personas: names of the personas.
        random: whatever it does not decide by itself.
    """

    def __init__(self, people: int, personas: Sequence[str], random: Random) -> None:
        self.present = list(range(people))
        self._personas = tuple(personas)
        self._random = random
        self._talk = 0

    def next(self, moment: Moment) -> Act:
        """What is said next, once it is silent."""
        if self._talk > 0 and len(self.present) > 1:
            self._talk -= 1
            return self._statement()
        kinds: dict[str, float] = {"direct": 8, "open": 2, "remind": 0.5}
        if len(self._personas) > 1:
            kinds |= {"pair": 2, "handover": 1, "all": 1.5}
            kinds["discuss"] = 0.5
            kinds["each"] = 1 if len(self._personas) <= 4 else 0.15
        if len(self._personas) == 2 and (len(self.present) == 1 or moment.answered):
            # After two people have talked, "you two" may be these.
            kinds["two"] = 2
        if len(self.present) > 1:
            kinds |= {"to person": 3, "talk": 3, "about": 1, "expert": 1}
        else:
            kinds |= {"statement": 4}
        if moment.asker is not None and moment.answered:
            kinds["follow"] = 3 if len(moment.answered) == 1 else 0
            others = set(self._personas) - set(moment.answered)
            kinds["you too"] = 2 if others else 0
            kinds["else"] = 2 if others else 0
        kind = self._random.choices(list(kinds), list(kinds.values()))[0]
        return self._make(kind, moment)

    def interruption(self) -> Act:
        """What somebody says over a persona: a question to another or the same one, or a word to a person."""
        if len(self.present) > 1 and self._random.random() < 0.3:
            return self._make("to person", Moment(None, ()))
        act = self._make("direct", Moment(None, ()))
        return Act("interruption", act.speaker, act.text, act.want, act.who, named=True)

    def backchannel(self) -> Act:
        """An acknowledgement."""
        return Act("backchannel", self._person(), self._random.choice(_BACKCHANNELS), Want.NOBODY)

    def reply_of_person(self, asked: Act) -> Act | None:
        """What the person who was asked says."""
        named = [number for number in self.present if PEOPLE[number] in asked.text]
        if asked.kind != "to person" or not named:
            return None
        return Act("person answers", named[0], self._random.choice(_PERSON_ANSWERS), Want.NOBODY)

    def answer_to(self, persona: str, speaker: int) -> Act:
        """What somebody says to a persona that has just asked them by itself."""
        return Act("answer", speaker, self._random.choice(_TO_PERSONA), Want.MAY, (persona,))

    def aside(self, asker: int) -> Act | None:
        """What another person says into a pause, to somebody or to nobody in particular."""
        if len(self.present) < 3:
            return None
        speaker = self._random.choice([each for each in self.present if each != asker])
        third = self._random.choice([each for each in self.present if each not in (asker, speaker)])
        text = self._random.choice(_TO_PERSON).format(p=PEOPLE[third], t=self._topic())
        return Act("aside", speaker, text, Want.NOBODY)

    def _make(self, kind: str, moment: Moment) -> Act:
        random, topic = self._random, self._topic()
        speaker = self._person()
        pick = random.sample(self._personas, min(2, len(self._personas)))
        a, b = pick[0], pick[-1]
        match kind:
            case "direct":
                return self._act(kind, speaker, _DIRECT, Want.ALL, (a,), a=a, t=topic)
            case "pair":
                return self._act(kind, speaker, _PAIR, Want.ALL, (a, b), ordered=True, a=a, b=b, t=topic)
            case "handover":
                return self._act(kind, speaker, _HANDOVER, Want.ALL, (a, b), ordered=True, a=a, b=b, t=topic)
            case "remind":
                minutes = random.choice(list(_MINUTES))
                number, to_do = _MINUTES[minutes], random.choice(_TO_DO)
                act = self._act(kind, speaker, _REMIND, Want.ALL, (a,), a=a, n=number, d=to_do)
                return replace(act, minutes=minutes)
            case "discuss":
                return self._act(kind, speaker, _DISCUSS, Want.ALL, (a, b), ordered=True, a=a, b=b, t=topic)
            case "two":
                return self._act(kind, speaker, _TWO, Want.ALL, self._personas, t=topic)
            case "each":
                return self._act(kind, speaker, _EACH, Want.ALL, self._personas, t=topic)
            case "all":
                return self._act(kind, speaker, _ALL, Want.SOME, self._personas, t=topic)
            case "open":
                return self._act(kind, speaker, _OPEN, Want.ONE, self._personas, t=topic)
            case "expert":
                return self._act(kind, speaker, _EXPERT, Want.ONE, (a,), e=PERSONAS[a])
            case "follow":
                assert moment.asker is not None
                return self._act(kind, moment.asker, _FOLLOW, Want.ALL, moment.answered[-1:])
            case "you too":
                assert moment.asker is not None
                other = random.choice([name for name in self._personas if name not in moment.answered])
                return self._act(kind, moment.asker, _YOU_TOO, Want.ALL, (other,), a=other)
            case "else":
                assert moment.asker is not None
                others = tuple(name for name in self._personas if name not in moment.answered)
                return self._act(kind, moment.asker, _ELSE, Want.ONE, others)
            case "about":
                return self._act(kind, speaker, _ABOUT, Want.NOBODY, (), a=a, t=topic)
            case "to person":
                whom = random.choice([each for each in self.present if each != speaker])
                return self._act(kind, speaker, _TO_PERSON, Want.NOBODY, (), p=PEOPLE[whom], t=topic)
            case "talk":
                self._talk = random.randint(2, 5)
                return self._statement()
            case _:
                return self._act("statement", speaker, _TALK, Want.ONE, self._personas, t=topic)

    def _act(
        self,
        kind: str,
        speaker: int,
        templates: Sequence[str],
        want: Want,
        who: tuple[str, ...],
        *,
        ordered: bool = False,
        **words: str,
    ) -> Act:
        spoken = {key: self._as_heard(key, word) for key, word in words.items()}
        text = self._random.choice(templates).format(**spoken)
        if self._random.random() < 0.1:
            text = text.replace(",", "")
        named = want is not Want.NOBODY and "a" in words
        return Act(kind, speaker, text, want, who, ordered, named)

    def _as_heard(self, key: str, word: str) -> str:
        misheard = key in ("a", "b") and self._random.random() < 0.05
        return _MISHEARD.get(word, word) if misheard else word

    def _statement(self) -> Act:
        text = self._random.choice(_TALK).format(t=self._topic())
        return Act("talk", self._person(), text, Want.NOBODY)

    def _person(self) -> int:
        return self._random.choice(self.present)

    def _topic(self) -> str:
        return self._random.choice(_TOPICS)
