"""Is an answer right, and does it vanish with its leaves? Rules tried on recorded answers, without any query.

    python benchmarks/ablation.py [--answers NAME ...] [--save]

Reads NAME.csv (a row for each class: network, class, kind, node, leaves) and NAME_answers.csv.gz (a row for each
picture, a column for each network and view), as factory.py writes them. For each rule it counts, over classes that the
corpus holds, how many answers are right (more than half of the leaves in the class's true region) or wrong, and over
classes that it does not hold how many get an answer all the same: classes of unseen pictures, and every held class once
more with its true region taken away. The true region is what lies below the true node; for single leaves, these
and their siblings. `--save` writes ablation.csv.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from record import save

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import load_wordnet
from fdcore.method.closeness import distances
from fdcore.method.scores import Scores, score_leaves
from fdcore.method.selection import SelectionSettings, select

HERE = Path(__file__).resolve().parent
SIBLINGS = 2.0  # steps
Flags = npt.NDArray[np.bool_]
BEFORE = SelectionSettings(eta=7.5, tau=0.3, relative=0.0, evidence=0.0, share=0.0, exclusive=1.0, held_out=False)
RULES: dict[str, SelectionSettings] = {
    "default": SelectionSettings(),
    "never by exclusivity": SelectionSettings(exclusive=1.0),
    "exclusive 0.3": SelectionSettings(exclusive=0.3),
    "exclusive 0.4": SelectionSettings(exclusive=0.4),
    "share 0.005": SelectionSettings(share=0.005),
    "share 0.02": SelectionSettings(share=0.02),
    "all images choose and state": SelectionSettings(held_out=False),
    "eta 7.5": SelectionSettings(eta=7.5),
    "k 8": SelectionSettings(k=8),
    "k 3": SelectionSettings(k=3),
    "k by silhouette": SelectionSettings(k="silhouette"),
    "fixed tau 0.3, eta 7.5": BEFORE,
    "fixed tau 0.4, eta 7.5": replace(BEFORE, tau=0.4),
    "fixed tau 0.5, eta 7.5": replace(BEFORE, tau=0.5),
    "the paper's rule, k by silhouette": SelectionSettings(eta=7.5, tau=0.3).by_paper_rule(),
    "the paper's rule, k 8": SelectionSettings(eta=7.5, tau=0.3, k=8).by_paper_rule(),
}


@dataclass(frozen=True)
class Recorded:
    """A network's answers (n_images, n_views) to pictures of leaves, and the true region of each class.

    A region is (n_leaves,) flags, none of them set where nothing shows the class.
    """

    family: str
    name: str
    answers: npt.NDArray[np.int32]
    node_index: npt.NDArray[np.int32]
    nodes: tuple[str, ...]
    regions: Flags
    hierarchy: Hierarchy


@dataclass(frozen=True)
class Known:
    """A network's scores and the true region of each class, (n_classes, n_leaves)."""

    name: str
    scores: Scores
    regions: Flags
    apart: npt.NDArray[np.float32]


@dataclass
class Counts:
    """What became of the classes."""

    covered: int = 0
    right: int = 0
    wrong: int = 0
    absent: int = 0
    false: int = 0
    natural: int = 0
    inclusive: float = 0.0

    def add(self, inside: Flags, members: Sequence[int] | None) -> bool:
        """Count a class with this true region and this answer, None for none; whether the answer is right."""
        if not inside.any():
            self.absent += 1
            self.false += members is not None
            self.natural += members is not None
            return False
        right = members is not None and bool(inside[list(members)].mean() > 0.5)
        self.covered += 1
        self.right += right
        self.wrong += members is not None and not right
        return right

    def add_absent(self, answered: bool) -> None:
        """Count a class whose true region was taken away."""
        self.absent += 1
        self.false += answered

    def row(self) -> dict[str, object]:
        """The rates."""
        found = self.right + self.wrong + self.natural
        return {
            "covered": self.covered, "right": round(self.right / max(self.covered, 1), 3),
            "wrong": round(self.wrong / max(self.covered, 1), 3), "absent": self.absent,
            "false": round(self.false / max(self.absent, 1), 3), "precision": round(self.right / max(found, 1), 3),
            "inclusiveness": round(self.inclusive / max(self.right, 1), 3),
        }  # fmt: skip


