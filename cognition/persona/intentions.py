"""What a persona means to do by itself: goals with steps, deadlines and an end, made and ended by rules. Pure.

A goal is made by something that was said or happened, under an id that follows from it, and what comes of it is said
under the same id. So it is there once however often its cause is told, and done once however often its end is.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta, tzinfo
from typing import Literal, Self

from cognition.conversation.addressing import asked, is_question
from cognition.conversation.floor import Attendee
from cognition.conversation.names import Wording, addressed, mentions
from cognition.events import Arrived, Declined, Event, Heard, Left, Read, Said
from cognition.persona.prompt import spoken_name
from cognition.persona.reminder import reminder_in, reminder_words

__all__ = [
    "ASKER_LIMIT",
    "LIMIT",
    "Intention",
    "Kind",
    "Scene",
    "Status",
    "after",
    "bounded",
    "held_back",
    "offered",
    "postponed",
    "wanted",
]

Kind = Literal["greet", "question", "held-back", "remind", "propose", "talk"]
Status = Literal["open", "done", "answered", "gone", "expired", "cancelled", "given-up", "dropped"]

STEPS: Mapping[Kind, tuple[str, ...]] = {
    "greet": ("greet them once they can hear",),
    "question": ("come back to it unless somebody answers",),
    "held-back": ("say it when there is a gap",),
    "remind": ("say it when it is time and they are there",),
    "propose": ("propose it in a gap", "see whether it is taken up"),
    "talk": ("put it to them", "hear what they say"),
}
"""What has to be done for each kind, in order."""

LIMIT = 32
"""Open intentions of a persona; the least of more are dropped."""
ASKER_LIMIT = 8
"""Reminders that one participant may have waiting in a room."""
UNANSWERED_S = 20.0
"""Seconds after which a question is taken to be left open."""
QUESTION_LIFE_S = 300.0
HELD_BACK_S = 3.0
HELD_BACK_LIFE_S = 60.0
GREETING_LIFE_S = 60.0
REMINDER_LIFE_S = 12 * 3600.0
"""Seconds that a reminder waits for people who have gone."""
PROPOSAL_S = 45.0
PROPOSAL_LIFE_S = 240.0
TALK_LIFE_S = 900.0
TAKEN_UP_S = 40.0
"""Seconds within which a proposal is taken up, or another persona answers."""
RETRY_S = 8.0
"""Seconds before a refused bid is made again, doubled each time."""
LOST_S = 90.0
"""Seconds after which a bid of which nothing was heard is made again."""
ATTEMPTS = 5

_TO_DO = re.compile(
    r"\b(?:we|somebody|someone|one of us) (?:really |still |probably |definitely )*"
    r"(?:should|need to|needs to|must|have to|has to|ought to) (?P<what>[^.!?;]{4,120})|"
    r"\blet's not forget to (?P<what2>[^.!?;]{4,120})",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    r"\b(?:i'll|i will|i can do|i'm on it|i am on it|let me do|i've done|already done|i did)\b", re.IGNORECASE
)
_YES = re.compile(
    r"^\W*(?:yes|yeah|yep|sure|please|ok|okay|good idea|of course|absolutely|do that)\b", re.IGNORECASE
)
_NEVER_MIND = re.compile(
    r"\b(?:never ?mind|forget (?:it|about it|that)|doesn't matter|no longer)\b", re.IGNORECASE
)
_CANCEL = re.compile(
    r"\b(?:cancel|forget|drop|stop|delete|remove)\b.{0,24}\b(?:reminders?|timer|alarm)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Intention:
    """Something a persona means to do. Instants are seconds since 1970.

    Attributes:
        id: follows from its cause; what comes of it is said under this id.
        persona: whose it is.
        room: where it is to be done.
        kind: of what kind.
        text: the words to say; empty where they are composed.
        to: participant id of whom it is for; empty for all.
        created: when.
        due: not before.
        expires: its deadline.
        priority: 0 to 1.
        line: the line it comes back to.
        step: how many of `STEPS` are done.
        status: how it ended, or "open".
        attempts: how often it was offered.
        refused: why the floor did not grant it last.
    """

    id: str
    persona: str
    room: str
    kind: Kind
    text: str
    to: str
    created: float
    due: float
    expires: float
    priority: float
    line: Heard | Read | None = None
    step: int = 0
    status: Status = "open"
    attempts: int = 0
    refused: str = ""

    @property
    def circle(self) -> frozenset[str] | None:
        """Who alone may hear of it, because they alone heard what it comes from; None for all."""
        return self.line.to if isinstance(self.line, Heard) else None

    @property
    def progress(self) -> float:
        """Share of its steps that is done."""
        return self.step / len(STEPS[self.kind])

    @property
    def next_step(self) -> str:
        """What is to be done next; empty when nothing is."""
        return STEPS[self.kind][self.step] if self.status == "open" else ""

    @property
    def waits(self) -> bool:
        """Whether it has been said, and what others make of it is to be seen."""
        return self.step > 0

    def ended(self, status: Status) -> Self:
        """It is over."""
        step = len(STEPS[self.kind]) if status in ("done", "answered") else self.step
        return replace(self, status=status, step=step)

    def handed_to(self, persona: str) -> Self:
        """Another persona has taken it over."""
        return replace(self, persona=persona, attempts=0, refused="")


@dataclass(frozen=True, slots=True)
class Scene:
    """What the rules see of a room.

    Attributes:
        present: everybody there.
        personas: names by id of the personas there, in order of precedence.
        awake: those of them that neither rest nor are paused.
        expertise: words for what they know about, by id.
        lines: what was said lately, by id.
        zone: the people's time zone.
    """

    present: Sequence[Attendee]
    personas: Mapping[str, str]
    awake: Collection[str]
    expertise: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lines: Mapping[str, Heard | Read] = field(default_factory=dict)
    zone: tzinfo = UTC

    def name_of(self, id: str) -> str:
        """A participant's name as it is spoken."""
        return next((spoken_name(each.name) for each in self.present if each.id == id), "")

    def can(self, intention: "Intention") -> bool:
        """Whether those it takes are there."""
        there = {each.id for each in self.present}
        if intention.persona not in there:
            return False
        if intention.kind == "talk":
            return intention.waits or intention.to in self.awake
        if intention.to:
            return intention.to in there
        return any(intention.circle is None or each.id in intention.circle for each in self.people())

    def people(self, *, but: str = "") -> list[Attendee]:
        """The persons there, less one."""
        return [each for each in self.present if each.kind == "person" and each.id != but]


