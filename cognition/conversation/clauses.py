"""Cuts a model's streamed text into clauses that a voice can speak, and takes out what no voice should. Pure."""

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["ClauseSplitter", "ends_sentence"]

FIRST_WORDS = 2
"""Words after which the first clause may end at a comma."""
FIRST_CONNECTED = 4
"""Words after which the first clause is cut before a connecting word."""
FIRST_FORCED = 5
"""Words after which the first clause is cut where there is no punctuation."""
LATER_SOFT = 9
"""Words after which a later clause may end at a comma."""
LATER_FORCED = 26
"""Words after which a later clause is cut where there is no punctuation."""
LATER_HARD = 3
"""A shorter sentence is spoken together with the next one."""
_HELD = 80
"""Characters that an unclosed bracket or asterisk may hold back."""

_ABBREVIATIONS = frozenset(
    """dr mr mrs ms prof st vs etc e.g i.e approx no fig vol inc ltd jr sr mt dept est a.m p.m u.s u.k gen col
    sgt capt rev hon jan feb mar apr jun jul aug sep sept oct nov dec""".split()
)
_CONNECTIVES = frozenset(
    """and but or so because that which who when if while where as than then to for with in on at by from about of
    after before until although like""".split()
)
_HARD, _SOFT, _CLOSING = ".!?…", ",;:—–", "\"'”’)]"
_DIRECTION = re.compile(r"\s*(?:\[[^\]\n]*\]|\*[^*\n]+\*|\([^()\n]*\)|<[^<>\n]*>)")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_BULLET = re.compile(r"^\s*(?:[-•*+]\s+|\d{1,2}[.)]\s+|#+\s*|>\s+)+")
_MARKS = re.compile(r"[*`#~|<>{}\\^]+")


def ends_sentence(clause: str) -> bool:
    """Whether a clause closes its sentence."""
    return clause.rstrip(_CLOSING + " ").endswith(tuple(_HARD))


class ClauseSplitter:
    """Takes pieces of text as they are generated and gives back clauses, the first as early as it may sound.

    What follows a line break, a code fence or somebody else's role prefix ("Ada:") is not spoken: from there on `done`
    is set and everything is ignored.

    Args:
        own: names whose role prefix is taken off ("Felix:").
        others: names whose role prefix ends the answer.
    """

    def __init__(self, own: Iterable[str], others: Iterable[str] = ()) -> None:
        self._own = {name.casefold() for name in own} | {"assistant", "ai"}
        self._others = ({name.casefold() for name in others} | {"user", "human", "system"}) - self._own
        self._raw = ""
        self._clean = ""
        self._first = True
        self._fresh = True
        self.done = False

    def feed(self, piece: str) -> list[str]:
        """Clauses that are complete with this piece."""
        if self.done:
            return []
        self._raw += piece
        self._take(final=False)
        return self._split(final=self.done)

    def finish(self) -> list[str]:
        """What is left at the end."""
        if not self.done:
            self._take(final=True)
            self.done = True
        return self._split(final=True)

    def _take(self, *, final: bool) -> None:
        """Moves what is certain from raw to clean text."""
        if self._fresh:
            self._raw = self._raw.lstrip()
        for stop in ("```", "\n", "<|"):
            position = self._raw.find(stop)
            if position >= 0:
                self._raw, final, self.done = self._raw[:position], True, True
        if self._fresh and not final and (not self._raw or self._may_be_prefix()):
            return
        if self._fresh and self._raw:
            self._raw = _BULLET.sub("", self._raw)
            self._fresh = False
        keep = len(self._raw) if final else self._certain()
        text, self._raw = self._raw[:keep], self._raw[keep:]
        self._clean += _speakable(text)
        self._strip_roles()

    def _certain(self) -> int:
        """How much of the raw text no later character can change: up to an open bracket, mark or fence."""
        opened = 0
        open_at = {")": -1, "]": -1, ">": -1, "*": -1}
        pairs = {"(": ")", "[": "]", "<": ">"}
        for index, character in enumerate(self._raw):
            if character in pairs:
                open_at[pairs[character]] = index
            elif character == "*":
                open_at["*"] = index if open_at["*"] < 0 else -1
            elif character in open_at:
                open_at[character] = -1
        starts = [index for index in open_at.values() if index >= 0 and len(self._raw) - index <= _HELD]
        opened = min(starts, default=len(self._raw))
        if self._raw[:opened].endswith("]"):
            return self._raw.rfind("[", 0, opened)
        return len(self._raw[:opened].rstrip("`")) if self._raw[:opened].endswith("`") else opened

    def _may_be_prefix(self) -> bool:
        start = self._raw.casefold().lstrip("*_[ ")
        if re.match(r"^(?:[-•*+#>]+|\d{1,2}[.)]?)\s*$", self._raw):
            return True
        labels = self._own | self._others
        return any(label.startswith(start) or f"{label}:".startswith(start) for label in labels)

    def _strip_roles(self) -> None:
        """Takes own role prefixes off and ends at another's, at the beginning of a sentence."""
        while (match := re.match(r"\s*([^\W\d_][\w .'-]{0,40}?)\s*:\s*", self._clean)) is not None:
            label = match[1].casefold()
            if label in self._own:
                self._clean = self._clean[match.end() :]
                continue
            if label in self._others:
                self._clean, self.done = "", True
            break
        for label in self._others | self._own:
            match = re.search(rf"(?<=[.!?…])\s*\b{re.escape(label)}\s*:", self._clean, re.IGNORECASE)
            if match is not None:
                self._clean, self.done = self._clean[: match.start()], True

    def _split(self, *, final: bool) -> list[str]:
        clauses = []
        while (end := self._boundary(final=final)) is not None:
            clause, self._clean = self._clean[:end], self._clean[end:]
            clause = _tidy(clause)
            if clause:
                clauses.append(clause)
                self._first = False
        if final:
            rest, self._clean = _tidy(self._clean), ""
            if rest:
                clauses.append(rest)
                self._first = False
        return clauses

    def _boundary(self, *, final: bool) -> int | None:
        """The end of the next clause in the clean text, if it is certain."""
        text = self._clean
        for index, character in enumerate(text):
            if character not in _HARD and character not in _SOFT:
                continue
            end = index + 1
            while end < len(text) and text[end] in _HARD + _CLOSING:
                end += 1
            if not self._is_break(text, index, end, final=final):
                continue
            words = len(text[:index].split())
            if character in _HARD:
                if words >= (1 if self._first else LATER_HARD):
                    return end
            elif words >= (FIRST_WORDS if self._first else LATER_SOFT):
                return end
        return self._forced(text)

    def _is_break(self, text: str, index: int, end: int, *, final: bool) -> bool:
        """Whether the mark at `index` ends something: not in a number, an abbreviation, a word or an address."""
        before = re.search(r"[\w.'’-]*$", text[:index])
        word = before[0] if before is not None else ""
        if end == len(text) and not final:
            # Decided without the next character only for the first clause, where waiting is heard.
            if not (self._first and text[index] in "!?,;." and len(word) > 2 and word[-1].isalpha()):
                return False
        elif end < len(text) and not text[end].isspace() and text[index] not in "—–…":
            return False
        if text[index] == ".":
            return not (
                word.casefold() in _ABBREVIATIONS or (len(word) == 1 and word.isupper() and word != "I")
            )
        return True

    def _forced(self, text: str) -> int | None:
        """Cuts a long stretch without punctuation before a connecting word, or after the last whole word."""
        words = list(re.finditer(r"\S+", text))
        limit = FIRST_FORCED if self._first else LATER_FORCED
        if self._first:
            candidates = range(FIRST_CONNECTED, len(words))
        elif len(words) > limit:
            candidates = range(limit, 2, -1)
        else:
            return None
        for index in candidates:
            if words[index][0].casefold().strip(_SOFT) in _CONNECTIVES:
                return words[index].start()
        return words[limit].start() if len(words) > limit else None


def _speakable(text: str) -> str:
    """Takes markup, stage directions and pictograms out; keeps blanks at the ends, for what follows."""
    text = _LINK.sub(r"\1", text)
    text = _DIRECTION.sub(lambda match: _without_direction(match[0]), text)
    text = _MARKS.sub("", text).replace("_", " ")
    text = re.sub(r"\s+", " ", text)
    return "".join(
        character for character in text if character.isprintable() and not _is_pictogram(character)
    )


def _without_direction(bracketed: str) -> str:
    """Nothing for a stage direction ("(laughs softly)"), the words for anything else in brackets."""
    blank, inner = bracketed[: len(bracketed) - len(bracketed.lstrip())], bracketed.strip()[1:-1].strip()
    words = inner.split()
    if bracketed.strip()[0] in "<[" or not words:
        return ""
    if len(words) <= 4 and words[0].islower() and re.fullmatch(r"[a-z]+(?:s|ing|es)", words[0].strip(",.")):
        return ""
    return f"{blank}{inner}" if bracketed.strip()[0] == "*" else f", {inner},"


def _is_pictogram(character: str) -> bool:
    if unicodedata.category(character) in {"So", "Sk", "Cs", "Co", "Cn", "Cf"}:
        return character != "°"
    return 0xFE00 <= ord(character) <= 0xFE0F or 0x1F000 <= ord(character) <= 0x1FAFF


def _tidy(clause: str) -> str:
    """One clause as it is spoken: no marks hanging at its ends; empty if nothing in it can be spoken."""
    clause = re.sub(r"\s+([,.;:!?…])", r"\1", re.sub(r",\s*([,.;:!?])", r"\1", clause))
    clause = " ".join(clause.split()).lstrip(",.;:!?…—–-)]”’ ").strip()
    if clause.count('"') % 2:
        clause = clause.replace('"', "")
    return clause if any(character.isalnum() for character in clause) else ""
