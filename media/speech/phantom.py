"""Words that were not said: what Whisper makes up from noise, music and silence, told by the evidence for it.

Whisper was trained on subtitles and falls back on their most frequent lines where there is nothing to hear
(Koenecke et al. 2024, "Careless Whisper"). A line that people also really say passes when enough voice and
confidence back it.

With tiny.en, noise, tones, clicks and silence gave no-speech probabilities from 0.75 and log probabilities to -1.57;
real words of one syllable had at most 0.63, and at least -1.59.
"""

import re
from dataclasses import dataclass

__all__ = ["Evidence", "phantom_reason"]

_SUBTITLES = re.compile(
    r"thanks? (you )?(so much |very much )?for (watching|listening|your attention)"
    r"|(please |don't forget to )?(like and )?subscribe\b"
    r"|subtitles? (by|made|created)|captions? by|transcri(bed|ption) by|translated by|amara\.?\s?org"
    r"|see you (in the )?next (time|video|episode)|www\.|\.com\b",
)
_FILLERS = frozenset(
    {
        "you",
        "thank you",
        "thank you very much",
        "thank you so much",
        "thanks",
        "bye",
        "bye bye",
        "goodbye",
        "the",
        "a",
        "i",
        "so",
        "oh",
        "ah",
        "uh",
        "um",
        "hmm",
        "mm",
        "mhm",
        "huh",
        "okay",
        "ok",
        "yeah",
        "yes",
        "no",
        "and",
        "but",
        "what",
        "right",
        "hello",
        "hey",
        "hi",
        "wow",
        "i'm sorry",
        "i don't know",
        "i'm going to go",
        "we'll be right back",
        "all right",
        "good",
        "good night",
    }
)
_SOUND = re.compile(r"[\[(*♪♫][^\[\]()*♪♫]*[\])*♪♫]|♪|♫")

FILLER_LOGPROB = -1.45
FILLER_VOICED = 0.14
"""Seconds of voice a word."""
FILLER_NO_SPEECH = 0.65
SUBTITLE_LOGPROB = -0.35
SUBTITLE_VOICED = 0.8
NO_SPEECH = 0.6
NO_SPEECH_LOGPROB = -1.2
SURELY_NO_SPEECH = 0.85
SURELY_NO_SPEECH_LOGPROB = -0.5
LOGPROB = -1.8
WORDS_PER_SECOND = 8.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a transcript.

    Attributes:
        voiced: seconds in which a voice was confirmed.
        logprob: mean natural log probability of the tokens.
        no_speech: Whisper's probability that the window holds no speech.
    """

    voiced: float
    logprob: float
    no_speech: float


def phantom_reason(text: str, evidence: Evidence) -> str | None:
    """Why these words are taken to be made up, or None when they are taken to be said."""
    said = _SOUND.sub(" ", text)
    words = re.findall(r"[\w'’]+", said.lower())
    if not words:
        return "sound-description" if _SOUND.search(text) else "no-words"
    line = " ".join(words).replace("’", "'")
    if _SUBTITLES.search(said.lower()) and (
        evidence.logprob < SUBTITLE_LOGPROB or evidence.voiced < SUBTITLE_VOICED
    ):
        return "subtitle-line"
    if line in _FILLERS and (
        evidence.logprob < FILLER_LOGPROB
        or evidence.voiced < FILLER_VOICED * len(words)
        or evidence.no_speech > FILLER_NO_SPEECH
    ):
        return "filler-line"
    if evidence.no_speech > NO_SPEECH and evidence.logprob < NO_SPEECH_LOGPROB:
        return "no-speech"
    if evidence.no_speech > SURELY_NO_SPEECH and evidence.logprob < SURELY_NO_SPEECH_LOGPROB:
        return "no-speech"
    if evidence.logprob < LOGPROB:
        return "low-confidence"
    if len(words) > 3 and len(words) > WORDS_PER_SECOND * evidence.voiced:
        return "too-many-words"
    return None