def wanted(event: Event, said: Wording, scene: Scene) -> list[Intention]:
    """What personas mean to do because of an event.

    Args:
        event: what happened.
        said: its words, taken apart.
        scene: the room.
    """
    match event:
        case Arrived() if not event.greeted:
            return _greeting(event, scene)
        case Heard() | Read() if event.participant not in scene.personas:
            return _of_line(event, said, scene)
        case Declined():
            return _taken_over(event, scene)
        case _:
            return []


def _greeting(event: Arrived, scene: Scene) -> list[Intention]:
    able = [id for id in scene.personas if id in scene.awake]
    if not able or event.participant in scene.personas:
        return []
    at = event.at.timestamp()
    return [
        Intention(
            _id("greet", event.room, f"{event.participant}@{event.at.isoformat()}"),
            able[0],
            event.room,
            "greet",
            "",
            event.participant,
            at,
            at,
            at + GREETING_LIFE_S,
            0.8,
        )
    ]


def _of_line(line: Heard | Read, said: Wording, scene: Scene) -> list[Intention]:
    if not scene.personas or not said.words:
        return []
    able = [id for id in scene.personas if not isinstance(line, Heard) or line.to is None or id in line.to]
    names = {id: scene.personas[id] for id in able}
    people = [each.name for each in scene.people(but=line.participant)]
    request = asked(said, line.text, names, people)
    who = _chosen(request.called, said, able, scene)
    if who is None:
        return []
    if not request.to_person or request.called:
        reminding = _reminding(line, who, scene)
        if reminding:
            return reminding
    found = _talk(line, request.passed_on, who, scene)
    if found:
        return found
    directed = bool(request.called) or bool(request.group) or not people
    if request.question and directed and (request.called or not request.to_person):
        at = line.at.timestamp()
        return [
            Intention(
                _id("question", line.room, line.id or line.at.isoformat()),
                who,
                line.room,
                "question",
                "",
                line.participant,
                at,
                at + UNANSWERED_S,
                at + QUESTION_LIFE_S,
                0.7 if request.called else 0.5,
                line,
            )
        ]
    return _proposal(line, who, scene)


