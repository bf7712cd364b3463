"""Fuzzes one target by coverage: `python -m tests.fuzz TARGET [corpus] [-max_total_time=60 …]`; needs atheris.

What it finds it writes to `crash-…` in the working directory: a line for `FOUND` in `tests/fuzz/test_targets.py`.
"""

import importlib
import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]


def kernels() -> list[str]:
    """Modules that are imported as they are: numba compiles them from bytecode that it must know."""
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "media").rglob("*.py"))
        if any(word in path.read_text(encoding="utf-8") for word in ("numba", "realtime.kernel import"))
    ]


if __name__ == "__main__":
    for kernel in kernels():
        importlib.import_module(kernel)
    with atheris.instrument_imports(include=["media", "cognition", "signaling"]):
        from tests.fuzz.targets import TARGETS

    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"{__doc__}\nTargets: {', '.join(TARGETS)}")
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()
