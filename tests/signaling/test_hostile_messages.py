"""Whatever a client, a local program or a page sends: a refusal with a name, and nobody else is disturbed."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from signaling.ipc.endpoint import RpcError, listen
from signaling.ipc.jsonrpc import INTERNAL_ERROR
from signaling.server.app import create_app
from signaling.server.page import load_page, security_headers
from signaling.server.server_messages import ByeCode, ErrorCode
from signaling.server.session import SessionSettings
from signaling.server.watching import SnapshotFeed
from tests.signaling.house import KEY, Client, House, house, mind_of
from tests.virtual_time import VirtualTimeLoop

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )


values = nested(scalars)
sayable = nested(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))


def run(suffer: Callable[[House], Awaitable[None]], loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Runs one example in a house of its own, and fails for what its tasks left unhandled."""
    unhandled: list[object] = []

    def new_loop() -> asyncio.AbstractEventLoop:
        made = loop()
        made.set_exception_handler(lambda _, context: unhandled.append(context))
        return made

    async def in_house() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with house(Path(folder)) as home:
                await suffer(home)
                (await home.overview.exposition()).decode()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(in_house())
    assert not unhandled


ids = st.sampled_from(["c", "x" * 64, "x" * 65, "", "\ud800"]) | values
sizes = st.dictionaries(
    st.sampled_from(["2", "3", "9", "\ud800"]),
    st.fixed_dictionaries({}, optional={"width": values | st.integers(0, 20_000), "height": values}) | values,
    max_size=4,
)
messages = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("offer"), "id": ids, "sdp": st.sampled_from(["v=0", "x"]) | values}
    ),
    st.fixed_dictionaries(
        {"type": st.just("candidate"), "candidate": st.sampled_from(["candidate:1", "", "no"]) | values},
        optional={"mid": values, "mline": values},
    ),
    st.fixed_dictionaries({"type": st.just("chat"), "id": ids, "text": st.text(max_size=30) | values}),
    st.fixed_dictionaries(
        {"type": st.just("state")},
        optional={
            "muted": values,
            "camera": values,
            "noiseSuppression": values,
            "shared": st.booleans() | values,
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("name-voice"), "voice": ids, "name": st.none() | st.text(max_size=45) | values},
        optional={"id": ids},
    ),
    st.fixed_dictionaries({"type": st.just("view"), "slots": sizes | values}),
    st.fixed_dictionaries({"type": st.just("pin"), "id": ids}),
    st.fixed_dictionaries({"type": st.just("voices"), "who": st.lists(ids, max_size=4) | values}),
    st.fixed_dictionaries({"type": st.just("whisper"), "to": st.lists(ids, max_size=4) | values}),
    st.fixed_dictionaries(
        {"type": st.just("feedback"), "id": ids, "persona": ids, "value": st.integers(-2, 2) | values},
        optional={"line": ids, "signed": values},
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["card", "memories"]), "id": ids, "persona": ids}, optional={"before": ids}
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["correct", "forget", "explain"]), "id": ids, "persona": ids},
        optional={"memory": ids | st.none(), "text": st.text(max_size=10), "line": ids},
    ),
    st.fixed_dictionaries({"type": st.just("ping"), "id": ids}),
    st.fixed_dictionaries(
        {"type": st.just("join")},
        optional={name: values for name in ("version", "token", "name", "resume")},
    ),
    st.fixed_dictionaries({"type": st.text(max_size=8) | values}),
).map(json.dumps)
raws = messages | st.text(max_size=60) | st.binary(max_size=60)


