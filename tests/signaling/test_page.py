"""The page is read once, kept in memory, and sent with what keeps others from misusing it."""

from pathlib import Path

import pytest

from signaling.server import page as page_module
from signaling.server.page import load_page, security_headers


def test_a_built_page_is_read_with_its_types_and_lives(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets" / "main-Bx3_kq9Z.js").write_text("1")
    (tmp_path / "continuum.js").write_text("2")
    page = load_page(tmp_path)
    assert page.built
    assert page.index.headers == {"Cache-Control": "no-store"}
    assert page.index.media_type == "text/html; charset=utf-8"
    hashed, plain = page.assets["assets/main-Bx3_kq9Z.js"], page.assets["continuum.js"]
    assert "immutable" in hashed.headers["Cache-Control"]
    assert hashed.media_type == "text/javascript; charset=utf-8"
    assert plain.headers["Cache-Control"] == "no-cache"
    assert plain.headers["ETag"]
    assert plain.headers["Access-Control-Allow-Origin"] == "*"


def test_nothing_outside_the_page_is_served(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    built = tmp_path / "dist"
    built.mkdir()
    (built / "index.html").write_text("<!doctype html>")
    (built / "link.txt").symlink_to(tmp_path / "secret")
    assert set(load_page(built).assets) == {"index.html"}


@pytest.mark.parametrize("directory", [None, Path("/nonexistent")])
def test_a_page_that_is_not_built_says_how_to_build_it(directory: Path | None) -> None:
    page = load_page(directory)
    assert not page.built
    assert b"make web" in page.index.body


def test_a_page_too_large_for_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MAX_BYTES", 10)
    (tmp_path / "index.html").write_text("x" * 11)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        load_page(tmp_path)


def test_no_inline_script_runs_and_only_the_page_gets_the_microphone() -> None:
    headers = security_headers(["'self'", "https://example.org"])
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self' https://example.org" in policy
    assert "microphone=(self), camera=(self)" in headers["Permissions-Policy"]
