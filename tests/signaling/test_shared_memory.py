"""Files that two processes map: what one writes the other sees, and nothing else is mapped."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from signaling.ipc.shared_memory import SharedFile, SharedFileError


def test_both_sides_see_one_memory_that_only_this_user_may_open(tmp_path: Path) -> None:
    made = SharedFile.create(tmp_path, 4096)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    opened = SharedFile.open(made.path)
    np.frombuffer(made.buffer, np.int16)[7] = 1234
    assert np.frombuffer(opened.buffer, np.int16)[7] == 1234
    made.unlink()
    assert not made.path.exists()
    assert np.frombuffer(opened.buffer, np.int16)[7] == 1234


def test_the_mapping_goes_back_with_its_last_view(tmp_path: Path) -> None:
    made = SharedFile.create(tmp_path, 1 << 20)
    view = np.frombuffer(made.buffer, np.int16)
    made.close()
    maps = Path("/proc/self/maps").read_text
    assert made.path.name in maps()
    del view
    assert made.path.name not in maps()
    with pytest.raises(SharedFileError, match="closed"):
        _ = made.buffer


def test_what_is_no_shared_file_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.ring"
    empty.touch()
    link = tmp_path / "link.ring"
    link.symlink_to(SharedFile.create(tmp_path, 4096).path)
    pipe = tmp_path / "pipe.ring"
    os.mkfifo(pipe)
    for path in (empty, link, pipe, tmp_path, tmp_path / "nothing.ring", Path("\0")):
        with pytest.raises(SharedFileError):
            SharedFile.open(path)


@pytest.mark.parametrize("nbytes", [0, -1, 1 << 40])
def test_a_size_out_of_bounds_is_refused_and_leaves_nothing(tmp_path: Path, nbytes: int) -> None:
    with pytest.raises(SharedFileError):
        SharedFile.create(tmp_path, nbytes)
    assert list(tmp_path.iterdir()) == []


def test_where_pages_cannot_be_reserved_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    made = SharedFile.create(tmp_path, (1 << 20) + 4096)
    assert not np.frombuffer(made.buffer, np.uint8).any()
    assert made.path.stat().st_size == (1 << 20) + 4096
    assert made.path.stat().st_blocks * 512 >= (1 << 20) + 4096


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SharedFileError, match="cannot make"):
        SharedFile.create(tmp_path / "none", 4096)
