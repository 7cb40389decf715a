"""How time, memory and disk grow with pictures, leaves and classes.

    python benchmarks/scale.py [--most 1000000]

Each row is measured in a process of its own, so that its peak memory is its own:

    store        a corpus is read from the cache: the demo's pictures at 32x32, repeated under new ids
    scoring      all of them are sent once to a ResNet-20 (random weights), with a ledger on disk
    conclusions  50 answers for each leaf are scored, and the answer of every class is drawn
    tables       all scores are written as parquet
    one process  20,000 pictures by one process and its cell on one core, in eager PyTorch
    Ray          the same by Ray's workers, one for each core of this machine; left out where Ray is not installed

Disk is what the step leaves: the store, the ledger, the table. Slopes are between a size and the one before: 1 is
proportional. Nothing else may run on the machine. Results: scale.csv beside this script; docs/scale.md explains them.
"""

import argparse
import hashlib
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from record import save
from scoring import make_network, make_suspect

from fdcore import demo
from fdcore.answers.asking import ask_suspect
from fdcore.answers.ledger import NOT_ASKED, Ledger, LedgerHeader
from fdcore.answers.ray_workers import LOCAL, ray_workers
from fdcore.answers.shards import Workers, ask_in_shards
from fdcore.answers.views import ViewSpec
from fdcore.case.tables import scores_to_parquet
from fdcore.corpus.layouts import ImageFile
from fdcore.corpus.store import ImageStore, Size, UsableImage, build_store, read_store
from fdcore.corpus.wordnet import load_wordnet
from fdcore.method.findings import ImageTable, Scored, score, weigh
from fdcore.method.selection import SelectionSettings
from fdcore.storage import sha256_file
from fdcore.suspect.open import open_suspect
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import Suspect

PICTURES = (1_000, 10_000, 100_000, 1_000_000)
SHAPES = ((200, 10), (1_000, 10), (1_000, 100), (1_000, 1_000), (21_000, 10), (21_000, 100), (21_000, 1_000))
N_SPREAD = 20_000
SIZE, ANSWERS, OWN = Size(32, 32, 3), 50, 0.6  # the share of answers that fall in a leaf's own class


def repeated(n_images: int) -> Iterator[UsableImage]:
    """The demo's leaves in turn, a few drawings of each again and again, as if every one were a file of its own."""
    from PIL import Image

    drawn = {
        (leaf.wnid, number): np.asarray(Image.fromarray(demo.draw_picture(leaf, number=number)).resize(SIZE[:2]))
        for leaf in demo.LEAVES for number in range(4)
    }  # fmt: skip
    for number in range(n_images):
        leaf = demo.LEAVES[number % len(demo.LEAVES)].wnid
        file = ImageFile(leaf, Path(f"{number:08}.png"), f"{leaf}/{number:08}.png", "repeated")
        yield UsableImage(file, drawn[leaf, number % 4], hashlib.sha256(str(number).encode()).hexdigest())


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds, and the peak resident memory of this process so far."""
    begun = time.perf_counter()
    work()
    return {"seconds": round(time.perf_counter() - begun, 3), "peak_mib": peak_mib()}


def peak_mib() -> int:
    """Of anonymous and mapped pages together; the kernel may drop the mapped ones."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def disk_mib(*paths: Path) -> float:
    """What lies in some folders."""
    return round(sum(file.stat().st_size for path in paths for file in path.rglob("*") if file.is_file()) / 2**20, 2)


def stored(folder: Path) -> ImageStore:
    """The store that `build` has left."""
    opened = read_store(folder / "store", SIZE)
    assert opened is not None
    return opened[0]


def build(folder: Path, n_images: int) -> None:
    """Write the store that the next steps read."""
    build_store(folder / "store", SIZE, lambda _problems: (image for image in repeated(n_images)))


def read(folder: Path, _n: int) -> dict[str, float]:
    """A step: read the store."""
    return timed(lambda: stored(folder)) | {"disk_mib": disk_mib(folder / "store")}


def ask(folder: Path, n_images: int) -> dict[str, float]:
    """A step: send every picture once."""
    (suspect, _), store = make_suspect(), stored(folder)
    header = LedgerHeader(suspect.fingerprint, 10, suspect.spec, store.fingerprint, 0, ViewSpec(), n_images, 1)
    ledger = Ledger.open_or_create(folder / "ledger", header, store.image_ids)
    return timed(lambda: ask_suspect(suspect, ledger, store.pixels)) | {"disk_mib": disk_mib(folder / "ledger")}


def scored(n_leaves: int, n_classes: int) -> Scored:
    """Answers that fall in each leaf's own class with probability `OWN`, and anywhere else otherwise."""
    hierarchy, rng = load_wordnet(), np.random.default_rng(0)
    nodes = tuple(sorted(rng.permutation(list(hierarchy.ids))[:n_leaves].tolist()))
    leaf = np.repeat(np.arange(len(nodes), dtype=np.int32), ANSWERS)
    labels = np.where(rng.random(len(leaf)) < OWN, leaf % n_classes, rng.integers(0, n_classes, len(leaf)))
    ids = rng.permutation(len(leaf)).astype(np.uint64)
    header = LedgerHeader("f" * 64, n_classes, PreprocessSpec(32, 32), "", 0, ViewSpec(), len(leaf), 1)
    ledger = Ledger.in_memory(header, ids)
    ledger.record(np.arange(len(leaf)), 0, labels)
    names = tuple(map(str, range(len(leaf))))
    return score(ledger, ImageTable(nodes, leaf, names, names), hierarchy)


