"""What prompts begin with, evaluated once and kept on disk, so that a start does not evaluate it again. Blocking.

They hold instructions and examples, and nothing that anybody said.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np

from cognition.inference.parked import Parked

__all__ = ["Beginnings"]

LIMIT = 128 << 20
"""Bytes on disk: thirty beginnings with the default model and persona."""
_SUFFIX = ".state"
_DIGEST = 32


class Beginnings:
    """States of evaluated tokens by what they are states of; beyond `LIMIT` the ones used least recently go.

    Args:
        folder: where they are; made when there is something to keep.
        model: tells the model, and what evaluates it: a state of another one is never read.
        limit: bytes all of them may have.
    """

    def __init__(self, folder: Path, model: str, limit: int = LIMIT) -> None:
        self._folder = folder
        self._model = model
        self._limit = limit

    def read(self, tokens: Sequence[int]) -> Parked | None:
        """The state of just these tokens; None where there is none, one that is damaged is removed.

        Raises:
            OSError: the disk does not give it.
        """
        path = self._path(tokens)
        try:
            data = np.fromfile(path, np.uint8)
        except FileNotFoundError:
            return None
        state = data[_DIGEST:]
        if data[:_DIGEST].tobytes() != _digest(state):
            path.unlink(missing_ok=True)
            return None
        os.utime(path)
        return Parked(list(tokens), len(tokens), state)

    def keep(self, parked: Parked) -> None:
        """Keeps a state; it is there as a whole or not at all.

        Raises:
            OSError: the disk does not take it.
        """
        path = self._path(parked.tokens)
        self._folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                file.write(_digest(parked.state))
                file.write(parked.state.data)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self._make_room(path)

    def _make_room(self, newest: Path) -> None:
        found = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            # Another process of the same user may have removed it.
            with suppress(FileNotFoundError):
                known = path.stat()
                found.append((path != newest, known.st_mtime_ns, known.st_size, path))
        size = sum(each[2] for each in found)
        for older, _, bytes_, path in sorted(found, key=lambda each: (not each[0], each[1])):
            if size <= self._limit or not older:
                return
            path.unlink(missing_ok=True)
            size -= bytes_

    def _path(self, tokens: Sequence[int]) -> Path:
        name = blake2b(self._model.encode(), digest_size=20)
        name.update(np.asarray(tokens, np.int64).tobytes())
        return self._folder / f"{name.hexdigest()}{_SUFFIX}"


def _digest(state: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> bytes:
    return blake2b(state.data, digest_size=_DIGEST).digest()
