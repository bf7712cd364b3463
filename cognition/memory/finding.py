"""A thing that words tell, and how a value is cut out of them and said about somebody. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from cognition.store.memories import Kind

__all__ = ["ADVERBS", "MAX_WORDS", "Finding", "cut", "third"]

MAX_WORDS = 9
"""Of a value; what is longer is a story and no fact."""
_STOP = re.compile(
    r"\s*(?:[,;:(]|\b(?:because|since|but|which|who|where|when|while|after|before"
    r"|until|though|although|unless|if|than|whereas"
    r"|so (?:i|we|that|now|it)|as (?:well|soon|of|long)|with (?:my|our|a few|some"
    r"|his|her)|for (?:an?|the|my|now|good|ages|years|months|weeks|ever|so|\d+|\w+ (?:years|months|weeks))"
    r"|these days|at the moment|right now|at present|any ?more|and (?:i|we|he|she"
    r"|they|it|my|our|that|then|now|am|is|are|was|were|love|loves|hate|have|has|started"
    r"|got)"
    r"|(?:now|again|too|already|yet|lately|recently|instead|together|either|though|ever|here|today)(?:$|[ ,.]))\b).*$",
    re.IGNORECASE,
)
ADVERBS = re.compile(
    r"\b(?:now|recently|already|soon|eventually|always|usually|often|sometimes|quite"
    r"|very|so|truly|genuinely|secretly|particularly|even"
    r"|newly|ever|once again|again|lately|these days|at the moment|right now|a lot"
    r"|very much|so much|more than anything)\b\s*",
    re.IGNORECASE,
)
"""Left out before words are matched."""
_PERSONS = (
    (re.compile(r"\b(?:my|our)\b", re.IGNORECASE), "their"),
    (re.compile(r"\b(?:me|us)\b"), "them"),
    (re.compile(r"\b(?:mine|ours)\b", re.IGNORECASE), "theirs"),
    (re.compile(r"\b(?:myself|ourselves)\b", re.IGNORECASE), "themselves"),
    (re.compile(r"\b(?:I|we) am\b"), "they are"),
    (re.compile(r"\bI\b|\bwe\b"), "they"),
    (re.compile(r"^(?:am|are)\b"), "is"),
    (re.compile(r"^have\b"), "has"),
    (re.compile(r"^were\b"), "was"),
    (re.compile(r"^do not\b"), "does not"),
    (re.compile(r"\b[Yy]our\b"), "somebody's"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that words tell; as in `Memory`."""

    kind: Kind
    subject: str
    subject_name: str
    attribute: str
    value: str
    text: str
    quote: str
    single: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    due: datetime | None = None
    importance: float = 0.5


def cut(value: str) -> str:
    """A value without what only follows it."""
    return _STOP.sub("", f"{value} ").strip(" .,!?") if value else ""


def third(words: str) -> str:
    """Somebody's own words, said about them."""
    for pattern, other in _PERSONS:
        words = pattern.sub(other, words)
    return words
