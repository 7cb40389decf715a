"""Does the verdict distinguish suspects from networks whose answers mean nothing?

    python benchmarks/calibration.py --work FOLDER [--data REAL_DATA] [--cached-only]
    python benchmarks/calibration.py --work FOLDER [--data REAL_DATA] --held-out

Networks without meaning (untrained, trained on noise) and with meaning (real suspects, the demo suspect, both cut to
two or three of their outputs, small networks trained on two classes) are queried over four corpora: drawings (the demo
corpus), photos, photos with traffic signs, grey photos with digits. Their answers are kept in FOLDER. Results:
calibration.csv, a row for each network and corpus.

The limits of the verdict were chosen on such networks. `--held-out` measures it on networks that were not used for that
choice: other seeds, architectures, pairs of classes and cuts. Results: calibration_held_out.csv.

A second run with the same FOLDER sends no query again. Delete FOLDER/chance after changing `fdcore.verdict.chance`.
"""

import argparse
import hashlib
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import calibration_networks as networks
import numpy as np
import torch
from record import save

from fdcore import demo
from fdcore.answers.ledger import LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.method.findings import Findings, Scored, weigh
from fdcore.method.scores import score_leaves
from fdcore.method.selection import SelectionSettings
from fdcore.records import from_plain, to_plain
from fdcore.suspect.open import open_suspect
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import Suspect
from fdcore.verdict import Chance, decide, measure_specificity
from fdcore.verdict.chance import compare_with_chance, pictures_to_compare
from fdcore.verdict.specificity import why_meaningless
from fdcore.verdict.untrained import untrained_outputs

PER_LEAF, N_VIEWS = 12, 1
N_SEEDS, N_NOISE_SEEDS = 1, 1
HELD_OUT_FROM, N_HELD_OUT = 3_000, 1  # first seed, and how many
N_NOISE = (2, 5, 10, 100)  # classes of networks that learn noise
CIFAR_CUTS = ((3, 5), (1, 9), (0, 8), (2, 6), (4, 7), (3, 4, 5))
DEMO_CUTS = ((3, 10), (2, 7), (0, 9), (6, 8))
HELD_OUT_CUTS = ((0, 1), (3, 7), (5, 9), (6, 8), (2, 4))
HELD_OUT_DEMO_CUTS = ((1, 4), (5, 8), (2, 6), (0, 7))
HELD_OUT_SIGN_CUTS = ((1, 12), (13, 33), (17, 25), (2, 38))

SPECIFICITY_DIGITS = {"n_used": 2, "evenness": 3, "kinship": 3, "kin_odds": 2} | dict.fromkeys(
    ("kin_share", "margin", "strays"), 3
)

Cuts = tuple[tuple[int, ...], ...]
Query = Callable[[networks.Shown], np.ndarray]  # soft outputs or hard labels


class Pairs(NamedTuple):
    """Labelled pictures, the corpora that show such things, and the pairs of classes for small networks to learn."""

    folder: str
    channels: int
    size: int
    corpora: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


ANIMALS, DIGITS, SIGNS = "cifar10-train", "mnist-test", "gtsrb-test"
WIDE = ("drawings", "photos")
PAIRS = (Pairs(ANIMALS, 3, 32, WIDE, (("cat", "dog"), ("automobile", "truck"))),)
HELD_OUT_PAIRS = (
    Pairs(ANIMALS, 3, 32, WIDE, (("horse", "ship"), ("bird", "truck"), ("frog", "airplane"))),
    Pairs(DIGITS, 1, 28, ("digits",), (("3", "8"), ("1", "7"))),
    Pairs(SIGNS, 3, 32, ("signs",), (("13", "33"), ("2", "38"))),
)


class Subject(NamedTuple):
    """A network over a corpus, whole and cut to some outputs."""

    kind: str
    name: str
    corpus: str
    cuts: Cuts
    query: Query


