"""How much of a network's bare speed scoring keeps, and how it compares with the usual loop.

    python benchmarks/scoring.py [--rounds 5]

In one process, interleaved, with ResNet-20 at 32x32 on the demo corpus:

    scoring            end to end, with images decoded beforehand (warm cache), in the runtime that a trial has chosen
    forward, ...       the bare network on prepared batches: eager PyTorch, channels last, batch norm folded, ONNX
                       Runtime; the last row takes the fastest of them
    usual loop, 8, 64  decode with Pillow, torchvision's transforms image by image, eager PyTorch, batches of 8 and 64

Goals of scoring's rate over another's: 1.3 of eager PyTorch's forward, 0.93 of the fastest forward, 3 of the usual loop
in batches of 8. The trial itself is timed too. Then the peak memory of scoring two corpora, the second ten times the
first: it must not grow with the corpus. Results: scoring.csv beside this script.
"""

import argparse
import copy
import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from record import rates, save
from torch.fx.experimental.optimization import fuse

from fdcore.answers.asking import ask_suspect
from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.corpus.corpus import Corpus, open_corpus
from fdcore.corpus.wordnet import load_wordnet
from fdcore.demo import build_demo_corpus
from fdcore.suspect.architectures.registry import build
from fdcore.suspect.open import open_suspect
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import Suspect

N_IMAGES, N_VIEWS = 1_024, 4
N_USUAL = 512  # images of the usual loop, which takes one view of each
BATCH = 256
SCORING, EAGER, FASTEST = "scoring", "forward, eager", "forward, the fastest"
GOALS = {EAGER: 1.3, FASTEST: 0.93, "usual loop, 8": 3.0}


def make_network() -> torch.nn.Module:
    """A ResNet-20 with random weights, as fast as a trained one."""
    torch.manual_seed(0)
    return build("resnet20", 10).eval()


def make_suspect() -> tuple[Suspect, float]:
    """The same network as a suspect, opened like any file, and the seconds that its trial of runtimes took."""
    with tempfile.TemporaryDirectory() as folder:
        torch.save(make_network().state_dict(), Path(folder) / "suspect.pth")
        suspect = open_suspect(Path(folder) / "suspect.pth", arch="resnet20", preset="imagenet", runtime="fastest")
    pictures = np.random.default_rng(0).integers(0, 256, (BATCH, 32, 32, 3), dtype=np.uint8)
    begun = time.perf_counter()
    while suspect.trial is None:
        suspect.labels(pictures)
    return suspect, time.perf_counter() - begun


def score(suspect: Suspect, pixels: np.ndarray, image_ids: np.ndarray, n_views: int = N_VIEWS) -> None:
    """Query the suspect with every view of these pixels, into a fresh ledger."""
    header = LedgerHeader(suspect.fingerprint, 10, suspect.spec, "", 0, ViewSpec(), len(pixels), n_views)
    with tempfile.TemporaryDirectory() as folder:
        ask_suspect(suspect, Ledger.open_or_create(Path(folder) / "ledger", header, image_ids), pixels)


def forwards(n_batches: int) -> dict[str, Callable[[], None]]:
    """The bare network in each runtime, on prepared batches."""
    batches = [torch.randn(BATCH, 3, 32, 32) for _ in range(n_batches)]
    last = [batch.to(memory_format=torch.channels_last) for batch in batches]
    network = make_network()
    turned = copy.deepcopy(network).to(memory_format=torch.channels_last)
    folded = fuse(network).to(memory_format=torch.channels_last)
    return {
        EAGER: _in_torch(network, batches),
        "forward, channels last": _in_torch(turned, last),
        "forward, batch norm folded": _in_torch(folded, last),
        "forward, ONNX Runtime": _in_onnxruntime(network, batches),
    }


def _in_torch(network: torch.nn.Module, batches: list[torch.Tensor]) -> Callable[[], None]:
    def run() -> None:
        with torch.inference_mode():
            for batch in batches:
                network(batch).argmax(dim=1)

    return run


def _in_onnxruntime(network: torch.nn.Module, batches: list[torch.Tensor]) -> Callable[[], None]:
    content, arrays = io.BytesIO(), [batch.numpy() for batch in batches]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (batches[0],), content, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}}
        )
    session = onnxruntime.InferenceSession(content.getvalue(), providers=["CPUExecutionProvider"])

    def run() -> None:
        for batch in arrays:
            session.run(None, {"x": batch})[0].argmax(axis=1)

    return run


