"""Tokens: what was minted opens what it was minted for, and nothing else does."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signaling.server.tokens import EVERYTHING, TokenError, Tokens, Use

KEY = b"0123456789abcdef0123456789abcdef"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def refusal(tokens: Tokens, token: str, use: Use = "join", room: str | None = None) -> str | None:
    try:
        tokens.verify(token, use, room=room)
    except TokenError as error:
        return error.code
    return None


def test_a_join_token_says_what_it_was_minted_for() -> None:
    tokens = Tokens(KEY, Clock())
    claims = tokens.verify(tokens.mint_join("lobby", "ada", ["chat", "listen"]), "join", room="lobby")
    assert (claims.room, claims.identity, claims.can) == ("lobby", "ada", frozenset({"chat", "listen"}))
    assert claims.participant is None
    assert claims.expires > NOON


def test_a_resume_token_keeps_the_seat_and_the_permissions() -> None:
    tokens = Tokens(KEY, Clock())
    claims = tokens.verify(tokens.mint_join("lobby", "ada", ["chat"]), "join")
    again = tokens.verify(tokens.mint_resume(claims, "p1"), "resume")
    assert (again.participant, again.identity, again.can) == ("p1", "ada", frozenset({"chat"}))


def test_tokens_outlive_the_process_that_minted_them() -> None:
    assert refusal(Tokens(KEY + b"\n", Clock()), Tokens(KEY, Clock()).mint_join("lobby", "ada")) is None


def test_each_reason_has_its_code() -> None:
    clock = Clock()
    tokens = Tokens(KEY, clock)
    join, invite = tokens.mint_join("lobby", "ada"), tokens.mint_invite("lobby")
    assert refusal(tokens, join, "resume") == "wrong-use"
    assert refusal(tokens, invite, "join") == "wrong-use"
    assert refusal(tokens, invite, "invite", "attic") == "wrong-room"
    assert refusal(Tokens(b"x" * 32, clock), join) == "bad-token"
    assert refusal(tokens, join[:-2] + ("AA" if not join.endswith("AA") else "BB")) == "bad-token"
    clock.now += timedelta(days=2)
    assert refusal(tokens, join) == "expired"


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_another_algorithm_is_refused(algorithm: str) -> None:
    tokens = Tokens(KEY, Clock())
    body = jwt.decode(tokens.mint_join("lobby", "ada"), options={"verify_signature": False})
    key = "" if algorithm == "none" else tokens._signing_key * 2
    forged = jwt.encode(body, key, algorithm=algorithm)
    assert refusal(tokens, forged) == "bad-token"


def signed(tokens: Tokens, body: object) -> str:
    return jwt.api_jws.encode(json.dumps(body).encode(), tokens._signing_key, algorithm="HS256")


@pytest.mark.parametrize(
    "change",
    [
        {"room": "../etc"},
        {"room": None},
        {"sub": ""},
        {"sub": "x" * 65},
        {"can": "speak"},
        {"can": ["fly"]},
        {"can": [["speak"]]},
        {"use": "admin"},
        {"use": ["join"]},
        {"exp": 1 << 40},
        {"exp": -1},
        {"exp": "soon"},
        {"exp": 1.5e300},
        {"pid": "p1"},
        {"use": "resume"},
        {"use": "resume", "pid": 7},
    ],
)
def test_claims_that_make_no_sense_are_refused_though_they_are_signed(change: dict[str, object]) -> None:
    tokens = Tokens(KEY, Clock())
    exp = int(NOON.timestamp()) + 60
    body = {"use": "join", "room": "lobby", "sub": "ada", "can": ["chat"], "iat": 0, "exp": exp}
    assert refusal(tokens, signed(tokens, body)) is None
    assert refusal(tokens, signed(tokens, body | change)) == "bad-token"


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@given(
    st.text(max_size=200)
    | st.lists(st.text(alphabet="abcXYZ019-_=+/", max_size=40), min_size=3, max_size=3).map(".".join)
    | st.builds(
        lambda header, body: f"{encoded(header)}.{encoded(body)}.AAAA",
        st.recursive(
            st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
        ),
        st.dictionaries(st.text(), st.integers() | st.text()),
    )
)
@example("\ud800")
@example("." * 1000)
@example(f"{encoded({'alg': 'HS256', 'crit': ['b64'], 'b64': False})}.{encoded({})}.AAAA")
def test_garbage_is_a_bad_token_and_nothing_else(garbage: str) -> None:
    assert refusal(Tokens(KEY, Clock()), garbage) == "bad-token"


def test_the_key_is_known_by_itself_alone() -> None:
    tokens = Tokens(KEY, Clock())
    assert tokens.is_key(KEY.decode())
    for other in ("", KEY.decode()[:-1], KEY.decode().upper(), "\ud800", tokens.mint_invite("lobby")):
        assert not tokens.is_key(other)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Tokens(b"secret")


def test_nobody_gets_more_than_there_is() -> None:
    tokens = Tokens(KEY, Clock())
    assert tokens.verify(tokens.mint_join("lobby", "ada"), "join").can == EVERYTHING


def test_a_person_is_the_same_one_by_their_secret_which_no_token_tells() -> None:
    tokens = Tokens(KEY, Clock())
    ada = tokens.person_of("s" * 22)
    assert ada == tokens.person_of("s" * 22) != tokens.person_of("t" * 22)
    assert ada != Tokens(b"another key" * 4, Clock()).person_of("s" * 22)
    joined = tokens.mint_join("lobby", "guest-1", person=ada)
    claims = tokens.verify(joined, "join")
    assert (claims.identity, claims.person, claims.giver) == ("guest-1", ada, ada)
    assert "s" * 22 not in str(jwt.decode(joined, options={"verify_signature": False}))
    resumed = tokens.verify(tokens.mint_resume(claims, "p1"), "resume")
    assert resumed.giver == ada
    assert tokens.verify(tokens.mint_join("lobby", "guest-1"), "join").giver == "guest-1"
