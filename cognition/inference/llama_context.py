"""A llama.cpp model and context by its low-level interface: sequences, positions, batches, samplers.

Nothing here is thread-safe but `tokenize` (the vocabulary does not change)
and `interrupt`.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cognition.inference.generator import GenerationError
from cognition.inference.llama_library import last_log, llama_cpp, silence

__all__ = ["Interrupted", "LlamaContext", "Sampling"]


class Interrupted(Exception):
    """An evaluation was given up by `interrupt`; nothing of its batch is kept."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn; `seed` None draws differently each time.

    `repeat_penalty` divides the logits of the last `repeat_window` tokens of the answer and of the assistant's earlier
    turns handed in as `history`.
    """

    temperature: float = 0.3
    top_k: int = 40
    top_p: float = 0.9
    repeat_penalty: float = 1.0
    repeat_window: int = 128
    seed: int | None = None


@numba.cfunc("boolean(voidptr)", cache=True)
def _raised(flag: ctypes.c_void_p) -> bool:
    """Compiled, so that the compute threads look at the flag between two operations without the interpreter lock."""
    return bool(numba.carray(flag, 1, dtype=np.uint8)[0])  # type: ignore[attr-defined]


class LlamaContext:
    """One model with `sequences` independent key-value streams of `context` tokens each.

    Args:
        path: a GGUF file.
        threads: compute threads.
        context: tokens per sequence.
        sequences: how many there are.
        batch: tokens one `evaluate` takes at most.

    Raises:
        GenerationError: the file is missing or no model that llama.cpp reads.
    """

    def __init__(self, path: Path, *, threads: int, context: int, sequences: int, batch: int) -> None:
        if not path.is_file():
            raise GenerationError(f"no language model at {path}")
        silence()
        llama_cpp.llama_backend_init()
        self._model = llama_cpp.llama_model_load_from_file(
            str(path).encode(), llama_cpp.llama_model_default_params()
        )
        if not self._model:
            raise GenerationError(f"{path} is not a model llama.cpp can read: {last_log()}")
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._closed = False
        self._flag = np.zeros(1, np.uint8)
        self._raised = ctypes.cast(int(_raised.address or 0), llama_cpp.ggml_abort_callback)
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = context * sequences
        parameters.n_seq_max = sequences
        # One stream a sequence: a full neighbour does not slow attention down, and is out of reach.
        parameters.kv_unified = False
        parameters.n_batch = parameters.n_ubatch = max(batch, sequences)
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.abort_callback = self._raised
        parameters.abort_callback_data = self._flag.ctypes.data
        self._context = llama_cpp.llama_init_from_model(self._model, parameters)
        if not self._context:
            llama_cpp.llama_model_free(self._model)
            raise GenerationError(f"no context of {sequences} x {context} tokens: {last_log()}")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(max(batch, sequences), 0, 1)
        known = path.stat()
        self.identity = f"{path.resolve()} {known.st_size} {known.st_mtime_ns} {llama_cpp.__version__}"
        """Of the model's file and the library: what one evaluates fits no other."""
        self.capacity: int = llama_cpp.llama_n_ctx_seq(self._context)

    def tokenize(self, text: str, *, control: bool = False) -> list[int]:
        """Tokens of a text; without `control`, "<|im_end|>" in it is only characters."""
        if self._closed:
            raise GenerationError("the model is closed")
        data = text.encode("utf-8", "replace")
        if not data:
            return []
        # Each token of a byte-level vocabulary covers at least one byte.
        tokens = (llama_cpp.llama_token * len(data))()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), tokens, len(data), False, control)
        if count < 0:
            raise GenerationError(f"a text of {len(data)} bytes could not be tokenized")
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for, perhaps part of a character; none for a control token."""
        buffer = ctypes.create_string_buffer(64)
        size = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, 64, 0, False)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, -size, 0, False)
        return buffer.raw[:size]

    def ends(self, token: int) -> bool:
        """Whether the model says with this token that it is done; any other control token counts too."""
        return bool(
            llama_cpp.llama_vocab_is_eog(self._vocab, token)
            or llama_cpp.llama_vocab_is_control(self._vocab, token)
        )

    def evaluate(self, entries: Sequence[tuple[int, int, Sequence[int]]], *, logits: bool) -> None:
        """Evaluates tokens at the end of sequences in one batch.

        Args:
            entries: (sequence, position of the first token, tokens).
            logits: keep the last token's logits of each entry, for `sample`.

        Raises:
            Interrupted: `interrupt` was called; the sequences are as before.
            GenerationError: llama.cpp refused; the sequences of the entries are as before.
        """
        batch, size = self._batch, 0
        for sequence, position, tokens in entries:
            for offset, token in enumerate(tokens):
                batch.token[size] = token
                batch.pos[size] = position + offset
                batch.n_seq_id[size] = 1
                batch.seq_id[size][0] = sequence
                batch.logits[size] = int(logits and offset == len(tokens) - 1)
                size += 1
        batch.n_tokens = size
        status = llama_cpp.llama_decode(self._context, batch)
        if status == 0:
            return
        for sequence, position, _ in entries:
            self.truncate(sequence, position)
        if status == 2:
            raise Interrupted
        if status == 1:
            raise GenerationError(f"no room for {size} more tokens in the context")
        raise GenerationError(f"llama.cpp failed to evaluate {size} tokens ({status}): {last_log()}")

    def interrupt(self) -> None:
        """Makes the running or next `evaluate` raise Interrupted, within one operation of the graph."""
        self._flag[0] = 1

    def clear_interrupt(self) -> None:
        """Takes an interrupt back."""
        self._flag[0] = 0

    def truncate(self, sequence: int, position: int) -> None:
        """Forgets what a sequence holds from a position on."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, position, -1)

    def remove(self, sequence: int, start: int, end: int) -> None:
        """Takes positions `start` to `end` out of a sequence and moves what follows up."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, end)
        llama_cpp.llama_memory_seq_add(self._memory, sequence, end, -1, start - end)

    def copy(self, source: int, target: int) -> None:
        """Replaces a sequence by a copy of another."""
        llama_cpp.llama_memory_seq_rm(self._memory, target, -1, -1)
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def save(self, sequence: int) -> NDArray[np.uint8]:
        """What a sequence holds, uint8[n], about 12 KB a token with the default model; takes milliseconds."""
        size = llama_cpp.llama_state_seq_get_size(self._context, sequence)
        state = np.empty(size, np.uint8)
        written = llama_cpp.llama_state_seq_get_data(self._context, _bytes_of(state), size, sequence)
        return state[:written]

    def restore(self, sequence: int, state: NDArray[np.uint8]) -> None:
        """Replaces a sequence by what `save` gave.

        Raises:
            GenerationError: it does not fit this context; the sequence is empty then.
        """
        self.truncate(sequence, 0)
        read = llama_cpp.llama_state_seq_set_data(self._context, _bytes_of(state), len(state), sequence)
        if read != len(state):
            self.truncate(sequence, 0)
            raise GenerationError(f"a conversation of {len(state)} bytes could not be brought back")

    def sampler(self, sampling: Sampling, history: Sequence[int]) -> Any:
        """A sampler chain for one answer; to be given back to `free_sampler`."""
        chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        size = llama_cpp.llama_vocab_n_tokens(self._vocab)
        for part in (
            llama_cpp.llama_sampler_init_penalties(
                size, sampling.repeat_window, sampling.repeat_penalty, 0.0, 0.0
            ),
            llama_cpp.llama_sampler_init_top_k(sampling.top_k),
            llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1),
            llama_cpp.llama_sampler_init_temp(sampling.temperature),
            llama_cpp.llama_sampler_init_dist(
                llama_cpp.LLAMA_DEFAULT_SEED if sampling.seed is None else sampling.seed
            ),
        ):
            llama_cpp.llama_sampler_chain_add(chain, part)
        for token in history:
            llama_cpp.llama_sampler_accept(chain, token)
        return chain

    def sample(self, chain: ctypes.c_void_p, index: int) -> int:
        """Draws the token after batch position `index` (negative: counted from the last one with logits)."""
        return int(llama_cpp.llama_sampler_sample(chain, self._context, index))

    def free_sampler(self, chain: ctypes.c_void_p) -> None:
        """Frees a chain of `sampler`."""
        llama_cpp.llama_sampler_free(chain)

    def close(self) -> None:
        """Frees context and model; nothing else may be called after it, or meanwhile from another thread."""
        if self._closed:
            return
        self._closed = True
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)


def _bytes_of(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
