"""Does the verdict tell suspects from networks that mean nothing, and how often is a class's answer right?

    python benchmarks/calibration.py --work FOLDER [--data REAL_DATA] [--cases CASES] [--cached-only]
    python benchmarks/calibration.py --work FOLDER [--data REAL_DATA] --held-out

Networks without meaning (untrained, trained on noise) and with it (real suspects, the demo suspect, both cut to two or
three of their outputs, small networks trained on two classes) are asked over four corpora: drawings (the demo corpus),
photos, photos with traffic signs, grey photos with digits. What they answer is kept in FOLDER. CASES holds finished
cases named as the suspects' files without ending. Results: calibration.csv, a row for each network and corpus, and
calibration_truth.csv, a row for each case.

The limits of the verdict were chosen on these networks. `--held-out` measures them on networks without meaning that had
no part in that: other seeds, over drawings and photos. Results: calibration_held_out.csv.
"""

import argparse
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import calibration_networks as networks
import numpy as np
import torch
from record import save

from fdcore.analysis import Findings, Scored, load_scored, selection_settings, weigh
from fdcore.case import Case
from fdcore.corpus import demo
from fdcore.scores import score_leaves
from fdcore.selection import SelectionSettings
from fdcore.suspect.ledger import LedgerHeader
from fdcore.suspect.open import open_suspect
from fdcore.suspect.suspect import Suspect
from fdcore.verdict import measure_specificity
from fdcore.verdict.specificity import why_meaningless

PER_LEAF, N_VIEWS = 12, 1
N_SEEDS, N_NOISE_SEEDS = 10, 5
HELD_OUT_FROM, N_HELD_OUT = 1_000, 2  # first seed, and how many
PAIRS = (("cat", "dog"), ("automobile", "truck"))
CIFAR_CUTS = ((3, 5), (1, 9), (0, 8), (2, 6), (4, 7), (3, 4, 5))
DEMO_CUTS = ((3, 10), (2, 7), (0, 9), (6, 8))

Cuts = tuple[tuple[int, ...], ...]
Ask = Callable[[networks.Shown], np.ndarray]  # soft outputs or hard labels


class Subject(NamedTuple):
    """A network over a corpus, whole and cut to some of its outputs."""

    kind: str
    name: str
    corpus: str
    cuts: Cuts
    ask: Ask


