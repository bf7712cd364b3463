"""Why a persona wants to speak, and why it stays silent: the fixed words for it, in one place.

A reason travels as its code; people are shown the words, beside the persona's name ("Nova: was called by name").
"""

from collections.abc import Mapping
from typing import Literal, get_args

__all__ = ["SILENCES", "WISHES", "WORDS", "Reason", "Silence", "Wish", "words_for"]

Wish = Literal[
    "addressed",
    "answers-persona",
    "anyone-else",
    "asked-by-persona",
    "everyone-asked",
    "follow-up",
    "given-back",
    "greets",
    "held-back",
    "interrupts",
    "knows-about-it",
    "one-to-one",
    "open-question",
    "open-matter",
    "passed-on",
    "proposes",
    "reminds",
    "talks-to-persona",
]
"""Why a persona wants to speak."""

Silence = Literal[
    "addressed-another",
    "another-answers",
    "another-knows-more",
    "another-speaks",
    "asked-to-be-quiet",
    "away",
    "backchannel",
    "conversation-over",
    "declined",
    "low-energy",
    "mood",
    "no-persona",
    "no-words",
    "not-addressed",
    "not-trusted",
    "nothing-new",
    "overtaken",
    "paused",
    "people-talking",
    "person-speaks",
    "persona-spoke",
    "quiet-until-addressed",
    "reply-to-person",
    "resting",
    "spoke-much",
    "spoke-just-now",
    "took-too-long",
    "yielded",
]
"""Why a persona stays silent."""

Reason = Wish | Silence

WORDS: Mapping[str, str] = {
    "addressed": "was called by name",
    "answers-persona": "is being answered",
    "anyone-else": "has not answered yet",
    "asked-by-persona": "was asked by another persona",
    "everyone-asked": "was asked with all the others",
    "follow-up": "was asked something more",
    "given-back": "was asked the same",
    "greets": "wants to greet somebody",
    "held-back": "had something to say before and held it back",
    "interrupts": "has something that cannot wait",
    "knows-about-it": "knows about this",
    "one-to-one": "is talked with",
    "open-question": "can answer what was asked of anybody",
    "open-matter": "comes back to an open question",
    "passed-on": "was handed this by another persona",
    "proposes": "has a proposal",
    "reminds": "has a reminder",
    "talks-to-persona": "wants to talk with another persona",
    "addressed-another": "somebody else was called by name",
    "another-answers": "another persona answers this",
    "another-knows-more": "another persona knows more about this",
    "another-speaks": "another persona speaks",
    "asked-to-be-quiet": "was asked to be quiet",
    "away": "is not there just now",
    "backchannel": "nothing was asked",
    "conversation-over": "all is said between the personas",
    "declined": "prefers not to answer this",
    "low-energy": "is tired",
    "mood": "is not in the mood to talk",
    "no-persona": "nobody could answer",
    "no-words": "no words were understood",
    "not-addressed": "was not asked",
    "not-trusted": "is not trusted with this yet",
    "nothing-new": "has nothing to add",
    "overtaken": "the talk has moved on",
    "paused": "was paused by an operator",
    "people-talking": "people talk with each other",
    "person-speaks": "waits for somebody to finish",
    "persona-spoke": "a persona spoke, and nobody was asked",
    "quiet-until-addressed": "is quiet until called by name",
    "reply-to-person": "somebody else was answered",
    "resting": "is resting",
    "spoke-much": "has spoken much lately",
    "spoke-just-now": "has only just spoken",
    "took-too-long": "did not find its words in time",
    "yielded": "let another persona go first",
}
"""What people are shown for each reason."""

WISHES: frozenset[str] = frozenset(get_args(Wish))
SILENCES: frozenset[str] = frozenset(get_args(Silence))


def words_for(reason: str) -> str:
    """What people are shown for a reason.

    Raises:
        KeyError: there is no such reason.
    """
    return WORDS[reason]