def main() -> None:
    """Try all rules and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", nargs="*", type=Path, default=[HERE / "factory"])
    parser.add_argument("--images", type=int, help="use only so many pictures of each leaf")
    parser.add_argument("--save", action="store_true", help="write ablation.csv")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for path in options.answers:
        networks = list(read(path, options.images))
        for rule, settings in RULES.items():
            counts = Counts()
            for network in networks:
                count(network, settings, counts)
            rows.append({"answers": path.name, "networks": len(networks), "rule": rule} | counts.row())
            print(rows[-1], flush=True)
    if options.save:
        save(__file__, rows)


def read(path: Path, n_images: int | None = None) -> Iterator[Known]:
    """The networks of a table, with at most so many pictures of each leaf."""
    for one in recorded(path, n_images):
        ids = np.random.default_rng(0).permutation(len(one.node_index)).astype(np.uint64)  # in the place of hashes
        scores = score_leaves(one.answers, one.node_index, one.nodes, len(one.regions), ids)
        yield Known(one.name, scores, one.regions, distances(one.hierarchy, one.nodes))


def recorded(path: Path, n_images: int | None = None) -> Iterator[Recorded]:
    """The same as they answered."""
    truth, answers = pd.read_csv(path.with_suffix(".csv"), keep_default_na=False), pd.read_csv(f"{path}_answers.csv.gz")
    if n_images:
        answers = answers.groupby("node").head(n_images)
    exact = truth[truth["kind"] == "exact"]
    hung = {row.leaves: (row.leaves, row.node or None, row.leaves) for row in exact.itertuples()}
    hierarchy = load_wordnet().with_children(hung.values())
    nodes = tuple(sorted(set(answers["node"])))
    node_index = np.array([nodes.index(node) for node in answers["node"]], np.int32)
    apart = distances(hierarchy, nodes)
    for number, classes in truth.groupby("network", sort=True):
        given = answers[[name for name in answers.columns if name.startswith(f"{number}.")]].to_numpy(np.int32)
        regions = np.stack([region(hierarchy, nodes, apart, row) for row in classes.itertuples()])
        yield Recorded(path.name, str(number), given, node_index, nodes, regions, hierarchy)


def region(hierarchy: Hierarchy, nodes: Sequence[str], apart: npt.NDArray[np.float32], row: object) -> Flags:
    """The leaves that are right for a class."""
    if row.kind == "unseen":
        return np.zeros(len(nodes), bool)
    if row.node and row.kind != "single":
        return np.array([row.node in (leaf, *hierarchy.ancestors(leaf)) for leaf in nodes])
    own = [nodes.index(leaf) for leaf in row.leaves.split() if leaf in nodes]
    return (apart[own] <= (0 if row.kind == "exact" else SIBLINGS)).any(axis=0)


def count(network: Known, settings: SelectionSettings, counts: Counts) -> None:
    """Add one network's classes, as they are and with their true regions taken away."""
    scores, n_leaves = network.scores, len(network.scores.nodes)
    every = np.arange(n_leaves)
    for selection in select(scores, every, network.apart, settings):
        inside, winner = network.regions[selection.target_class], selection.winner
        right = counts.add(inside, winner.members if winner else None)
        if not inside.any():
            continue
        if right:
            recognised = inside & (scores.functional[selection.target_class] >= 0.2)
            counts.inclusive += recognised[list(winner.members)].sum() / max(recognised.sum(), 1)
        rest = scores.part(~inside)
        apart = network.apart[np.ix_(~inside, ~inside)]
        (again,) = select(rest, np.arange(len(rest.nodes)), apart, settings, [selection.target_class])
        counts.add_absent(again.winner is not None)


if __name__ == "__main__":
    main()
