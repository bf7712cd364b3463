"""The protocol's messages: each is read as it is documented, and nothing else gets through."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signaling.server.client_messages import (
    MAX_CHAT_CHARACTERS,
    MAX_MESSAGE_BYTES,
    MAX_SDP_BYTES,
    AskCard,
    AskMemories,
    Candidate,
    Chat,
    CorrectMemory,
    Explain,
    Feedback,
    ForgetMemory,
    Join,
    Leave,
    MessageError,
    Offer,
    Pin,
    Ping,
    State,
    View,
    Voices,
    parse,
)
from signaling.server.floor import Floor
from signaling.server.history import Line, parse_line
from signaling.server.server_messages import (
    Bye,
    Caption,
    ChatLine,
    Error,
    FloorChanged,
    Joined,
    Participant,
    PersonaPresence,
    parse_latency,
    plain,
    serialize,
)
from signaling.server.text import clean_line, clean_name


def refusal(body: Any) -> tuple[str, str | None]:
    with pytest.raises(MessageError) as error:
        parse(body if isinstance(body, str) else json.dumps(body))
    return error.value.code, error.value.id


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"type": "join", "version": 1, "token": "t", "name": " Ada ", "resume": "r", "new": 1},
            Join(1, "t", "Ada", "r"),
        ),
        ({"type": "join", "version": 2, "token": "t", "name": "Ada"}, Join(2, "t", "Ada")),
        ({"type": "offer", "id": "1", "sdp": "v=0"}, Offer("1", "v=0")),
        (
            {"type": "candidate", "candidate": "candidate:1", "mid": "0", "mline": 0},
            Candidate("candidate:1", "0", 0),
        ),
        ({"type": "candidate", "candidate": "", "mid": None}, Candidate("", None, None)),
        ({"type": "chat", "id": "c", "text": " hi\x00\n"}, Chat("c", "hi")),
        ({"type": "state", "muted": True}, State(True, None)),
        ({"type": "state", "noiseSuppression": False}, State(None, None, False)),
        ({"type": "ping", "id": "p"}, Ping("p")),
        ({"type": "view", "slots": {"2": {"width": 320, "height": 180}}}, View({"2": (320, 180)})),
        ({"type": "view", "slots": {}}, View({})),
        ({"type": "pin", "id": "p1"}, Pin("p1")),
        ({"type": "pin", "id": None}, Pin(None)),
        ({"type": "pin"}, Pin(None)),
        ({"type": "voices", "who": ["p1", "p2"], "id": "v"}, Voices(("p1", "p2"), "v")),
        ({"type": "voices", "who": []}, Voices(())),
        (
            {"type": "feedback", "id": "f", "persona": "nova", "line": "u1", "value": 1},
            Feedback("f", "nova", 1, "u1"),
        ),
        (
            {"type": "feedback", "id": "f", "persona": "nova", "line": None, "value": -1, "signed": True},
            Feedback("f", "nova", -1, None, True),
        ),
        ({"type": "card", "id": "c", "persona": "nova"}, AskCard("c", "nova")),
        ({"type": "card", "id": "c", "persona": "nova", "before": "17"}, AskCard("c", "nova", "17")),
        ({"type": "memories", "id": "c", "persona": "nova"}, AskMemories("c", "nova")),
        ({"type": "memories", "id": "c", "persona": "nova", "before": "50"}, AskMemories("c", "nova", "50")),
        (
            {"type": "correct", "id": "c", "persona": "nova", "memory": "m1", "text": " I live\nin Rome. "},
            CorrectMemory("c", "nova", "m1", "I live in Rome."),
        ),
        ({"type": "forget", "id": "c", "persona": "nova", "memory": "m1"}, ForgetMemory("c", "nova", "m1")),
        ({"type": "forget", "id": "c", "persona": "nova", "memory": None}, ForgetMemory("c", "nova", None)),
        ({"type": "explain", "id": "c", "persona": "nova", "line": "u1"}, Explain("c", "nova", "u1")),
        ({"type": "leave"}, Leave()),
    ],
)
def test_each_message_is_read(body: dict[str, Any], message: object) -> None:
    assert parse(json.dumps(body)) == message


@pytest.mark.parametrize(
    ("body", "code", "id"),
    [
        ("", "bad-message", None),
        ("{", "bad-message", None),
        ("[" * 100_000, "bad-message", None),
        ('{"type": "ping", "id": "a", "x": NaN}', "bad-message", None),
        ([], "bad-message", None),
        ({}, "bad-message", None),
        ({"type": ["join"]}, "bad-message", None),
        ({"type": "dance", "id": "7"}, "unknown-type", "7"),
        ({"type": "ping"}, "bad-message", None),
        ({"type": "ping", "id": 7}, "bad-message", None),
        ({"type": "ping", "id": "x" * 65}, "bad-message", None),
        ({"type": "join", "version": True, "token": "t", "name": "Ada"}, "bad-message", None),
        ({"type": "join", "version": 1, "token": "t", "name": "\u202e \x07"}, "bad-message", None),
        ({"type": "join", "version": 1, "token": "t", "name": "x" * 41}, "bad-message", None),
        ({"type": "join", "version": 1, "token": "t" * 5000, "name": "Ada"}, "too-large", None),
        ({"type": "offer", "id": "1", "sdp": "x" * (MAX_SDP_BYTES + 1)}, "too-large", "1"),
        ({"type": "offer", "id": "1", "sdp": 3}, "bad-message", "1"),
        ({"type": "candidate", "candidate": "c", "mline": -1}, "bad-message", None),
        ({"type": "candidate", "candidate": "c", "mline": True}, "bad-message", None),
        ({"type": "chat", "id": "c", "text": " \x01\n"}, "empty-text", "c"),
        ({"type": "chat", "id": "c", "text": "x" * (MAX_CHAT_CHARACTERS + 1)}, "too-large", "c"),
        ({"type": "chat", "id": "c"}, "bad-message", "c"),
        ({"type": "state", "muted": "yes"}, "bad-message", None),
        ({"type": "state", "noiseSuppression": 0}, "bad-message", None),
        ({"type": "feedback", "persona": "nova", "value": 1}, "bad-message", None),
        ({"type": "feedback", "id": "f", "persona": "nova", "value": 2}, "bad-message", "f"),
        ({"type": "feedback", "id": "f", "persona": "nova", "value": True}, "bad-message", "f"),
        ({"type": "feedback", "id": "f", "persona": "nova", "value": 1.0}, "bad-message", "f"),
        ({"type": "feedback", "id": "f", "persona": "", "value": 1}, "bad-message", "f"),
        ({"type": "feedback", "id": "f", "persona": "n", "value": 1, "signed": "no"}, "bad-message", "f"),
        ({"type": "feedback", "id": "f", "persona": "n", "value": 1, "line": "x" * 65}, "too-large", "f"),
        ({"type": "card", "id": "c"}, "bad-message", "c"),
        ({"type": "card", "id": "c", "persona": "nova", "before": 17}, "bad-message", "c"),
        ({"type": "card", "id": "c", "persona": "nova", "before": "-1"}, "bad-message", "c"),
        ({"type": "card", "id": "c", "persona": "nova", "before": "\u0661"}, "bad-message", "c"),
        ({"type": "card", "id": "c", "persona": "nova", "before": "9" * 19}, "too-large", "c"),
        ({"type": "memories", "id": "c", "persona": "nova", "before": "x"}, "bad-message", "c"),
        ({"type": "correct", "id": "c", "persona": "nova", "memory": "m1", "text": " \n"}, "empty-text", "c"),
        ({"type": "correct", "id": "c", "persona": "nova", "memory": "", "text": "x"}, "bad-message", "c"),
        (
            {"type": "correct", "id": "c", "persona": "nova", "memory": "m1", "text": "x" * 301},
            "too-large",
            "c",
        ),
        # Left out, it is no wish to forget everything.
        ({"type": "forget", "id": "c", "persona": "nova"}, "bad-message", "c"),
        ({"type": "forget", "persona": "nova", "memory": None}, "bad-message", None),
        ({"type": "explain", "id": "c", "persona": "nova"}, "bad-message", "c"),
        ("x" * (MAX_MESSAGE_BYTES + 1), "too-large", None),
        ('"' + "é" * (MAX_MESSAGE_BYTES // 2) + '"', "too-large", None),
    ],
)
def test_a_refusal_names_its_code_and_the_message(body: Any, code: str, id: str | None) -> None:
    assert refusal(body) == (code, id)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = (
    "id",
    "sdp",
    "candidate",
    "mid",
    "mline",
    "text",
    "muted",
    "camera",
    "version",
    "token",
    "name",
    "resume",
    "slots",
    "who",
    "to",
    "persona",
    "line",
    "value",
    "signed",
    "before",
    "noiseSuppression",
    "shared",
    "voice",
    "memory",
)
types = (
    "join",
    "offer",
    "candidate",
    "chat",
    "state",
    "view",
    "pin",
    "voices",
    "whisper",
    "feedback",
    "card",
    "memories",
    "correct",
    "forget",
    "explain",
    "name-voice",
    "ping",
    "leave",
    "bye",
)


def code_of(text: str) -> str | None:
    try:
        parse(text)
    except MessageError as error:
        return error.code
    return None


@given(st.fixed_dictionaries({"type": st.sampled_from(types)}, optional={name: values for name in names}))
def test_no_fields_bring_anything_but_a_message_or_a_refusal(body: dict[str, Any]) -> None:
    assert code_of(json.dumps(body)) in (None, "bad-message", "unknown-type", "too-large", "empty-text")


@given(st.text(max_size=300))
@example("\ud800")
@example('{"type": "chat", "id": "\\ud800", "text": "\\udfff"}')
@example('{"type": "ping", "id": ' + "9" * 5000 + "}")
def test_no_text_brings_anything_but_a_message_or_a_refusal(text: str) -> None:
    assert code_of(text) in (None, "bad-message", "unknown-type", "empty-text")


@given(st.text())
def test_names_are_plain_and_cleaning_is_final(text: str) -> None:
    name = clean_name(text)
    assert not any(character in name for character in "\u202a\u202e\u2066\u2069\u200f\n\t\x00\x7f\x85")
    assert clean_name(name) == name
    assert clean_line(clean_line(text)) == clean_line(text)
    name.encode()


def test_markup_in_a_name_stays_the_plain_text_that_it_is() -> None:
    assert clean_name("<b>Ada</b>\u202e\u0000  \n Lovelace") == "<b>Ada</b> Lovelace"


def test_what_the_server_says_has_the_documented_fields() -> None:
    ada = Participant("p1", "Ada", "person", False, True, False, "connected")
    line = Line("l1", "p1", "Ada", "speech", "hello", "2026-01-05T12:00:00.000+00:00", interrupted=True)
    floor = FloorChanged.of(Floor("echo", (("nova", "addressed"),), (("mira", "resting"),)), None)
    presence = PersonaPresence("echo", 0.5, 0.0, -0.25, "trusted")
    joined = Joined(1, "lobby", "p1", [ada], [line], [{"urls": ["stun:a"]}], "r", 8, floor, [presence])
    assert json.loads(serialize(joined)) == {
        "type": "joined",
        "version": 1,
        "room": "lobby",
        "you": "p1",
        "participants": [
            {
                "id": "p1",
                "name": "Ada",
                "kind": "person",
                "muted": False,
                "camera": True,
                "speaking": False,
                "status": "connected",
            }
        ],
        "history": [
            {
                "id": "l1",
                "from": "p1",
                "name": "Ada",
                "kind": "speech",
                "text": "hello",
                "at": "2026-01-05T12:00:00.000+00:00",
                "interrupted": True,
            }
        ],
        "iceServers": [{"urls": ["stun:a"]}],
        "resume": "r",
        "videoSlots": 8,
        "floor": {
            "holder": "echo",
            "queue": [{"id": "nova", "reason": "addressed", "words": "was called by name"}],
            "silent": [{"id": "mira", "reason": "resting", "words": "is resting"}],
        },
        "presences": [{"id": "echo", "energy": 0.5, "valence": 0.0, "arousal": -0.25, "level": "trusted"}],
    }
    assert json.loads(serialize(ChatLine("c", "p1", "Ada", "hi", "now")))["from"] == "p1"
    assert "interrupted" not in json.loads(serialize(Caption("p", "u", "hi", final=True)))
    assert json.loads(serialize(Error("bad-sdp", "no"))) == {
        "type": "error",
        "code": "bad-sdp",
        "message": "no",
    }
    assert json.loads(serialize(Bye("restarting", "soon")))["code"] == "restarting"


@given(values | st.dictionaries(st.sampled_from(("id", "from", "name", "kind", "text", "at")), values))
def test_a_line_of_the_mind_is_one_or_is_refused(body: Any) -> None:
    try:
        line = parse_line(body)
    except ValueError:
        return
    assert parse_line(plain(line)) == line


def test_a_line_is_read_back_as_it_was() -> None:
    line = Line("l1", "p1", "Ada", "chat", "hello", "2026-01-05T12:00:00+00:00")
    assert parse_line(plain(line)) == line


def test_a_latency_record_keeps_its_nulls() -> None:
    body = {
        "turn": "t",
        "persona": "p",
        "to": "q",
        "speechEnd": 0,
        "onWire": 812.5,
        "words": None,
        "room": "x",
    }
    said = json.loads(serialize(parse_latency(body)))
    assert (said["speechEnd"], said["onWire"], said["words"], said["firstToken"]) == (0, 812.5, None, None)
    for wrong in ({"turn": 1}, {"onWire": "fast"}, {"onWire": float("inf")}, {"onWire": True}):
        with pytest.raises(ValueError, match="is "):
            parse_latency(body | wrong)


@pytest.mark.parametrize(
    "slots",
    [
        None,
        [],
        {"2": None},
        {"2": {"width": 1}},
        {"2": {"width": True, "height": 1}},
        {"2": {"width": 1.5, "height": 1}},
        {"2": {"width": -1, "height": 1}},
        {"2": {"width": 1 << 20, "height": 1}},
        {"m" * 65: {"width": 1, "height": 1}},
        {str(index): {"width": 1, "height": 1} for index in range(65)},
    ],
)
def test_a_view_of_other_than_sizes_is_refused(slots: Any) -> None:
    assert refusal({"type": "view", "slots": slots}) == ("bad-message", None)


@pytest.mark.parametrize("id", [5, "", "x" * 65, []])
def test_a_pin_on_other_than_an_id_is_refused(id: Any) -> None:
    assert refusal({"type": "pin", "id": id}) == ("bad-message", None)


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (None, "bad-message"),
        ("p1", "bad-message"),
        ({"p1": 1}, "bad-message"),
        ([1], "bad-message"),
        ([""], "bad-message"),
        (["x" * 65], "bad-message"),
        (["p1", "p2", "p1"], "bad-message"),
        ([str(number) for number in range(17)], "too-large"),
        (["p1"] * 10_000, "too-large"),
    ],
)
def test_a_list_of_other_than_a_few_different_ids_is_refused(who: Any, code: str) -> None:
    assert refusal({"type": "voices", "who": who, "id": "v"}) == (code, "v")


@given(st.lists(st.one_of(st.text(max_size=70), st.integers(), st.none()), max_size=20))
def test_a_list_of_ids_is_taken_as_it_is_or_refused(who: list[Any]) -> None:
    good = (
        len(who) <= 16
        and all(isinstance(id, str) and 0 < len(id) <= 64 for id in who)
        and len(set(who)) == len(who)
    )
    text = json.dumps({"type": "voices", "who": who})
    if good:
        assert parse(text) == Voices(tuple(who))
    else:
        assert code_of(text) in ("bad-message", "too-large")
