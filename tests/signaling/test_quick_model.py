"""The quick copy of the language model: made once, kept beside the weights, done without where it cannot be."""

import os
from pathlib import Path

import pytest

from cognition.inference.llama_context import LlamaContext
from cognition.inference.llama_library import llama_cpp
from signaling.engines import load_generator
from signaling.quick_model import quick_model
from signaling.weights_cache import WeightsCache
from tests.weights_fixture import WeightsOf, weights

__all__ = ["weights"]


def _cache(root: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsCache:
    cache = WeightsCache(root)
    monkeypatch.setattr(cache, "resolve", lambda role, given=None: (given or {}).get(role, source))
    return cache


def test_a_model_the_user_named_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.gguf"
    cache = _cache(tmp_path, tmp_path / "other.gguf", monkeypatch)
    assert quick_model(cache, {"language-model": own}, threads=1) == own


def test_weights_that_cannot_be_copied_serve_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "model.gguf"
    source.write_bytes(b"no model at all")
    assert quick_model(_cache(tmp_path, source, monkeypatch), {}, threads=1) == source
    assert {path.name for path in tmp_path.iterdir()} == {"model.gguf", ".lock"}


def test_what_a_process_that_was_killed_left_half_made_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "model.gguf"
    source.write_bytes(b"no model at all")
    (tmp_path / ".q4_0-0.0.1.gguf.part").write_bytes(b"hundreds of megabytes")
    quick_model(_cache(tmp_path, source, monkeypatch), {}, threads=1)
    assert {path.name for path in tmp_path.iterdir()} == {"model.gguf", ".lock"}


@pytest.mark.models
def test_the_copy_is_made_once_and_replaces_one_of_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: WeightsOf
) -> None:
    source = tmp_path / "model.gguf"
    source.symlink_to(weights("language-model"))
    (tmp_path / "q4_0-0.0.1.gguf").write_bytes(b"made by an older llama.cpp")
    cache = _cache(tmp_path, source, monkeypatch)
    made = quick_model(cache, {}, threads=2)
    written = made.stat().st_mtime_ns
    assert quick_model(cache, {}, threads=2) == made
    assert made.stat().st_mtime_ns == written
    assert {path.name for path in tmp_path.iterdir()} == {"model.gguf", made.name, ".lock"}
    assert made.stat().st_size < os.stat(source).st_size
    LlamaContext(made, threads=1, context=64, sequences=1, batch=8).close()


@pytest.mark.models
async def test_a_damaged_copy_is_removed_and_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: WeightsOf
) -> None:
    source = tmp_path / "model.gguf"
    source.symlink_to(weights("language-model"))
    copy = tmp_path / f"q4_0-{llama_cpp.__version__}.gguf"
    copy.write_bytes(b"GGUF, but no more of it")
    generator = load_generator(_cache(tmp_path, source, monkeypatch), {}, tmp_path / "beginnings")
    assert not copy.exists()
    assert generator.count("one two three") == 3
    await generator.aclose()
