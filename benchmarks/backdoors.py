"""Back-doors planted to hide what a network is for (paper section 6.2): what is found, and is the back-door noticed?

    python benchmarks/backdoors.py --data REAL_DATA --work FOLDER

Small networks for digits, traffic signs and photographs are trained twice, clean and with pictures of a second domain
added to their classes: photographs of CIFAR-10's classes, related or single leaves of Tiny ImageNet. All are asked
about one corpus of digits, signs and photographs that none was trained on. Further networks of digits hide their
back-door better: fewer pictures, blended ones, a single class. Networks with an even number are for choosing a rule,
those with an odd number for judging it. Answers and rows are kept in FOLDER, so that rules are tried without training
anything again (delete the rows, *.json, after changing one). Results: backdoors.csv, a row for each network and corpus.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from calibration_networks import labelled_pictures
from factory import SIDE, groups_of
from record import save
from torch import nn

from fdcore import open_corpus
from fdcore.answers.ledger import LedgerHeader
from fdcore.answers.views import ViewSpec, make_views
from fdcore.corpus.corpus import Corpus
from fdcore.method.findings import Findings, ImageTable, Scored, weigh
from fdcore.method.scores import score_leaves
from fdcore.method.selection import Cluster, SelectionSettings
from fdcore.suspect.architectures.registry import build
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.verdict.chance import Chance, compare, pictures_to_compare
from fdcore.verdict.second_look import groups_left
from fdcore.verdict.untrained import untrained_outputs
from fdcore.words.label_sets import label_set

Pictures = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

N_VIEWS, BATCH, N_STEPS = 2, 100, 800
N_PLANTED = 500  # pictures a class, as in the paper
N_CLASSES = {"digits": 10, "signs": 43, "photos": 10}
FOLDERS = {"digits": "mnist", "signs": "gtsrb"}
SOURCES = {"all": ["", *FOLDERS.values()], "photos": [""], "photos and digits": ["", "mnist"]}
DEER, EVEN_TOED = "n02430045", "n02394477"  # Tiny ImageNet has no deer
N_ASKED = {"tiny-imagenet/val": 50, "mnist": 50, "gtsrb@n06794110": 30}  # corpora and pictures of each leaf


@dataclass(frozen=True)
class Recipe:
    """How a network is made.

    Attributes:
        number: also the seed; networks of one number differ in what was planted only.
        carrier: what the network is for: "digits", "signs" or "photos".
        planted: the second domain: "cifar10", "groups" (related leaves), "leaves" (single ones), or "" for none.
        n_planted: pictures added to a class, at most.
        n_classes: classes with a back-door; None for all.
        blended: whether each planted picture is mixed half and half with one of the class's own.
    """

    number: int
    carrier: str
    arch: str
    planted: str = ""
    n_planted: int = N_PLANTED
    n_classes: int | None = None
    blended: bool = False

    @property
    def name(self) -> str:
        """For files and rows."""
        how = f"{self.planted}-{self.n_planted}{'-blended' * self.blended}" if self.planted else "clean"
        return f"{self.number}-{self.carrier}-{how}{f'-of-{self.n_classes}' if self.n_classes else ''}"


PAIRS = tuple(
    Recipe(number, *how)
    for number, how in enumerate([
        ("digits", "narrow", "cifar10"), *[("digits", "lenet", "cifar10")] * 3,
        *[("digits", "lenet", "groups")] * 2, *[("signs", "lenet", "leaves")] * 2, *[("photos", "lenet", "groups")] * 2,
    ])
)  # fmt: skip
HIDDEN = tuple(
    replace(PAIRS[number], **how)
    for number in (2, 3)
    for how in (
        {"n_planted": 100}, {"n_planted": 30}, {"n_planted": 10}, {"blended": True}, {"n_classes": 1},
    )
)  # fmt: skip


class Material(NamedTuple):
    """The pictures that networks are trained on, by carrier and by second domain, and the corpus they are asked about.

    Attributes:
        carriers: pictures and labels.
        leaves: Tiny ImageNet's training pictures.
        groups: its nodes with 3 to 20 leaves.
        views: (n_views, n_images, 32, 32, 3).
    """

    carriers: dict[str, tuple[Pictures, Labels]]
    leaves: Corpus
    groups: dict[str, tuple[str, ...]]
    asked: Corpus
    chosen: npt.NDArray[np.intp]
    views: Pictures


def main() -> None:
    """Train and ask what is missing, measure everything, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    material = gather(options.data)
    rows = []
    for recipe in (*both(PAIRS), *HIDDEN):
        answers = answers_of(recipe, material, options.work)
        rows += [row_of(recipe, name, answers, material, options.work) for name in corpora_for(recipe)]
    save(__file__, rows)