def main() -> None:
    """Ask what is missing, measure all, write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--cached-only", action="store_true", help="measure what was asked before, and ask nothing")
    parser.add_argument("--held-out", action="store_true", help="only networks that had no part in choosing the limits")
    options = parser.parse_args()
    torch.set_flush_denormal(True)  # the outputs of an untrained network may be that small, and then take minutes
    shown = show_corpora(options.work, options.data)
    if options.held_out:
        measure_held_out(shown, options.work, options.data)
        return
    rows = []
    for subject in subjects(options.data):
        if subject.corpus in shown:
            for cut, answers in answers_of(subject, shown, options.work, cached_only=options.cached_only):
                rows.append(specificity_row(subject, cut, weighed(answers, len(cut), shown[subject.corpus])))
    save(__file__, rows)
    _print_rates(rows)
    if options.cases and options.data and (truths := truth_rows(options.cases, options.data)):
        save(str(Path(__file__).with_name("calibration_truth.py")), truths)


def measure_held_out(shown: Mapping[str, networks.Shown], work: Path, data: Path | None) -> None:
    """Networks without meaning whose seeds no limit was chosen on."""
    seeds = range(HELD_OUT_FROM, HELD_OUT_FROM + N_HELD_OUT)
    asked = list(_untrained(("drawings", "photos"), seeds))
    asked += _noise(data / "labelled" / "cifar10-train5000", seeds) if data else []
    rows = [
        specificity_row(subject, cut, weighed(answers, len(cut), shown[subject.corpus]))
        for subject in asked
        if subject.corpus in shown
        for cut, answers in answers_of(subject, shown, work, cached_only=False)
    ]
    save(str(Path(__file__).with_name("calibration_held_out.py")), rows)
    _print_rates(rows)


def _print_rates(rows: Sequence[Mapping[str, object]]) -> None:
    for kind in dict.fromkeys(row["kind"] for row in rows):
        called = [bool(row["meaningful"]) for row in rows if row["kind"] == kind]
        print(f"{kind}: {sum(called)} of {len(called)} called meaningful")


def show_corpora(work: Path, data: Path | None) -> dict[str, networks.Shown]:
    """The corpora as they are shown to all networks; the drawings alone where there is no real data."""
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


# What is asked


def subjects(data: Path | None) -> Iterator[Subject]:
    """Every network over every corpus that it is asked over."""
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
        yield from _two_classes(data / "labelled" / "cifar10-train5000")
        yield from _noise(data / "labelled" / "cifar10-train5000", range(N_NOISE_SEEDS))
    yield from _untrained(("drawings", "photos", "signs", "digits"), range(N_SEEDS))


def _untrained(corpora: Sequence[str], seeds: Sequence[int]) -> Iterator[Subject]:
    """Networks with random weights."""
    for corpus, seed in product(corpora, seeds):
        for arch, initialisation, after in product(networks.ARCHITECTURES, networks.INITIALISATIONS, (False, True)):
            if after and arch not in networks.NORMALISED:
                continue
            make = partial(networks.untrained, arch, initialisation, seed, after_batches=after)
            name = f"{arch}, {initialisation}, seed {seed}, {'after batches' if after else 'as initialised'}"
            cuts = tuple(tuple(range(n)) for n in networks.SIZES)
            yield Subject("untrained", name, corpus, cuts, partial(_ask_made, make))


def _opened(name: str, path: Path, corpora: Sequence[str], cuts: Cuts, **options: str) -> Iterator[Subject]:
    opened = cache(lambda: open_suspect(path, **options))
    for corpus in corpora:
        yield Subject("real", name, corpus, cuts, partial(_ask_opened, opened))


def _two_classes(folder: Path) -> Iterator[Subject]:
    """Small networks trained on two true classes."""
    for seed, pair in enumerate(PAIRS):
        make = partial(_train_pair, folder, pair, seed)
        for corpus in ("drawings", "photos"):
            yield Subject("two classes", " and ".join(pair), corpus, (), partial(_ask_made, make))


def _noise(folder: Path, seeds: Sequence[int]) -> Iterator[Subject]:
    """Small networks that learned labels that are noise."""
    for seed, n_classes in product(seeds, (2, 10, 100)):
        make = partial(_train_noise, folder, n_classes, seed)
        for corpus in ("drawings", "photos"):
            yield Subject("noise", f"{n_classes} classes, seed {seed}", corpus, (), partial(_ask_made, make))


@cache
def _labelled(folder: Path, per_class: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    return networks.labelled_pictures(folder, 32, per_class)


def _train_pair(folder: Path, pair: Sequence[str], seed: int, shown: networks.Shown) -> torch.nn.Module:
    pictures, labels, names = _labelled(folder, 300)
    first, second = map(names.index, pair)
    chosen = np.isin(labels, [first, second])
    truth = (labels[chosen] == second).astype(np.int64)
    return networks.train(pictures[chosen], truth, shown.spec, seed=seed, epochs=12)


def _train_noise(folder: Path, n_classes: int, seed: int, shown: networks.Shown) -> torch.nn.Module:
    pictures, _, _ = _labelled(folder, 100)
    rng = np.random.default_rng(seed)
    noise = rng.integers(n_classes, size=600)
    chosen = rng.permutation(len(pictures))[:600]
    return networks.train(pictures[chosen], noise, shown.spec, seed=seed, epochs=40 if n_classes > 10 else 30)


def _ask_made(make: Callable[[networks.Shown], torch.nn.Module], shown: networks.Shown) -> np.ndarray:
    return networks.outputs_of(make(shown), shown)


def _ask_opened(opened: Callable[[], Suspect], shown: networks.Shown) -> np.ndarray:
    """Soft outputs of a network in PyTorch, so that it can be cut; hard labels of any other suspect."""
    suspect = opened()
    if hasattr(suspect, "_outputs"):
        return networks.outputs_of(suspect._outputs, shown)
    return np.eye(suspect.n_classes, dtype=np.float32)[np.stack([suspect.labels(view) for view in shown.views], axis=1)]


def answers_of(
    subject: Subject, shown: Mapping[str, networks.Shown], work: Path, *, cached_only: bool
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Each cut with its answers (n_images, n_views), from the cache or by asking; none where there are none."""
    path = work / f"{subject.corpus}-{zlib.crc32(f'{subject.kind}: {subject.name}'.encode()):08x}.npz"
    if not path.exists():
        if cached_only:
            return
        np.savez(path, **_cut(subject.ask(shown[subject.corpus]), subject))
    with np.load(path) as kept:
        for key in kept.files:
            yield tuple(map(int, key.split(","))), kept[key]


