"""How time, memory and disk grow with pictures, leaves and classes.

    python benchmarks/scale.py [--most 1000000]

Each row is measured in a process of its own, so that its peak memory is its own:

    store        a corpus is read from the cache: the demo's pictures at 32x32, repeated under new ids
    scoring      all of them are sent once to a ResNet-20 (random weights), with a ledger on disk
    conclusions  50 answers for each leaf are scored, and the answer of every class is drawn
    tables       all scores are written as parquet

Disk is what the step leaves: the store, the ledger, the table. Slopes are between a size and the one before: 1 is
proportional. Nothing else may run on the machine. Results: scale.csv beside this script; docs/scale.md explains them.
"""

import argparse
import hashlib
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from record import save
from scoring import make_suspect

from fdcore import demo
from fdcore.answers.asking import ask_suspect
from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.case.tables import scores_to_parquet
from fdcore.corpus.layouts import ImageFile
from fdcore.corpus.store import ImageStore, Size, UsableImage, build_store, read_store
from fdcore.corpus.wordnet import load_wordnet
from fdcore.method.findings import ImageTable, Scored, score, weigh
from fdcore.method.selection import SelectionSettings
from fdcore.suspect.preprocess import PreprocessSpec

PICTURES = (1_000, 10_000, 100_000, 1_000_000)
SHAPES = ((200, 10), (1_000, 10), (1_000, 100), (1_000, 1_000), (21_000, 10), (21_000, 100), (21_000, 1_000))
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


STEPS: dict[str, Callable[..., dict[str, float] | None]] = {
    "build": build, "store": read, "scoring": ask, "conclusions": conclude, "tables": write,
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
        rows.append({"what": what, **sizes, "disk_mib": "", **measured, "slope": growth})
        last[what] = (measured["seconds"], n)
        print(rows[-1], flush=True)

    for n in (n for n in PICTURES if n <= options.most):
        with tempfile.TemporaryDirectory() as temporary:
            apart("build", Path(temporary), n)
            for what in ("store", "scoring"):
                add(what, (n, "", ""), apart(what, Path(temporary), n), n)
    for n_leaves, n_classes in SHAPES:
        if n_leaves * n_classes <= options.most:
            with tempfile.TemporaryDirectory() as temporary:
                for what in ("conclusions", "tables"):
                    measured = apart(what, Path(temporary), n_leaves, n_classes)
                    add(what, (n_leaves * ANSWERS, n_leaves, n_classes), measured, n_leaves * n_classes)
    save(__file__, rows)


if __name__ == "__main__":
    main()