def usual_loop(spec: PreprocessSpec, files: list[Path], batch_size: int) -> Callable[[], None]:
    """The usual first attempt: a file at a time through Pillow and torchvision's transforms."""
    from PIL import Image
    from torchvision import transforms

    network = make_network()
    transform = transforms.Compose(
        [
            transforms.RandomAffine(10, translate=(0.1, 0.1)),
            transforms.RandomPerspective(0.1, p=1.0),
            transforms.ToTensor(),
            transforms.Lambda(lambda x: (x + (torch.rand_like(x) * 2 - 1) * 0.02).clamp(0, 1)),
            transforms.Normalize(spec.mean, spec.std),
        ]
    )

    def run() -> None:
        with torch.inference_mode():
            for start in range(0, len(files), batch_size):
                chosen = files[start : start + batch_size]
                batch = torch.stack([transform(Image.open(path).convert("RGB")) for path in chosen])
                network(batch).argmax(dim=1)

    return run


def speeds(corpus: Corpus, folder: Path, n_rounds: int) -> list[dict[str, object]]:
    """All rates, interleaved over several rounds, after the trial."""
    (suspect, trial_s), store = make_suspect(), corpus.store
    pixels, ids = store.pixels[:N_IMAGES], store.image_ids[:N_IMAGES]
    files = [folder / name.split("/", 1)[1] for name in store.names[:N_USUAL]]
    n_queries = len(pixels) * N_VIEWS
    runs = {
        **{name: (run, n_queries) for name, run in forwards(n_queries // BATCH).items()},
        SCORING: (lambda: score(suspect, pixels, ids), n_queries),
        "usual loop, 8": (usual_loop(suspect.spec, files, 8), len(files)),
        "usual loop, 64": (usual_loop(suspect.spec, files, 64), len(files)),
    }
    measured = rates(runs, n_rounds=n_rounds)
    best = max(
        (name for name in measured if name.startswith("forward")), key=lambda one: statistics.median(measured[one])
    )
    named = measured | {FASTEST: measured[best]}
    assert suspect.trial is not None
    trial = row(f"trial: {suspect.trial.sentence}") | {"seconds": round(trial_s, 1)}
    return [trial, *(_rate(name, values, measured[SCORING]) for name, values in named.items())]


def _rate(name: str, values: list[float], ours: list[float]) -> dict[str, object]:
    ratios = [b / x for b, x in zip(ours, values, strict=True)]
    return row(name) | {
        "queries_per_s": round(statistics.median(values)),
        "scoring_over_it": round(statistics.median(ratios), 3),
        "lowest": round(min(ratios), 3),
        "highest": round(max(ratios), 3),
        "goal": GOALS.get(name, ""),
    }


def row(what: str) -> dict[str, object]:
    """A row of the table, to be filled."""
    names = ("queries_per_s", "scoring_over_it", "lowest", "highest", "goal", "seconds", "peak_mib")
    return {"what": what} | dict.fromkeys(names, "")


def peak_memory(n_images: int) -> dict[str, object]:
    """Peak resident memory of a separate process that scores `n_images` pictures of 32x32 from a memory map."""
    result = subprocess.run(
        [sys.executable, __file__, "--memory", str(n_images)], capture_output=True, text=True, check=True
    )
    return row(f"memory, {n_images:,} images") | {"peak_mib": result.stdout.strip()}


def score_many(n_images: int) -> None:
    """The process that `peak_memory` measures: anonymous memory only, because mapped pages are the kernel's to drop."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.npy"
        pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(n_images, 32, 32, 3))
        for start in range(0, n_images, 1000):
            pixels[start : start + 1000] = np.random.default_rng(start).integers(0, 256, (1000, 32, 32, 3), np.uint8)
        pixels.flush()
        score(make_suspect()[0], np.load(path, mmap_mode="r"), np.arange(n_images, dtype=np.uint64), n_views=1)
    print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    """Measure speeds and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", type=int, metavar="N", help="score N images and print the peak memory")
    options = parser.parse_args()
    if options.memory:
        score_many(options.memory)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "corpus"
        build_demo_corpus(folder)
        corpus = open_corpus(
            [folder], hierarchy=load_wordnet(), height=32, width=32, channels=3, cache=Path(temporary) / "cache"
        )
        rows = speeds(corpus, folder, options.rounds)
    save(__file__, rows + [peak_memory(n) for n in (2_000, 20_000)])


if __name__ == "__main__":
    main()