def _reminding(line: Heard | Read, who: str, scene: Scene) -> list[Intention]:
    wish = reminder_in(line.text, line.at.astimezone(scene.zone), scene.personas.values())
    if wish is None:
        return []
    asker = spoken_name(line.name) or "Somebody"
    created = line.at.timestamp()
    if wish.at is None:
        if not wish.what:
            return []
        text = f"{asker}, when shall I remind you {wish.what}?"
        due, to, kind, life = created + HELD_BACK_S, line.participant, "question", QUESTION_LIFE_S
    else:
        to, name = _reminded(wish.whom, line, scene)
        text = reminder_words(wish, asker, name)
        due, kind, life = wish.at.timestamp(), "remind", REMINDER_LIFE_S
    return [
        Intention(
            _id("remind", line.room, line.id or line.at.isoformat()),
            who,
            line.room,
            "remind" if kind == "remind" else "question",
            text,
            to,
            created,
            due,
            due + life,
            0.9,
            line,
        )
    ]


def _reminded(whom: str, line: Heard | Read, scene: Scene) -> tuple[str, str]:
    """Id of who is reminded, empty for all, and their name where it is not the one who asked."""
    if whom == "all":
        return "", ""
    if not whom:
        return line.participant, ""
    said = Wording.of(whom)
    circle = line.to if isinstance(line, Heard) else None
    for each in scene.people(but=line.participant):
        if mentions(said, each.name) and (circle is None or each.id in circle):
            return each.id, spoken_name(each.name)
    return "", whom


def _talk(line: Heard | Read, passed_on: Sequence[str], who: str, scene: Scene) -> list[Intention]:
    """Whom a persona is sent to and cannot turn to now it turns to later; who is awake answers by itself."""
    at = line.at.timestamp()
    asker = spoken_name(line.name) or "somebody"
    return [
        Intention(
            _id("talk", line.room, f"{other}@{line.id or line.at.isoformat()}"),
            who,
            line.room,
            "talk",
            f"{scene.personas[other]}, {asker} would like to hear from you: {_quoted(line.text)}",
            other,
            at,
            at + HELD_BACK_S,
            at + TALK_LIFE_S,
            0.6,
            line,
        )
        for other in passed_on
        if other != who and other not in scene.awake
    ]


def _proposal(line: Heard | Read, who: str, scene: Scene) -> list[Intention]:
    found = _TO_DO.search(line.text)
    if found is None or is_question(line.text):
        return []
    what = " ".join((found["what"] or found["what2"]).split()).rstrip(" ,")
    at = line.at.timestamp()
    name = spoken_name(line.name)
    return [
        Intention(
            _id("propose", line.room, line.id or line.at.isoformat()),
            who,
            line.room,
            "propose",
            f"{name + ', you' if name else 'You'} said: {what}. Shall I remind you of it tomorrow?",
            line.participant,
            at,
            at + PROPOSAL_S,
            at + PROPOSAL_LIFE_S,
            0.3,
            line,
        )
    ]


