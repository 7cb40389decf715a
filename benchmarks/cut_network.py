"""Strong suspects whose truth is known: random parts of a network with the 1,000 classes of ImageNet.

    python benchmarks/cut_network.py --network NETWORK.onnx --order imagenet1k-devkit --data REAL_DATA --out FOLDER

The factory's networks are small and see 100 pictures of a leaf, so they are weak. A network of the full ImageNet is
not: restricted to a few groups of its classes, it answers like a network that was trained on these alone, without any
training. A class is one of its classes, all below a node, several unrelated ones, or one that has no relative among the
leaves of the corpus. Every other network is weakened by noise on its outputs. Writes cut.csv and cut_answers.csv.gz,
which ablation.py reads like the factory's; numbers start at 100.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pandas as pd
from factory import ClassRecipe, groups_of, recipe_of

import fdcore
from fdcore.answers.views import ViewSpec, make_views
from fdcore.corpus.corpus import Corpus
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.words.label_sets import label_set

FIRST, N_NETWORKS, N_VIEWS, BATCH = 100, 60, 2, 50
NOISE = (0.0, 0.0, 1.5, 3.0)  # standard deviation added to the outputs, which span about 20
Outputs = npt.NDArray[np.float32]


def main() -> None:
    """Ask once, cut often, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--order", default="imagenet1k-devkit")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    spec = fdcore.open_suspect(options.network).spec
    folder = options.data / "corpora/tiny-imagenet/val"
    corpus = fdcore.open_corpus(folder, input_size=(spec.height, spec.width), images_per_leaf=None)
    outputs = outputs_of(options.network, spec, corpus)
    own = [node or "" for node in label_set(options.order).nodes]
    leaves, groups, alone = corpus.store.nodes, groups_of(corpus), strangers(corpus, own)
    rows = []
    answers: dict[str, object] = {"node": [leaves[leaf] for leaf in corpus.store.node_index]}
    for number in range(FIRST, FIRST + N_NETWORKS):
        rng = np.random.default_rng([number, 2])
        parts = []
        for i, one in enumerate(recipe_of(number, groups, leaves).classes):
            parts.append(members(one, own, corpus.hierarchy, alone, rng))
            rows.append(
                {"network": number, "class": i, "kind": one.kind, "node": one.node, "leaves": " ".join(one.leaves)}
            )
        noise = NOISE[number % len(NOISE)] * rng.standard_normal((len(outputs[0]), len(own)))
        for view in range(N_VIEWS):
            noisy = outputs[view] + noise
            answers[f"{number}.{view}"] = np.stack([noisy[:, part].max(axis=1) for part in parts]).argmax(axis=0)
    pd.DataFrame(rows).to_csv(options.out / "cut.csv", index=False)
    pd.DataFrame(answers).to_csv(options.out / "cut_answers.csv.gz", index=False)


def members(
    one: ClassRecipe, own: Sequence[str], hierarchy: Hierarchy, alone: Sequence[int], rng: np.random.Generator
) -> list[int]:
    """The network's classes that one class consists of."""
    if one.kind == "unseen":
        return [int(rng.choice(alone))]
    if one.kind == "group":
        return [i for i, node in enumerate(own) if one.node in (node, *hierarchy.ancestors(node))]
    return [own.index(leaf) for leaf in one.leaves]


def strangers(corpus: Corpus, own: Sequence[str]) -> list[int]:
    """The network's classes whose parent has no leaf of the corpus below it."""
    near = {parent for leaf in corpus.store.nodes for parent in corpus.hierarchy.ancestors(leaf)}
    return [i for i, node in enumerate(own) if not near.intersection(corpus.hierarchy.parents(node))]


def outputs_of(path: Path, spec: PreprocessSpec, corpus: Corpus) -> Outputs:
    """(n_views, n_images, n_classes) outputs, before any choice between classes."""
    session = onnxruntime.InferenceSession(str(path))
    name, store = session.get_inputs()[0].name, corpus.store
    scale, shift = (part.astype(np.float32) for part in spec.affine())
    views = []
    for view in range(N_VIEWS):
        parts = []
        for start in range(0, len(store.pixels), BATCH):
            pictures = np.array(store.pixels[start : start + BATCH])
            seen = make_views(pictures, store.image_ids[start : start + BATCH], view=view, seed=0, spec=ViewSpec())
            given = (seen.astype(np.float32) * scale + shift).transpose(0, 3, 1, 2)
            parts.append(session.run(None, {name: np.ascontiguousarray(given)})[0].reshape(len(pictures), -1))
        views.append(np.concatenate(parts))
    return np.stack(views).astype(np.float32)


if __name__ == "__main__":
    main()
