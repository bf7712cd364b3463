"""Sentence vectors by a small transformer: tokenizers and onnxruntime, nothing of torch."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Tokenizer

from cognition.search.embedder import EmbeddingError

__all__ = ["MAX_TOKENS", "Encoder", "MiniLm"]

MAX_TOKENS = 256
"""Of a text that are read; the model was trained on as many."""

_MAX_CHARACTERS = 16 * MAX_TOKENS
"""Of a text that are tokenized at all: what comes after cannot be among the first tokens of any sensible text."""
_RUN_TOKENS = 16
"""What a run costs beside its tokens, in tokens."""
_RUN_TEXTS = 64
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Encoder(Protocol):
    """A model of sentences as it is: it blocks, one call at a time."""

    @property
    def name(self) -> str:
        """Of the model, another for other weights."""

    @property
    def dimensions(self) -> int:
        """Numbers of a vector."""

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of texts: (len(texts), dimensions), rows of length one.

        Raises:
            EmbeddingError: the model failed.
        """
        ...


class MiniLm:
    """A sentence transformer of BERT's kind (Reimers and Gurevych 2019): the mean of its last layer, of length one.

    Attributes:
        name: of the model file with a digest of it and of its tokenizer: other weights have another name.
        dimensions: numbers of a vector; 384 for all-MiniLM-L6-v2.

    Args:
        model: `.onnx`; takes `input_ids`, `attention_mask` and perhaps `token_type_ids`, and its first output is
            the last hidden state.
        tokenizer: its `tokenizer.json`.
        threads: of one run.

    Raises:
        EmbeddingError: a file is missing, damaged, or of another kind of model.
    """

    def __init__(self, model: Path, tokenizer: Path, *, threads: int) -> None:
        digest = blake2b(digest_size=8)
        try:
            for file in (model, tokenizer):
                digest.update(file.read_bytes())
        except OSError as error:
            raise EmbeddingError(f"the embedding model cannot be read: {error}") from error
        self.name = f"{model.parent.name or model.stem}-{digest.hexdigest()}"
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Between runs threads sleep: other models share the cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # neither library has a base class of its own for what it raises
            raise EmbeddingError(f"the embedding model {model} cannot be loaded: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        found = {entry.name for entry in self._session.get_inputs()}
        if not {"input_ids", "attention_mask"} <= found <= set(_INPUTS):
            raise EmbeddingError(f"the embedding model {model} takes {sorted(found)}, not {list(_INPUTS)}")
        self._inputs = [name for name in _INPUTS if name in found]
        self.dimensions = self.encode([""]).shape[1]

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """See `Encoder`; texts of like length share a run, so that little is padded."""
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        try:
            encoded = self._tokenizer.encode_batch_fast([_readable(text) for text in texts])
            tokens = [one.ids for one in encoded]
            order = sorted(range(len(tokens)), key=lambda at: len(tokens[at]))
            parts = [self._run([tokens[at] for at in some]) for some in _alike(order, tokens)]
        except Exception as error:
            raise EmbeddingError(f"the embedding model failed: {error}") from error
        vectors = np.empty((len(texts), parts[0].shape[1]), np.float32)
        vectors[order] = np.concatenate(parts)
        return vectors

    def _run(self, tokens: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        longest = max(map(len, tokens))
        ids = np.zeros((len(tokens), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
            mask[row, : len(one)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        if hidden.ndim != 3:
            raise EmbeddingError(f"its first output has {hidden.ndim} axes, not 3 as a last hidden state")
        sums = np.einsum("btd,bt->bd", hidden, mask.astype(np.float32))
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise EmbeddingError("it gave a vector without a direction")
        vectors: npt.NDArray[np.float32] = sums / lengths
        return vectors


def _readable(text: str) -> str:
    """What the tokenizer takes: no lone surrogates, no more than can matter."""
    return text[:_MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _alike(order: Sequence[int], tokens: Sequence[Sequence[int]]) -> list[list[int]]:
    """Cuts an order by length into runs, where padding would cost more than reading the weights once more."""
    runs: list[list[int]] = []
    filled = 0
    for at in order:
        size = len(tokens[at])
        if (
            runs
            and (len(runs[-1]) + 1) * size - (filled + size) <= _RUN_TOKENS
            and len(runs[-1]) < _RUN_TEXTS
        ):
            runs[-1].append(at)
            filled += size
        else:
            runs.append([at])
            filled = size
    return runs
