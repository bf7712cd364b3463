"""The default embedding model, with its weights, and files that are none."""

from pathlib import Path

import numpy as np
import pytest

from cognition.search.embedder import EmbeddingError
from cognition.search.minilm import MiniLm
from tests.weights_fixture import WeightsOf, weights

__all__ = ["weights"]


@pytest.fixture(scope="module")
def model(weights: WeightsOf) -> MiniLm:
    directory = weights("embeddings")
    return MiniLm(directory / "model.onnx", directory / "tokenizer.json", threads=2)


@pytest.mark.models
def test_texts_that_mean_the_same_are_near_and_others_are_not(model: MiniLm) -> None:
    vectors = model.encode(
        ["My cat is called Luna.", "What is the name of her pet?", "The train leaves at nine."]
    )
    assert vectors.shape == (3, model.dimensions) == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    likeness = vectors @ vectors.T
    assert likeness[0, 1] > 0.3 > likeness[0, 2]


@pytest.mark.models
def test_a_text_has_the_same_vector_alone_and_among_others_of_any_length(model: MiniLm) -> None:
    texts = [
        "",
        "\ud800",
        "short",
        "a sentence of a few words",
        "many words " * 2000,
        "\x00\u202e😀" * 5,
        "x" * 100_000,
    ]
    together = model.encode(texts * 3)
    for row, text in enumerate(texts * 3):
        (alone,) = model.encode([text])
        # The weights are int8 and activations are quantized by the run's own range.
        assert together[row] @ alone > 0.97, row
    assert model.encode([]).shape == (0, 384)


@pytest.mark.models
def test_other_weights_have_another_name(model: MiniLm, weights: WeightsOf, tmp_path: Path) -> None:
    directory = weights("embeddings")
    other = tmp_path / "tokenizer.json"
    other.write_text((directory / "tokenizer.json").read_text("utf-8") + "\n", "utf-8")
    assert MiniLm(directory / "model.onnx", other, threads=1).name != model.name


def test_files_that_are_no_model_are_refused_by_name(tmp_path: Path) -> None:
    model, tokenizer = tmp_path / "model.onnx", tmp_path / "tokenizer.json"
    with pytest.raises(EmbeddingError, match=r"model\.onnx"):
        MiniLm(model, tokenizer, threads=1)
    model.write_bytes(b"not a model")
    tokenizer.write_text("{}")
    with pytest.raises(EmbeddingError, match="cannot be loaded"):
        MiniLm(model, tokenizer, threads=1)
