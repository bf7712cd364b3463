"""How much of a model's context a conversation may have."""

from cognition.inference.generator import Generator, Prompt
from cognition.persona.profile import Persona
from cognition.persona.prompt import turns_of

__all__ = ["MIN_BUDGET", "TURN_COST", "conversation_budget"]

MARGIN = 64
"""Tokens kept free for headers, names and opening words."""
MIN_BUDGET = 128
"""Tokens below which a conversation makes no sense."""
TURN_COST = 8
"""Tokens a turn costs beside its words."""


def conversation_budget(persona: Persona, instructions: str, generator: Generator, max_tokens: int) -> int:
    """Tokens for what is said in a call, beside the instructions, the examples and a reply.

    Raises:
        ValueError: too few are left; the message says what to do.
    """
    system = Prompt(instructions, turns_of((), persona.id))
    used = generator.count(system.system) + sum(
        generator.count(turn.text) + TURN_COST for turn in system.turns
    )
    capacity = generator.capacity
    budget = capacity - used - max_tokens - MARGIN
    if budget < MIN_BUDGET:
        raise ValueError(
            f"{persona.name}'s instructions ({used} tokens) and a reply of {max_tokens} leave {budget} of "
            f"the model's {capacity} tokens for the conversation, which needs {MIN_BUDGET}: ask for at most "
            f"{max(0, max_tokens + budget - MIN_BUDGET)} tokens a reply, shorten the profile, or give the "
            "model a longer context"
        )
    return budget
