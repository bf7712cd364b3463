"""What the benchmark of appends says of the disk is read from where the store is."""

from pathlib import Path

import pytest

from perf.append import file_system

MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
tmpfs /dev/shm tmpfs rw 0 0
/dev/vdb /home/ada btrfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/var/lib", "ext4"), ("/dev/shm/x/y", "tmpfs"), ("/home/ada", "btrfs"), ("/home/adam", "ext4")],
)
def test_the_innermost_mount_counts(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_where_nothing_is_mounted_nothing_is_known() -> None:
    assert file_system(Path("/var"), "") == "unknown"
