"""How a persona is disposed to speak, at one moment."""

from dataclasses import dataclass

__all__ = ["Disposition"]


@dataclass(frozen=True, slots=True)
class Disposition:
    """What decides, beside the words, whether a persona speaks.

    Attributes:
        energy: 0 to 1.
        valence: mood from bad to good, -1 to 1.
        arousal: mood from calm to lively, -1 to 1.
        resting: it has said that it rests; only its name reaches it.
        paused: by an operator; nothing reaches it.
        may_interrupt: its trust allows it to speak into another persona's words.
    """

    energy: float = 1.0
    valence: float = 0.0
    arousal: float = 0.0
    resting: bool = False
    paused: bool = False
    may_interrupt: bool = False
