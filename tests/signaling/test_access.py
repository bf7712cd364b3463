"""Who counts as local, and whose page may open a WebSocket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.server.access import bearer, is_local_request, may_connect


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize(
    "host", ["localhost:8200", "127.0.0.1", "[::1]:8200", "room.localhost", "LOCALHOST."]
)
@pytest.mark.parametrize("origin", [None, "http://localhost:8200", "http://127.0.0.1:5173", "https://[::1]"])
def test_this_machine_is_local(client: str, host: str, origin: str | None) -> None:
    assert is_local_request(client, host, origin)


@pytest.mark.parametrize(
    ("client", "host", "origin"),
    [
        ("192.168.1.7", "localhost", None),
        (None, "localhost", None),
        ("127.0.0.1", None, None),
        ("127.0.0.1", "evil.example", None),
        ("127.0.0.1", "evil.example:8200", "http://evil.example:8200"),
        ("127.0.0.1", "localhost.evil.example", None),
        ("127.0.0.1", "127.0.0.1.evil.example", None),
        ("127.0.0.1", "localhost@evil.example", None),
        ("127.0.0.1", "user@localhost", None),
        ("127.0.0.1", "localhost/..", None),
        ("127.0.0.1", "localhost:port", None),
        ("127.0.0.1", "[::1", None),
        ("127.0.0.1", "192.168.1.7", None),
        ("127.0.0.1", "localhost", "http://evil.example"),
        ("127.0.0.1", "localhost", "null"),
        ("127.0.0.1", "localhost", ""),
        ("127.0.0.1", "localhost", "file://localhost"),
        ("127.0.0.1", "localhost", "http://localhost.evil.example"),
    ],
)
def test_a_rebound_name_a_foreign_page_and_another_machine_are_not(
    client: str | None, host: str | None, origin: str | None
) -> None:
    assert not is_local_request(client, host, origin)


def test_what_a_proxy_hands_on_is_not_local() -> None:
    assert not is_local_request("127.0.0.1", "localhost", None, forwarded=True)


def test_a_page_connects_to_the_host_it_came_from_or_where_it_is_allowed_to() -> None:
    assert may_connect("Example.org:8200", "https://example.org:8200", ())
    assert may_connect("127.0.0.1:8200", None, ())
    assert may_connect("other.org", "https://example.org", ("https://example.org",))
    assert not may_connect("other.org", "https://example.org", ("https://example.com",))
    assert not may_connect("example.org:8200", "https://example.org", ())
    assert not may_connect("example.org", "null", ())
    assert not may_connect(None, "https://example.org", ())


@given(st.text(), st.none() | st.text(), st.none() | st.text())
def test_no_header_breaks_the_checks(client: str, host: str | None, origin: str | None) -> None:
    assert not is_local_request(client, "evil.example", origin)
    assert is_local_request("127.0.0.1", host, origin) in (True, False)
    assert may_connect(host, origin, ()) in (True, False)
    bearer(origin)


def test_a_bearer_is_read() -> None:
    assert bearer("Bearer abc") == "abc"
    assert bearer("bearer  abc ") == "abc"
    for wrong in (None, "", "Bearer", "Bearer ", "Basic abc", "abc"):
        assert bearer(wrong) is None
