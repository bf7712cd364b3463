"""The speaker encoder: the graph is the network that the tensors describe, and refuses what is not it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest

from media.speech.mel import mel_power
from media.speech.sessions import ModelError
from media.speech.voiceprint import BANDS, LAYERS, SIZE, FakeVoiceprints, VoiceEncoder, encoder_graph
from tests.weights_fixture import WeightsOf, weights

__all__ = ["weights"]

Floats = npt.NDArray[np.float32]

PYTORCH_STRONGEST = [169, 83, 155, 122, 79, 126]
PYTORCH_VALUES = [0.209455, 0.234318, 0.234382, 0.255606, 0.256958, 0.295651]


def tensors(seed: int = 1) -> dict[str, Floats]:
    random = np.random.default_rng(seed)
    found: dict[str, Floats] = {}
    for layer in range(LAYERS):
        for part, width in (("ih", SIZE if layer else BANDS), ("hh", SIZE)):
            found[f"lstm.weight_{part}_l{layer}"] = random.normal(0, 0.1, (4 * SIZE, width)).astype(
                np.float32
            )
            found[f"lstm.bias_{part}_l{layer}"] = random.normal(0, 0.1, 4 * SIZE).astype(np.float32)
    found["linear.weight"] = random.normal(0, 0.3, (SIZE, SIZE)).astype(np.float32)
    found["linear.bias"] = random.normal(0, 0.1, SIZE).astype(np.float32)
    return found


def reference(weights: dict[str, Floats], frames: Floats) -> npt.NDArray[np.float64]:
    """The network written down as Hochreiter and Schmidhuber's equations, gates in PyTorch's order, in float64."""
    sequence: npt.NDArray[np.float64] = frames.astype(np.float64)
    for layer in range(LAYERS):
        wi, wh = weights[f"lstm.weight_ih_l{layer}"], weights[f"lstm.weight_hh_l{layer}"]
        bias = weights[f"lstm.bias_ih_l{layer}"].astype(np.float64) + weights[f"lstm.bias_hh_l{layer}"]
        state, cell, out = np.zeros(SIZE), np.zeros(SIZE), []
        for frame in sequence:
            i, f, g, o = np.split(wi @ frame + wh @ state + bias, 4)
            cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            state = np.tanh(cell) / (1 + np.exp(-o))
            out.append(state)
        sequence = np.array(out)
    raw = np.maximum(weights["linear.weight"] @ sequence[-1] + weights["linear.bias"], 0)
    return np.asarray(raw / np.linalg.norm(raw))


def test_the_graph_is_the_network_for_stretches_of_different_lengths() -> None:
    given = tensors()
    session = ort.InferenceSession(
        encoder_graph(given).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(2)
    lengths = np.array([40, 25, 33], np.int32)
    mels = random.normal(0, 1, (40, 3, BANDS)).astype(np.float32)
    found = session.run(None, {"mels": mels, "lengths": lengths})[0]
    for row, length in enumerate(lengths):
        np.testing.assert_allclose(found[row], reference(given, mels[:length, row]), atol=2e-5)


@pytest.mark.parametrize("name", ["lstm.weight_hh_l1", "linear.bias"])
def test_weights_of_another_model_are_refused(name: str) -> None:
    given = tensors()
    with pytest.raises(ModelError, match="is missing"):
        encoder_graph({key: value for key, value in given.items() if key != name})
    with pytest.raises(ModelError, match="of shape"):
        encoder_graph({**given, name: given[name][:3]})


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        VoiceEncoder(tmp_path / "no.pt")
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(b"PK\x03\x04 whatever")
    with pytest.raises(ModelError, match=r"damaged\.pt"):
        VoiceEncoder(damaged)


def test_the_fake_tells_tones_apart() -> None:
    instants = np.arange(16_000) / 16_000
    low, high = (np.sin(2 * np.pi * hertz * instants).astype(np.float32) for hertz in (120, 220))
    sound = np.concatenate([low, high])
    found = FakeVoiceprints().embed(sound, [(0, 8000), (8000, 16_000), (16_000, 32_000)])
    assert found[0] @ found[1] > 0.95
    assert found[0] @ found[2] < 0.5


@pytest.mark.models
class TestTheRealEncoder:
    def test_it_gives_what_the_equations_give(self, weights: WeightsOf) -> None:
        from media.speech.checkpoint import read_checkpoint

        path = weights("voiceprint")
        random = np.random.default_rng(3)
        sound = random.normal(0, 0.1, 32_000).astype(np.float32)
        found = VoiceEncoder(path).embed(sound, [(0, 16_000), (8_000, 32_000)])
        mel, given = mel_power(sound, BANDS), read_checkpoint(path.read_bytes())
        np.testing.assert_allclose(found[0], reference(given, mel[:100]), atol=1e-5)
        np.testing.assert_allclose(found[1], reference(given, mel[50:200]), atol=1e-5)

    def test_it_gives_what_pytorch_gave(self, weights: WeightsOf) -> None:
        """The first numbers of the vector that torch's LSTM on librosa's mel bands made of this chirp."""
        instants = np.arange(25_600) / 16_000
        chirp = (0.3 * np.sin(2 * np.pi * (150 * instants + 600 * instants**2))).astype(np.float32)
        found = VoiceEncoder(weights("voiceprint")).embed(chirp, [(0, 25_600)])[0]
        strongest = np.argsort(found)[-6:]
        np.testing.assert_array_equal(strongest, PYTORCH_STRONGEST)
        np.testing.assert_allclose(found[strongest], PYTORCH_VALUES, atol=1e-5)

    def test_silence_is_a_vector_and_no_error(self, weights: WeightsOf) -> None:
        found = VoiceEncoder(weights("voiceprint")).embed(np.zeros(25_600, np.float32), [(0, 25_600)])
        assert np.isfinite(found).all()

    @pytest.mark.parametrize("stretch", [(0, 100), (-1, 9_000), (8_000, 40_000), (9_000, 1_000)])
    def test_a_stretch_that_is_not_in_the_sound_is_refused(
        self, weights: WeightsOf, stretch: tuple[int, int]
    ) -> None:
        with pytest.raises(ValueError, match="no stretch"):
            VoiceEncoder(weights("voiceprint")).embed(np.zeros(32_000, np.float32), [stretch])
