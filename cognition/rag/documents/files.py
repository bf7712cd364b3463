"""Files of a folder: which there are, and what is in one, read so that none of them can do harm. Blocking."""

import errno
import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = [
    "LARGEST",
    "MOST_FILES",
    "PASSING",
    "FileKind",
    "Listing",
    "PutOff",
    "Refused",
    "Stamp",
    "kind_of",
    "list_files",
    "read",
]

LARGEST = 32 << 20
"""Bytes of a file."""
MOST_FILES = 20_000
"""Files of one folder."""
DEEPEST = 32
_STAMPS = range(-(1 << 63), 1 << 63)
"""Nanoseconds that can be kept: the years 1677 to 2262; file systems hold more."""

FileKind = Literal["text", "markdown", "html", "pdf", "code"]

_TEXT = frozenset("txt text log csv tsv org adoc tex".split())
_MARKDOWN = frozenset("md markdown mdx rst".split())
_HTML = frozenset("html htm xhtml".split())
_CODE = frozenset(
    "py pyi js mjs cjs jsx ts tsx java kt kts scala c h cc cpp cxx hpp hh cs go rs rb php swift m mm lua pl r jl sh"
    " bash zsh fish ps1 sql toml yaml yml json ini cfg conf css scss less"
    " vue svelte ex exs erl hs clj lisp el vim proto graphql tf dart nim zig".split()
)
_NAMES: dict[str, FileKind] = {"readme": "text", "license": "text", "makefile": "code", "dockerfile": "code"}
_PASSED_OVER = frozenset({"node_modules", "__pycache__", "venv"})


class Refused(Exception):
    """Nothing is known of a file; the message is the reason, one of few."""


class PutOff(Refused):
    """It was for want of time or of processes, which may pass; to try again costs as much as it did."""


PASSING = frozenset({"not permitted", "not there", "cannot be read", "changed while it was read"})
"""Reasons that may pass although the file stays as it is, and which it costs nothing to find again."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """By which a file is seen to have changed: bytes, and nanoseconds since 1970."""

    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder that are of a kind that is read, by path below it, and how many others were passed over."""

    files: dict[str, Stamp]
    passed_over: Counter[str]
    found: bool = True


def kind_of(name: str) -> FileKind | None:
    """What a file is taken for, by its name; None for what is not read."""
    stem, _, ending = name.lower().rpartition(".")
    if not stem:
        return _NAMES.get(ending)
    for endings, kind in ((_TEXT, "text"), (_MARKDOWN, "markdown"), (_HTML, "html"), (_CODE, "code")):
        if ending in endings:
            return kind  # type: ignore[return-value]
    return "pdf" if ending == "pdf" else None


def list_files(folder: Path) -> Listing:
    """Looks through a folder, or at a file; follows no symbolic link below it, and reads no file.

    What is hidden is passed over, as are caches and what programs fetch for themselves.
    """
    files: dict[str, Stamp] = {}
    passed_over: Counter[str] = Counter()
    try:
        about = folder.stat()
    except OSError as error:
        return Listing({}, Counter({_reason(error): 1}), found=False)
    if not stat.S_ISDIR(about.st_mode):
        if about.st_mtime_ns not in _STAMPS:
            return Listing({}, Counter({"date out of range": 1}))
        return Listing({"": Stamp(about.st_size, about.st_mtime_ns)}, passed_over)
    waiting = [("", 0)]
    while waiting:
        below, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(folder / below), key=lambda entry: entry.name)
        except OSError as error:
            passed_over[f"folder {_reason(error)}"] += 1
            continue
        for entry in entries:
            path = f"{below}{entry.name}"
            try:
                if entry.is_symlink():
                    passed_over["symbolic link"] += 1
                elif entry.is_dir(follow_symlinks=False):
                    if entry.name.startswith(".") or entry.name in _PASSED_OVER:
                        passed_over["hidden"] += 1
                    elif depth >= DEEPEST:
                        passed_over["folder too deep"] += 1
                    else:
                        waiting.append((f"{path}/", depth + 1))
                elif entry.name.startswith("."):
                    passed_over["hidden"] += 1
                elif not _is_text(path) or kind_of(entry.name) is None:
                    passed_over["kind not read"] += 1
                elif len(files) >= MOST_FILES:
                    passed_over["too many files"] += 1
                else:
                    # A name that is no regular file is kept here, and refused when it is to be read.
                    known = entry.stat(follow_symlinks=False)
                    if known.st_mtime_ns in _STAMPS:
                        files[path] = Stamp(known.st_size, known.st_mtime_ns)
                    else:
                        passed_over["date out of range"] += 1
            except OSError as error:
                passed_over[_reason(error)] += 1
    return Listing(files, passed_over)


def read(path: Path, *, largest: int = LARGEST) -> tuple[bytes, Stamp]:
    """The content of a file, and its stamp, which did not change while it was read.

    Its size is looked at before it is read, and no more than that is; a pipe or a device is not waited for.

    Raises:
        Refused: "too large", "not a regular file", "symbolic link", "date out of range", "changed while it was read",
            "not there", "not permitted", or "cannot be read".
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(_reason(error)) from error
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise Refused("not a regular file")
        if before.st_size > largest:
            raise Refused("too large")
        if before.st_mtime_ns not in _STAMPS:
            raise Refused("date out of range")
        pieces: list[bytes] = []
        left = before.st_size + 1
        while left > 0 and (piece := os.read(descriptor, min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
        after = os.fstat(descriptor)
    except OSError as error:
        raise Refused(_reason(error)) from error
    finally:
        os.close(descriptor)
    content = b"".join(pieces)
    if len(content) != before.st_size or (after.st_size, after.st_mtime_ns) != (
        before.st_size,
        before.st_mtime_ns,
    ):
        raise Refused("changed while it was read")
    return content, Stamp(before.st_size, before.st_mtime_ns)


def _is_text(path: str) -> bool:
    """Names that are no UTF-8 cannot be kept, nor said."""
    return path.isprintable() and not any("\ud800" <= each <= "\udfff" for each in path)


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "not there"
        case errno.EACCES | errno.EPERM:
            return "not permitted"
        case errno.ELOOP:
            return "symbolic link"
        case errno.ENXIO:
            return "not a regular file"
    return "cannot be read"