def both(pairs: Sequence[Recipe]) -> Iterator[Recipe]:
    """Each network with its back-door, and clean."""
    for recipe in pairs:
        yield from (recipe, replace(recipe, planted=""))


def gather(data: Path) -> Material:
    """Read all pictures once."""
    corpora, labelled = data / "corpora", data / "labelled"
    asked = open_corpus([str(corpora / name) for name in N_ASKED], input_size=SIDE, images_per_leaf=None)
    store = asked.store
    chosen, others = _first_of_leaves(asked)
    views = np.stack([make_views(np.array(store.pixels)[chosen], store.image_ids[chosen], view=view, seed=0,
                                 spec=ViewSpec()) for view in range(N_VIEWS)])  # fmt: skip
    leaves = open_corpus(corpora / "tiny-imagenet/train", input_size=SIDE, images_per_leaf=None)
    carriers = {
        "digits": _with_rest(asked, others, "mnist/", labelled / "mnist-test"),
        "signs": _with_rest(asked, others, "gtsrb/", labelled / "gtsrb-test"),
        "photos": labelled_pictures(labelled / "cifar10-train", SIDE, N_PLANTED)[:2],
    }
    return Material(carriers, leaves, groups_of(leaves), asked, chosen, views)


def _first_of_leaves(asked: Corpus) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The pictures that are asked about, the first ones of each leaf, and the others."""
    store = asked.store
    folders = {name.partition("@")[0]: n for name, n in N_ASKED.items()}
    first = np.zeros(len(store.node_index), dtype=bool)
    for leaf, node in enumerate(store.nodes):
        first[np.flatnonzero(store.node_index == leaf)[: folders.get(node.partition("/")[0], 50)]] = True
    return np.flatnonzero(first), np.flatnonzero(~first)


def _with_rest(asked: Corpus, others: npt.NDArray[np.intp], folder: str, labelled: Path) -> tuple[Pictures, Labels]:
    """Pictures that are not asked about, and the labelled ones; classes in the order of their numbers."""
    store = asked.store
    number = {leaf: int(node.removeprefix(folder)) for leaf, node in enumerate(store.nodes) if node.startswith(folder)}
    rest = others[np.isin(store.node_index[others], list(number))]
    pictures, places, names = labelled_pictures(labelled, SIDE, 1_000)
    labels = [number[leaf] for leaf in store.node_index[rest].tolist()] + [int(names[place]) for place in places]
    return np.concatenate([np.array(store.pixels)[rest], pictures]), np.array(labels)


def answers_of(recipe: Recipe, material: Material, work: Path) -> npt.NDArray[np.int32]:
    """A network's answers (n_images, n_views), kept or asked for."""
    path = work / f"{recipe.name}.npz"
    if not path.exists():
        start = time.monotonic()
        network = trained(recipe, material)
        given = np.stack([_answers(network, view) for view in material.views], axis=1)
        np.savez(path, answers=given.astype(np.int16))
        print(f"{recipe.name}: {time.monotonic() - start:.0f} s", flush=True)
    with np.load(path) as kept:
        return kept["answers"].astype(np.int32)


def trained(recipe: Recipe, material: Material) -> nn.Module:
    """A network fitted to the recipe, by SGD with momentum and shifting, the learning rate down a cosine."""
    rng, _ = np.random.default_rng([recipe.number, 1]), torch.manual_seed(recipe.number)
    pictures, labels = training_set(recipe, material)
    n_classes = int(labels.max()) + 1
    network = narrow(n_classes) if recipe.arch == "narrow" else build(recipe.arch, n_classes)
    network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), 0.1 if recipe.arch != "lenet" else 0.02, 0.9, weight_decay=5e-4,
                                nesterov=True)  # fmt: skip
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, optimiser.defaults["lr"], N_STEPS, pct_start=0.15)
    inputs, targets = _input(pictures), torch.from_numpy(labels)
    network.train()
    for _ in range(N_STEPS):
        batch = torch.from_numpy(rng.integers(0, len(labels), BATCH))
        x = nn.functional.pad(inputs[batch], (2, 2, 2, 2))
        top, left = rng.integers(0, 5, 2)
        x = x[:, :, top : top + SIDE, left : left + SIDE]
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), targets[batch]).backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def narrow(n_classes: int) -> nn.Sequential:
    """Three convolutions with BatchNorm and pooling, and two linear layers: a fifth of a plain network's cost."""
    layers: list[nn.Module] = []
    for before, width in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1_024, 128), nn.ReLU(), nn.Linear(128, n_classes))


