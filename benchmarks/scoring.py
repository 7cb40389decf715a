"""How much of a network's bare speed scoring keeps, and how it compares with the usual loop.

    python benchmarks/scoring.py

In one process, interleaved, with ResNet-20 at 32x32 on the demo corpus:

    a          the forward pass alone, on prepared batches
    b          our scoring end to end, with images decoded beforehand (warm cache)
    c8, c64    the usual loop: decode with Pillow, torchvision's transforms image by image, batches of 8 and of 64

Goals: b at 0.90 of a's rate or better; b at least 5 times c8. Then the peak memory of scoring two corpora, the second
ten times the first: it must not grow with the corpus. Results: scoring.csv beside this script.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from record import rates, save

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

N_ROUNDS = 5
N_IMAGES, N_VIEWS = 512, 4
BATCH = 256


def make_network() -> torch.nn.Module:
    """A ResNet-20 with random weights, as fast as a trained one."""
    torch.manual_seed(0)
    return build("resnet20", 10).eval()


def make_suspect() -> Suspect:
    """The same network as a suspect, opened like any file."""
    with tempfile.TemporaryDirectory() as folder:
        torch.save(make_network().state_dict(), Path(folder) / "suspect.pth")
        return open_suspect(Path(folder) / "suspect.pth", arch="resnet20", preset="imagenet")


def score(suspect: Suspect, pixels: np.ndarray, image_ids: np.ndarray, n_views: int = N_VIEWS) -> None:
    """Query the suspect with every view of these pixels, into a fresh ledger."""
    header = LedgerHeader(suspect.fingerprint, 10, suspect.spec, "", 0, ViewSpec(), len(pixels), n_views)
    with tempfile.TemporaryDirectory() as folder:
        ask_suspect(suspect, Ledger.open_or_create(Path(folder) / "ledger", header, image_ids), pixels)


def forward_alone(n_batches: int) -> Callable[[], None]:
    """The bare network on prepared batches, in the memory format that is fastest here."""
    network = make_network().to(memory_format=torch.channels_last)
    batches = [torch.randn(BATCH, 3, 32, 32).to(memory_format=torch.channels_last) for _ in range(n_batches)]

    def run() -> None:
        with torch.inference_mode():
            for batch in batches:
                network(batch).argmax(dim=1)

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


def speeds(corpus: Corpus, folder: Path) -> list[dict[str, object]]:
    """The four rates, interleaved over several rounds."""
    suspect, store = make_suspect(), corpus.store
    pixels, ids = store.pixels[:N_IMAGES], store.image_ids[:N_IMAGES]
    files = [folder / name.split("/", 1)[1] for name in store.names[:N_IMAGES]]
    n_queries = len(pixels) * N_VIEWS
    runs = {
        "a: forward alone": (forward_alone(n_queries // BATCH), n_queries),
        "b: our scoring": (lambda: score(suspect, pixels, ids), n_queries),
        "c8: usual loop": (usual_loop(suspect.spec, files, 8), len(files)),
        "c64: usual loop": (usual_loop(suspect.spec, files, 64), len(files)),
    }
    measured = rates(runs, n_rounds=N_ROUNDS)
    ours = measured["b: our scoring"]
    return [
        {
            "what": name,
            "queries_per_s": round(statistics.median(values)),
            "b_over_it": round(statistics.median(b / x for b, x in zip(ours, values, strict=True)), 3),
            "peak_mib": "",
        }
        for name, values in measured.items()
    ]


def peak_memory(n_images: int) -> dict[str, object]:
    """Peak resident memory of a separate process that scores `n_images` pictures of 32x32 from a memory map."""
    result = subprocess.run([sys.executable, __file__, str(n_images)], capture_output=True, text=True, check=True)
    what = f"memory, {n_images:,} images"
    return {"what": what, "queries_per_s": "", "b_over_it": "", "peak_mib": result.stdout.strip()}


def score_many(n_images: int) -> None:
    """The process that `peak_memory` measures: anonymous memory only, because mapped pages are the kernel's to drop."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.npy"
        pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(n_images, 32, 32, 3))
        for start in range(0, n_images, 1000):
            pixels[start : start + 1000] = np.random.default_rng(start).integers(0, 256, (1000, 32, 32, 3), np.uint8)
        pixels.flush()
        score(make_suspect(), np.load(path, mmap_mode="r"), np.arange(n_images, dtype=np.uint64), n_views=1)
    print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    """Measure speeds and memory."""
    if len(sys.argv) > 1:
        score_many(int(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "corpus"
        build_demo_corpus(folder)
        corpus = open_corpus(
            [folder], hierarchy=load_wordnet(), height=32, width=32, channels=3, cache=Path(temporary) / "cache"
        )
        rows = speeds(corpus, folder)
    save(__file__, rows + [peak_memory(n) for n in (2_000, 20_000)])


if __name__ == "__main__":
    main()
