"""The public formats are read, or refused with one line; what counts as remembered is what came back."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.search.embedder import FakeEmbedder
from cognition.search.fake_index import FakeIndex
from cognition.store.memory_store import MemoryStore
from perf.remember import Asked, asked_of, recall_at, report_of, turned_away, unfolded
from perf.remember_formats import FormatError, read_locomo, read_longmemeval
from perf.remember_history import History, Query, Session, Turn
from perf.remember_life import life

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)


def longmemeval(**other: Any) -> dict[str, Any]:
    whole = {
        "question_id": "q1",
        "question_type": "single-session-user",
        "question": "Where do I live?",
        "answer": "Rome",
        "question_date": "2023/05/30 (Tue) 23:40",
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/01 (Mon) 10:00"],
        "haystack_session_ids": ["b", "a"],
        "haystack_sessions": [
            [
                {"role": "user", "content": "I live in Rome.", "has_answer": True},
                {"role": "assistant", "content": "Lovely."},
            ],
            [{"role": "user", "content": "Hello."}],
        ],
        "answer_session_ids": ["b"],
    }
    return whole | other


def locomo(**other: Any) -> dict[str, Any]:
    whole = {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Caroline",
            "speaker_b": "Melanie",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Caroline", "dia_id": "D1:1", "text": "I moved to Rome."},
                {"speaker": "Melanie", "dia_id": "D1:2", "text": "Look!", "blip_caption": "a photo of a dog"},
            ],
            "session_2_date_time": "10:05 am on 20 May, 2023",
            "session_2": [{"speaker": "Melanie", "dia_id": "D2:1", "text": "Hello again."}],
        },
        "qa": [
            {"question": "Where is Caroline?", "answer": "Rome", "evidence": ["D1:1"], "category": 4},
            {
                "question": "Who has a cat?",
                "adversarial_answer": "Melanie",
                "evidence": ["D1:2"],
                "category": 5,
            },
            {"question": "What is beauty?", "answer": "?", "evidence": [], "category": 3},
        ],
    }
    return whole | other


def written(path: Path, value: object) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def test_longmemeval_is_read_with_its_evidence_in_order_of_time(tmp_path: Path) -> None:
    (history,) = read_longmemeval(written(tmp_path / "l.json", [longmemeval()]))
    assert [turn.text for session in history.sessions for turn in session.turns] == [
        "Hello.",
        "I live in Rome.",
        "Lovely.",
    ]
    (query,) = history.queries
    (evidence,) = query.evidence
    assert next(t.text for s in history.sessions for t in s.turns if t.id == evidence) == "I live in Rome."
    assert (query.kind, query.at) == ("single session user", datetime(2023, 5, 30, 23, 40, tzinfo=UTC))


def test_longmemeval_without_marks_takes_the_answer_sessions_and_abstains_by_id(tmp_path: Path) -> None:
    plain = longmemeval(
        haystack_sessions=[
            [{"role": "user", "content": "I live in Rome."}],
            [{"role": "user", "content": "Hello."}],
        ]
    )
    (history,) = read_longmemeval(written(tmp_path / "l.json", [plain]))
    assert len(history.queries[0].evidence) == 1
    (history,) = read_longmemeval(written(tmp_path / "l.json", [longmemeval(question_id="q_abs")]))
    assert (history.queries[0].kind, history.queries[0].evidence) == ("abstention", frozenset())


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("{", "no JSON"),
        ({}, "a list of questions"),
        ([longmemeval(haystack_dates=[])], "2 sessions, 2 ids and 0 dates"),
        ([longmemeval(question_date="yesterday")], "'yesterday' is no date"),
        ([longmemeval(haystack_dates=["2023/13/45", "x"])], "is no date"),
        ([longmemeval(question=None)], "'question' is no text"),
        ([longmemeval(haystack_sessions=[{}, []])], "a list of turns"),
        (
            [longmemeval(haystack_sessions=[[{"role": "system", "content": "x"}], []])],
            "not user or assistant",
        ),
        ([{"question_id": "q"}], "there is no 'haystack_dates'"),
        (["x"], "there is no 'question_id'"),
    ],
)
def test_a_damaged_longmemeval_file_says_where(tmp_path: Path, value: object, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        list(read_longmemeval(written(tmp_path / "l.json", value)))


def test_locomo_is_read_with_its_evidence(tmp_path: Path) -> None:
    (history,) = read_locomo(written(tmp_path / "l.json", [locomo()]))
    assert [len(session.turns) for session in history.sessions] == [2, 1]
    assert history.sessions[0].turns[1].text == "Look! (shows a photo of a dog)"
    assert history.sessions[0].turns[0].at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert [(query.kind, query.evidence) for query in history.queries] == [
        ("single hop", frozenset({"D1:1"})),
        ("abstention", frozenset()),
    ]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("[", "no JSON"),
        ({}, "a list of talks"),
        ([{}], "there is no 'conversation'"),
        ([locomo(qa=None)], "'qa' is no list"),
        ([locomo(qa=[{"question": "x", "category": 9}])], "the category is 9"),
        ([locomo(conversation={"speaker_a": "A", "speaker_b": "B"})], "there are no sessions"),
        (
            [
                locomo(
                    conversation={
                        "speaker_a": "A",
                        "speaker_b": "B",
                        "session_1": [],
                        "session_1_date_time": "soon",
                    }
                )
            ],
            "'soon' is no date",
        ),
    ],
)
def test_a_damaged_locomo_file_says_where(tmp_path: Path, value: object, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        list(read_locomo(written(tmp_path / "l.json", value)))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["conversation", "qa", "speaker_a", "speaker_b", "session_1", "question_id", "x"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(value=_JSON)
def test_any_json_is_read_or_refused_with_one_error(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = written(tmp_path_factory.mktemp("json") / "any.json", value)
    for read in (read_longmemeval, read_locomo):
        refusals = []
        try:
            list(read(path))
        except FormatError as error:
            refusals.append(str(error))
        assert all(str(path) in refusal for refusal in refusals)


def test_the_life_is_long_the_same_each_time_and_asks_of_what_was_said() -> None:
    one, other = life(), life()
    assert one == other
    assert life(6) != one
    assert len(one.sessions) >= 200
    assert len(one.queries) >= 500
    starts = [session.turns[0].at for session in one.sessions]
    assert starts[-1] - starts[0] > timedelta(days=350)
    said = {turn.id: turn for session in one.sessions for turn in session.turns}
    assert all((query.evidence | query.withheld) <= said.keys() for query in one.queries)
    kinds = Counter(query.kind for query in one.queries)
    for kind in ("single session", "multi session", "temporal", "knowledge update", "abstention", "withheld"):
        assert kinds[kind] >= 10
    without = [query for query in one.queries if query.kind in ("abstention", "withheld")]
    assert not any(query.evidence for query in without)


def test_recall_counts_the_evidence_among_the_first_turns() -> None:
    assert unfolded([["a", "b"], ["b", "c"], ["d"]], 3) == ["a", "b", "c"]
    assert recall_at(["a", "b", "c"], frozenset({"b", "x"}), 2) == 0.5
    assert recall_at(["a", "b", "c"], frozenset({"c"}), 2) == 0.0
    assert recall_at(["a", "b"], frozenset({"a", "b", "c", "d"}), 2) == 1.0


def test_who_is_less_sure_of_what_was_never_said_turns_it_away() -> None:
    yes, no = (
        Query("x", "?", T0, frozenset({"a"}), ("ada",)),
        Query("abstention", "?", T0, frozenset(), ("ada",)),
    )
    asked = [Asked(yes, ([], [], []), (0.9, 0.5, 1.0), 0.0)] * 20 + [
        Asked(no, ([], [], []), (0.1, 0.5, 2.0), 0.0)
    ]
    assert [turned_away(asked, way) for way in range(3)] == [1.0, 0.0, 0.0]


async def test_what_is_asked_goes_through_timeline_hippocampus_index_and_recall() -> None:
    def turn(id: str, text: str, minutes: int, to: frozenset[str] | None = None) -> Turn:
        return Turn(id, "ada", text, T0 + timedelta(minutes=minutes), to)

    there = frozenset({"ada", "ben", "nova"})
    turns = (
        turn("a", "I live in Rome.", 0),
        turn("b", "My locker code is nine.", 1, frozenset({"ada", "nova"})),
    )
    queries = (
        Query("single session", "Where do I live?", T0 + timedelta(days=1), frozenset({"a"}), ("ada",)),
        Query(
            "withheld",
            "What is my locker code?",
            T0 + timedelta(days=1),
            frozenset(),
            ("ada", "ben"),
            frozenset({"b"}),
        ),
        Query("confided", "What is my locker code?", T0 + timedelta(days=1), frozenset({"b"}), ("ada",)),
        Query("abstention", "Who painted it?", T0 + timedelta(days=1), frozenset(), ("ada",)),
    )
    history = History(
        {"ada": "Ada", "ben": "Ben", "nova": "Nova"}, "nova", (Session("kitchen", there, turns),), queries
    )
    asked = await asked_of(history, MemoryStore(), FakeEmbedder(), FakeIndex())
    found = [one.found[0] for one in asked]
    assert found[0][0] == "a"
    assert "b" not in found[1]
    assert found[2][0] == "b"
    report = report_of("remember", asked)
    by_metric = {one.metric.partition(" (")[0]: one for one in report.results}
    assert by_metric["in confidence"].value == 0
    assert by_metric["in confidence"].baseline == 1
    assert json.loads(report.to_json())["name"] == "remember"
