"""What a benchmark prints for programs is JSON, and what runs as a benchmark is one."""

import json
import math
from pathlib import Path
from typing import NoReturn

import pytest

import perf
from perf.__main__ import chosen, is_benchmark
from perf.report import Report, Result


def refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_json_cannot_say_is_null(value: float) -> None:
    report = Report("b", [Result("m", "ms", value, baseline=2.0), Result("n", "ms", 1.0, value, value)])
    first, second = json.loads(report.to_json(), parse_constant=refuse)["results"]
    assert (first["value"], first["baseline"]) == (None, 2.0)
    assert (second["value"], second["baseline"], second["target"]) == (1.0, None, None)


def test_figures_are_told_as_they_are() -> None:
    (row,) = json.loads(Report("b", [Result("m", "ms", 2.0, 8.0, 3.0)]).to_json())["results"]
    assert (row["value"], row["baseline"], row["ratio"], row["target"], row["met"]) == (2, 8, 4, 3, True)


def test_only_modules_that_measure_are_benchmarks() -> None:
    (directory,) = perf.__path__
    found = {path.stem for path in Path(directory).glob("*.py") if is_benchmark(path.read_text())}
    assert {"forward", "jitter", "listeners", "mixer", "reply"} <= found
    assert not found & {
        "__init__",
        "__main__",
        "listener_load",
        "lossy_path",
        "report",
        "rtp_load",
        "running_server",
        "speech_corpus",
    }
    for name in found:
        assert '__name__ == "__main__"' in (Path(directory) / f"{name}.py").read_text()


def test_all_benchmarks_run_but_the_soak_which_is_asked_for_by_name() -> None:
    there = ["mixer", "reply", "soak"]
    assert chosen([], there) == (["mixer", "reply"], [])
    assert chosen(["--json"], there) == (["mixer", "reply"], ["--json"])
    assert chosen(["soak", "--minutes", "5"], there) == (["soak"], ["--minutes", "5"])
    assert chosen(["reply", "mixer"], there) == (["reply", "mixer"], [])
    with pytest.raises(ValueError, match="no benchmark: soka; there are mixer, reply, soak"):
        chosen(["soka", "mixer"], there)