@QUICK
@given(sent=st.lists(st.tuples(raws, st.sampled_from([0.0, 0.001, 1.0])), max_size=40), joins=st.booleans())
def test_whatever_a_client_says_it_is_told_why_not_and_the_others_notice_nothing(
    sent: list[tuple[str | bytes, float]], joins: bool
) -> None:
    async def suffer(home: House) -> None:
        ada, bob = await home.seated("Ada"), await home.seated("Bob")
        await bob.connect()
        mallory = home.arrive()
        if joins:
            await mallory.join("Mallory")
        for raw, wait in sent:
            mallory.socket.push(raw)
            await asyncio.sleep(wait)
        await _answered(ada, bob)
        told = mallory.unread()
        assert {message["code"] for message in told if message["type"] == "error"} <= set(get_args(ErrorCode))
        assert {message["code"] for message in told if message["type"] == "bye"} <= set(get_args(ByeCode))
        assert home.dropped("session-fault") == 0
        assert set(home.conference.rooms) == {"lobby"}
        assert len(home.conference.rooms["lobby"].state.history) <= 200
        assert home.rings() <= 3
        for one in (ada, bob):
            kinds = {message["type"] for message in one.unread()}
            assert kinds <= {"participant", "left", "chat", "video", "camera", "speaking", "pong"}

    run(suffer, VirtualTimeLoop)


async def _answered(*clients: Client) -> None:
    for client in clients:
        client.send(type="ping", id="still here")
        await client.expect("pong", id="still here")


methods = st.sampled_from(
    [
        "attach",
        "room.restore",
        "room.state",
        "persona.join",
        "persona.leave",
        "persona.status",
        "persona.presence",
        "floor",
        "voice.stop",
        "voice.hold",
        "voice.resume",
        "voice.wake",
        "voice.whisper",
        "caption",
        "chat.post",
        "chat.unkept",
        "chat.kept",
        "latency",
        "counted",
        "nothing",
    ]
)
places = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["felix", "\ud800"]) | sayable,
            "reason": st.sampled_from(["addressed", "resting", "x"]),
        }
    )
    | sayable,
    max_size=4,
)
names = st.sampled_from(["felix", "\ud800", "x" * 65, ""])
instants = st.sampled_from(["2026-01-05T12:00:00+00:00", "0001-01-01T00:00:00+14:00", "now", ""])
lines = st.fixed_dictionaries(
    {
        "id": names,
        "from": names,
        "name": names,
        "kind": st.sampled_from(["chat", "speech", "x"]),
        "text": st.text(max_size=20),
        "at": instants,
    }
)
params = st.fixed_dictionaries(
    {},
    optional={
        "version": st.just(1) | sayable,
        "room": st.sampled_from(["lobby", "attic", "../x"]) | sayable,
        "id": names | sayable,
        "name": names | sayable,
        "status": st.sampled_from(["thinking", "x"]) | sayable,
        "utterance": names | sayable,
        "text": st.text(max_size=20) | sayable,
        "final": sayable,
        "interrupted": sayable,
        "record": sayable,
        "position": st.integers() | sayable,
        "speaker": st.fixed_dictionaries({"id": names | sayable, "label": names | sayable}) | sayable,
        "message": names | sayable,
        "to": st.lists(names) | sayable,
        "listeners": st.lists(names) | sayable,
        "holder": names | sayable,
        "queue": places | sayable,
        "silent": places | sayable,
        "energy": st.floats(0, 1) | sayable,
        "valence": st.floats(-1, 1) | sayable,
        "arousal": st.floats(-1, 1) | sayable,
        "level": st.sampled_from(["novice", "x"]) | sayable,
        "lines": st.lists(lines, max_size=3) | sayable,
        "turn": sayable,
        "onWire": sayable,
        "paused": sayable,
    },
) | st.dictionaries(st.text(max_size=70), st.integers(-1, 10) | sayable, max_size=4)


@QUICK
@example([("counted", {"\ud800": 3})])
@given(asked=st.lists(st.tuples(methods, params), max_size=30))
def test_whatever_a_local_program_asks_it_is_answered_or_refused_by_a_named_error(
    asked: list[tuple[str, Any]],
) -> None:
    async def suffer(home: House) -> None:
        ada = await home.seated("Ada")
        path = home.directory / "s"
        async with listen(path, home.personas.handlers), mind_of(path) as mind:
            await mind.attach()
            faults: list[str] = []
            for method, given_params in asked:
                try:
                    await mind.endpoint.call(method, given_params)
                except RpcError as error:
                    faults += [f"{method}: {error}"] if error.code == INTERNAL_ERROR else []
            assert not faults
            assert mind.endpoint.reason is None
        await _answered(ada)
        room = home.conference.rooms["lobby"]
        assert len(room.state.seats) <= 16
        assert home.rings() <= 1 + len(room.voices)

    run(suffer, asyncio.new_event_loop)


