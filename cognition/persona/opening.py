"""First words given to a small model, where it would otherwise lose whose name or whose cat it is. Pure.

A model of half a billion parameters answers "What's my job?" with "My job is …" and takes the name of whatever product
it is called. It does neither once its first words are right; they also cost no time.
"""

import re
from collections.abc import Iterable

__all__ = ["disowned", "opening"]

MAKER = "the Continuum project"
_PRODUCTS = (
    r"qwen|qwan|chat ?gpt|gpt|open ?ai|claude|anthropic|alibaba|gemini|google|bard|deep ?mind|deep ?seek|llama|"
    r"meta ai|mistral|copilot|microsoft|siri|alexa|grok"
)
# Possessive, since "hi, " fits two of the alternatives: what was taken is not tried again in another way.
_BEFORE = r"(?:(?:hi|hello|hey|and|so|but|ok|okay|well|wait|sorry|please|now|no|yes)\W+|\w+,\W*)*+"
_AFTER = r"(?:\W+(?:then|again|exactly|really|anyway|now|please|by the way)\b|,\W*\w+)*+"
_END = r"(?=\W*$|\s*[,.!?;:]|\s+or\b)"
"""Nothing follows that would make another sense of it."""
_IS_PRODUCT = (
    rf"(?:(?:really|actually|just|not|secretly|in fact) )*"
    rf"(?:(?P<product>{_PRODUCTS})|an? (?:{_PRODUCTS}) (?:ai|bot|chatbot|model|assistant)){_END}"
)
_CALLED_PRODUCT = re.compile(
    rf"\b(?:(?:are|aren't) you|you are|you're|your name is|your name's|is your name|isn't your name) {_IS_PRODUCT}"
)
_MAKER = re.compile(
    rf"\bwho(?: has| is it that)? (?:made|built|created|trained|developed|programmed|designed|owns|runs) you{_END}|"
    rf"\bwho (?:are|were) you (?:made|built|created|trained|developed) by{_END}"
)
_IDENTITY = re.compile(
    rf"{_BEFORE}(?:(?:who|what) are you|what(?:'s| is) your name|who am i (?:talking|speaking) (?:to|with)){_AFTER}"
)
_OWN_NAME = re.compile(
    rf"{_BEFORE}(?:what(?:'s| is| was) my name|who am i|"
    rf"(?:(?:do|can|could|will|would) you )?(?:still )?(?:remember|know|say|tell me) (?:what )?my name(?: is)?){_AFTER}"
)
_OWN_THING = re.compile(
    r"\b(?:what|who|where|which|how|when)(?:'s| is| are| was| were) my\b|\bwhat (?:\w+ ){1,3}is my\b"
)
_OWN_DEED = re.compile(
    r"\b(?:what|where|who|when|which \w+|how \w+|what \w+) (?:do|am|did|was) i\b(?! (?:do|get|make|find))"
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
    called = _CALLED_PRODUCT.search(said)
    if called is not None and called["product"] != persona.casefold():
        return f"No, I'm {persona}."
    if _MAKER.search(said):
        return f"{MAKER[0].upper()}{MAKER[1:]} made me"
    sentences = [sentence.strip(" \"'-") for sentence in re.split(r"[.!?;:]+", said)]
    if any(_OWN_NAME.fullmatch(sentence) for sentence in sentences):
        return f"Your name is {speaker}"
    if any(_IDENTITY.fullmatch(sentence) for sentence in sentences):
        return f"I'm {persona},"
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
