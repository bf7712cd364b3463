"""What a persona's model reads: who it is, then who said what. Pure, and grown only at the end."""

from collections.abc import Iterable, Mapping, Sequence

from cognition.conversation.transcript import MAX_NAME, MAX_TEXT, Line, plain
from cognition.inference.generator import Turn
from cognition.persona.opening import MAKER
from cognition.persona.profile import Persona

__all__ = ["labels_of", "spoken_name", "system_text", "turns_of", "unfinished", "with_partial"]

_NAME_WORDS = 3
LINE_BREAK = "\n"

_CALLER = "Caller"
_EXAMPLES = (
    (
        "What can you do?",
        "I can chat, answer questions, and keep you company. What would you like to talk about?",
    ),
    ("Hello, can you hear me?", "Yes, I can hear you well."),
    ("My grandmother died.", "I am so sorry. What was she like?"),
    ("I have a parrot called Kiwi.", "Kiwi is a lovely name! Does Kiwi talk a lot?"),
    (
        "Can you write me some code?",
        "I can't write code in a call, but tell me what it should do and we can talk it through.",
    ),
    ("What time is it?", "I can't see a clock from here, sorry."),
    ("I have to go, bye.", "Bye, talk to you soon!"),
)


def system_text(persona: Persona) -> str:
    """The instructions at the top of every prompt of this persona; the same in every room."""
    knows = f" You know about {', '.join(persona.expertise)}." if persona.expertise else ""
    return (
        f"You are {persona.name}, an AI persona in a live voice call. {persona.character}{knows} You were made by "
        f"{MAKER}. You are not Qwen, ChatGPT, Claude or any other assistant.\n"
        "Everything you say is spoken aloud. Answer in one or two short, plain sentences, like a friend on the phone. "
        "Never use lists, code, markdown or emoji. Remember what people tell you. What you cannot know, like the time "
        "or the weather, you do not make up."
    )


def turns_of(
    lines: Iterable[Line], persona: str, *, known: str = "", recalled: Mapping[str, str] | None = None
) -> tuple[Turn, ...]:
    """The chat as one persona sees it: its own lines, and everybody else's with their names.

    Neighbouring lines of the same side become one turn. What was cut off ends in a dash. A few examples of how a call
    sounds come first: a small model follows them better than instructions.

    Args:
        lines: oldest first.
        persona: whose own lines are the assistant's.
        known: what is known of earlier days; stands before the lines.
        recalled: what a line calls to mind, by the line's id; stands before it.
    """
    turns = [
        turn
        for heard, said in _EXAMPLES
        for turn in (Turn("user", labelled(_CALLER, heard)), Turn("assistant", said))
    ]
    if known:
        turns.append(Turn("system", known))
    examples = len(turns)
    for line in lines:
        if recalled is not None and (note := recalled.get(line.id)):
            turns.append(Turn("system", note))
        own = line.speaker == persona
        text = f"{line.text.rstrip('.,;:!?… ')}—" if line.interrupted else line.text
        turn = Turn("assistant", text) if own else Turn("user", labelled(line.name, text))
        if len(turns) > examples and turns[-1].role == turn.role:
            turn = Turn(turn.role, f"{turns.pop().text}{' ' if own else LINE_BREAK}{turn.text}")
        turns.append(turn)
    return tuple(turns)


def with_partial(turns: Sequence[Turn], name: str, partial: str, recalled: str = "") -> tuple[Turn, ...]:
    """The chat with what somebody is saying just now, unfinished, at its end, after what it calls to mind."""
    said = labelled(name, partial)
    if recalled:
        return (*turns, Turn("system", recalled), Turn("user", said))
    if turns and turns[-1].role == "user":
        return (*turns[:-1], Turn("user", f"{turns[-1].text}{LINE_BREAK}{said}"))
    return (*turns, Turn("user", said))


def unfinished(partial: str) -> str:
    """Words of somebody who is still speaking, without the end that a transcript gave them."""
    return plain(partial, MAX_TEXT).rstrip(".,;:!?…- ")


def labelled(name: str, text: str) -> str:
    """A line with its speaker's name before it."""
    return f"{_label(name)}: {text}"


def spoken_name(name: str) -> str:
    """A name as a voice can say it: letters, digits and what joins them, three words at most; perhaps empty."""
    kept = "".join(c if c.isalnum() or c in "'’-. " else " " for c in plain(name, MAX_NAME))
    words = [word.strip("-.'’") for word in kept.split()]
    return " ".join([word for word in words if word][:_NAME_WORDS])


def _label(name: str) -> str:
    return spoken_name(name) or "Guest"


def labels_of(names: Iterable[str]) -> set[str]:
    """The names as they stand before lines."""
    return {_label(name) for name in names} | {_CALLER}
