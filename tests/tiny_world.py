"""A tiny real world: eight WordNet leaves, a few pictures of each, and a suspect that answers by colour."""

import hashlib
import os
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import load_wordnet

SIZE = 12
# leaf -> (colour, the class that the suspect puts it in)
LEAVES = {
    "n02690373": ((200, 40, 40), 0),  # airliner
    "n04552348": ((210, 60, 50), 0),  # warplane
    "n04592741": ((190, 50, 60), 0),  # wing
    "n01494475": ((220, 30, 30), 0),  # hammerhead: the false friend
    "n02123045": ((40, 180, 60), 1),  # tabby
    "n02123394": ((50, 200, 70), 1),  # Persian cat
    "n03100240": ((50, 60, 200), 2),  # convertible
    "n04285008": ((60, 50, 210), 2),  # sports car
}
N_CLASSES = 4  # nothing in the world is in class 3
PER_LEAF = 10
BATCH = 32


def build(folder: Path) -> Path:
    """Draw the pictures, in ImageNet's layout."""
    rng = np.random.default_rng(5)
    for leaf, (colour, _) in LEAVES.items():
        (folder / leaf).mkdir(parents=True)
        for number in range(PER_LEAF):
            noise = rng.normal(0, 35, (SIZE, SIZE, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / leaf / f"{number}.png")
    return folder


@cache
def hierarchy() -> Hierarchy:
    """WordNet's part above the eight leaves."""
    whole = load_wordnet()
    nodes = set(LEAVES).union(*(whole.ancestors(leaf) for leaf in LEAVES))
    return Hierarchy.from_rows((node, whole.parents(node), whole.synonyms(node)) for node in nodes)


def classify(pictures: np.ndarray) -> np.ndarray:
    """The suspect: the strongest mean channel, and class 3 for what is nearly grey (never in this world)."""
    means = pictures.reshape(len(pictures), -1, 3).mean(axis=1)
    labels = means.argmax(axis=1)
    labels[np.ptp(means, axis=1) < 5] = 3
    return labels


def counted(log: Path, moment: str) -> Callable[[np.ndarray], np.ndarray]:
    """The suspect that writes down every picture it is sent, before it answers, and may kill the process."""
    batches = 0

    def answer(pictures: np.ndarray) -> np.ndarray:
        nonlocal batches
        batches += 1
        with log.open("a") as file:
            file.writelines(f"{hashlib.sha256(p.tobytes()).hexdigest()}\n" for p in pictures)
        if moment == f"during batch {batches}":
            os.kill(os.getpid(), signal.SIGKILL)
        return classify(pictures)

    return answer


def kill_at(moment: str) -> None:
    """Have the process kill itself right after (`after:NAME`) or before (`before:NAME`) an artefact is written."""
    from fdcore import storage
    from fdcore.case import case

    if " replace " in moment:
        kill_at_replace(int(moment.split()[-1]), before=moment.startswith("inside"))
        return
    when, _, name = moment.partition(":")
    write = storage.write_atomically

    def deadly(path: Path, content: bytes) -> None:
        if path.name == name and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, content)
        if path.name == name and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    case.write_atomically = deadly
    from fdcore.answers import ledger

    ledger.write_atomically = deadly


def kill_at_replace(number: int, *, before: bool) -> None:
    """Have the process kill itself before or after its n-th rename, with every temporary file still there."""
    replace, calls = os.replace, 0

    def deadly(source: object, target: object) -> None:
        nonlocal calls
        calls += 1
        if calls == number and before:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly


def run(corpus: Path, case: Path, cache: Path, log: Path, moment: str = "", adaptive: bool = False) -> None:
    """One investigation of the counted suspect; at `moment` the process kills itself."""
    from fdcore.case.plan import Settings
    from fdcore.method.adaptive import Adaptive
    from fdcore.suspect.preprocess import PreprocessSpec
    from fdcore.suspect.suspect import CallableSuspect
    from fdcore.work.investigate import investigate

    if moment.startswith(("before:", "after:")) or " replace " in moment:
        kill_at(moment)
    spec = PreprocessSpec(height=SIZE, width=SIZE)
    suspect = CallableSuspect(
        counted(log, moment), n_classes=N_CLASSES, spec=spec, fingerprint="c" * 64, batch_size=BATCH
    )

    def progress(stage: str, done: int, _total: int) -> None:
        if stage == "Querying the suspect" and moment == f"after query {done}":
            os.kill(os.getpid(), signal.SIGKILL)

    investigate(
        case, suspect, [corpus], hierarchy=hierarchy(), open_suspect=open_nothing, cache=cache,
        settings=Settings(n_views=4, adaptive=Adaptive() if adaptive else None), progress=progress,
    )  # fmt: skip


def open_nothing(_path: Path) -> object:
    """The tiny world's suspect needs no file."""
    raise AssertionError("no file was to be opened")
