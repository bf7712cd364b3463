"""Who answers a line: the personas that do, in order, and why each other one stays silent. Pure."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from cognition.conversation.addressing import Asked, asked, ends_asking, is_question
from cognition.conversation.affinity import Affinity, FakeAffinity
from cognition.conversation.disposition import Disposition
from cognition.conversation.names import Wording, addressed
from cognition.conversation.quiet import asks_for_quiet, wakes
from cognition.conversation.transcript import Line
from cognition.events import Answer, Kind
from cognition.persona.profile import Persona

__all__ = ["Attendee", "Decision", "Disposition", "decide", "never"]

RECENT = timedelta(seconds=45)
"""What was said longer ago is no longer what a line replies to."""
ALTERNATING = 2
"""Lines of two people in turn, with no persona between, after which they plainly talk to each other."""
SOME = 3
"""Personas that answer what is put to everybody; to "each of you" all do."""
PLAINLY = 0.25
"""How much more another persona must know about a question for it not to go to who spoke last."""
HALF_LIFE = 120.0
"""Seconds after which what a persona said counts half for its share of talk."""
KNOWS, TALKED, HELD_BACK, TIRED, LIVELY, CHEERFUL = 3.0, 1.0, 0.4, 0.5, 0.15, 0.1
"""Weights of expertise, share of talk, an intention held back, missing energy, arousal and valence."""
URGENCY = {
    "addressed": 1.0,
    "answers-persona": 0.95,
    "passed-on": 0.9,
    "everyone-asked": 0.9,
    "follow-up": 0.85,
    "one-to-one": 0.85,
    "given-back": 0.8,
    "asked-by-persona": 0.7,
    "anyone-else": 0.6,
    "open-question": 0.6,
    "greets": 0.5,
}
"""How much an answer matters, 0 to 1, by the rule that asks for it."""

_GREETING = re.compile(
    r"\b(?:hi|hello|hey|good (?:morning|afternoon|evening|night)|morning|welcome|bye|goodbye)\b"
)
_UNKNOWING = FakeAffinity({})


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody in the room: participant id, name, person or persona."""

    id: str
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a line.

    Attributes:
        reason: the rule by which somebody answers, or nobody does.
        answers: who answers, in order; each later one knows what the earlier said.
        silent: why each other persona that heard it stays silent, by id.
        exchange: those who answer are to go on talking to each other.
    """

    reason: str
    answers: tuple[Answer, ...] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    exchange: bool = False

    @property
    def persona(self) -> str | None:
        """Who answers first."""
        return self.answers[0].persona if self.answers else None


def never(_text: str) -> bool:
    """Takes no words for a backchannel."""
    return False


def decide(
    lines: Sequence[Line],
    personas: Mapping[str, Persona],
    present: Sequence[Attendee],
    line: Line,
    *,
    quiet: Collection[str] = (),
    dispositions: Mapping[str, Disposition] | None = None,
    held_back: Collection[str] = (),
    affinity: Affinity = _UNKNOWING,
    is_backchannel: Callable[[str], bool] = never,
) -> Decision:
    """Decides who answers a line; of what was said before only a few lines' words are read.

    Args:
        lines: what was said before it, oldest first; the line itself may be among them.
        personas: those that could answer, by participant id.
        present: everybody in the room, personas too.
        line: what was said or written.
        quiet: ids of the personas that were told to be quiet.
        dispositions: energy, mood and rights by id; those left out are fresh and calm.
        held_back: ids of the personas that have something to say which they have held back.
        affinity: who knows about what.
        is_backchannel: whether words only acknowledge what somebody else says.
    """
    table = _Table(lines, personas, present, line, quiet, dispositions or {}, held_back, affinity)
    decision = table.decide(is_backchannel)
    chosen = {answer.persona for answer in decision.answers}
    silent = {id: table.silence(id, decision) for id in personas if id not in chosen and id != line.speaker}
    return Decision(decision.reason, decision.answers, silent, decision.exchange and len(chosen) > 1)


class _Table:
    """One line and everything that bears on who answers it."""

    def __init__(
        self,
        lines: Sequence[Line],
        personas: Mapping[str, Persona],
        present: Sequence[Attendee],
        line: Line,
        quiet: Collection[str],
        dispositions: Mapping[str, Disposition],
        held_back: Collection[str],
        affinity: Affinity,
    ) -> None:
        self.personas = personas
        self.line = line
        self.quiet = quiet
        self.dispositions = dispositions
        self.held_back = held_back
        self.affinity = affinity
        self.said = Wording.of(line.text)
        self.before = [each for each in lines if each.id != line.id and each.at <= line.at]
        self.present = present
        self.others = [each.name for each in present if each.kind == "person" and each.id != line.speaker]
        self.by_persona = line.speaker in personas or any(
            each.id == line.speaker and each.kind == "persona" for each in present
        )
        self.excluded: tuple[str, ...] = ()
        self._ranked: dict[str, tuple[float, ...]] = {}

    def decide(self, is_backchannel: Callable[[str], bool]) -> Decision:
        if not self.personas:
            return Decision("no-persona")
        if not self.said.words:
            return Decision("no-words")
        names = {id: persona.name for id, persona in self.personas.items() if id != self.line.speaker}
        ask = asked(self.said, self.line.text, names, self.others)
        self.excluded = ask.excluded
        if self.by_persona:
            return self._of_persona(ask)
        asks_quiet = asks_for_quiet(self.said, (persona.name for persona in self.personas.values()))
        if ask.withheld or (asks_quiet and not (ask.to_person or ask.left)):
            return Decision("asked-to-be-quiet")
        if ask.called:
            return self._to_called(ask)
        if ask.to_person:
            return Decision("addressed-another")
        hushed = () if wakes(self.said) else self.quiet
        meant = [id for id in self.personas if id not in self.excluded]
        if not meant:
            return Decision("not-addressed")
        able = [id for id in meant if self._unable(id) is None]
        awake = [id for id in able if id not in hushed]
        if not awake:
            return Decision("quiet-until-addressed" if able else "resting")
        if ask.group and (decision := self._to_group(ask, awake)) is not None:
            return decision
        partner = self._asked_by_persona()
        if partner is None and is_backchannel(self.line.text):
            return Decision("backchannel")
        if partner is not None and partner in awake:
            return self._answered([partner], "answers-persona")
        if not self.others:
            last = self._follows_up(awake)
            return self._answered([last or self._best(awake)], "follow-up" if last else "one-to-one")
        return self._among_people(awake)

    def silence(self, persona: str, decision: Decision) -> str:
        """Why a persona that does not answer stays silent."""
        if (unable := self._unable(persona)) is not None:
            return unable
        if persona in self.quiet and decision.reason not in ("addressed", "passed-on"):
            return "quiet-until-addressed"
        if persona in self.excluded:
            return "not-addressed"
        if not decision.answers:
            return decision.reason
        if decision.reason not in ("one-to-one", "open-question", "everyone-asked", "greets", "anyone-else"):
            return "addressed-another"
        first = decision.answers[-1].persona
        own, chosen = self._rank(persona), self._rank(first)
        for reason, mine, other in zip(
            ("another-knows-more", "spoke-much", "low-energy", "mood"), own[1:], chosen[1:], strict=True
        ):
            if mine < other - 0.05:
                return reason
        return "another-answers"

    def _unable(self, persona: str) -> str | None:
        how = self.dispositions.get(persona)
        if how is None:
            return None
        return "paused" if how.paused else "resting" if how.resting else None

    def _answered(self, who: Sequence[str], reason: str, *, exchange: bool = False) -> Decision:
        answers = tuple(Answer(id, reason, URGENCY[reason]) for id in who)
        return Decision(reason, answers, exchange=exchange)

    def _to_called(self, ask: Asked) -> Decision:
        called = [id for id in ask.called if self._unable(id) != "paused"]
        if not called:
            return Decision("paused")
        if ask.one_of and len(called) > 1:
            called = [self._best(called)]
        answers = [(id, "addressed") for id in called]
        answers += [(id, "passed-on") for id in ask.passed_on if self._unable(id) is None]
        return Decision(
            "addressed",
            tuple(Answer(id, reason, URGENCY[reason]) for id, reason in answers),
            exchange=ask.exchange,
        )

    def _of_persona(self, ask: Asked) -> Decision:
        """A persona's own words: another one answers only when it is asked by name."""
        called = [id for id in ask.called if self._unable(id) is None and id not in self.quiet]
        if not called or not ask.question or ask.to_person:
            return Decision("persona-spoke")
        return self._answered(called[:1], "asked-by-persona")

    def _to_group(self, ask: Asked, awake: Sequence[str]) -> Decision | None:
        """Put to several, or to one that is not named; None where it is plain talk after all."""
        match ask.group:
            case "two" | "three":
                return self._so_many(2 if ask.group == "two" else 3, awake, ask)
            case "each":
                return self._answered(self._by_rank(awake), "everyone-asked", exchange=ask.exchange)
            case "all" if ask.question or ask.exchange:
                return self._answered(self._by_rank(awake)[:SOME], "everyone-asked", exchange=ask.exchange)
            case "all":
                if not self.others or _GREETING.search(" ".join(self.said.words)) is not None:
                    return self._answered([self._best(awake)], "greets")
                return Decision("not-addressed")
            case "others" | "another":
                fresh = [id for id in awake if id not in self._answered_since()]
                if not fresh:
                    return Decision("nothing-new")
                chosen = self._by_rank(fresh)
                return self._answered(chosen[:SOME] if ask.group == "others" else chosen[:1], "anyone-else")
            case "anyone":
                return self._answered([self._best(awake)], "open-question")
            case _:
                return self._given_back(awake)

    def _so_many(self, number: int, awake: Sequence[str], ask: Asked) -> Decision | None:
        """To "you two": those who spoke last if they were as many, else the personas if these are as many."""
        lately = [each for each in self.before if self.line.at - each.at <= RECENT]
        spoke = list(
            dict.fromkeys(each.speaker for each in reversed(lately) if each.speaker != self.line.speaker)
        )[:number]
        meant = [id for id in reversed(spoke) if id in awake]
        if len(spoke) == number and (self.others or len(meant) == number):
            if not meant:
                return Decision("addressed-another")
            if len(meant) == number or len(self.personas) != number:
                return self._answered(meant, "everyone-asked", exchange=ask.exchange)
        if self.others and len(self.others) == number and len(self.personas) != number:
            return Decision("addressed-another")
        return self._answered(self._by_rank(awake)[:number], "everyone-asked", exchange=ask.exchange)

    def _given_back(self, awake: Sequence[str]) -> Decision | None:
        """To "and you?": whoever asked; after an answer, somebody who has not given one."""
        last = self.before[-1] if self.before and self.line.at - self.before[-1].at <= RECENT else None
        if last is None:
            return None
        if last.speaker not in self.personas:
            return Decision("reply-to-person") if self.others and last.speaker != self.line.speaker else None
        if self._partner() != self.line.speaker or self._asked_by_persona() is not None:
            return None
        fresh = [id for id in awake if id not in self._answered_since()]
        if fresh:
            return self._answered([self._best(fresh)], "given-back")
        return self._answered([last.speaker], "follow-up") if last.speaker in awake else None

    def _among_people(self, awake: Sequence[str]) -> Decision:
        """Several people, and nobody was called by name."""
        recent = [each for each in self.before[-ALTERNATING:] if self.line.at - each.at <= RECENT]
        if not recent:
            return Decision("not-addressed")
        last = recent[-1]
        if last.speaker in self.personas:
            follows = is_question(self.line.text) and self._partner() == self.line.speaker
            if follows and last.speaker in awake:
                return self._answered([last.speaker], "follow-up")
            return Decision("not-addressed")
        if last.speaker != self.line.speaker and is_question(last.text):
            return Decision("reply-to-person")
        tail = [*(each.speaker for each in recent), self.line.speaker]
        in_turn = all(one != other for one, other in pairwise(tail))
        if in_turn and len(tail) > ALTERNATING and not any(speaker in self.personas for speaker in tail):
            return Decision("people-talking")
        return Decision("not-addressed")

    def _follows_up(self, awake: Sequence[str]) -> str | None:
        """The persona that has just answered this person, if what they ask now is not more of another's field."""
        last = self.before[-1] if self.before and self.line.at - self.before[-1].at <= RECENT else None
        if last is None or last.speaker not in awake or len(awake) == 1 or not is_question(self.line.text):
            return None
        if self._partner() != self.line.speaker:
            return None
        knows = self.affinity.scores(self.line.text)
        mine = knows.get(last.speaker, 0.0)
        return last.speaker if all(knows.get(id, 0.0) < mine + PLAINLY for id in awake) else None

    def _asked_by_persona(self) -> str | None:
        """The persona whose question, put to this speaker just now, the line answers."""
        before = self.before
        if not before or before[-1].speaker not in self.personas or self.line.at - before[-1].at > RECENT:
            return None
        last = before[-1]
        if last.interrupted or not ends_asking(last.text) or self._calls_persona(last):
            return None
        return last.speaker if self._partner() == self.line.speaker else None

    def _calls_persona(self, line: Line) -> bool:
        """Whether a persona's words are put to another one."""
        said = Wording.of(line.text)
        return any(addressed(said, each.name) for id, each in self.personas.items() if id != line.speaker)

    def _partner(self) -> str | None:
        """Whom the persona that spoke last talked to: the person it called by name, or who had spoken before it."""
        last = self.before[-1] if self.before else None
        if last is not None and last.speaker in self.personas:
            said = Wording.of(last.text)
            called = (
                each.id for each in self.present if each.kind == "person" and addressed(said, each.name)
            )
            if (person := next(called, None)) is not None:
                return person
        return next(
            (each.speaker for each in reversed(self.before) if each.speaker not in self.personas), None
        )

    def _answered_since(self) -> set[str]:
        """Personas that have spoken since a person last did."""
        since: set[str] = set()
        for each in reversed(self.before):
            if each.speaker not in self.personas:
                break
            since.add(each.speaker)
        return since

    def _best(self, candidates: Sequence[str]) -> str:
        return candidates[0] if len(candidates) == 1 else self._by_rank(candidates)[0]

    def _by_rank(self, candidates: Sequence[str]) -> list[str]:
        """The likeliest first; among equals the one that has not spoken for longest."""
        spoken = {each.speaker: index for index, each in enumerate(self.before)}
        return sorted(candidates, key=lambda id: (-round(self._rank(id)[0], 3), spoken.get(id, -1)))

    def _rank(self, persona: str) -> tuple[float, ...]:
        """How much speaks for a persona: in all, then by what it knows, how little it said, its energy, its mood."""
        if not self._ranked:
            knows = self.affinity.scores(self.line.text)
            shares = self._shares()
            for id in self.personas:
                how = self.dispositions.get(id, _FRESH)
                known = KNOWS * knows.get(id, 0.0)
                talked = -TALKED * shares.get(id, 0.0)
                energy = TIRED * (how.energy - 1.0)
                mood = LIVELY * how.arousal + CHEERFUL * how.valence
                waiting = HELD_BACK if id in self.held_back else 0.0
                self._ranked[id] = known + talked + energy + mood + waiting, known, talked, energy, mood
        return self._ranked[persona]

    def _shares(self) -> dict[str, float]:
        """Each persona's share of what personas said, what is long ago counting less."""
        talked: dict[str, float] = {}
        for each in self.before:
            if each.speaker in self.personas:
                age = (self.line.at - each.at).total_seconds()
                talked[each.speaker] = talked.get(each.speaker, 0.0) + len(each.text) * math.exp2(
                    -age / HALF_LIFE
                )
        total = sum(talked.values())
        return {id: said / total for id, said in talked.items()} if total > 1.0 else {}


_FRESH = Disposition()