def _taken_over(event: Declined, scene: Scene) -> list[Intention]:
    """What one persona declines another may take."""
    line = scene.lines.get(event.line)
    if line is None:
        return []
    heard_by = line.to if isinstance(line, Heard) else None
    able = [
        id
        for id in scene.personas
        if id in scene.awake and id != event.persona and (heard_by is None or id in heard_by)
    ]
    who = _chosen((), Wording.of(line.text), able, scene)
    if who is None:
        return []
    at = event.at.timestamp()
    return [
        Intention(
            _id("question", line.room, f"declined@{line.id}"),
            who,
            line.room,
            "question",
            "",
            line.participant,
            at,
            at + HELD_BACK_S,
            at + QUESTION_LIFE_S,
            0.6,
            line,
        )
    ]


def held_back(persona: str, line: Heard | Read, now: float) -> Intention:
    """A persona did not get the floor for what it had to say to a line: it may say it in the next gap."""
    return Intention(
        _id("held-back", line.room, f"{persona}@{line.id or line.at.isoformat()}"),
        persona,
        line.room,
        "held-back",
        "",
        line.participant,
        now,
        now + HELD_BACK_S,
        now + HELD_BACK_LIFE_S,
        0.4,
        line,
    )


def after(intention: Intention, event: Event, said: Wording, scene: Scene) -> list[Intention]:
    """An open intention after an event in its room: itself, changed or not, and what follows from it."""
    if event.room != intention.room or intention.status != "open":
        return [intention]
    at = event.at.timestamp()
    match event:
        case Said() if event.id == intention.id:
            if intention.step + 1 < len(STEPS[intention.kind]):
                deadline = at + TAKEN_UP_S
                return [
                    replace(intention, step=intention.step + 1, due=deadline, expires=deadline, refused="")
                ]
            return [intention.ended("done")]
        case Said() if event.participant != intention.to:
            return [_after_persona(intention, event, said, scene)]
        case Said():
            return [intention.ended("done")] if intention.kind == "talk" and intention.waits else [intention]
        case Heard() | Read():
            return _after_person(intention, event, said, scene)
        case Arrived() if _is_back(intention, event, scene):
            return [replace(intention, to=event.participant)]
        case Left() if event.participant == intention.to and intention.kind != "remind":
            return [intention.ended("gone")]
        case Declined() if event.persona == intention.persona and _is_about(intention, event.line):
            return [intention.ended("cancelled")]
        case _:
            return [intention]


def _after_persona(intention: Intention, event: Said, said: Wording, scene: Scene) -> Intention:
    if event.at.timestamp() < intention.created:
        return intention
    if intention.kind == "question" and not intention.text:
        return intention.ended("answered")
    if intention.kind == "held-back" and event.participant == intention.persona:
        return intention.ended("answered")
    if intention.kind == "greet" and not event.id.startswith("greet-"):
        # A greeting of somebody else tells who is here as well.
        name = scene.name_of(intention.to)
        return intention.ended("answered") if name and addressed(said, name) else intention
    return intention


def _is_back(intention: Intention, event: Arrived, scene: Scene) -> bool:
    """Whether whom a reminder is for has left, and is here again under another id."""
    if intention.kind != "remind" or not intention.to or intention.circle is not None:
        return False
    name = spoken_name(event.name)
    gone = all(each.id != intention.to for each in scene.present)
    return gone and bool(name) and addressed(Wording.of(intention.text), name)