def main() -> None:
    """Query what is missing, measure everything, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cached-only", action="store_true", help="measure existing answers and send no query")
    parser.add_argument("--held-out", action="store_true", help="only networks that were not used to choose the limits")
    options = parser.parse_args()
    torch.set_flush_denormal(True)  # outputs of an untrained network may be that small, and then take minutes
    torch.set_num_threads(1)  # other threads would not flush
    shown = show_corpora(options.work, options.data)
    if options.held_out:
        subjects, target = held_out_subjects(options.data), Path(__file__).with_stem("calibration_held_out")
    else:
        subjects, target = chosen_on_subjects(options.data), Path(__file__)
    rows = [
        row
        for subject in subjects
        if subject.corpus in shown
        for row in measured(subject, shown, options.work, cached_only=options.cached_only)
        if not (options.held_out and row["kind"] == "real")  # the limits were chosen on whole suspects
    ]
    save(str(target), rows)
    _print_rates(rows)


def held_out_subjects(data: Path | None) -> Iterator[Subject]:
    """Networks that no limit was chosen on, those with meaning first."""
    seeds = range(HELD_OUT_FROM, HELD_OUT_FROM + N_HELD_OUT)
    yield from _opened(
        "demo", demo.SUSPECT_PATH, WIDE[:1], HELD_OUT_DEMO_CUTS, arch=demo.SUSPECT_ARCH, preset=demo.SUSPECT_PRESET
    )
    if data:
        files = data / "suspects"
        yield from _opened("seized-01", files / "seized-01.th", WIDE, HELD_OUT_CUTS, arch="resnet20")
        yield from _opened("seized-08", files / "seized-08.pth", WIDE, HELD_OUT_CUTS, preset="signed")
        yield from _opened("seized-05", files / "seized-05.pt", ("signs",), HELD_OUT_SIGN_CUTS, preset="unit")
        yield from _two_classes(data / "labelled", HELD_OUT_PAIRS, HELD_OUT_FROM)
        yield from _noise(data / "labelled" / ANIMALS, seeds)
    yield from _untrained(WIDE, seeds, (*networks.ARCHITECTURES, *networks.OTHER_ARCHITECTURES))


def measured(
    subject: Subject, shown: Mapping[str, networks.Shown], work: Path, *, cached_only: bool
) -> Iterator[dict[str, object]]:
    """A row for each cut of a network over a corpus."""
    corpus = shown[subject.corpus]
    for cut, answers in answers_of(subject, shown, work, cached_only=cached_only):
        yield specificity_row(subject, cut, weighed(answers, len(cut), corpus), chance_of(answers, corpus, work))


def _print_rates(rows: Sequence[Mapping[str, object]]) -> None:
    """How often each outcome occurred, by kind of network and number of classes."""
    counts: dict[tuple[object, object], Counter[object]] = defaultdict(Counter)
    for row in rows:
        counts[row["kind"], row["n_classes"]][row["outcome"]] += 1
    for (kind, n_classes), outcomes in sorted(counts.items(), key=str):
        print(f"{kind}, {n_classes} classes: {dict(outcomes)}")


def show_corpora(work: Path, data: Path | None) -> dict[str, networks.Shown]:
    """The corpora as shown to all networks; only the drawings where there is no real data."""
    demo.build_demo_corpus(work / "demo")
    folders: dict[str, tuple[list[str], int, int]] = {"drawings": ([str(work / "demo")], 3, 32)}
    if data:
        photos = str(data / "corpora" / "tiny-imagenet" / "val")
        folders |= {
            "photos": ([photos], 3, 32),
            "signs": ([photos, f"{data / 'corpora' / 'gtsrb'}@n06794110"], 3, 32),
            "digits": ([photos, str(data / "corpora" / "mnist")], 1, 28),
        }
    return {
        name: networks.show(
            name, parts, channels=channels, size=size, per_leaf=PER_LEAF, n_views=N_VIEWS, cache=work / "cache"
        )
        for name, (parts, channels, size) in folders.items()
    }


# Subjects


def chosen_on_subjects(data: Path | None) -> Iterator[Subject]:
    """Networks like those that the limits were chosen on, over every corpus that they are queried over."""
    yield from _opened(
        "demo", demo.SUSPECT_PATH, ("drawings", "photos"), DEMO_CUTS, arch=demo.SUSPECT_ARCH, preset=demo.SUSPECT_PRESET
    )
    if data:
        files = data / "suspects"
        wide = ("photos", "drawings")
        yield from _opened("seized-01", files / "seized-01.th", (*wide, "signs"), CIFAR_CUTS, arch="resnet20")
        yield from _opened("seized-08", files / "seized-08.pth", wide, CIFAR_CUTS, preset="signed")
        yield from _opened("seized-08, wrong preprocessing", files / "seized-08.pth", ("photos",), CIFAR_CUTS)
        yield from _opened("seized-05", files / "seized-05.pt", ("signs", "photos"), (), preset="unit")
        yield from _opened("seized-05, wrong preprocessing", files / "seized-05.pt", ("signs",), ())
        yield from _opened("seized-02", files / "seized-02.onnx", ("signs",), ())
        yield from _opened("seized-03", files / "seized-03.onnx", ("digits",), ())
        yield from _two_classes(data / "labelled", PAIRS, 0)
        yield from _noise(data / "labelled" / ANIMALS, range(N_NOISE_SEEDS))
    yield from _untrained(("signs", "digits"), range(N_SEEDS))  # those over drawings and photos are held out


def _untrained(
    corpora: Sequence[str], seeds: Sequence[int], architectures: Sequence[str] = networks.ARCHITECTURES
) -> Iterator[Subject]:
    """Networks with random weights."""
    for corpus, seed in product(corpora, seeds):
        for arch, initialisation, after in product(architectures, networks.INITIALISATIONS, (False, True)):
            if after and arch not in networks.NORMALISED:
                continue
            make = partial(networks.untrained, arch, initialisation, seed, after_batches=after)
            name = f"{arch}, {initialisation}, seed {seed}, {'after batches' if after else 'as initialised'}"
            cuts = tuple(tuple(range(n)) for n in networks.SIZES)
            yield Subject("untrained", name, corpus, cuts, partial(_query_untrained, make))


def _opened(name: str, path: Path, corpora: Sequence[str], cuts: Cuts, **options: str) -> Iterator[Subject]:
    opened = cache(lambda: open_suspect(path, **options))
    for corpus in corpora:
        yield Subject("real", name, corpus, cuts, partial(_query_opened, opened))


def _two_classes(labelled: Path, several: Sequence[Pairs], first_seed: int) -> Iterator[Subject]:
    """Small networks trained on two true classes."""
    for some in several:
        for seed, pair in enumerate(some.pairs, start=first_seed):
            make = partial(_train_pair, labelled / some.folder, some, pair, seed)
            for corpus in some.corpora:
                name = f"{some.folder}: {' and '.join(pair)}, seed {seed}"
                yield Subject("two classes", name, corpus, (), partial(_query_trained, make))


def _noise(folder: Path, seeds: Sequence[int]) -> Iterator[Subject]:
    """Small networks that learned noise as labels."""
    for seed, n_classes in product(seeds, N_NOISE):
        make = partial(_train_noise, folder, n_classes, seed)
        for corpus in ("drawings", "photos"):
            yield Subject("noise", f"{n_classes} classes, seed {seed}", corpus, (), partial(_query_trained, make))


@cache
def _labelled(folder: Path, size: int, per_class: int, channels: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    return networks.labelled_pictures(folder, size, per_class, channels)


@cache
def _train_pair(folder: Path, some: Pairs, pair: Sequence[str], seed: int, spec: PreprocessSpec) -> torch.nn.Module:
    pictures, labels, names = _labelled(folder, some.size, 300, some.channels)
    first, second = map([name.lstrip("0") or "0" for name in names].index, pair)
    chosen = np.isin(labels, [first, second])
    truth = (labels[chosen] == second).astype(np.int64)
    network = networks.train(pictures[chosen], truth, spec, seed=seed, epochs=max(12, 3_600 // len(truth)))
    right = networks.accuracy(network, pictures[chosen], truth, spec)
    print(f"{folder.name}, {' and '.join(pair)}: {right:.0%} of {len(truth)} training pictures right", flush=True)
    return network


@cache
def _train_noise(folder: Path, n_classes: int, seed: int, spec: PreprocessSpec) -> torch.nn.Module:
    pictures, _, _ = _labelled(folder, 32, 100, 3)
    rng = np.random.default_rng(seed)
    noise = rng.integers(n_classes, size=600)
    chosen = rng.permutation(len(pictures))[:600]
    return networks.train(pictures[chosen], noise, spec, seed=seed, epochs=40 if n_classes > 10 else 30)


def _query_untrained(make: Callable[[networks.Shown], torch.nn.Module], shown: networks.Shown) -> np.ndarray:
    return networks.outputs_of(make(shown), shown)


def _query_trained(make: Callable[[PreprocessSpec], torch.nn.Module], shown: networks.Shown) -> np.ndarray:
    return networks.outputs_of(make(shown.spec), shown)


def _query_opened(opened: Callable[[], Suspect], shown: networks.Shown) -> np.ndarray:
    """Soft outputs of a PyTorch network, so that it can be cut; hard labels of any other suspect."""
    suspect = opened()
    if hasattr(suspect, "_outputs"):
        return networks.outputs_of(suspect._outputs, shown)
    return np.eye(suspect.n_classes, dtype=np.float32)[np.stack([suspect.labels(view) for view in shown.views], axis=1)]


def answers_of(
    subject: Subject, shown: Mapping[str, networks.Shown], work: Path, *, cached_only: bool
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Each cut with its answers (n_images, n_views), cached or queried; with `cached_only`, only cached ones."""
    path = work / f"{subject.corpus}-{zlib.crc32(f'{subject.kind}: {subject.name}, {subject.cuts}'.encode()):08x}.npz"
    if not path.exists():
        if cached_only:
            return
        np.savez(path, **_cut(subject.query(shown[subject.corpus]), subject))
    with np.load(path) as kept:
        for key in kept.files:
            yield tuple(map(int, key.split(","))), kept[key]