def _cut(outputs: np.ndarray, subject: Subject) -> dict[str, np.ndarray]:
    """The answers of the whole network (unless it is random) and of each cut, by the outputs that are left."""
    whole = () if subject.kind == "untrained" else (tuple(range(outputs.shape[2])),)
    return {
        ",".join(map(str, cut)): outputs[..., list(cut)].argmax(axis=2).astype(np.int16)
        for cut in (*whole, *subject.cuts)
    }


# What is measured


def weighed(answers: np.ndarray, n_classes: int, shown: networks.Shown) -> Findings:
    """The findings with the default settings, as in any case."""
    answers = answers.astype(np.int32)
    images = shown.images
    header = LedgerHeader("", n_classes, shown.spec.as_dict(), "", 0, {}, *answers.shape)
    scores = score_leaves(answers, images.node_index, images.nodes, n_classes)
    scored = Scored(scores, images, answers, shown.image_ids, shown.hierarchy, header, answers.size)
    return weigh(scored, SelectionSettings())


def specificity_row(subject: Subject, cut: tuple[int, ...], findings: Findings) -> dict[str, object]:
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
        "n_used": round(measured.n_used, 2),
        "evenness": round(measured.evenness, 3),
        "kinship": round(measured.kinship, 3),
        "kin_odds": round(measured.kin_odds, 2),
        "kin_share": round(measured.kin_share, 3),
        "margin": round(measured.margin, 3),
        "strays": round(measured.strays, 3),
        "by_kinds": measured.by_kinds,
        "by_distinct_classes": measured.by_distinct_classes,
        "meaningful": not why_meaningless(measured),
    }


def truth_rows(cases: Path, data: Path) -> list[dict[str, object]]:
    """How often the answers of finished cases are right, for those whose classes' nodes are known."""
    truths = json.loads((data / "suspects" / "truth.json").read_text("utf-8"))
    known: dict[str, list[str | None]] = {
        Path(name).stem: truth["nodes"] for name, truth in truths.items() if "nodes" in truth
    }
    known["seized-08"] = known["seized-01"]
    known["demo"] = [truth.concept for truth in demo.TRUTH]
    rows = []
    for name, nodes in sorted(known.items()):
        if (cases / name / "case.json").is_file():
            case = Case.open(cases / name)
            rows += truth_of(name, weigh(load_scored(case), selection_settings(case)), nodes)
    for name in ("seized-02", "seized-03", "seized-05"):  # a folder for each class, named by its number
        if (cases / name / "case.json").is_file():
            case = Case.open(cases / name)
            rows += truth_of(name, weigh(load_scored(case), selection_settings(case)), None)
    return rows


def truth_of(name: str, findings: Findings, nodes: Sequence[str | None] | None) -> list[dict[str, object]]:
    """A row for the classes without a weakness, one for the others; nodes None: the right leaf bears the number."""
    scored = findings.scored
    rows = []
    for group in ("no weakness", "weakness"):
        found = [f for f in findings.classes if f.selection.winner and bool(f.weaknesses) == (group == "weakness")]
        shares = []
        for finding in found:
            target = finding.selection.target_class
            leaves = [scored.scores.nodes[leaf] for leaf in finding.selection.winner.members]
            if nodes is None:
                right = [leaf.rpartition("/")[2].lstrip("0") == str(target).lstrip("0") for leaf in leaves]
            else:
                node = nodes[target]
                right = [node in (leaf, *scored.hierarchy.ancestors(leaf)) for leaf in leaves]
            shares.append(float(np.mean(right)))
        rows.append(
            {
                "case": name,
                "answers": group,
                "n_found": len(found),
                "all_leaves_right": sum(share == 1 for share in shares),
                "most_leaves_right": sum(share > 0.5 for share in shares),
                "share_of_leaves_right": round(float(np.mean(shares)), 3) if shares else "",
            }
        )
    return rows


if __name__ == "__main__":
    main()
