"""Runs every benchmark of this package, each in a process of its own; `--json` prints one object a line."""

import ast
import subprocess
import sys
from pathlib import Path


def is_benchmark(source: str) -> bool:
    """Whether a module is one: it has a function `measure`. What is not imported cannot need a package."""
    return any(
        isinstance(node, ast.FunctionDef) and node.name == "measure" for node in ast.parse(source).body
    )


def main() -> int:
    """Returns 1 when a benchmark could not be run; a target that is not met is for the reader to judge."""
    modules = sorted(Path(__file__).parent.glob("*.py"))
    names = [path.stem for path in modules if is_benchmark(path.read_text(encoding="utf-8"))]
    failed = [
        name
        for name in names
        if subprocess.run([sys.executable, "-m", f"perf.{name}", *sys.argv[1:]], check=False).returncode
    ]
    for name in failed:
        print(f"perf.{name} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
