"""What a benchmark found, as a table for people or as one JSON object for programs."""

import argparse
import json
import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

__all__ = ["Report", "Result", "machine", "run"]


@dataclass(frozen=True, slots=True)
class Result:
    """One figure, beside what it is compared to.

    Attributes:
        metric: what was measured.
        unit: of value, baseline and target.
        value: ours.
        baseline: the naive way, the stock way or the seed's way, measured in the same run; None without one.
        target: what ours is to reach; None without one.
        higher_is_better: rates and counts served; times and sizes are the other way.
    """

    metric: str
    unit: str
    value: float
    baseline: float | None = None
    target: float | None = None
    higher_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better than the baseline; None without one."""
        if self.baseline is None or self.value == 0 or self.baseline == 0:
            return None
        return self.value / self.baseline if self.higher_is_better else self.baseline / self.value

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.higher_is_better else self.value <= self.target


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one benchmark.

    Attributes:
        name: of the benchmark.
        results: in the order of the table.
        notes: what a reader has to know to judge them.
    """

    name: str
    results: Sequence[Result]
    notes: Sequence[str] = ()

    def to_json(self) -> str:
        """One object; keys as docs/architecture.md lists them."""
        rows = [
            {
                "metric": result.metric,
                "unit": result.unit,
                "value": _finite(result.value),
                "baseline": _finite(result.baseline),
                "ratio": _finite(result.ratio),
                "target": _finite(result.target),
                "met": result.met,
            }
            for result in self.results
        ]
        return json.dumps(
            {"name": self.name, "machine": machine(), "results": rows, "notes": list(self.notes)},
            allow_nan=False,
        )

    def print_table(self) -> None:
        """Prints to standard output."""
        table = Table(title=f"{self.name} · {machine()}")
        for heading in ("metric", "ours", "baseline", "ratio", "target", "met"):
            table.add_column(heading, justify="left" if heading == "metric" else "right")
        for result in self.results:
            better = "≥" if result.higher_is_better else "≤"
            table.add_row(
                result.metric,
                f"{result.value:.4g} {result.unit}",
                "" if result.baseline is None else f"{result.baseline:.4g} {result.unit}",
                "" if result.ratio is None else f"{result.ratio:.3g} ×",
                "" if result.target is None else f"{better} {result.target:.4g}",
                {None: "", True: "yes", False: "no"}[result.met],
            )
        console = Console()
        console.print(table)
        for note in self.notes:
            console.print(note)


def _finite(value: float | None) -> float | None:
    """JSON has neither infinity nor NaN (RFC 8259, section 6)."""
    return value if value is not None and math.isfinite(value) else None


def machine() -> str:
    """Processor, cores, Python, in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = f"{len(names)} × {names[0].partition(':')[2].strip()}" if names else model
    return f"{model}, Python {platform.python_version()}"


def run(measure: Callable[[], Report]) -> None:
    """The command line of a benchmark module: `--json` prints one object, else a table.

    Args:
        measure: does the work.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    report = measure()
    if arguments.json:
        print(report.to_json())
    else:
        report.print_table()
