"""The weights on this machine: where they lie, whether they are what the catalogue says, who may write."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from signaling.errors import UserError
from signaling.weights import Entry, WeightFile, entry_for

__all__ = ["FileState", "WeightsCache", "WeightsError", "sha256_of"]

FileState = Literal["missing", "damaged", "verified"]

_BLOCK = 1 << 20


class WeightsError(UserError):
    """Weights that cannot be had or are not what they should be; the message is for people."""


def sha256_of(path: Path, advance: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file, hexadecimal; `advance` is told the bytes read."""
    digest = hashlib.sha256()
    block = memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(block[:count])
            if advance is not None:
                advance(count)
    return digest.hexdigest()


class WeightsCache:
    """A directory of weights: `<root>/<entry name>/<file name>`.

    A verification is remembered with the file's size, modification time and inode, so that a later start
    reads no weights to trust them.

    Attributes:
        root: the directory; made when something is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._memo: dict[str, list[int | str]] | None = None

    def path(self, entry: Entry, file: WeightFile) -> Path:
        """Where a file of an entry lies, there or not."""
        return self.root / entry.name / file.name

    @property
    def staging(self) -> Path:
        """Where what is half fetched lies, on the same file system."""
        return self.root / ".staging"

    def state(self, entry: Entry, file: WeightFile, *, reread: bool = False) -> FileState:
        """Whether a file is there and is what the catalogue says.

        Args:
            entry: whose file it is.
            file: which one.
            reread: hash it even where an earlier verification is remembered.
        """
        path = self.path(entry, file)
        try:
            stat = path.stat()
        except FileNotFoundError:
            return "missing"
        if stat.st_size != file.size:
            return "damaged"
        if not reread and self._remembered().get(_key(entry, file)) == _fingerprint(stat, file):
            return "verified"
        if sha256_of(path) != file.sha256:
            return "damaged"
        self.trust(entry, file)
        return "verified"

    def trust(self, entry: Entry, file: WeightFile) -> None:
        """Remembers that the file, as it lies there now, has been verified."""
        memo = self._remembered()
        fingerprint = _fingerprint(self.path(entry, file).stat(), file)
        if memo.get(_key(entry, file)) != fingerprint:
            memo[_key(entry, file)] = fingerprint
            self._remember(memo)

    def resolve(self, role: str, given: Mapping[str, Path] | None = None) -> Path:
        """What an engine is handed for a role: a file, or the directory its files are in.

        Args:
            role: one of `signaling.weights.ROLES`.
            given: paths set by the user, by role; they go first and their hash is the user's affair.

        Raises:
            WeightsError: if it is not there or not what the catalogue says, and what to do.
            LookupError: if there is no such role.
        """
        entry = entry_for(role)
        own = (given or {}).get(role)
        if own is not None:
            path = own.expanduser()
            if not path.exists():
                raise WeightsError(f"the path set for {role} does not exist: {path}")
            return path
        for file in entry.files:
            state = self.state(entry, file)
            if state != "verified":
                raise WeightsError(
                    f"the weights for {role} are {state} ({self.path(entry, file)}): "
                    f"run `continuum weights fetch {role}`"
                )
        directory = self.root / entry.name
        return directory / entry.handle if entry.handle else directory

    @contextmanager
    def lock(self, waiting: Callable[[], None], *, timeout_s: float = 3600.0) -> Iterator[None]:
        """Held by the one process that writes; the system releases it when that process dies.

        Args:
            waiting: called once if another process holds it.
            timeout_s: how long to wait for the other.

        Raises:
            WeightsError: if the other holds it for longer.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + timeout_s
        told = False
        with (self.root / ".lock").open("w") as handle:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not told:
                        told = True
                        waiting()
                    if time.monotonic() > deadline:
                        raise WeightsError(f"another process has held {self.root} for too long") from None
                    time.sleep(0.1)
            self._memo = None
            yield

    def _remembered(self) -> dict[str, list[int | str]]:
        if self._memo is None:
            try:
                loaded = json.loads((self.root / ".verified.json").read_text())
            except (FileNotFoundError, ValueError):
                # Nothing is lost with it but the time to hash again.
                loaded = {}
            self._memo = loaded if isinstance(loaded, dict) else {}
        return self._memo

    def _remember(self, memo: dict[str, list[int | str]]) -> None:
        path = self.root / ".verified.json"
        fresh = path.with_name(f".verified.{os.getpid()}.json")
        try:
            fresh.write_text(json.dumps(memo, indent=1, sort_keys=True))
            fresh.replace(path)
        except PermissionError:
            # A read-only cache serves as well; it is hashed at each start.
            return


def _key(entry: Entry, file: WeightFile) -> str:
    return f"{entry.name}/{file.name}"


def _fingerprint(stat: os.stat_result, file: WeightFile) -> list[int | str]:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino, file.sha256]