def _cut(outputs: np.ndarray, subject: Subject) -> dict[str, np.ndarray]:
    """The answers of the whole network (unless it is untrained) and of each cut, by the remaining outputs."""
    whole = () if subject.kind == "untrained" else (tuple(range(outputs.shape[2])),)
    return {
        ",".join(map(str, cut)): outputs[..., list(cut)].argmax(axis=2).astype(np.int16)
        for cut in (*whole, *subject.cuts)
    }


# Measurements


def weighed(answers: np.ndarray, n_classes: int, shown: networks.Shown) -> Findings:
    """The findings with the default settings."""
    answers = answers.astype(np.int32)
    images = shown.images
    header = LedgerHeader("", n_classes, shown.spec, "", 0, ViewSpec(), *answers.shape)
    scores = score_leaves(answers, images.node_index, images.nodes, n_classes)
    scored = Scored(scores, images, answers, shown.image_ids, shown.hierarchy, header, answers.size)
    return weigh(scored, SelectionSettings())


def chance_of(answers: np.ndarray, shown: networks.Shown, work: Path) -> Chance:
    """The comparison with untrained networks, as a case would hold it, from FOLDER/chance or measured."""
    answers = np.ascontiguousarray(answers[:, 0], np.int32)
    kept = work / "chance" / f"{shown.name}-{hashlib.sha256(answers.tobytes()).hexdigest()[:16]}.json"
    if kept.exists():
        return from_plain(Chance, json.loads(kept.read_text("utf-8")), what=str(kept))
    leaf_of = np.asarray(shown.images.node_index)
    chosen = pictures_to_compare(answers, leaf_of)
    explaining, answering = _untrained_outputs(shown, work / "chance", chosen)
    chance = compare_with_chance(answers[chosen], leaf_of[chosen], explaining, answering)
    kept.write_text(json.dumps(to_plain(chance)), "utf-8")
    return chance


