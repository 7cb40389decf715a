"""What benchmarks share: rates, and rows written as CSV beside the script, with the machine they were measured on."""

import csv
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np


def machine() -> dict[str, object]:
    """The machine and versions that the numbers were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cores": os.cpu_count(),
        "cpu": models[0] if models else platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def rates(runs: Mapping[str, tuple[Callable[[], None], int]], *, n_rounds: int) -> dict[str, list[float]]:
    """Items per second of each run, once a round, interleaved after a warm-up; a run comes with its number of items."""
    for run, _ in runs.values():
        run()
    measured: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(n_rounds):
        for name, (run, n) in runs.items():
            start = time.perf_counter()
            run()
            measured[name].append(n / (time.perf_counter() - start))
    return measured


def save(script: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print the rows and write them to the CSV named after the script."""
    described = [dict(row) | machine() for row in rows]
    with Path(script).with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(described[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(described)
    for row in rows:
        print(", ".join(f"{name} {value}" for name, value in row.items()))
