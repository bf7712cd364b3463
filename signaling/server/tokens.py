"""Signed, scoped, expiring tokens (JWT, RFC 7519, HS256) for seats, links and lost connections."""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast, get_args

import jwt

from signaling.server.names import MAX_ID_CHARACTERS, valid_room

__all__ = ["EVERYTHING", "Claims", "Permission", "TokenError", "Tokens", "Use"]

Permission = Literal["speak", "show", "chat", "listen"]
Use = Literal["join", "resume", "invite"]

EVERYTHING: frozenset[Permission] = frozenset(get_args(Permission))
MIN_KEY_BYTES = 32
JOIN_LIFE = timedelta(hours=12)
RESUME_LIFE = timedelta(hours=24)
INVITE_LIFE = timedelta(days=7)


class TokenError(Exception):
    """A token that opens nothing.

    Attributes:
        code: `bad-token` or `expired`, as in the protocol's `bye`; `wrong-use` and `wrong-room` for what is
            genuine but not meant for this.
    """

    def __init__(
        self, code: Literal["bad-token", "expired", "wrong-use", "wrong-room"], message: str
    ) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says.

    Attributes:
        room: the one room that it opens.
        identity: whose seat; a random one in an invite, where it means nothing.
        can: what its bearer may do there.
        use: what it may be used for.
        expires: UTC.
        participant: the seat's id, in a resume token.
        person: who it is, the same in every room and on every day; None where that is not known.
    """

    room: str
    identity: str
    can: frozenset[Permission]
    use: Use
    expires: datetime
    participant: str | None = None
    person: str | None = None

    @property
    def giver(self) -> str:
        """Who gives what this token's bearer gives: the person where known, else the one seat."""
        return self.person or self.identity


class Tokens:
    """Mints and verifies. Stateless: what was minted before a restart is good after it.

    Args:
        key: the server's key, as its file holds it; white space around it is ignored.
        now: the wall clock, UTC.

    Raises:
        ValueError: when the key is shorter than 32 bytes.
    """

    def __init__(self, key: bytes, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._key = key.strip()
        if len(self._key) < MIN_KEY_BYTES:
            raise ValueError(f"the server's key has at least {MIN_KEY_BYTES} bytes")
        # A key of their own: what signs tokens is never what a client sends as its bearer key.
        self._signing_key = hmac.digest(self._key, b"continuum room tokens", hashlib.sha256)
        self._now = now

    def is_key(self, key: str) -> bool:
        """Whether it is the server's key, compared in constant time."""
        return hmac.compare_digest(key.encode("utf-8", "surrogatepass"), self._key)

    def person_of(self, secret: str) -> str:
        """The person who knows this secret: it tells two of them apart and does not tell the secret."""
        shown = hmac.digest(
            self._key, b"continuum person " + secret.encode("utf-8", "surrogatepass"), hashlib.sha256
        )
        return f"person-{shown.hex()[:24]}"

    def mint_join(
        self,
        room: str,
        identity: str,
        can: Iterable[Permission] = EVERYTHING,
        *,
        life: timedelta = JOIN_LIFE,
        person: str | None = None,
    ) -> str:
        """A seat in `room` for `identity`."""
        return self._mint("join", room, identity, can, life, {} if person is None else {"per": person})

    def mint_invite(
        self, room: str, can: Iterable[Permission] = EVERYTHING, *, life: timedelta = INVITE_LIFE
    ) -> str:
        """A link into `room`, to be exchanged for a join token by whoever has it."""
        return self._mint("invite", room, "invite", can, life)

    def mint_resume(self, claims: Claims, participant: str, *, life: timedelta = RESUME_LIFE) -> str:
        """The right to come back to the seat `participant` that was taken with `claims`."""
        more = {"pid": participant} | ({} if claims.person is None else {"per": claims.person})
        return self._mint("resume", claims.room, claims.identity, claims.can, life, more)

    def _mint(
        self,
        use: Use,
        room: str,
        identity: str,
        can: Iterable[Permission],
        life: timedelta,
        more: dict[str, str] | None = None,
    ) -> str:
        now = self._now()
        body = {"use": use, "room": room, "sub": identity, "can": sorted(can), "iat": now, "exp": now + life}
        return jwt.encode(body | (more or {}), self._signing_key, algorithm="HS256")

    def verify(self, token: str, use: Use, *, room: str | None = None) -> Claims:
        """What a genuine, living token says.

        Args:
            token: of any origin.
            use: what it is shown for.
            room: where it is shown, if that is known.

        Raises:
            TokenError: for anything else; never another exception.
        """
        try:
            body = jwt.decode(
                token,
                self._signing_key,
                algorithms=["HS256"],
                options={
                    "require": ["exp", "iat", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        # PyJWT lets errors of its parts through for some garbage (recursion, encodings, numbers).
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise TokenError("bad-token", f"not a token of this server: {error}"[:200]) from None
        claims = _claims(body)
        if claims.expires <= self._now():
            raise TokenError("expired", "the token has expired")
        if claims.use != use:
            raise TokenError("wrong-use", f"the token is for {claims.use}, not for {use}")
        if room is not None and claims.room != room:
            raise TokenError("wrong-room", "the token is for another room")
        return claims


def _claims(body: dict[str, Any]) -> Claims:
    room, identity, use, can = (body.get(name) for name in ("room", "sub", "use", "can"))
    expires, participant, person = body.get("exp"), body.get("pid"), body.get("per")
    well = (
        valid_room(room)
        and isinstance(identity, str)
        and 0 < len(identity) <= MAX_ID_CHARACTERS
        and use in get_args(Use)
        and isinstance(can, list)
        and all(isinstance(item, str) and item in EVERYTHING for item in can)
        and (
            participant is None
            or (isinstance(participant, str) and 0 < len(participant) <= MAX_ID_CHARACTERS)
        )
        and (person is None or (isinstance(person, str) and 0 < len(person) <= MAX_ID_CHARACTERS))
        and (use == "resume") == (participant is not None)
        and type(expires) is int
        and 0 < expires < 1 << 34
    )
    if not well:
        raise TokenError("bad-token", "the token's claims are not understood")
    return Claims(
        cast(str, room),
        cast(str, identity),
        frozenset(cast(list[Permission], can)),
        cast(Use, use),
        datetime.fromtimestamp(cast(int, expires), UTC),
        participant,
        person,
    )