def conclude(_folder: Path, n_leaves: int, n_classes: int) -> dict[str, float]:
    """A step: from answers to the answer of every class."""
    return timed(lambda: weigh(scored(n_leaves, n_classes), SelectionSettings()))


def write(folder: Path, n_leaves: int, n_classes: int) -> dict[str, float]:
    """A step: all scores as a table."""
    found = scored(n_leaves, n_classes)
    folder.mkdir(exist_ok=True)
    work = lambda: (folder / "scores.parquet").write_bytes(scores_to_parquet(found.scores, found.hierarchy))  # noqa: E731
    return timed(work) | {"disk_mib": disk_mib(folder)}


def open_file(folder: Path) -> tuple[Path, dict[str, str], Suspect]:
    """A suspect's file, how it is opened, and the suspect."""
    path, options = folder / "suspect.pth", {"arch": "resnet20", "preset": "imagenet", "runtime": "eager"}
    torch.save(make_network().state_dict(), path)
    return path, options, open_suspect(path, **options)


def spread(folder: Path, n_images: int, ask: Callable[[Suspect, Ledger, np.ndarray], object]) -> dict[str, float]:
    """Send every picture once, after a warm-up in which every worker opens its suspect."""
    (_, _, suspect), store = open_file(folder), stored(folder)
    header = LedgerHeader(suspect.fingerprint, 10, suspect.spec, "", 0, ViewSpec(), n_images, 2)
    ledger = Ledger.in_memory(header, store.image_ids)
    ledger.answers[:, 1] = 0  # the warm-up asks a part of view 0, the measured part the rest
    ledger.answers[n_images // 5 :, 0] = 0
    ask(suspect, ledger, store.pixels)
    ledger.answers[n_images // 5 :, 0] = NOT_ASKED
    measured = timed(lambda: ask(suspect, ledger, store.pixels))
    return measured | {"per_s": round((n_images - n_images // 5) / measured["seconds"], 1)}


def one_process(folder: Path, n_images: int) -> dict[str, float]:
    """A step: one process on one core."""
    os.sched_setaffinity(0, {0})
    os.environ["OMP_NUM_THREADS"] = "1"  # of its cell
    return spread(folder, n_images, ask_suspect)


def on_ray(folder: Path, n_images: int) -> dict[str, float]:
    """A step: a worker on each core."""
    path, options, suspect = open_file(folder)
    with ray_workers(LOCAL, path, sha256_file(path), options, suspect) as workers:
        place = str(folder / "shards")
        return spread(folder, n_images, partial(_in_shards, workers, place)) | {"workers": workers.size()}


def _in_shards(workers: Workers, place: str, suspect: Suspect, ledger: Ledger, pixels: np.ndarray) -> None:
    ask_in_shards(workers, ledger, pixels, batch_size=suspect.batch_size, place=place)


STEPS: dict[str, Callable[..., dict[str, float] | None]] = {
    "build": build, "store": read, "scoring": ask, "conclusions": conclude, "tables": write, "one process": one_process,
    "Ray": on_ray,
}  # fmt: skip


def apart(step: str, folder: Path, *numbers: int) -> dict[str, float]:
    """What a step measures in a process of its own."""
    command = [sys.executable, __file__, "--step", step, str(folder), *map(str, numbers)]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    measured: dict[str, float] = json.loads(printed)
    return measured


def slope(now: float, then: float, grown: float) -> float:
    """The exponent with which a time grows."""
    return round(math.log(max(now, 1e-9) / max(then, 1e-9)) / math.log(grown), 2)


def main() -> None:
    """Measure everything up to a number of pictures, or of scores; or one step, for `apart`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=10**9, metavar="N", help="leave out larger corpora and cases")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        name, folder, *numbers = options.step
        print(json.dumps(STEPS[name](Path(folder), *map(int, numbers)) or {}))
        return
    rows: list[dict[str, object]] = []
    last: dict[str, tuple[float, int]] = {}

    def add(what: str, shape: tuple[object, object, object], measured: dict[str, float], n: int) -> None:
        then, fewer = last.get(what, (0.0, n))
        sizes = dict(zip(("n_images", "n_leaves", "n_classes"), shape, strict=True))
        growth = slope(measured["seconds"], then, n / fewer) if n > fewer else ""
        rows.append({"what": what, **sizes, "disk_mib": "", "workers": "", "per_s": "", **measured, "slope": growth})
        last[what] = (measured["seconds"], n)
        print(rows[-1], flush=True)

    for n in (n for n in PICTURES if n <= options.most):
        with tempfile.TemporaryDirectory() as temporary:
            apart("build", Path(temporary), n)
            for what in ("store", "scoring"):
                add(what, (n, "", ""), apart(what, Path(temporary), n), n)
    with tempfile.TemporaryDirectory() as temporary:
        apart("build", Path(temporary), N_SPREAD)
        for what in ("one process", "Ray") if find_spec("ray") else ("one process",):
            add(what, (N_SPREAD, "", ""), apart(what, Path(temporary), N_SPREAD), N_SPREAD)
    for n_leaves, n_classes in SHAPES:
        if n_leaves * n_classes <= options.most:
            with tempfile.TemporaryDirectory() as temporary:
                for what in ("conclusions", "tables"):
                    measured = apart(what, Path(temporary), n_leaves, n_classes)
                    add(what, (n_leaves * ANSWERS, n_leaves, n_classes), measured, n_leaves * n_classes)
    save(__file__, rows)


if __name__ == "__main__":
    main()
