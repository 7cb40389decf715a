"""What a cell costs: pictures per second through it against the same network without it, and the time to open one.

    python benchmarks/cell.py [--rounds 12]

The two alternate, so that a busy machine slows both. Results: cell.csv.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from record import machine

from fdcore.progress import silent
from fdcore.suspect.architectures.registry import build
from fdcore.suspect.open import open_suspect
from fdcore.suspect.reading.opening import Request, open_inside
from fdcore.suspect.suspect import Suspect

RESULTS = Path(__file__).with_suffix(".csv")
N_PICTURES = 2_048


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet20.pth"
        torch.manual_seed(0)
        torch.save(build("resnet20", 10).state_dict(), path)
        opened = [_timed(lambda: open_suspect(path, preset="imagenet")) for _ in range(4)]
        inside, _ = open_inside(path, Request(None, {}, "imagenet", None, "cpu", None, {}, silent))
        speeds = np.array([[_speed(suspect) for suspect in (opened[-1][1], inside)] for _ in range(rounds)])
    confined, plain = speeds.T
    row = {
        "per_s_in_cell": round(float(np.median(confined))), "per_s_without": round(float(np.median(plain))),
        "ratio": round(float(np.median(confined / plain)), 3), "rounds": rounds,
        "first_open_s": round(opened[0][0], 2), "next_open_s": round(float(np.median([t for t, _ in opened[1:]])), 2),
    }  # fmt: skip
    table = pd.DataFrame([row | machine()])
    table.to_csv(RESULTS, index=False)
    print(table.to_string(index=False))


def _timed(call: Callable[[], Suspect]) -> tuple[float, Suspect]:
    begun = time.perf_counter()
    result = call()
    return time.perf_counter() - begun, result


def _speed(suspect: Suspect) -> float:
    pictures = np.random.default_rng(0).integers(0, 256, (N_PICTURES, 32, 32, 3), dtype=np.uint8)
    begun = time.perf_counter()
    suspect.labels(pictures)
    return N_PICTURES / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
