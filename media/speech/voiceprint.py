"""Voiceprints: what a stretch of speech sounds like, as a unit vector that is much the same whatever is said.

The network is the speaker encoder of Wan et al. 2018, "Generalized End-to-End Loss for Speaker Verification", as
Resemblyzer publishes it (https://github.com/resemble-ai/Resemblyzer): three LSTM layers over 40 mel bands, a linear
layer on the last state, cut off at zero and scaled to length one. Two stretches of one voice have a cosine near 0.9,
of two voices near 0.6; the shorter they are, the less sure that is.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from media.speech.checkpoint import read_checkpoint
from media.speech.mel import HOP, mel_power
from media.speech.sessions import ModelError, open_session

__all__ = ["SIZE", "WINDOW", "FakeVoiceprints", "VoiceEncoder", "Voiceprints", "encoder_graph"]

SIZE = 256
"""Numbers of a voiceprint."""
BANDS = 40
LAYERS = 3
WINDOW = 25_600
"""Samples of the stretches the network was trained on, 1.6 s; longer ones are cut up, shorter ones are less sure."""
SHORTEST = 4_800
"""Samples below which a stretch says nothing of its voice."""
LOUDNESS = 10 ** (-30 / 20)
"""Root of the mean square below which a sound is raised to it, -30 dBFS, as in training."""
MAX_BYTES = 1 << 26
_OPSET = 17
_GATES = (0, 3, 1, 2)
"""PyTorch's order of gates (input, forget, cell, output) in ONNX's (input, output, forget, cell)."""


class Voiceprints(Protocol):
    """Tells voices. Called in threads; each call is independent of the others."""

    def embed(
        self, sound: npt.NDArray[np.float32], stretches: Sequence[tuple[int, int]]
    ) -> npt.NDArray[np.float32]:
        """The voiceprints of stretches of a sound.

        Args:
            sound: float32 (n,) in [-1, 1] at 16 kHz.
            stretches: first sample and end of each, of 4800 samples or more.

        Returns:
            float32 (len(stretches), 256), each of length one; zero where there was nothing but silence.

        Raises:
            ValueError: a stretch is not in the sound, or is too short.
            ModelError: the engine fails.
        """


class VoiceEncoder:
    """The speaker encoder.

    Args:
        weights: Resemblyzer's `pretrained.pt`.
        threads: cores of one run.

    Raises:
        ModelError: the file is missing, damaged, hostile, or another model's.
    """

    def __init__(self, weights: Path, *, threads: int = 1) -> None:
        try:
            if weights.stat().st_size > MAX_BYTES:
                raise ModelError(f"{weights} is too large for the speaker encoder")
            tensors = read_checkpoint(weights.read_bytes())
        except OSError as error:
            raise ModelError(f"{weights} cannot be read: {error.strerror}") from error
        except ModelError as error:
            raise ModelError(f"{weights}: {error}") from error
        graph = encoder_graph(tensors)
        self._session = open_session(graph.SerializeToString(), threads=threads, inputs={"mels", "lengths"})

    def warm_up(self) -> None:
        """Makes the first turn as fast as the others."""
        self.embed(np.zeros(WINDOW, np.float32), [(0, WINDOW)])

    def embed(
        self, sound: npt.NDArray[np.float32], stretches: Sequence[tuple[int, int]]
    ) -> npt.NDArray[np.float32]:
        """See `Voiceprints`."""
        for begin, end in stretches:
            if not 0 <= begin <= end - SHORTEST or end > len(sound):
                raise ValueError(f"no stretch of {len(sound)} samples: {begin} to {end}")
        if not stretches:
            return np.zeros((0, SIZE), np.float32)
        mel = mel_power(_raised(sound), BANDS)
        frames = [(begin // HOP, end // HOP) for begin, end in stretches]
        lengths = np.array([end - begin for begin, end in frames], np.int32)
        batch = np.zeros((int(lengths.max()), len(frames), BANDS), np.float32)
        for index, (begin, end) in enumerate(frames):
            batch[: end - begin, index] = mel[begin:end]
        try:
            found: npt.NDArray[np.float32] = self._session.run(None, {"mels": batch, "lengths": lengths})[0]
        except Exception as error:  # onnxruntime's own exceptions share no base class but Exception
            raise ModelError(f"the speaker encoder failed: {error}") from error
        return found


def encoder_graph(tensors: dict[str, npt.NDArray[np.float32]]) -> onnx.ModelProto:
    """The network as ONNX: `mels` float32 (frames, n, 40), `lengths` int32 (n,), `voiceprints` float32 (n, 256).

    Args:
        tensors: named as PyTorch names them: `lstm.weight_ih_l0` and so on.

    Raises:
        ModelError: a tensor is missing or of another shape.
    """
    constants: dict[str, npt.NDArray[np.generic]] = {
        "axes": np.array([0], np.int64),
        "none": np.array([1e-12], np.float32),
    }
    nodes = []
    below = "mels"
    for layer in range(LAYERS):
        width = BANDS if layer == 0 else SIZE
        weights = [
            _gates(tensors, f"lstm.weight_{part}_l{layer}", size)
            for part, size in (("ih", width), ("hh", SIZE))
        ]
        biases = [_gates(tensors, f"lstm.bias_{part}_l{layer}", 0) for part in ("ih", "hh")]
        constants[f"w{layer}"], constants[f"r{layer}"] = (weight[None] for weight in weights)
        constants[f"b{layer}"] = np.concatenate(biases)[None]
        names = [below, f"w{layer}", f"r{layer}", f"b{layer}", "lengths"]
        nodes.append(
            helper.make_node(
                "LSTM", names, [f"all{layer}", f"last{layer}"], hidden_size=SIZE, direction="forward"
            )
        )
        below = f"below{layer + 1}"
        if layer + 1 < LAYERS:
            constants["one"] = np.array([1], np.int64)
            nodes.append(helper.make_node("Squeeze", [f"all{layer}", "one"], [below]))
    constants["weight"] = _tensor(tensors, "linear.weight", (SIZE, SIZE))
    constants["bias"] = _tensor(tensors, "linear.bias", (SIZE,))
    nodes += [
        helper.make_node("Squeeze", [f"last{LAYERS - 1}", "axes"], ["state"]),
        helper.make_node("Gemm", ["state", "weight", "bias"], ["linear"], transB=1),
        helper.make_node("Relu", ["linear"], ["positive"]),
        helper.make_node("ReduceL2", ["positive"], ["norm"], axes=[1], keepdims=1),
        helper.make_node("Max", ["norm", "none"], ["length"]),
        helper.make_node("Div", ["positive", "length"], ["voiceprints"]),
    ]
    graph = helper.make_graph(
        nodes,
        "speaker-encoder",
        [
            helper.make_tensor_value_info("mels", TensorProto.FLOAT, ["frames", "n", BANDS]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["n"]),
        ],
        [helper.make_tensor_value_info("voiceprints", TensorProto.FLOAT, ["n", SIZE])],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)


def _gates(tensors: dict[str, npt.NDArray[np.float32]], name: str, width: int) -> npt.NDArray[np.float32]:
    values = _tensor(tensors, name, (4 * SIZE, width) if width else (4 * SIZE,))
    gates: npt.NDArray[np.float32] = np.concatenate(
        [values[SIZE * gate : SIZE * (gate + 1)] for gate in _GATES]
    )
    return gates


def _tensor(
    tensors: dict[str, npt.NDArray[np.float32]], name: str, shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    found = tensors.get(name)
    if found is None or found.shape != shape:
        what = "missing" if found is None else f"of shape {found.shape}"
        raise ModelError(f"no speaker encoder: {name} is {what}, not {shape}")
    return found


def _raised(sound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    power = float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0
    return sound * np.float32(LOUDNESS / power) if 0.0 < power < LOUDNESS else sound


class FakeVoiceprints:
    """Takes the pitch for the voice: a tone's vector stands where its frequency is. For tests without weights."""

    def embed(
        self, sound: npt.NDArray[np.float32], stretches: Sequence[tuple[int, int]]
    ) -> npt.NDArray[np.float32]:
        """See `Voiceprints`."""
        found = np.zeros((len(stretches), SIZE), np.float32)
        for row, (begin, end) in enumerate(stretches):
            spectrum = np.abs(np.fft.rfft(sound[begin:end]))
            edges = np.linspace(0, 1000 * (end - begin) / 16_000, SIZE + 1).astype(int)
            bands = np.add.reduceat(spectrum, edges[:-1])
            norm = float(np.linalg.norm(bands))
            if norm > 0.0:
                found[row] = bands / norm
        return found
