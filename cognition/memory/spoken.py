"""Spoken English as a transcriber writes it, taken apart into clauses; which of them assert something.

Pure. Contractions are written out. A clause asserts unless it asks, supposes, or passes on what somebody else said;
what does not assert makes no fact.
"""

import re
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "MAX_TEXT",
    "Clause",
    "Doubt",
    "asserts",
    "clauses",
    "content_words",
    "is_half_a_sentence",
    "parts",
]

Doubt = Literal["", "question", "hearsay", "supposed", "taken back"]

MAX_TEXT = 4000
"""Characters of one turn that are taken apart."""
_PART = 300
_HALF = 6
"""Words of an answer that may be half a sentence."""

_CONTRACTIONS = [
    (re.compile(pattern, re.IGNORECASE), plain)
    for pattern, plain in (
        (r"\bcan't\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"\bshan't\b", "shall not"),
        (r"\bain't\b", "is not"),
        (r"\b(\w+)n't\b", r"\1 not"),
        (r"\bI'm\b|\bIm\b", "I am"),
        (r"\b(you|we|they)'re\b", r"\1 are"),
        (r"\b(\w+)'ve\b", r"\1 have"),
        (r"\b(\w+)'ll\b", r"\1 will"),
        (r"\b(\w+)'d (been|had|just|already|never|better)\b", r"\1 had \2"),
        (r"\b(I|you|he|she|it|we|they|that|who)'d\b", r"\1 would"),
        (
            r"\b(he|she|it|who|that)'s (been|got|had|gone|just|already|never|started|moved|left)\b",
            r"\1 has \2",
        ),
        (r"\b(he|she|it|that|there|here|what|where|who|how|when|name|birthday)'s\b", r"\1 is"),
        (r"\b([A-Z]\w+)'s (been|got)\b", r"\1 has \2"),
        (r"\blet's\b", "let us"),
        (r"\bgonna\b", "going to"),
        (r"\bwanna\b", "want to"),
        (r"\bgotta\b", "have to"),
        (r"\b(have|has) got to\b", r"\1 to"),
        (r"\b(have|has) got\b", r"\1"),
        (r"\b'?cause\b", "because"),
        (r"\bcannot\b", "can not"),
    )
]
_FILLERS = re.compile(
    r"(?:^|(?<=\s))(?:u[hm]+|er+m?|hmm+|mhm|you know|sort of|kind of|kinda|i mean|literally|honestly|actually"
    r"|really|totally|definitely|absolutely|just|also|finally|obviously|simply|pretty much|of course|currently|still"
    r"|unfortunately|luckily|sadly|fortunately|officially|apparently not|both|all)(?=[\s,.!?]|$),?\s*",
    re.IGNORECASE,
)
_OPENERS = re.compile(
    r"^(?:(?:well|so|oh|ah|yeah|yes|yep|no|nope|okay|ok|right|and|but|because|plus"
    r"|anyway|anyways|hey|hi|hello|now|then|look"
    r"|listen|sure|wow|alright|great|thanks|thank you|by the way|to be honest|in fact"
    r"|as i said|like i said|the thing is"
    r"|the truth is|fun fact|guess what|remember|just so you know|in case you wondered|speaking of which|good news"
    r"|bad news|big news|believe it or not|oh well|i guess|i suppose|i think|i believe|i feel like|i have to say"
    r"|i must say|i should mention|i should say|i forgot to (?:say|mention|tell you)|i wanted to (?:say|tell you)"
    r"|i told you|i said|i mentioned|i already told you|have i told you|have i mentioned|did i (?:ever )?tell you"
    r"|did i mention|do you remember|did you know|do you know|you know|it turns out|turns out)"
    r"(?:\s+that)?(?:[\s,.:!-]+|$))+",
    re.IGNORECASE,
)
_ASSERTING_QUESTION = re.compile(
    r"^(?:\W|\b(?:and|so|oh|hey|well|but)\b)*(?:have i (?:told|mentioned)|did i (?:ever )?(?:tell|mention)|did you know"
    r"|do you know(?: that)? (?:i|my|we)\b|guess what)",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^(?:(?:am|is|are|was|were|do|does|did|have|has|had|can|could|will|would|should|shall|may|might)(?: not)?"
    r" (?:i|you|he|she|it|we|they|there|that|this|the|my|your|his|her|our|their|anyone|anybody|someone|[A-Z]\w+)\b"
    r"|(?:what|where|who|whom|whose|which|why|how)\b(?! a\b)|when (?:is|are|was|were|do|does|did|will|can|should)\b"
    r"|(?:tell|remind|ask) (?:me|us|him|her)\b|any idea|(?:could|can|would|will) you)",
    re.IGNORECASE,
)
_HEARSAY = re.compile(
    r"^(?:apparently|supposedly|allegedly|rumou?r has it|word is|they say|people say|everyone says|everybody says"
    r"|according to|i (?:have )?(?:heard|read|gather|hear)\b|i was told|someone|somebody)"
    r"|\b(?!i\b|we\b)[\w']+(?: \w+)? (?:says?|said|told (?:me|us|her|him|them|everyone)"
    r"|claims?|claimed|thinks?|thought|believes?"
    r"|believed|reckons?|swears?|swore|insists?|insisted|mentioned|announced|wrote(?: that)|guess(?:es|ed)|assumes?"
    r"|assumed|suspects?|wonders?|hopes?|wants me|asked)\b",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:if|unless|whether|wish|imagine|suppose|pretend|pretending|might|maybe|perhaps"
    r"|as if|as though|what if|would|could"
    r"|dreamed|dreamt|had i|not sure|no idea|doubt|let us say|hypothetically|for example|in (?:the|my|a|this|that)"
    r" (?:book|film|movie|game|novel|dream|show|story|series|play|song)|almost|nearly|the character|should have"
    r"|supposed to have|basically|practically|used to think|seems?|sounds like|feels like|kind of think|probably)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"(?:,? (?:and|but) (?:(?:I|we|he|she|they|it) )?(?:almost|nearly)\b"
    r"|, (?:(?:I|we) have )?(?:no idea|not sure) (?:how|why|who|what|where|when)\b).*$",
    re.IGNORECASE,
)
"""What doubts itself alone, and not what was said before it: "I gave blood and nearly fainted"."""
_TAKEN_BACK = re.compile(
    r"\b(?:(?:just|only|i am|i'm|was) (?:kidding|joking)|not really true|that(?:'s| is) a lie|made that up)\b",
    re.IGNORECASE,
)
_SELF_CORRECTION = re.compile(
    r"\b(?P<before>in|at|to|for|on|from|as|called|named|is|was)\s+(?P<wrong>(?:an?"
    r" |the )?[\w'-]+)[,.;]?\s+(?:no|sorry|wait|oops|i mean)[,.]?\s+"
    r"(?:(?:no|sorry|wait|actually|i mean|rather)[,.]?\s+)*(?:(?P=before)\s+)?(?P<right>(?:an? |the )?[\w'-]+)",
    re.IGNORECASE,
)
_CORRECTS = re.compile(
    r"(?:(?:no|sorry|wait|oops|oh no)[,.]? )*(?:I mean|sorry|no|actually no)[,.]? (?!I\b|my\b|we\b)[\w' -]{2,30}[.!]?$",
    re.IGNORECASE,
)
_SUBJECT = r"(?:I|we|my|our|he|she|it|they|there|his|her|their)\b"
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\s+[-–—]+\s+|\n+")
_NO_BREAK = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|vs|e\.g|i\.e|approx|No)|\b[A-Za-z]|\b[ap]\.m)\.$")
_NAMED = r"(?-i:[A-Z][a-z]+) (?:says?|said|told|thinks?|is|was|has|lives?|works?|moved|got)\b"
_JOINT = re.compile(
    r",?\s+(?:and(?: then| now| so)?|but|so|because|then|though|although|while|plus"
    rf"|whereas|except that|since)\s+(?={_SUBJECT}|{_NAMED})"
    rf"|,\s+(?={_SUBJECT})",
    re.IGNORECASE,
)
_RUN_ON = re.compile(
    r"(?<!\b[Aa]nd)(?<!\b[Bb]ut)(?<!\b[Ss]o)\s+(?=(?:I|we) (?:am|was|have|had|live"
    r"|lived|work|worked|moved|got|went|love|hate|like|like|"
    r"started|bought|do|did|will|used|joined|left|quit|met|need|want)\b|I['’](?:m"
    r"|ve|ll)\b|my [a-z]+ (?:is|was|has|lives|works|got)\b)"
)
_BINDS = frozenset(
    """
    that when where what who why how if than as since because before after until while whether though although
    once and or but so think thought thinks guess know knew say said says told believe hope wish feel sure do
    did am was have had can could should would will may might are is were does the a an to of in on at with for
    from by like whenever wherever which whose whom you time day place thing way city house one reason place
    what's where's last this every each next
    """.split()
)
_HAS_SUBJECT = re.compile(rf"\b(?i:{_SUBJECT})|\b[A-Z][a-z]+ (?:is|was|has|will|and I)\b")
_WORD = re.compile(r"[^\W\d_][\w'’-]*|\d+")
_TASTE = re.compile(
    r"\b(?:lov(?:e|es|ed|ing)|likes?|liked|enjoy(?:s|ed)?|adores?|prefer(?:s|red)?|rather|sooner|favou?rites?|fan of"
    r"|hat(?:e|es|ed)|dislikes?|loathes?|detests?|despises?|avoid(?:s|ed)?|allergic|intolerant|fond of|keen on"
    r"|addicted|obsessed|crazy about|never|always|only|usually|every time|any (?:day|time)|not for me|my thing"
    r"|nightmares?|heaven|enem(?:y|ies)|awful|terrible|disgusting|delicious|gross|boring|scary|anxious|nervous|sick of"
    r"|(?:bores?|tires?|scares?|annoys?|depress(?:es)?|relax(?:es)?|calms?|stresses|upsets?|suits?|makes?|gives?|wears?"
    r"|drives?|bothers?|helps?) me|looks? \w+ on me|needs?|(?:has|have) to be|must be|the \w+er,? the (?:better|\w+er)"
    r"|too \w+ for me|(?:can not|cannot|can't|could not|couldn't) (?:stand|bear|eat|drink|sleep|be|focus|concentrate)"
    r"|(?:do not|don't) (?:eat|drink|do|wear|fly|drive|care)|useless|hopeless|comfortable|uncomfortable)\b",
    re.IGNORECASE,
)
_EMPTY = frozenset(
    """
    a an the i you he she it we they me him her us them my your his its our their mine yours this that these
    those and or but so if then than as of to in on at by for with from about into over up down out off is am
    are was were be been being do does did done have has had having will would can could should shall may might
    must not no yes yeah yep yup nope okay ok oh ah um uh hmm mhm er well right sure really just like very too
    also there here what which who whom whose when where why how all any some good great fine nice cool thanks
    thank please sorry hello hi hey bye goodbye wow haha lol exactly absolutely indeed true maybe perhaps let
    lets go got get know mean think guess see course welcome again now more one
    """.split()
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of what was said.

    Attributes:
        text: contractions written out, openings and fillers left out, plain apostrophes.
        quote: as it was said.
        doubt: why it asserts nothing; empty where it does.
        sentence: number of the sentence it belongs to.
    """

    text: str
    quote: str
    doubt: Doubt
    sentence: int


def content_words(text: str) -> list[str]:
    """The words in lower case that say something; none in "oh yes, thanks"."""
    found = (word.casefold().replace("’", "'").removesuffix("'s") for word in _WORD.findall(text))
    return [word for word in found if word not in _EMPTY and (len(word) > 1 or word.isdigit())]


def parts(text: str) -> list[str]:
    """A turn cut between sentences into parts of some hundred characters; a short one is one part."""
    found: list[str] = []
    for sentence in _sentences(" ".join(text[:MAX_TEXT].split())):
        if found and len(found[-1]) + len(sentence) < _PART:
            found[-1] += " " + sentence
        else:
            found += [sentence[start : start + 2 * _PART] for start in range(0, len(sentence), 2 * _PART)]
    return found


def is_half_a_sentence(text: str) -> bool:
    """Whether words are so short that they say nothing without what was asked: "in Rome", "the second one"."""
    return len(text.split()) <= _HALF and _HAS_SUBJECT.search(text) is None


def tells_taste(text: str) -> bool:
    """Whether words may tell what somebody likes, shuns, is used to, or needs; lets much through."""
    return _TASTE.search(text.replace("’", "'")) is not None


def asserts(text: str) -> bool:
    """Whether anything is said to be so; not where all is asked, supposed, or passed on."""
    found = clauses(text)
    return not found or any(not one.doubt for one in found)


def clauses(text: str) -> list[Clause]:
    """What was said, clause by clause, in order.

    Args:
        text: of one turn; punctuation may be missing.
    """
    plain = " ".join(text[:MAX_TEXT].replace("’", "'").replace("‘", "'").split())
    plain = re.sub(r"(?<![\w.])i(?=$|[\s,']|'[mdv])", "I", plain)
    taken_back = _TAKEN_BACK.search(plain) is not None
    found: list[Clause] = []
    for number, sentence in enumerate(_sentences(plain)):
        carried: Doubt = ""
        corrected = _SELF_CORRECTION.sub(r"\g<before> \g<right>", sentence)
        for piece in _pieces(corrected):
            words = _written_out(piece)
            if not words:
                continue
            doubt = _doubt(words, piece, asked=sentence.endswith("?"))
            if carried and not doubt and (carried == "supposed" or not re.match(r"(?:I|we|my|our)\b", words)):
                doubt = carried
            carried = doubt if doubt in ("hearsay", "supposed") else carried
            quote = piece if corrected == sentence else sentence
            found.append(Clause(words, quote.strip(" ,"), "taken back" if taken_back else doubt, number))
    return found


def _sentences(text: str) -> list[str]:
    found: list[str] = []
    for part in _SENTENCE.split(text):
        if found and (_NO_BREAK.search(found[-1]) is not None or _CORRECTS.match(part) is not None):
            found[-1] += " " + part
        elif part.strip():
            found.append(part)
    return found


def _pieces(sentence: str) -> list[str]:
    """Clauses of a sentence; what stands before its subject ("after that,") stays with it."""
    found: list[str] = []
    start = 0
    for joint in _JOINT.finditer(sentence):
        left = sentence[start : joint.start()]
        if _HAS_SUBJECT.search(left) is None:
            continue
        found.append(left)
        start = joint.start() if joint[0].startswith(",") and joint[0].strip() == "," else joint.end()
    found.append(sentence[start:])
    pieces: list[str] = []
    for piece in found:
        begun = 0
        for joint in _RUN_ON.finditer(piece):
            left = piece[begun : joint.start()]
            before = left.split()
            if not before or before[-1].casefold().strip(",") in _BINDS or _HAS_SUBJECT.search(left) is None:
                continue
            pieces.append(left)
            begun = joint.end()
        pieces.append(piece[begun:])
    return pieces


def _written_out(piece: str) -> str:
    words = piece.strip(' ,.!?;:"“”…-')
    for pattern, plain in _CONTRACTIONS:
        words = pattern.sub(plain, words)
    for pattern in (_OPENERS, _FILLERS, _OPENERS):
        words = pattern.sub("", words)
    return " ".join(words.replace(" ,", ",").split()).strip(" ,")


def _doubt(words: str, piece: str, *, asked: bool) -> Doubt:
    asserted = _ASSERTING_QUESTION.match(piece.strip()) is not None
    if not asserted and (asked or _QUESTION.match(words) is not None):
        return "question"
    if _HEARSAY.search(words) is not None or re.match(r"\W*apparently\b", piece, re.IGNORECASE):
        return "hearsay"
    return "supposed" if _SUPPOSED.search(_ASIDE.sub("", words)) is not None else ""
