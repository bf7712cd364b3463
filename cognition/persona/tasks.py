"""What counts as a task that a persona did for a person, and what that person says of it. Pure.

A task is what a person asks for, by a question or a request, and a persona then answers, to the end, or a reminder that
it gives when it is time. What a persona says besides, or to somebody else, is no answer to it, nor is that it will not
answer. It is done when that was said, and done well or not when the person who asked says so: "thanks,
that worked", "no, that's wrong". Nobody else's word on it counts as the task's, no persona's at all, and bare thanks
are courtesy.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from cognition.conversation.addressing import is_question
from cognition.conversation.names import words_of
from cognition.events import Event, Heard, Left, Read, Said
from cognition.persona.reminder import reminder_in

__all__ = ["REMINDER_PREFIX", "Outcome", "TaskWatch", "asks_for_something", "verdict"]

T = TypeVar("T")

ANSWER_WITHIN = timedelta(minutes=2)
"""What is said later than this is no answer to a request."""
VERDICT_WITHIN = timedelta(minutes=10)
"""What a person says later than this of "that" may be of something else."""
MAX_LINES = 1000
"""Lines of a room that are known to have been told: more than a room tells again."""
MAX_PEOPLE = 256
"""People of a room whose requests are remembered."""
REMINDER_PREFIX = "remind-"
"""What is said under an id that begins so is a reminder, given."""

_THING = r"(?:that|this|it|which|your\ (?:answer|advice|idea|tip|suggestion|help|explanation|reminder))"
_NOT = r"(?:n['’]?t|\ not|\ never|\ hardly|\ no\ longer)"
_GOOD = re.compile(
    rf"""\b{_THING}\ (?:has\ |really\ |finally\ |actually\ |just\ |all\ |now\ )*
        (?:worked|works|helped|helps|did\ it|did\ the\ trick|fixed\ it|solved\ it)\b|
    \bworks\ now\b|\b(?:problem|issue|question)\ (?:is\ )?(?:solved|answered|fixed)\b|
    \bexactly\ what\ i\ (?:needed|wanted|meant|was\ looking\ for)\b|\bjust\ what\ i\ (?:needed|wanted)\b|
    \b{_THING}(?:['’]s|\ is|\ was)\ (?:very\ |really\ |so\ |absolutely\ |quite\ )*
        (?:helpful|useful|perfect|right|correct|spot\ on|great)\b|
    \byou(?:['’]re|\ are|\ were)\ (?:absolutely\ |quite\ )?right\b|\b(?:well\ done|good\ job|great\ job|spot\ on)\b|
    \b(?:perfect|excellent|brilliant|wonderful)\b[,!.]?\ (?:thanks|thank\ you)\b|
    \b(?:thanks|thank\ you)\b[,!.]?\ (?:\w+[,!.]?\ )?(?:perfect|very\ helpful|that\ helps)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_BAD = re.compile(
    rf"""\b{_THING}\ (?:still\ |really\ |just\ )?(?:did|does|do|wo|ca|could|would|has|is|was){_NOT}
        \ (?:quite\ |really\ |been\ )?(?:work|works|worked|help|helped|right|correct|true|helpful|useful)\b|
    \b{_THING}(?:['’]s)\ (?:still\ )?not\ (?:quite\ |really\ )?(?:right|correct|true|helpful|working|what\ i)\b|
    \b{_THING}\ (?:is|was)(?:n['’]?t|\ not)\ what\ i\ (?:asked|meant|wanted|needed)\b|
    \b{_THING}(?:['’]s|\ is|\ was)\ (?:just\ |plain\ |completely\ |totally\ |simply\ )?
        (?:wrong|incorrect|useless|nonsense|false)\b|
    \b(?:still\ (?:does|did|is)(?:n['’]?t|\ not)\ work(?:ing)?|no\ help\ at\ all|not\ helpful)\b|
    \byou(?:['’]re|\ are|\ were)\ (?:just\ |completely\ )?wrong\b|\byou\ got\ (?:that|it|this)\ wrong\b""",
    re.IGNORECASE | re.VERBOSE,
)
_UNSURE = re.compile(
    r"\b(?:if|whether|hope|hopefully|wish|maybe|perhaps|unless|until|once|would|should|might|unsure|wonder|"
    r"not sure|don['’]?t (?:think|know)|doubt|when|said|says|thought)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?;]+[.!?;]*")
_REQUEST = re.compile(
    r"\b(?:please|(?:can|could|would|will) you|(?:tell|show|give|help|teach|remind) (?:me|us)|let (?:me|us) know|"
    r"i (?:need|want|would like|['’]d like) (?:you )?to)\b|"
    r"^\W*(?:\w+\W+)?(?:explain|describe|summari[sz]e|translate|calculate|compare|list|find|write|suggest|define)\b",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"\b(?:how (?:are|is it going|do you do|have you been)|what['’]?s up|can you hear|are you there|who are you|"
    r"what['’]?s your name|is (?:any|some)(?:one|body) (?:there|here))\b",
    re.IGNORECASE,
)
_LEAST_WORDS = 4


def asks_for_something(text: str) -> bool:
    """Whether words ask somebody to do or to tell something; small talk does not."""
    if len(words_of(text)) < _LEAST_WORDS or _SMALL_TALK.search(text) is not None:
        return False
    return _REQUEST.search(text) is not None or is_question(text)


def verdict(text: str) -> int:
    """What words say of something done: 1 that it was well done, -1 that it was not, 0 neither or both."""
    found = set()
    for sentence in _SENTENCE.findall(text[:2000]):
        if sentence.rstrip().endswith("?") or _UNSURE.search(sentence) is not None:
            continue
        if _BAD.search(sentence) is not None:
            found.add(-1)
        elif _GOOD.search(sentence) is not None:
            found.add(1)
    return found.pop() if len(found) == 1 else 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A task was done, or judged.

    Attributes:
        task: its id: the same when it is told again.
        persona: who did it.
        asker: participant id of the person for whom.
        value: 0 done, 1 done well, -1 not.
        texts: what was asked and answered, by which its domain shows.
    """

    task: str
    persona: str
    asker: str
    value: int
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wish:
    text: str
    at: datetime
    line: str
    reminder: bool


@dataclass(frozen=True, slots=True)
class _Done:
    outcome: Outcome
    at: datetime


@dataclass(slots=True)
class TaskWatch:
    """Follows one room, line by line; `observe` tells what came of each."""

    room: str
    _wishes: dict[str, _Wish] = field(default_factory=dict)
    """What each person asked for last, the newest last."""
    _reminders: dict[str, str] = field(default_factory=dict)
    """What each person asked to be reminded of, the newest last."""
    _done: dict[str, _Done] = field(default_factory=dict)
    """What was done for each person last."""
    _spoke: str = ""
    """The persona that spoke last."""
    _seen: dict[tuple[object, ...], None] = field(default_factory=dict)
    """The lines that were told, the newest last."""

    def observe(self, event: Event, personas: Collection[str]) -> Outcome | None:
        """What an event makes of the tasks of the room; a line that is told again makes nothing.

        Args:
            event: what happened.
            personas: ids of all personas; their words ask for nothing and judge nothing.
        """
        if isinstance(event, Heard | Read | Said) and not self._is_new(event):
            return None
        match event:
            case Heard() | Read() if event.participant not in personas:
                return self._heard(event)
            case Said() if event.participant in personas:
                return self._said(event)
            case Left():
                for held in (self._wishes, self._reminders, self._done):
                    held.pop(event.participant, None)
        return None

    def _is_new(self, line: Heard | Read | Said) -> bool:
        # A written line's id is its writer's choice, and may come again another time.
        key = (line.participant, line.id, line.at if isinstance(line, Read) or not line.id else None)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > MAX_LINES:
            del self._seen[next(iter(self._seen))]
        return True

    def _heard(self, line: Heard | Read) -> Outcome | None:
        who, judged = line.participant, None
        done = self._done.get(who)
        if done is not None and line.at - done.at <= VERDICT_WITHIN and done.outcome.persona == self._spoke:
            value = verdict(line.text)
            if value:
                del self._done[who]
                judged = Outcome(done.outcome.task, done.outcome.persona, who, value, done.outcome.texts)
        self._wishes.pop(who, None)
        if asks_for_something(line.text):
            reminder = reminder_in(line.text, line.at) is not None
            self._keep(self._wishes, who, _Wish(line.text, line.at, line.id, reminder))
            if reminder:
                self._keep(self._reminders, who, line.text)
        return judged

    def _said(self, line: Said) -> Outcome | None:
        self._spoke = line.participant
        if line.interrupted or not line.text or not line.id or line.answers is None:
            return None
        who, answered = line.answers
        if line.to is not None and who not in line.to:
            return None
        if line.id.startswith(REMINDER_PREFIX):
            wanted = self._reminders.pop(who, None)
            return None if wanted is None else self._finish(line, who, wanted)
        wish = self._wishes.get(who)
        if wish is None or wish.reminder or wish.line != answered:
            return None
        if not timedelta() <= line.at - wish.at <= ANSWER_WITHIN:
            return None
        del self._wishes[who]
        return self._finish(line, who, wish.text)

    def _finish(self, line: Said, who: str, wish: str) -> Outcome:
        outcome = Outcome(f"task:{self.room}/{line.id}", line.participant, who, 0, (line.text, wish))
        self._keep(self._done, who, _Done(outcome, line.at))
        return outcome

    @staticmethod
    def _keep(held: dict[str, T], who: str, value: T) -> None:
        held.pop(who, None)
        held[who] = value
        while len(held) > MAX_PEOPLE:
            del held[next(iter(held))]