@QUICK
@given(
    chunks=st.lists(st.binary(max_size=60) | st.just(b"\n") | st.just(b'{"jsonrpc": "2.0"}\n'), max_size=30)
)
def test_whatever_bytes_come_on_the_socket_others_on_it_are_served(chunks: list[bytes]) -> None:
    async def suffer(home: House) -> None:
        path = home.directory / "s"
        async with listen(path, home.personas.handlers), mind_of(path) as mind:
            await mind.attach()
            reader, writer = await asyncio.open_unix_connection(str(path))
            for chunk in chunks:
                writer.write(chunk)
            writer.write_eof()
            for answer in (await reader.read()).splitlines():
                assert "error" in json.loads(answer)
            writer.close()
            await writer.wait_closed()
            assert await mind.attach() == {"rooms": []}

    run(suffer, asyncio.new_event_loop)


paths = st.sampled_from(
    [
        "/api/token",
        "/api/health",
        "/api/personas",
        "/api/personas/nova",
        "/api/memories",
        "/metrics",
        "/ws",
        "/",
        "/r/lobby",
        "/operator",
    ]
) | st.text("abcé%.?&=/#\\:@;+ ", max_size=30).map(lambda text: "/" + text)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
bodies = st.binary(max_size=80) | nested(st.none() | st.text(max_size=50)).map(json.dumps).map(str.encode)
asks = st.fixed_dictionaries(
    {"room": st.sampled_from(["lobby", "../x", "x" * 65]) | sayable, "name": st.text(max_size=50) | sayable}
).map(lambda body: json.dumps(body).encode())
orders = st.fixed_dictionaries(
    {"action": st.sampled_from(["add", "pause", "keep-awake", "x"]) | sayable, "id": names | sayable},
    optional={"by": names | sayable, "why": sayable, "text": sayable, "minutes": st.floats() | sayable},
).map(lambda body: json.dumps(body).encode())
OPERATOR = f"Bearer {KEY.decode()}"


@QUICK
@given(
    requests=st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD"]),
            paths,
            bodies | asks | orders,
            st.dictionaries(
                st.sampled_from(["Host", "Origin", "Authorization", "X-Forwarded-For", "If-None-Match"]),
                header_values | st.builds("Bearer {}".format, header_values) | st.just(OPERATOR),
            ),
        ),
        max_size=12,
    )
)
def test_whatever_is_asked_over_http_no_answer_is_a_fault(
    requests: list[tuple[str, str, bytes, dict[str, str]]],
) -> None:
    async def suffer(home: House) -> None:
        app = create_app(
            conference=home.conference,
            sessions=home.sessions,
            tokens=home.tokens,
            peers=home.census,
            overview=home.overview,
            feed=SnapshotFeed(home.overview.snapshot, home.metrics.drop),
            page=load_page(None),
            headers=security_headers(),
            settings=SessionSettings(),
            version="1.2.3",
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=True, client=("203.0.113.5", 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://example.org") as http:
            for method, path, body, headers in requests:
                encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
                asked = http.build_request(method, "/", content=body, headers=encoded)
                asked.url = asked.url.copy_with(raw_path=quote(path, safe="/%?&=").encode())
                answer = await http.send(asked)
                key_shown = headers.get("Authorization") == OPERATOR
                assert answer.status_code in (200, 304, 400, 401, 404, 405, 422, *([503] * key_shown))
                if path in ("/metrics", "/api/personas", "/api/personas/nova") and not key_shown:
                    assert answer.status_code in (401, 405), "a stranger is told nothing"
        assert not home.conference.rooms

    run(suffer, asyncio.new_event_loop)
