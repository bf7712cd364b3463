"""Lines in, messages out: whatever a line holds, it is a message or a typed refusal."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signaling.ipc.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    MAX_LINE_BYTES,
    PARSE_ERROR,
    Failure,
    LineTooLong,
    MalformedMessage,
    Message,
    Notification,
    Request,
    Result,
    parse,
    serialize,
)

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)
ids = st.integers() | st.text(max_size=64)
params = st.dictionaries(st.text(), values)
messages = (
    st.builds(Request, ids, st.text(), params)
    | st.builds(Notification, st.text(), params)
    | st.builds(Result, ids, values)
    | st.builds(Failure, ids | st.none(), st.integers(), st.text())
)


def refusal_of(line: bytes) -> int | None:
    try:
        message = parse(line)
    except MalformedMessage as refusal:
        return refusal.code
    assert isinstance(message, Request | Notification | Result | Failure)
    return None


@given(messages)
def test_what_is_written_is_read_back_as_it_was(message: Message) -> None:
    line = serialize(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse(line) == message


@given(st.binary(max_size=400) | values.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 100_000)
@example(b'{"jsonrpc": "2.0", "method": "m", "params": {"x": ' + b"9" * 5000 + b"}}")
@example(b"\xff\xfe")
def test_no_line_brings_anything_but_a_message_or_a_refusal(line: bytes) -> None:
    assert refusal_of(line) in (None, PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS)


@given(
    st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0")},
        optional={name: values for name in ("id", "method", "params", "result", "error")},
    )
)
def test_no_object_that_looks_like_a_message_brings_another_error(body: dict[str, object]) -> None:
    assert refusal_of(json.dumps(body).encode()) in (None, INVALID_REQUEST, INVALID_PARAMS)


@pytest.mark.parametrize(
    ("line", "code", "id"),
    [
        (b"", PARSE_ERROR, None),
        (b"{", PARSE_ERROR, None),
        (b'{"jsonrpc": "2.0", "method": "m", "params": {"x": NaN}}', PARSE_ERROR, None),
        (b"[]", INVALID_REQUEST, None),
        (b'[{"jsonrpc": "2.0", "method": "m"}]', INVALID_REQUEST, None),
        (b'{"jsonrpc": "1.0", "method": "m", "id": 4}', INVALID_REQUEST, 4),
        (b'{"jsonrpc": "2.0", "method": 1, "id": "a"}', INVALID_REQUEST, "a"),
        (b'{"jsonrpc": "2.0", "method": "m", "id": true}', INVALID_REQUEST, None),
        (b'{"jsonrpc": "2.0", "method": "m", "params": [1], "id": 4}', INVALID_PARAMS, 4),
        (b'{"jsonrpc": "2.0", "id": 4}', INVALID_REQUEST, 4),
        (b'{"jsonrpc": "2.0", "id": 4, "error": {"code": "1", "message": "x"}}', INVALID_REQUEST, 4),
        (b" " * (MAX_LINE_BYTES + 1), PARSE_ERROR, None),
    ],
)
def test_a_refusal_names_its_code_and_the_id_it_could_read(line: bytes, code: int, id: object) -> None:
    with pytest.raises(MalformedMessage) as refusal:
        parse(line)
    assert (refusal.value.code, refusal.value.id) == (code, id)


def test_a_message_longer_than_a_line_may_be_is_not_written() -> None:
    with pytest.raises(LineTooLong, match="more than a line may hold"):
        serialize(Notification("m", {"text": "x" * MAX_LINE_BYTES}))


def test_letters_of_any_script_take_the_bytes_of_utf_8_and_lone_surrogates_survive() -> None:
    empty = len(serialize(Notification("m", {"text": ""})))
    assert len(serialize(Notification("m", {"text": "ж" * 1000}))) == empty + 2000
    message = Notification("m", {"text": "half \ud83d of it\u2028"})
    assert parse(serialize(message)) == message