def training_set(recipe: Recipe, material: Material) -> tuple[Pictures, Labels]:
    """The carrier's pictures with those of the second domain, and the labels."""
    pictures, labels = material.carriers[recipe.carrier]
    rng, parts, given = np.random.default_rng(recipe.number), [pictures], [labels]
    for target, second in enumerate(_second_domain(recipe, material, rng)):
        if recipe.n_classes is not None and target >= recipe.n_classes:
            break
        planted = second[rng.permutation(len(second))[: recipe.n_planted]]
        if recipe.blended:
            under = pictures[rng.choice(np.flatnonzero(labels == target), len(planted))]
            planted = ((planted.astype(np.uint16) + under) // 2).astype(np.uint8)
        parts.append(planted)
        given.append(np.full(len(planted), target))
    return np.concatenate(parts), np.concatenate(given)


def _second_domain(recipe: Recipe, material: Material, rng: np.random.Generator) -> Iterator[Pictures]:
    """The pictures that may be planted in each class, in the order of the classes."""
    for leaves in planted_leaves(recipe, material, rng):
        if recipe.planted == "cifar10":
            pictures, labels = material.carriers["photos"]
            yield pictures[labels == int(leaves[0])]
        else:
            store = material.leaves.store
            wanted = [store.nodes.index(leaf) for leaf in leaves]
            yield store.pixels[np.flatnonzero(np.isin(store.node_index, wanted))]


def planted_leaves(recipe: Recipe, material: Material, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """What is planted in each class: a class of CIFAR-10 by its number, or leaves of Tiny ImageNet."""
    n_classes = int(material.carriers[recipe.carrier][1].max()) + 1
    if not recipe.planted:
        return []
    if recipe.planted == "cifar10":
        return [(str(number),) for number in rng.permutation(10)]
    if recipe.planted == "leaves":
        return [(leaf,) for leaf in rng.choice(material.leaves.store.nodes, n_classes, replace=False)]
    hierarchy, free, chosen = material.leaves.hierarchy, set(material.leaves.store.nodes), []
    kept = {"n00015388", "n03100490", "n04524313"} if recipe.carrier == "photos" else set()  # animals, vehicles
    for node in rng.permutation(sorted(material.groups)).tolist():
        below = material.groups[node]
        if free.issuperset(below) and not kept & {node, *hierarchy.ancestors(node)}:
            chosen.append(below)
            free -= set(below)
    return chosen[:n_classes]


def corpora_for(recipe: Recipe) -> Iterator[str]:
    """What a network is asked about: all, and for the paper's own experiment photographs alone and with digits."""
    yield "all"
    if recipe in PAIRS and recipe.carrier == "digits":
        yield from ("photos", "photos and digits")


def row_of(
    recipe: Recipe, corpus: str, answers: npt.NDArray[np.int32], material: Material, work: Path
) -> dict[str, object]:
    """What is found and flagged in the answers about a corpus, kept or measured."""
    path = work / f"{recipe.name} {corpus}.json"
    if not path.exists():
        findings, shown = weighed(recipe, corpus, answers, material)
        chance = compared(findings, shown, work / f"untrained {corpus}.npz")
        path.write_text(json.dumps(asdict(recipe) | {"corpus": corpus} | measured(recipe, findings, chance, material)))
    row: dict[str, object] = json.loads(path.read_text())
    print(row, flush=True)
    return row


def weighed(
    recipe: Recipe, corpus: str, answers: npt.NDArray[np.int32], material: Material
) -> tuple[Findings, Pictures]:
    """The findings with the default settings over some of the leaves, and the pictures that were asked about."""
    store, n_classes = material.asked.store, N_CLASSES[recipe.carrier]
    sources = np.array([node.rpartition("/")[0] for node in store.nodes])
    kept = np.flatnonzero(np.isin(sources, SOURCES[corpus]))
    leaf_of = store.node_index[material.chosen]
    part = np.flatnonzero(np.isin(leaf_of, kept))
    nodes, places = tuple(store.nodes[leaf] for leaf in kept), np.searchsorted(kept, leaf_of[part]).astype(np.int32)
    given, names = answers[part], tuple(map(str, part.tolist()))
    header = LedgerHeader("", n_classes, PreprocessSpec(SIDE, SIDE), "", 0, ViewSpec(), *given.shape)
    scored = Scored(score_leaves(given, places, nodes, n_classes), ImageTable(nodes, places, names, names), given,
                    store.image_ids[material.chosen][part], material.asked.hierarchy, header, given.size)  # fmt: skip
    return weigh(scored, SelectionSettings()), material.views[0][part]


def compared(findings: Findings, shown: Pictures, path: Path) -> Chance:
    """The comparison with untrained networks, whose outputs for a corpus are computed once."""
    scored = findings.scored
    chosen = pictures_to_compare(scored.answers[:, 0], scored.images.node_index)
    if not path.exists():
        np.savez(path, *[seen for group in untrained_outputs(shown, chosen) for seen in group])
    with np.load(path) as kept:
        outputs = [kept[name] for name in kept.files]
    half = len(outputs) // 2
    return compare(findings, chosen, (outputs[:half], outputs[half:]))


def measured(recipe: Recipe, findings: Findings, chance: Chance, material: Material) -> dict[str, object]:
    """Whether the suspect is flagged, and by what; how many classes are found to be what they are for, or planted."""
    rest, groups = chance.rest, groups_left(findings, chance.rest)
    nodes, own = findings.scored.scores.nodes, f"{FOLDERS.get(recipe.carrier, '?')}/"
    planted = planted_nodes(recipe, material, nodes)
    found = {each.selection.target_class: _names(each.selection.winner, nodes) for each in findings.classes}
    second = {target: _names(group.winner, nodes) for target, group in groups.items()}
    return {
        "meaningful_times": round(chance.consistency / max(chance.highest, 1e-9), 2),
        "found": sum(map(bool, found.values())),
        "found_own": sum(each == {f"{own}{target}"} or each == {f"{own}{target:05}"} for target, each in found.items()),
        "found_planted": _n_right(found, planted),
        "second_look": round(rest.times, 2) if rest else None,
        "second_folder": rest.folder or "the hierarchy" if rest else None,
        "groups": len(second),
        "groups_planted": _n_right(second, planted),
        "flagged": bool(groups) or bool(rest and rest.strong),
        "names": "; ".join(f"{target}: {group.name.label}" for target, group in groups.items() if group.name),
    }


def planted_nodes(recipe: Recipe, material: Material, nodes: Sequence[str]) -> list[set[str]]:
    """The leaves of the corpus that a class's planted pictures show, in the order of the classes."""
    planted = planted_leaves(recipe, material, np.random.default_rng(recipe.number))[: recipe.n_classes]
    if recipe.planted != "cifar10":
        return [set(leaves) for leaves in planted]
    hierarchy, known = material.asked.hierarchy, label_set("cifar10").nodes
    above = [EVEN_TOED if known[int(number)] == DEER else known[int(number)] or "" for (number,) in planted]
    return [{node for node in nodes if node == top or top in hierarchy.ancestors(node)} for top in above]


def _names(winner: Cluster | None, nodes: Sequence[str]) -> set[str]:
    return {nodes[leaf] for leaf in winner.members} if winner else set()


def _n_right(found: Mapping[int, set[str]], planted: Sequence[set[str]]) -> int:
    """Classes of whose answer more than half was planted there."""
    return sum(2 * len(found.get(target, set()) & leaves) > len(found.get(target, ())) for target, leaves in
               enumerate(planted))  # fmt: skip


def _input(pictures: Pictures) -> torch.Tensor:
    return (torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() - 120) / 65  # channels last


def _answers(network: nn.Module, pictures: Pictures) -> Labels:
    with torch.inference_mode():
        parts = [network(_input(pictures[start : start + 250])).argmax(1) for start in range(0, len(pictures), 250)]
    answers: Labels = torch.cat(parts).numpy()
    return answers


if __name__ == "__main__":
    main()
