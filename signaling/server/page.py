"""The built page, read once at the start and served from memory."""

import hashlib
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Asset", "Page", "load_page", "security_headers"]

MAX_BYTES = 32 << 20
INDEX = "index.html"
_HASHED = re.compile(r"-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}

_EXPLANATION = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Continuum</title>
<h1>The page is not built</h1>
<p>The server runs, but it has no page to show. Build it with <code>make web</code> and start again.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    body: bytes
    media_type: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """The files by path below the root, without a leading slash; `index` is what the root shows."""

    index: Asset
    assets: Mapping[str, Asset]
    built: bool


def security_headers(frame_ancestors: Sequence[str] = ("'self'",)) -> dict[str, str]:
    """What every response of the page says to the browser.

    Args:
        frame_ancestors: sources (CSP Level 3) of pages that may show this one in a frame.
    """
    policy = {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "media-src": "'self' blob: mediastream:",
        "worker-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(frame_ancestors),
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Permissions-Policy": (
            "microphone=(self), camera=(self), display-capture=(self), autoplay=(self), "
            "speaker-selection=(self), geolocation=(), usb=(), serial=(), bluetooth=()"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def load_page(directory: Path | None) -> Page:
    """Reads the built page; one that is not built is replaced by a page that says so.

    Args:
        directory: where `index.html` is.

    Raises:
        ValueError: what is there is larger than a page can be.
    """
    if directory is None or not (directory / INDEX).is_file():
        explanation = Asset(_EXPLANATION.encode(), "text/html; charset=utf-8", {"Cache-Control": "no-store"})
        return Page(explanation, {}, built=False)
    assets: dict[str, Asset] = {}
    total = 0
    root = directory.resolve()
    for path in sorted(root.rglob("*")):
        if not path.is_file() or not path.resolve().is_relative_to(root):
            continue
        body = path.read_bytes()
        total += len(body)
        if total > MAX_BYTES:
            raise ValueError(f"the page in {directory} has more than {MAX_BYTES} bytes")
        name = path.relative_to(root).as_posix()
        assets[name] = Asset(body, _media_type(path), _headers(name, body))
    return Page(assets[INDEX], assets, built=True)


def _media_type(path: Path) -> str:
    guess = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{guess}; charset=utf-8" if guess.startswith("text/") else guess


def _headers(name: str, body: bytes) -> dict[str, str]:
    if name.endswith(".html"):
        return {"Cache-Control": "no-store"}
    # Any page may embed the widgets by a script tag, which for a module needs leave.
    shared = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    if name.startswith("assets/") and _HASHED.search(name):
        return shared | {"Cache-Control": "public, max-age=31536000, immutable"}
    return shared | {"Cache-Control": "no-cache", "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"'}
