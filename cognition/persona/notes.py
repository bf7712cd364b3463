"""What a persona thinks to itself. A type that can be handed around in the program and told to nobody."""

from typing import NoReturn

from cognition.persona.rights import RightsError

__all__ = ["InnerNote"]

HIDDEN = "<inner note>"


class InnerNote:
    """A thought of one persona, which only that persona reads.

    It is no text: it cannot be printed, formatted, serialised, copied or pickled with what it says. What is written to
    the disk is written by `cognition.store.personas` on the persona's behalf.

    Args:
        persona: id of whose it is.
        text: what it thinks.
        at: when it thought so, seconds since 1970.
    """

    __slots__ = ("__persona", "__text", "at")

    def __init__(self, persona: str, text: str, at: float = 0.0) -> None:
        self.__persona = persona
        self.__text = text
        self.at = at

    def read_by(self, persona: str) -> str:
        """What it says.

        Args:
            persona: id of the persona for whom it is read: for its own prompt, or its own memory.

        Raises:
            RightsError: it is another's.
        """
        if persona != self.__persona:
            raise RightsError("a persona's inner notes are read by nobody else")
        return self.__text

    def __repr__(self) -> str:
        return HIDDEN

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, specification: str) -> str:
        return HIDDEN

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an inner note leaves its persona in no form")

    def __getstate__(self) -> NoReturn:
        raise TypeError("an inner note leaves its persona in no form")
