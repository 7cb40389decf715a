"""How fast a clone is trained: against a plain PyTorch loop, and against the usual loop over image files.

    python benchmarks/cloning.py [images] [--device cuda]

In one process, interleaved, with ResNet-20 and GoogLeNet at 32x32, batches of 64:

    a          a plain loop: the same network, float32 tensors prepared in memory, torch.optim.SGD, no augmentation
    b          ours, `fdcore.cloning.training.train`, from uint8 pictures: shift, mirror, schedule, checkpoint
    c          the usual loop: Dataset and DataLoader over JPEG files, torchvision's RandomCrop and flip, ToTensor,
               Normalize; the files are 32x32 already
    d          the same over photographs of 500x375, the usual size in image collections, with Resize first

The mean over whole epochs, in images per second. On a GPU `a` keeps its tensors there, `b` chooses its own arithmetic
(bfloat16 where the hardware has it) and `c` and `d` read with eight processes. Goals: b at least a; b at least 3 times
c. Results: cloning.csv beside this script, and cloning-gpu.csv.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from record import rates, save
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from fdcore.cloning.settings import TrainingSettings
from fdcore.cloning.training import TrainingData, train
from fdcore.suspect.architectures.registry import build
from fdcore.suspect.preprocess import PreprocessSpec

N_ROUNDS, N_CLASSES, BATCH = 3, 10, 64
N_EPOCHS = 3  # of ours in one run, which begins with a new network and writes a checkpoint after each
N_IMAGES = {"resnet20": 512, "googlenet-32": 64}
N_IMAGES_GPU = 5_000
N_READERS_GPU = 8
PHOTOGRAPH = (375, 500)


def plain_loop(arch: str, pixels: np.ndarray, labels: np.ndarray, device: str) -> Callable[[], None]:
    """The usual first attempt, with everything prepared."""
    network, optimiser = new_network(arch, device)
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().contiguous().to(device) / 127.5 - 1
    y = torch.from_numpy(labels).long().to(device)

    def run() -> None:
        for rows in torch.randperm(len(x)).split(BATCH):
            learn(network, optimiser, x[rows], y[rows])

    return run


def new_network(arch: str, device: str) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A network and the usual optimiser."""
    torch.manual_seed(0)
    network = build(arch, N_CLASSES).train().to(device)
    return network, torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)


def ours(arch: str, pixels: np.ndarray, labels: np.ndarray, device: str) -> Callable[[], None]:
    """Our whole training, from a new network to the last checkpoint."""
    settings = TrainingSettings(arch=arch, epochs=N_EPOCHS, batch_size=BATCH, held_out=0.0, device=device)
    data = TrainingData(pixels, labels, np.arange(len(labels), dtype=np.int64))

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            train(data, n_classes=N_CLASSES, spec=PreprocessSpec(), settings=settings, folder=Path(folder))

    return run


class Files(Dataset[tuple[Tensor, int]]):
    """Labelled image files, read as in tutorials."""

    def __init__(self, files: list[Path], labels: np.ndarray, transform: Callable[[Image.Image], Tensor]) -> None:
        self.files, self.labels, self.transform = files, labels, transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.open(self.files[index]).convert("RGB")), int(self.labels[index])


def usual_loop(arch: str, files: list[Path], labels: np.ndarray, device: str, *, resize: bool) -> Callable[[], None]:
    """A DataLoader over files with torchvision's transforms, one picture at a time."""
    network, optimiser = new_network(arch, device)
    steps = [transforms.Resize((32, 32))] if resize else []
    transform = transforms.Compose(
        [
            *steps,
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )
    on_gpu = device != "cpu"
    readers = N_READERS_GPU if on_gpu else 0  # on two cores readers would slow the network as much as they help
    loader = DataLoader(
        Files(files, labels, transform), batch_size=BATCH, shuffle=True, num_workers=readers, pin_memory=on_gpu,
        persistent_workers=on_gpu,
    )  # fmt: skip

    def run() -> None:
        for x, y in loader:
            learn(network, optimiser, x.to(device, non_blocking=True), y.to(device, non_blocking=True))

    return run


def learn(network: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    """One step, with the loss and the agreement that is usually printed."""
    optimiser.zero_grad()
    out = network(x)
    loss = nn.functional.cross_entropy(out, y)
    loss.backward()
    optimiser.step()
    loss.item(), (out.argmax(dim=1) == y).sum().item()


def write_files(folder: Path, pixels: np.ndarray, size: tuple[int, int] | None) -> list[Path]:
    """The pictures as JPEG files, enlarged to `size` (height, width) if given."""
    folder.mkdir()
    paths = []
    for i, picture in enumerate(pixels):
        image = Image.fromarray(picture)
        paths.append(folder / f"{i}.jpg")
        (image.resize(size[::-1]) if size else image).save(paths[-1])
    return paths


def speeds(arch: str, n: int, folder: Path, device: str) -> list[dict[str, object]]:
    """All four rates for one architecture, interleaved over several rounds."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(0, N_CLASSES, n).astype(np.int32)
    small, large = (write_files(folder / f"{arch}-{name}", pixels, size) for name, size in
                    (("small", None), ("large", PHOTOGRAPH)))  # fmt: skip
    runs = {
        "a: plain loop": (plain_loop(arch, pixels, labels, device), n),
        "b: ours": (ours(arch, pixels, labels, device), n * N_EPOCHS),
        "c: usual loop over 32x32 files": (usual_loop(arch, small, labels, device, resize=False), n),
        "d: usual loop over photographs": (usual_loop(arch, large, labels, device, resize=True), n),
    }
    measured = rates(runs, n_rounds=N_ROUNDS)
    our = measured["b: ours"]
    return [
        {
            "arch": arch,
            "what": name,
            "images_per_s": round(statistics.median(values), 1),
            "b_over_it": round(statistics.median(b / x for b, x in zip(our, values, strict=True)), 2),
            "device": torch.cuda.get_device_name(device) if device != "cpu" else f"{torch.get_num_threads()} threads",
        }
        for name, values in measured.items()
    ]


def main() -> None:
    """Measure both networks."""
    parser = argparse.ArgumentParser(description="Images per second of training a clone.")
    parser.add_argument("images", nargs="?", type=int, help="pictures of an epoch, instead of the usual numbers")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    options = parser.parse_args()
    usual = N_IMAGES if options.device == "cpu" else dict.fromkeys(N_IMAGES, N_IMAGES_GPU)
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for arch, n in usual.items():
            rows += speeds(arch, options.images or n, Path(folder), options.device)
    save(__file__ if options.device == "cpu" else str(Path(__file__).with_stem("cloning-gpu")), rows)


if __name__ == "__main__":
    main()
