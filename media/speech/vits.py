"""VITS in two parts, so that its first sound is heard before its last is made.

A VITS model (Kim et al. 2021, "Conditional Variational Autoencoder with Adversarial Learning for End-to-End
Text-to-Speech") turns phonemes into a latent sequence, and that into sound by a HiFi-GAN, which is convolutions only:
any stretch of the latent sequence, with the few frames around it that the convolutions reach, gives the very samples
that the whole gives.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort

from media.speech.sessions import ModelError, open_session

__all__ = ["Decoder", "load_vits"]

REACH = 14
"""Latent frames to either side of a stretch that its samples depend on; 10 for piper's medium models."""
FIRST_STRETCH = 30
"""Latent frames of the first stretch; with a hop of 256 at 22.05 kHz 350 ms, of which some 80 are silence."""
LONGEST_STRETCH = 120
"""Latent frames; the engine keeps for good what memory its longest run took, a megabyte a frame."""
HASTE = 3.0
"""How many times faster than a stretch is played the next one has to be made."""
_DECODER = "/dec/conv_pre/Conv"
"""The node that piper's export makes of the decoder's first convolution."""
_DURATIONS = "/Ceil"
"""The node that piper's export makes of the rounding of the phonemes' durations, in latent frames."""
_INPUTS = frozenset({"input", "input_lengths", "scales"})


class Decoder:
    """From a latent sequence to sound.

    Args:
        session: takes float32 (1, channels, frames), gives a fixed number of samples a frame.
        clock: seconds.

    Attributes:
        channels: of the latent sequence.
    """

    def __init__(
        self, session: ort.InferenceSession, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._session = session
        self._clock = clock
        entry = session.get_inputs()[0]
        self._input: str = entry.name
        self.channels = int(entry.shape[1])

    def sound(self, latent: npt.NDArray[np.float32], rate: int) -> Iterator[npt.NDArray[np.float32]]:
        """Decodes stretch by stretch, each up to twice as long as the one before.

        A stretch is held back while the machine is so slow that it might be played before the next one is made.

        Args:
            latent: float32 (1, channels, frames).
            rate: samples a second.

        Yields:
            float32 (n,).
        """
        frames = latent.shape[2]
        begin, size = 0, FIRST_STRETCH
        held: list[npt.NDArray[np.float32]] = []
        while begin < frames:
            end = min(begin + size, frames)
            first, last = max(0, begin - REACH), min(end + REACH, frames)
            started = self._clock()
            samples = self._session.run(None, {self._input: latent[:, :, first:last]})[0].reshape(-1)
            took = (self._clock() - started) / (last - first)
            hop = len(samples) // (last - first)
            held.append(samples[(begin - first) * hop : (end - first) * hop])
            begin, size = end, min(2 * size, LONGEST_STRETCH)
            ahead = sum(map(len, held)) / rate
            if begin == frames or HASTE * took * (min(size, frames - begin) + 2 * REACH) < ahead:
                yield np.concatenate(held)
                held = []


def load_vits(path: Path, *, threads: int) -> tuple[ort.InferenceSession, Decoder | None]:
    """Opens a piper model as two: phonemes to latent sequence, latent sequence to sound.

    Args:
        path: the `.onnx` file.
        threads: cores of one run.

    Returns:
        Both; or the whole model and None where its decoder cannot be told apart, as with several speakers. The first
        gives the durations of the phonemes too, in latent frames, where the model has them.

    Raises:
        ModelError: the file is missing, or no model.
    """
    if not path.is_file():
        raise ModelError(f"no such model: {path}")
    try:
        parts = _split(onnx.load(str(path)))
    except Exception as error:  # protobuf's errors share no base class but Exception
        raise ModelError(f"{path.name} cannot be loaded: {error}") from error
    if parts is None:
        return open_session(path, threads=threads, inputs=_INPUTS), None
    front, back = parts
    return (
        open_session(front, threads=threads, inputs=_INPUTS),
        Decoder(open_session(back, threads=threads, inputs=set())),
    )


def _split(model: onnx.ModelProto) -> tuple[bytes, bytes] | None:
    """Cuts a model before its decoder; None where more than one value crosses the cut, or its width is not told."""
    graph = model.graph
    first = next((node for node in graph.node if node.name == _DECODER), None)
    if first is None or len(graph.output) != 1:
        return None
    weights = {tensor.name for tensor in graph.initializer}
    latent = first.input[0]
    behind = _ancestors(graph, graph.output[0].name, {latent})
    needed = {name for node in behind for name in node.input if name}
    made = {name for node in behind for name in node.output}
    if needed - made - weights != {latent}:
        return None
    kernel = next((tensor for tensor in graph.initializer if tensor.name == first.input[1]), None)
    if kernel is None:
        return None
    value = onnx.helper.make_tensor_value_info(latent, onnx.TensorProto.FLOAT, [1, kernel.dims[1], "frames"])
    before = _ancestors(graph, latent, set())
    given = [value, *_durations(before)]
    return _part(model, before, list(graph.input), given), _part(model, behind, [value], list(graph.output))


def _durations(nodes: list[onnx.NodeProto]) -> list[onnx.ValueInfoProto]:
    return [
        onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, [1, 1, "phonemes"])
        for node in nodes
        if node.name == _DURATIONS and node.op_type == "Ceil"
    ]


def _ancestors(graph: onnx.GraphProto, name: str, stop: set[str]) -> list[onnx.NodeProto]:
    """The nodes that a value is made by, back to the values of `stop`, in the graph's order."""
    maker = {output: index for index, node in enumerate(graph.node) for output in node.output}
    found: set[int] = set()
    wanted = [name]
    while wanted:
        value = wanted.pop()
        if value in stop or (index := maker.get(value)) is None or index in found:
            continue
        found.add(index)
        wanted.extend(graph.node[index].input)
    return [graph.node[index] for index in sorted(found)]


def _part(
    model: onnx.ModelProto,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
) -> bytes:
    used = {name for node in nodes for name in node.input}
    weights = [tensor for tensor in model.graph.initializer if tensor.name in used]
    graph = onnx.helper.make_graph(nodes, "part", inputs, outputs, weights)
    part = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return bytes(part.SerializeToString())
