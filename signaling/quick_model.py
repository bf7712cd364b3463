"""The default language model as this machine evaluates it fastest: made once from the weights, kept beside them."""

import os
from collections.abc import Mapping
from pathlib import Path

import structlog

from cognition.inference.generator import GenerationError
from cognition.inference.llama_library import llama_cpp
from cognition.inference.requantize import requantize
from signaling.weights_cache import WeightsCache

__all__ = ["quick_model"]

ROLE = "language-model"
_PREFIX = "q4_0-"

_log = structlog.get_logger()


def quick_model(cache: WeightsCache, given: Mapping[str, Path], *, threads: int) -> Path:
    """The language model's file; blocks for some seconds the first time.

    A file that the user named is taken as it is: its quantisation is the user's choice. Where no copy can be kept, the
    weights serve as they were fetched.

    Raises:
        WeightsError: the weights are missing or damaged.
    """
    source = cache.resolve(ROLE, given)
    if ROLE in given:
        return source
    target = source.with_name(f"{_PREFIX}{llama_cpp.__version__}.gguf")
    if _is_newer(target, source):
        return target
    fresh = target.with_name(f".{target.name}.part")
    try:
        with cache.lock(lambda: None):
            if _is_newer(target, source):
                return target
            for abandoned in target.parent.glob(f".{_PREFIX}*.part"):
                # Of a process that was killed: whoever writes one holds the lock.
                abandoned.unlink()
            _log.info("making a quick copy of the language model", target=str(target))
            requantize(source, fresh, threads=threads)
            _keep(fresh)
            fresh.replace(target)
            for stale in set(target.parent.glob(f"{_PREFIX}*.gguf")) - {target}:
                stale.unlink()
    except (GenerationError, OSError) as error:
        fresh.unlink(missing_ok=True)
        _log.warning("no quick copy of the language model", reason=str(error))
        return source
    return target


def _keep(path: Path) -> None:
    """Sees to it that what is in a file is on the disk before its name is: no hash tells later what was lost."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _is_newer(target: Path, source: Path) -> bool:
    return target.is_file() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns
