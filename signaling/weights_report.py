"""What `continuum weights` prints."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from signaling.weights import Download, Entry, Source
from signaling.weights_cache import WeightsCache

__all__ = ["report"]


def report(catalogue: Iterable[Entry], cache: WeightsCache, given: Mapping[str, Path]) -> Iterator[str]:
    """Lines about each entry: state, size, licence, sources, and the hash of each file."""
    for entry in catalogue:
        states = [cache.state(entry, file) for file in entry.files]
        state = next((state for state in ("damaged", "missing") if state in states), "verified")
        needed = " (optional)" if entry.optional else ""
        yield f"{entry.role}{needed}: {entry.title}"
        if entry.role in given:
            yield f"  your own    {given[entry.role]} (not checked)"
        yield f"  {state:10}  {cache.root / entry.name}"
        yield f"  size        {entry.size / 1e6:.1f} MB"
        note = f": {entry.licence_note}" if entry.licence_note else ""
        yield f"  licence     {entry.licence}{note}"
        yield f"  publisher   {entry.publisher}"
        for source in dict.fromkeys(_named(source) for file in entry.files for source in file.sources):
            yield f"  source      {source}"
        for file in entry.files:
            yield f"  sha256      {file.sha256}  {file.name}"
        yield ""


def _named(source: Source) -> str:
    if isinstance(source, Download):
        if source.url.startswith("hf:"):
            return "Hugging Face " + source.url.removeprefix("hf:").split("/resolve/")[0]
        return source.url
    first, last = source.parts[0], source.parts[-1]
    span = "" if first == last else f" … {last.package}"
    return f"mirror in the package index ({source.registry}): {first.package} {first.version}{span}"
