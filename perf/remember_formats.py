"""Reads the public files of LongMemEval (Wu et al. 2025) and LoCoMo (Maharana et al. 2024) as histories."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from perf.remember_history import History, Query, Session, Turn

__all__ = ["FormatError", "read_locomo", "read_longmemeval"]

_USER, _ASSISTANT = "user", "assistant"
_TURN = timedelta(seconds=20)
"""Neither file says when within a session a turn was said."""
_LOCOMO_KINDS = {1: "multi hop", 2: "temporal", 3: "open domain", 4: "single hop", 5: "adversarial"}


class FormatError(Exception):
    """The file is not in the format; the message says where."""


def read_longmemeval(path: Path) -> Iterator[History]:
    """The questions of `longmemeval_s.json`, `_m` or `_oracle`, each with the haystack it is asked of.

    Evidence are the turns with `has_answer`; in a release without them, the turns of the answer sessions. Questions
    whose id ends in `_abs` have no answer.

    Raises:
        FormatError: it is none; also while it is iterated.
        OSError: it cannot be read.
    """
    whole = _loaded(path)
    if not isinstance(whole, list):
        raise FormatError(f"{path}: a list of questions is expected")
    return (_longmemeval(one, f"{path}: question {number}") for number, one in enumerate(whole))


def _longmemeval(one: object, where: str) -> History:
    id = _text(one, "question_id", where)
    where = f"{where} ({id})"
    dates, ids, haystack = (
        _list(one, key, where) for key in ("haystack_dates", "haystack_session_ids", "haystack_sessions")
    )
    if not len(dates) == len(ids) == len(haystack):
        raise FormatError(f"{where}: {len(haystack)} sessions, {len(ids)} ids and {len(dates)} dates")
    answers = set(map(str, _list(one, "answer_session_ids", where)))
    marked: set[str] = set()
    sessions: list[Session] = []
    in_answers: set[str] = set()
    for number, (date, session, lines) in enumerate(zip(dates, ids, haystack, strict=True)):
        place = f"{where}, session {number}"
        if not isinstance(lines, list):
            raise FormatError(f"{place}: a list of turns is expected")
        start, turns = _longmemeval_date(date, place), list[Turn]()
        for at, line in enumerate(lines):
            role, content = (
                _text(line, "role", f"{place}, turn {at}"),
                _text(line, "content", f"{place}, turn {at}"),
            )
            if role not in (_USER, _ASSISTANT):
                raise FormatError(f"{place}, turn {at}: the role is {role!r}, not user or assistant")
            turn = Turn(f"{number}:{session}:{at}", role, content, start + at * _TURN)
            turns.append(turn)
            if line.get("has_answer"):
                marked.add(turn.id)
            if str(session) in answers:
                in_answers.add(turn.id)
        sessions.append(Session("chat", frozenset({_USER, _ASSISTANT}), tuple(turns)))
    sessions.sort(key=lambda each: each.turns[0].at if each.turns else datetime.min.replace(tzinfo=UTC))
    abstains = id.endswith("_abs")
    kind = "abstention" if abstains else _text(one, "question_type", where).replace("-", " ")
    query = Query(
        kind,
        _text(one, "question", where),
        _longmemeval_date(_text(one, "question_date", where), where),
        frozenset() if abstains else frozenset(marked or in_answers),
        (_USER,),
    )
    return History({_USER: "User", _ASSISTANT: "Assistant"}, _ASSISTANT, sessions, (query,))


def read_locomo(path: Path) -> Iterator[History]:
    """The talks of `locomo10.json`, each with its questions.

    Both speakers are people; who listens has heard all of it. Evidence are the turns a question names; questions of
    category 5 (adversarial) have no answer, and of others without evidence there is nothing to measure.

    Raises:
        FormatError: it is none; also while it is iterated.
        OSError: it cannot be read.
    """
    whole = _loaded(path)
    if not isinstance(whole, list):
        raise FormatError(f"{path}: a list of talks is expected")
    return (_locomo(one, f"{path}: talk {number}") for number, one in enumerate(whole))


def _locomo(one: object, where: str) -> History:
    talk = _field(one, "conversation", where)
    a, b = _text(talk, "speaker_a", where), _text(talk, "speaker_b", where)
    persona = "listener"
    numbers = sorted(
        int(match[1]) for key in talk if (match := re.fullmatch(r"session_(\d+)", str(key))) is not None
    )
    sessions: list[Session] = []
    known: set[str] = set()
    for number in numbers:
        place = f"{where}, session {number}"
        start = _locomo_date(_text(talk, f"session_{number}_date_time", place), place)
        turns = []
        for at, line in enumerate(_list(talk, f"session_{number}", place)):
            speaker, id = _text(line, "speaker", place), _text(line, "dia_id", place)
            if speaker not in (a, b):
                raise FormatError(f"{place}: {speaker!r} speaks, who is neither {a!r} nor {b!r}")
            seen = line.get("blip_caption")
            text = _text(line, "text", place) + (f" (shows {seen})" if isinstance(seen, str) and seen else "")
            turns.append(Turn(id, speaker, text, start + at * _TURN))
            known.add(id)
        sessions.append(Session("talk", frozenset({a, b, persona}), tuple(turns)))
    if not any(session.turns for session in sessions):
        raise FormatError(f"{where}: there are no sessions")
    asked = sessions[-1].turns[-1].at + timedelta(days=1) if sessions[-1].turns else datetime.now(UTC)
    queries = []
    for number, each in enumerate(_list(one, "qa", where)):
        place = f"{where}, question {number}"
        category = _field(each, "category", place)
        if category not in _LOCOMO_KINDS:
            raise FormatError(f"{place}: the category is {category!r}, not 1 to 5")
        kind = "abstention" if category == 5 else _LOCOMO_KINDS[category]
        named = each.get("evidence") or []
        evidence = frozenset(re.findall(r"D\d+:\d+", " ".join(map(str, named)))) & known
        if kind == "abstention" or evidence:
            told = frozenset() if kind == "abstention" else evidence
            queries.append(Query(kind, _text(each, "question", place), asked, told, (a, b)))
    return History({a: a, b: b, persona: "Listener"}, persona, sessions, queries)


def _loaded(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{path}: no JSON ({error})") from error


def _field(of: object, key: str, where: str) -> Any:
    if not isinstance(of, Mapping) or key not in of:
        raise FormatError(f"{where}: there is no {key!r}")
    return of[key]


def _text(of: object, key: str, where: str) -> str:
    value = _field(of, key, where)
    if not isinstance(value, str):
        raise FormatError(f"{where}: {key!r} is no text")
    return value


def _list(of: object, key: str, where: str) -> list[Any]:
    value = _field(of, key, where)
    if not isinstance(value, list):
        raise FormatError(f"{where}: {key!r} is no list")
    return value


def _longmemeval_date(text: object, where: str) -> datetime:
    """As in "2023/05/30 (Tue) 23:40"."""
    match = re.fullmatch(r"(\d{4})/(\d{2})/(\d{2})(?: \(\w+\))?(?: (\d{2}):(\d{2}))?", str(text).strip())
    try:
        if match is None:
            raise ValueError(text)
        year, month, day, hour, minute = (int(part or 0) for part in match.groups())
        return datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError as error:
        raise FormatError(f"{where}: {text!r} is no date as 2023/05/30 (Tue) 23:40") from error


def _locomo_date(text: str, where: str) -> datetime:
    """As in "1:56 pm on 8 May, 2023"."""
    try:
        return datetime.strptime(text.strip().upper(), "%I:%M %p ON %d %B, %Y").replace(tzinfo=UTC)
    except ValueError as error:
        raise FormatError(f"{where}: {text!r} is no date as 1:56 pm on 8 May, 2023") from error
