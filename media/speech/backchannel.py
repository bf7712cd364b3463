"""Backchannels: what a listener says to show that they listen, without wanting the turn (Yngve 1970)."""

import re

__all__ = ["is_backchannel", "murmurs", "wants_turn"]

_SINGLE = frozenset(
    "mhm mm mmm hmm hm uh huh um ah oh yeah yep yup yes ya aha ok okay right sure true exactly totally "
    "indeed wow nice cool good great interesting really gotcha".split()
)
_PHRASES = frozenset(
    {
        "i see",
        "i know",
        "of course",
        "got it",
        "go on",
        "that's right",
        "makes sense",
        "that makes sense",
        "fair enough",
        "no way",
        "uh huh",
        "mm hmm",
        "mm hm",
        "all right",
        "alright",
        "oh i see",
        "you're right",
    }
)
_NEVER_ASKED = frozenset(
    {"mhm", "mm", "mmm", "mm hm", "mm hmm", "uh huh", "aha", "ah", "i see", "oh i see", "got it", "of course"}
)
"""What asks for nothing, though its melody rises and a question mark is put behind it."""
_LONGEST = 4
_STOPPING = frozenset(
    "wait stop no hey hold hang pause quiet enough sorry excuse but what why where how who when which listen please "
    "actually never not don't can could".split()
)
MURMUR_NO_SPEECH = 0.5
"""Synthesised laughter and hums had 0.57 to 0.9, interruptions at most 0.36 (tiny.en)."""
MURMUR_LOGPROB = -0.6
"""Of 72 synthesised interruptions 8 had less: "Stop", "Wait", and two of more than `MURMUR_WORDS` words."""
MURMUR_WORDS = 3
_LAUGHTER = re.compile(r"(?:h(?:a|e|ee|o)h?[\s,.!-]*){2,}", re.IGNORECASE)


def is_backchannel(text: str) -> bool:
    """Whether the words only acknowledge what somebody else is saying.

    A question ("Really?", "Right?") asks for the turn and is none; nor is anything with more than four words, but
    laughter.
    """
    if _LAUGHTER.fullmatch(text.strip(" .,!")):
        return True
    words = re.findall(r"[a-z']+", text.lower().replace("’", "'"))
    if text.rstrip().endswith("?"):
        return " ".join(words) in _NEVER_ASKED
    if not words or len(words) > _LONGEST:
        return False
    return " ".join(words) in _PHRASES or all(word in _SINGLE for word in words)


def wants_turn(text: str) -> bool:
    """Whether words so far, of somebody who may go on, can no longer become a mere acknowledgement.

    "Yeah, but" and "okay, stop" do, "that" may still become "that's right".
    """
    words = re.findall(r"[a-z']+", text.lower().replace("’", "'"))
    so_far = " ".join(words)
    if not words or is_backchannel(text):
        return False
    if text.rstrip().endswith("?") or words[-1] in _STOPPING:
        return True
    return not any(phrase.startswith(so_far) for phrase in _PHRASES)


def murmurs(text: str, logprob: float, no_speech: float) -> bool:
    """Whether a short sound was so little like words that what Whisper made of it is no reason to stop anybody.

    Laughter becomes "Saa saa saa", "mhm" becomes "M.H.M." or "Him"; a word with which people do stop others counts
    however badly it was understood.

    Args:
        text: the words.
        logprob: mean natural log probability of their tokens.
        no_speech: probability that there was no speech.
    """
    words = re.findall(r"[a-z']+", text.lower().replace("’", "'"))
    if any(word in _STOPPING for word in words):
        return False
    return no_speech > MURMUR_NO_SPEECH or (len(words) <= MURMUR_WORDS and logprob < MURMUR_LOGPROB)
