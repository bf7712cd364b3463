"""A question about somebody as they would put it themselves: what they told is remembered in the first person. Pure.

"What does Ada drink?" is nearer in meaning to whatever names Ada than to "I drink tea"; "What do I drink?" is not.
"""

import re
from collections.abc import Callable, Collection

__all__ = ["in_first_person"]

_FIRST_PERSON = re.compile(
    r"\b(?:i|me|my|mine|myself|we|us|our|i['’](?:m|ve|d|ll)|we['’](?:re|ve|d|ll))\b", re.IGNORECASE
)
_ASKING = "is|was|does|did|has|had|will|would|can|could|should|shall|may|might"
_BEHIND = "about|against|around|at|behind|beside|by|for|from|near|of|on|to|toward|towards|with|without"
_VERBS = {"is": "am", "does": "do", "has": "have"}
_Reading = tuple[str, Callable[[re.Match[str]], str]]
_READINGS: tuple[_Reading, ...] = (
    (r"\b{0}['’]s?(?= \w)", lambda found: "my"),
    (rf"\b(?P<verb>{_ASKING}) {{0}}\b(?!['’])", lambda found: f"{_verb(found)} I"),
    (rf"\b(?P<before>{_BEHIND}) {{0}}\b(?!['’])", lambda found: f"{found['before']} me"),
    (r"\b{0} (?P<verb>is|does|has)\b", lambda found: f"I {_verb(found)}"),
    (r"\b{0}['’]s?(?=[?.!,]|$)", lambda found: "mine"),
    (r"\b{0}(?=[?.!,]|$)", lambda found: "me"),
    (r"\b{0}\b", lambda found: "I"),
)


def in_first_person(question: str, people: Collection[str]) -> str:
    """A question about one person in that person's own words; any other as it is.

    Args:
        question: with or without capitals.
        people: names of people.
    """
    if _FIRST_PERSON.search(question):
        return question
    patterns = {name: _written(name, question) for name in people if name}
    named = [name for name, pattern in patterns.items() if _is_named(name, pattern, question)]
    # Of "Ada" and "Ada Miller" the longer is meant.
    named = [name for name in named if not any(name != other and name in other.split() for other in named)]
    if len(named) != 1:
        return question
    for pattern, said in _READINGS:
        question = re.sub(pattern.format(patterns[named[0]]), said, question, flags=re.IGNORECASE)
    return question


def _verb(found: re.Match[str]) -> str:
    return _VERBS.get(found["verb"].casefold(), found["verb"])


def _written(name: str, question: str) -> str:
    """How a name is found: with its capital, unless nothing has one."""
    if question == question.lower():
        return re.escape(name)
    return rf"(?-i:{re.escape(name)}|{re.escape(name[0].upper() + name[1:])})"


def _is_named(name: str, pattern: str, question: str) -> bool:
    """Whether a name is one there: "Will it rain?" is not about Will."""
    is_verb = re.fullmatch(_ASKING, name.casefold()) is not None
    found = re.finditer(rf"\b{pattern}\b", question, re.IGNORECASE)
    return any(each.start() > 0 or not is_verb for each in found)
