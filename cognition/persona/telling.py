"""What is known of somebody, said to them: sentences about "Ada" into sentences about "you". Pure."""

import re
from collections.abc import Sequence

__all__ = ["known_words", "to_you"]

MOST = 3
"""Things that are told aloud at once."""

_IRREGULAR = {"is": "are", "has": "have", "was": "were", "does": "do", "goes": "go"}
_PRONOUNS = {"their": "your", "theirs": "yours", "themselves": "yourself"}
_NO_VERB = frozenset({"always", "this", "sometimes", "perhaps", "besides", "across", "plus", "his", "us"})


def to_you(sentence: str, name: str) -> str:
    """A sentence about somebody as it is said to them; as it is where it does not begin with their name.

    Args:
        sentence: "Ada lives in Rome."
        name: "Ada".
    """
    found = (
        re.match(rf"{re.escape(name)}('s)?\s+(.+)$", sentence.strip(), re.IGNORECASE | re.DOTALL)
        if name
        else None
    )
    if found is None:
        return sentence.strip()
    first, *rest = found[2].split()
    rest = [_PRONOUNS.get(word.casefold(), word) for word in rest]
    if found[1]:
        return " ".join(["Your", first, *rest])
    return " ".join(["You", _conjugated(first), *rest])


def _conjugated(verb: str) -> str:
    """The verb of the third person in the second: "lives", "live"."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb in _NO_VERB or not verb.endswith("s") or verb.endswith(("ss", "us", "'s")) or len(verb) < 4:
        return verb
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    if verb.endswith(("ches", "shes", "sses", "xes", "zzes", "oes")):
        return verb[:-2]
    return verb[:-1]


def known_words(sentences: Sequence[str], name: str, *, more: bool) -> list[str]:
    """What is answered to "what do you know about me?", sentence by sentence.

    Args:
        sentences: about them, most worth first.
        name: theirs.
        more: something else is known that is not for everybody who listens, or too much to say.
    """
    if not sentences:
        told = ["I don't remember anything about you yet."]
        return ["I can't speak of that in front of others. You can see it on my card."] if more else told
    said = [_ended(to_you(sentence, name)) for sentence in sentences[:MOST]]
    if more or len(sentences) > MOST:
        said.append("You can see the rest on my card.")
    return said


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", '"')) else f"{sentence}."
