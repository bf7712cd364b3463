"""The ChatML layout of a prompt: which parts are control tokens and which are data. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from cognition.inference.generator import Prompt

__all__ = ["Segment", "render"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of prompt; only where `control` is set may the tokenizer read control tokens out of it."""

    text: str
    control: bool


_END = Segment("<|im_end|>", True)
_NEWLINE = Segment("\n", False)


def render(prompt: Prompt, *, answer: bool) -> Iterator[Segment]:
    """Lays a prompt out in ChatML, as Qwen 2.5 was tuned on it.

    Args:
        prompt: what to lay out; an unfinished last turn is left open.
        answer: end with the header of the assistant's turn, so that the model speaks next. Otherwise, where the
            assistant spoke last, end with the header of the user's turn, which comes next in any case.

    Raises:
        ValueError: an answer to an unfinished prompt.
    """
    if answer and prompt.unfinished:
        raise ValueError("an unfinished turn cannot be answered")
    yield from _header("system")
    yield Segment(prompt.system, False)
    yield _END
    yield _NEWLINE
    for index, turn in enumerate(prompt.turns):
        yield from _header(turn.role)
        yield Segment(turn.text, False)
        if not (prompt.unfinished and index == len(prompt.turns) - 1):
            yield _END
            yield _NEWLINE
    if answer:
        yield from _header("assistant")
        yield Segment(prompt.opening, False)
    elif not prompt.turns or prompt.turns[-1].role == "assistant":
        yield from _header("user")


def _header(role: str) -> Iterator[Segment]:
    yield Segment("<|im_start|>", True)
    yield Segment(f"{role}\n", False)
