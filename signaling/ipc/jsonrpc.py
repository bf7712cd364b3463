"""JSON-RPC 2.0 messages, one a line: bytes in, values out, nothing else.

Source: https://www.jsonrpc.org/specification. Narrower than it in two ways: parameters are always named (an
object), and batches are refused, since a stream of lines needs none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "INTERNAL_ERROR",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "MAX_LINE_BYTES",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "Failure",
    "JsonObject",
    "LineTooLong",
    "MalformedMessage",
    "Message",
    "Notification",
    "Request",
    "Result",
    "parse",
    "serialize",
]

JsonObject = Mapping[str, Any]

MAX_LINE_BYTES = 1 << 20
MAX_ID_CHARACTERS = 64

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603


@dataclass(frozen=True, slots=True)
class Request:
    """A call that is to be answered by a `Result` or a `Failure` with the same id."""

    id: int | str
    method: str
    params: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notification:
    """A call that is not answered."""

    method: str
    params: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What a request came to."""

    id: int | str
    result: Any


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request failed; `id` is None when the request could not be read so far."""

    id: int | str | None
    code: int
    message: str


Message = Request | Notification | Result | Failure


class MalformedMessage(Exception):
    """A line that is no JSON-RPC 2.0 message.

    Attributes:
        code: `PARSE_ERROR`, `INVALID_REQUEST` or `INVALID_PARAMS`.
        id: the id of the message when it was readable, to answer with.
    """

    def __init__(self, code: int, message: str, id: int | str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.id = id


class LineTooLong(ValueError):
    """A message that does not fit into a line."""


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def parse(line: bytes) -> Message:
    """Reads one line.

    Args:
        line: UTF-8, with or without the line's end, at most `MAX_LINE_BYTES`.

    Raises:
        MalformedMessage: for anything that is no message; never another exception.
    """
    if len(line) > MAX_LINE_BYTES:
        raise MalformedMessage(PARSE_ERROR, f"a line is at most {MAX_LINE_BYTES} bytes")
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(PARSE_ERROR, f"not JSON: {error}"[:200]) from None
    if not isinstance(value, dict):
        raise MalformedMessage(INVALID_REQUEST, "a message is one JSON object")
    return _message(value)


def _message(value: dict[str, Any]) -> Message:
    id = _readable_id(value.get("id"))
    if value.get("jsonrpc") != "2.0":
        raise MalformedMessage(INVALID_REQUEST, 'jsonrpc is not "2.0"', id)
    if "id" in value and id is None and "error" not in value:
        raise MalformedMessage(INVALID_REQUEST, "an id is an integer or a short text")
    if "method" in value:
        method, params = value["method"], value.get("params", {})
        if not isinstance(method, str):
            raise MalformedMessage(INVALID_REQUEST, "method is a text", id)
        if not isinstance(params, dict):
            raise MalformedMessage(INVALID_PARAMS, "params are named: an object", id)
        return Notification(method, params) if id is None else Request(id, method, params)
    if "error" in value:
        error = value["error"]
        if not isinstance(error, dict):
            raise MalformedMessage(INVALID_REQUEST, "error is an object", id)
        code, message = error.get("code"), error.get("message")
        if type(code) is not int or not isinstance(message, str):
            raise MalformedMessage(INVALID_REQUEST, "an error has an integer code and a message", id)
        return Failure(id, code, message)
    if "result" in value and id is not None:
        return Result(id, value["result"])
    raise MalformedMessage(INVALID_REQUEST, "neither a method nor a result nor an error", id)


def _readable_id(value: Any) -> int | str | None:
    if type(value) is int or (isinstance(value, str) and len(value) <= MAX_ID_CHARACTERS):
        return value
    return None


def serialize(message: Message) -> bytes:
    """Writes one message as a line, its end included.

    Raises:
        LineTooLong: when it is longer than `MAX_LINE_BYTES`.
        ValueError: when it holds a number that JSON has not.
        TypeError: when it holds what JSON cannot say.
    """
    body: dict[str, Any] = {"jsonrpc": "2.0"}
    match message:
        case Request(id, method, params):
            body |= {"id": id, "method": method, "params": params}
        case Notification(method, params):
            body |= {"method": method, "params": params}
        case Result(id, result):
            body |= {"id": id, "result": result}
        case Failure(failed, code, text):
            body |= {"id": failed, "error": {"code": code, "message": text}}
    text = json.dumps(body, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    # UTF-8 has no lone surrogates; Python's escape for one is JSON's.
    line = text.encode("utf-8", "backslashreplace") + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise LineTooLong(f"a message of {len(line)} bytes is more than a line may hold")
    return line