def _untrained_outputs(shown: networks.Shown, folder: Path, chosen: np.ndarray) -> tuple[list, list]:
    """Outputs of the verdict's untrained networks for a corpus, from the folder or computed."""
    path = folder / f"{shown.name}-untrained.npz"
    if not path.exists():
        folder.mkdir(exist_ok=True)
        explaining, answering = untrained_outputs(shown.views[0], chosen)
        np.savez(path, explaining=explaining, answering=answering)
    with np.load(path) as kept:
        return list(kept["explaining"]), list(kept["answering"])


def specificity_row(subject: Subject, cut: tuple[int, ...], findings: Findings, chance: Chance) -> dict[str, object]:
    """One network over one corpus."""
    measured = measure_specificity(findings.classes, findings.scored.scores, findings.scored.distances)
    n_found = findings.overall.n_found
    is_cut = subject.kind == "real" and cut in subject.cuts
    return {
        "kind": "cut" if is_cut else subject.kind,
        "network": f"{subject.name}, outputs {' '.join(map(str, cut))}" if is_cut else subject.name,
        "corpus": subject.corpus,
        "n_classes": len(cut),
        "n_found": n_found,
        **{name: round(getattr(measured, name), digits) for name, digits in SPECIFICITY_DIGITS.items()},
        "by_kinds": measured.by_kinds,
        "by_distinct_classes": measured.by_distinct_classes,
        "by_limits": not why_meaningless(measured),
        "consistency": round(chance.consistency, 4),
        "highest_untrained": round(chance.highest, 4),
        "n_untrained": chance.n_null,
        "n_as_high": chance.n_as_high,
        "outcome": decide(measured, chance).outcome,
    }


if __name__ == "__main__":
    main()
