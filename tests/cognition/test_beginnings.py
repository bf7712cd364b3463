"""What prompts begin with outlasts the process that evaluated it."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.inference.beginnings import Beginnings
from cognition.inference.parked import Parked


def parked(tokens: list[int], size: int = 100, fill: int = 7) -> Parked:
    return Parked(tokens, len(tokens), np.full(size, fill, np.uint8))


def test_a_state_comes_back_as_it_was_for_its_own_tokens_and_model_alone(tmp_path: Path) -> None:
    Beginnings(tmp_path / "states", "small").keep(parked([1, 2, 3]))
    again = Beginnings(tmp_path / "states", "small")
    kept = again.read([1, 2, 3])
    assert kept is not None
    assert (kept.tokens, kept.pure, kept.state.tolist()) == ([1, 2, 3], 3, [7] * 100)
    assert again.read([1, 2]) is None
    assert again.read([1, 2, 4]) is None
    assert Beginnings(tmp_path / "states", "large").read([1, 2, 3]) is None


@given(st.integers(0, 131), st.booleans())
def test_a_damaged_state_is_never_read_and_is_removed(
    tmp_path_factory: pytest.TempPathFactory, at: int, torn: bool
) -> None:
    folder = tmp_path_factory.mktemp("states")
    beginnings = Beginnings(folder, "small")
    beginnings.keep(parked([1, 2, 3]))
    (file,) = folder.iterdir()
    data = file.read_bytes()
    file.write_bytes(data[:at] + (b"" if torn else bytes([data[at] ^ 1]) + data[at + 1 :]))
    assert beginnings.read([1, 2, 3]) is None
    assert list(folder.iterdir()) == []


def test_beyond_the_limit_those_used_least_recently_go(tmp_path: Path) -> None:
    beginnings = Beginnings(tmp_path, "small", limit=400)
    for number in range(3):
        beginnings.keep(parked([number]))
        for file in tmp_path.iterdir():
            os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns - 10**9))
    assert beginnings.read([0]) is not None
    beginnings.keep(parked([3]))
    assert [number for number in range(4) if beginnings.read([number]) is not None] == [0, 2, 3]
    beginnings.keep(parked([4], size=500))
    assert beginnings.read([4]) is not None, "one that is larger than all room is used once more"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_takes_nothing_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Beginnings(tmp_path / "file" / "states", "small").keep(parked([1]))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
