"""Runs the benchmarks of this package, each in a process of its own.

`python -m perf [name ...] [options]`: those that are named, or all but the soak, which takes half an hour. The options
go to each of them; `--json` prints one object a line.
"""

import ast
import subprocess
import sys
from collections.abc import Collection, Sequence
from itertools import takewhile
from pathlib import Path

ONLY_BY_NAME = frozenset({"soak"})


def is_benchmark(source: str) -> bool:
    """Whether a module is one: it has a function `measure`. What is not imported cannot need a package."""
    return any(
        isinstance(node, ast.FunctionDef) and node.name == "measure" for node in ast.parse(source).body
    )


def chosen(arguments: Sequence[str], benchmarks: Collection[str]) -> tuple[list[str], list[str]]:
    """Which benchmarks a command line asks for, and with which options.

    Args:
        arguments: names, then options from the first that begins with a hyphen on.
        benchmarks: those there are.

    Raises:
        ValueError: naming what is no benchmark.
    """
    names = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    unknown = sorted(set(names) - set(benchmarks))
    if unknown:
        raise ValueError(f"no benchmark: {', '.join(unknown)}; there are {', '.join(sorted(benchmarks))}")
    return names or sorted(set(benchmarks) - ONLY_BY_NAME), list(arguments[len(names) :])


def main() -> int:
    """Returns 1 when a benchmark could not be run, 2 when there is none of a name; targets are for the reader."""
    modules = sorted(Path(__file__).parent.glob("*.py"))
    benchmarks = [path.stem for path in modules if is_benchmark(path.read_text(encoding="utf-8"))]
    try:
        names, options = chosen(sys.argv[1:], benchmarks)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    failed = [
        name
        for name in names
        if subprocess.run([sys.executable, "-m", f"perf.{name}", *options], check=False).returncode
    ]
    for name in failed:
        print(f"perf.{name} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
