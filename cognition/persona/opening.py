"""First words given to a small model, where it would otherwise lose whose name, whose cat or whose grief it is. Pure.

A model of half a billion parameters answers "What's my job?" with "My job is …", takes the name of whatever product
it is called, and is cheerful about a death. It does none of it once its first words are right; they also cost no time.
"""

import re
from collections.abc import Iterable

__all__ = ["disowned", "opening"]

MAKER = "the Continuum project"
_PRODUCTS = (
    r"qwen|qwan|chat ?gpt|gpt|open ?ai|claude|anthropic|alibaba|gemini|google|bard|deep ?mind|deep ?seek|llama|"
    r"meta ai|mistral|copilot|microsoft|siri|alexa|grok"
)
_CALLED_PRODUCT = re.compile(
    rf"\b(?:you|you're|your|yourself)\b.*\b(?:{_PRODUCTS})\b|\bare you (?:a |an )?(?:{_PRODUCTS})\b"
)
_MAKER = re.compile(
    r"\bwho(?: has| is it that)? (?:made|built|created|trained|developed|programmed|designed|owns|runs) you\b|"
    r"\bwho (?:are|were) you (?:made|built|created|trained|developed) by\b|\bwhere do you come from\b"
)
_IDENTITY = re.compile(
    r"\b(?:who|what) are you\b|\bwhat(?:'s| is) your name\b|\bwho am i (?:talking|speaking) (?:to|with)\b"
)
_OWN_NAME = re.compile(
    r"\bwhat(?:'s| is| was) my name\b|\bwho am i\b(?! (?:talking|speaking))|\b(?:remember|know|say|tell me) my name\b"
)
_OWN_THING = re.compile(
    r"\b(?:what|who|where|which|how|when)(?:'s| is| are| was| were) my\b|\bwhat (?:\w+ ){1,3}is my\b"
)
_OWN_DEED = re.compile(
    r"\b(?:what|where|who|when|which \w+|how \w+|what \w+) (?:do|am|did|was) i\b(?! (?:do|get|make|find))"
)
_GRIEF = re.compile(
    r"\b(?:died|passed away|is dead|funeral|cancer|broke up with me|divorce|lost my (?:job|mother|father|mum|"
    r"mom|dad|wife|husband|son|daughter|brother|sister|dog|cat|friend)|got fired|was fired|in (?:the )?hospital)\b"
)
_SADNESS = re.compile(
    r"\bi(?:'m| am|'ve been| have been| feel| was)\b.*\b(?:sad|lonely|depressed|unhappy|heartbroken|ill|sick|upset)\b"
)
_HEARING = re.compile(r"\b(?:can|do) you (?:still )?hear me\b|^(?:hello\W+)?are you (?:still )?there\b")
_WELL = re.compile(r"\bhow are you(?: (?:doing|today|now|then))*\W*$|\bhow(?:'s| is) it going\b")
_CLOCK = re.compile(
    r"\bwhat(?:'s| is)? (?:the )?(?:time|date|day)(?: is it| today| now|\?|$)|\bwhat day is (?:it|today)\b"
)
_CODE = re.compile(
    r"\b(?:write|give|show|make|generate)\b.*\b(?:code|script|program|python|javascript|sql|html|function|regex)\b"
)
_MADE = r"(?:made|created|trained|developed|built|designed)"
_CLAIM = re.compile(
    rf"(?:\b(?:i am|i'm|my name is|call me|i was {_MADE}(?: \w+)? by|{_MADE} me)\b|^(?:an?\b[\w -]*? )?{_MADE} by\b)"
    rf"[^.!?]*\b(?:{_PRODUCTS})\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(r"\b(?:not|never)\b|n't\b", re.IGNORECASE)
_SELF = re.compile(r"^(?:\w+, )?(?:i'm|i am|my name is)\s+([^,.;:!?]+?)\s*[,.;:!?]*$", re.IGNORECASE)


def opening(text: str, *, persona: str, speaker: str) -> str:
    """The words an answer to `text` starts with, or none.

    Args:
        text: what was said to the persona.
        persona: the persona's name.
        speaker: the name of who said it.
    """
    said = " ".join(text.casefold().replace("’", "'").split())
    if _CALLED_PRODUCT.search(said):
        return f"No, I'm {persona}."
    if _MAKER.search(said):
        return f"{MAKER[0].upper()}{MAKER[1:]} made me"
    if _OWN_NAME.search(said):
        return f"Your name is {speaker}"
    if _IDENTITY.search(said):
        return f"I'm {persona},"
    if _GRIEF.search(said) or _SADNESS.search(said):
        return "I'm so sorry to hear that. Would you like"
    if _HEARING.search(said):
        return "Yes, I can hear you."
    if _WELL.search(said):
        return "I'm doing well,"
    if _CLOCK.search(said):
        return "I can't see a clock from here,"
    if _CODE.search(said):
        return "I can't write code in a call,"
    if _OWN_THING.search(said):
        return "Your"
    if _OWN_DEED.search(said):
        return "You"
    return ""


def disowned(clause: str, people: Iterable[str] = ()) -> bool:
    """Whether a clause claims another identity or maker than the persona's: a product's, or one of the people's."""
    said = clause.replace("’", "'")
    match = _SELF.match(said)
    claims = _CLAIM.search(said) is not None and _DENIAL.search(said) is None
    return claims or (match is not None and match[1].casefold() in {name.casefold() for name in people})