def _after_person(intention: Intention, line: Heard | Read, said: Wording, scene: Scene) -> list[Intention]:
    if intention.line is not None and line.id == intention.line.id:
        return [intention]
    own = line.participant == intention.to
    match intention.kind:
        case "question" | "held-back" if own and _NEVER_MIND.search(line.text):
            return [intention.ended("cancelled")]
        case "question" if not own and len(said.words) > 1 and not is_question(line.text):
            return [intention.ended("answered")]
        case "question" if own and intention.text:
            # It was asked when to remind them, and here is when, or something else.
            return [intention.ended("answered")]
        case "remind" if intention.line is not None and line.participant == intention.line.participant:
            return [intention.ended("cancelled")] if _CANCEL.search(line.text) else [intention]
        case "propose" if not intention.waits and _TAKEN.search(line.text):
            return [intention.ended("answered")]
        case "propose" if intention.waits and own:
            if not _YES.match(line.text):
                return [intention.ended("answered")]
            return [intention.ended("done"), _reminder_of(intention, line, scene.zone)]
        case _:
            return [intention]


def _reminder_of(intention: Intention, line: Heard | Read, zone: tzinfo) -> Intention:
    """The reminder that a proposal has led to."""
    assert intention.line is not None
    name = spoken_name(line.name)
    match = _TO_DO.search(intention.line.text)
    what = "" if match is None else " ".join((match["what"] or match["what2"]).split()).rstrip(" ,")
    tomorrow = line.at.astimezone(zone) + timedelta(days=1)
    due = tomorrow.replace(hour=9, minute=0, second=0, microsecond=0).timestamp()
    return Intention(
        _id("remind", intention.room, line.id or line.at.isoformat()),
        intention.persona,
        intention.room,
        "remind",
        f"{name + ', you' if name else 'You'} wanted to be reminded: {what}.",
        intention.to,
        line.at.timestamp(),
        due,
        due + REMINDER_LIFE_S,
        0.9,
        # What was proposed in a whisper stays one, whoever hears that it is wanted.
        line if intention.circle is None else intention.line,
    )


def offered(intention: Intention, now: float) -> Intention:
    """The intention once it was put to the floor; of one that only waited, or was offered in vain, the end."""
    if intention.waits:
        return intention.ended("done")
    if now > intention.expires:
        return intention.ended("expired")
    return replace(intention, attempts=intention.attempts + 1, due=now + LOST_S)


def postponed(intention: Intention, reason: str, now: float) -> Intention:
    """The intention after the floor refused it."""
    if intention.attempts >= ATTEMPTS and intention.kind != "remind":
        return replace(intention.ended("given-up"), refused=reason)
    delay = RETRY_S * 2.0 ** min(max(intention.attempts - 1, 0), ATTEMPTS)
    return replace(intention, due=now + delay, refused=reason)


def bounded(intentions: Iterable[Intention], new: Intention) -> Intention | None:
    """Which of a persona's open intentions has to go for a new one, perhaps the new one; None if there is room."""
    every = [*intentions, new]
    if new.kind in ("remind", "propose"):
        same = [
            each
            for each in every
            if (each.kind, each.room) == (new.kind, new.room)
            and (new.kind == "propose" or _asker(each) == _asker(new))
        ]
        if len(same) > (1 if new.kind == "propose" else ASKER_LIMIT):
            return new
    if len(every) <= LIMIT:
        return None
    return min(every, key=lambda each: (each.priority, -each.due))


def _asker(intention: Intention) -> str:
    return intention.line.participant if intention.line is not None else ""


def _is_about(intention: Intention, line: str) -> bool:
    return intention.line is not None and intention.line.id == line


def _chosen(called: Sequence[str], said: Wording, able: Sequence[str], scene: Scene) -> str | None:
    """Who takes something on: who was called, who knows about it, else the first awake."""
    for id in called:
        if id in able:
            return id
    awake = [id for id in able if id in scene.awake] or list(able)
    words = {word for word in said.words if len(word) > 2}
    return max(awake, key=lambda id: len(words & _known(scene.expertise.get(id, ()))), default=None)


def _known(expertise: Sequence[str]) -> set[str]:
    return {word for entry in expertise for word in entry.casefold().split()}


def _quoted(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"


def _id(kind: Kind, room: str, cause: str) -> str:
    digest = hashlib.sha256("\0".join((kind, room, cause)).encode()).hexdigest()[:20]
    return f"{kind}-{digest}"
