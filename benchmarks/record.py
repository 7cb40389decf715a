"""What every benchmark writes: its rows as CSV beside the script, with the machine they were measured on."""

import csv
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def machine() -> dict[str, object]:
    """What the numbers were taken on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cores": os.cpu_count(),
        "cpu": models[0] if models else platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def save(script: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print the rows and write them to the CSV that bears the script's name."""
    described = [dict(row) | machine() for row in rows]
    with Path(script).with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(described[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(described)
    for row in rows:
        print(", ".join(f"{name} {value}" for name, value in row.items()))
