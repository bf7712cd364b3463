"""A VITS model in two parts: the same sound, sooner; other models are left whole."""

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from media.speech.sessions import ModelError
from media.speech.vits import FIRST_STRETCH, REACH, Decoder, load_vits
from tests.weights_fixture import WeightsOf, weights

__all__ = ["weights"]


def model(
    path: Path, *, decoder: str = "/dec/conv_pre/Conv", condition: bool = False, computed: bool = False
) -> Path:
    """A model with piper's inputs whose decoder is one convolution.

    `condition` makes it depend on more, `computed` its kernel the outcome of a node.
    """
    nodes = [
        helper.make_node("Cast", ["input"], ["phonemes"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["phonemes", "axis"], ["latent"]),
        *([helper.make_node("Identity", ["weight"], ["kernel"])] if computed else []),
        helper.make_node(
            "Conv", ["latent", "kernel" if computed else "weight"], ["coded"], name=decoder, pads=[1, 1]
        ),
        helper.make_node("ReduceMean", ["phonemes"], ["speaker"], keepdims=1),
        helper.make_node("Add", ["coded", "speaker"] if condition else ["coded", "nothing"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "voice",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "samples"])],
        [
            numpy_helper.from_array(np.array([1]), "axis"),
            numpy_helper.from_array(np.array([[[0.2, 0.5, 0.3]]], np.float32), "weight"),
            numpy_helper.from_array(np.zeros(1, np.float32), "nothing"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.save(made, str(path))
    return path


@pytest.mark.parametrize("count", [1, FIRST_STRETCH, FIRST_STRETCH + 1, 500])
def test_stretch_by_stretch_gives_the_samples_of_the_whole(tmp_path: Path, count: int) -> None:
    front, decoder = load_vits(model(tmp_path / "voice.onnx"), threads=1)
    assert decoder is not None
    phonemes = np.random.default_rng(1).integers(0, 100, (1, count))
    feed = {"input": phonemes, "input_lengths": np.array([count]), "scales": np.ones(3, np.float32)}
    pieces = list(decoder.sound(front.run(None, feed)[0], rate=1))
    padded = np.pad(phonemes[0].astype(np.float32), 1)
    expected = 0.2 * padded[:-2] + 0.5 * padded[1:-1] + 0.3 * padded[2:]
    assert np.concatenate(pieces) == pytest.approx(expected, rel=1e-5)
    assert len(pieces[0]) == min(count, FIRST_STRETCH)


@pytest.mark.parametrize(
    ("seconds_a_run", "pieces"), [(0.0, [30, 60, 120, 90]), (9.0, [90, 120, 90]), (99.0, [300])]
)
def test_a_slow_machine_holds_stretches_back_until_the_next_is_made(
    tmp_path: Path, seconds_a_run: float, pieces: list[int]
) -> None:
    _, fast = load_vits(model(tmp_path / "voice.onnx"), threads=1)
    assert fast is not None
    instants = itertools.chain.from_iterable(
        (n * 1000.0, n * 1000.0 + seconds_a_run) for n in itertools.count()
    )
    decoder = Decoder(fast._session, clock=lambda: next(instants))
    latent = np.zeros((1, 1, 300), np.float32)
    assert [len(piece) for piece in decoder.sound(latent, rate=1)] == pieces


@pytest.mark.parametrize("options", [{"decoder": "/something/else"}, {"condition": True}, {"computed": True}])
def test_a_model_whose_decoder_cannot_be_told_apart_is_left_whole(
    tmp_path: Path, options: dict[str, str | bool]
) -> None:
    whole, decoder = load_vits(model(tmp_path / "voice.onnx", **options), threads=1)  # type: ignore[arg-type]
    assert decoder is None
    assert {entry.name for entry in whole.get_inputs()} >= {"input"}


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08" * 100])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "voice.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        load_vits(path, threads=1)
    with pytest.raises(ModelError, match="no such model"):
        load_vits(tmp_path / "missing.onnx", threads=1)


@pytest.mark.models
def test_the_default_voice_reaches_no_further_than_is_decoded(weights: WeightsOf) -> None:
    _, decoder = load_vits(weights("voice"), threads=2)
    assert decoder is not None
    latent = np.random.default_rng(2).normal(0, 1, (1, decoder.channels, 150)).astype(np.float32)
    whole = decoder._session.run(None, {decoder._input: latent})[0].reshape(-1)
    assert np.abs(np.concatenate(list(decoder.sound(latent, 22_050))) - whole).max() < 1e-4
    assert REACH < FIRST_STRETCH
