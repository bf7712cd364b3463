"""Runs every benchmark of this package, each in a process of its own; `--json` prints one object a line."""

import pkgutil
import subprocess
import sys

import perf


def main() -> int:
    """Returns 1 when a benchmark could not be run; a target that is not met is for the reader to judge."""
    names = [module.name for module in pkgutil.iter_modules(perf.__path__)]
    failed = [
        name
        for name in names
        if name not in ("__main__", "report", "listener_load")
        and subprocess.run([sys.executable, "-m", f"perf.{name}", *sys.argv[1:]], check=False).returncode
    ]
    for name in failed:
        print(f"perf.{name} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
