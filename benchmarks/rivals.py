"""Ways to name a class, on the same recorded answers and budget, without any suspect.

    python benchmarks/rivals.py [--answers NAME ...] [--vectors FILE] [--seeds N] [--save]
                                [--image-text FOLDER --corpora DIR ...]

Reads what ablation.py reads. Every way sees the same queries: a number of pictures of each leaf, in one view or two.
Compared are

- ours: the default selection, which may answer "not found";
- the most frequent label: the leaf with most of the pictures that the class takes;
- hard-label ProbeLog: after Kahana et al. 2025, whose logits are replaced by labels, as hard labels give no more: the
  WordNet noun whose mean word similarity to the leaves of the taken pictures exceeds that to all leaves most. Nouns
  without a leaf of the corpus at or below them do not compete, which favours this way;
- zero-shot naming, where FOLDER holds an image-text model as Hugging Face saves it (nothing is downloaded): the noun
  whose text is nearest to the pictures that the class takes. The corpora are those of the answers.

Right, wrong and false are counted as in ablation.py; an answer that is a noun counts as its leaves. The rivals name
every class that takes a picture. For a fair comparison, each is also limited to its surest classes, so that it gives no
more false answers than ours. Sure is the lower bound of the label's part of the class's pictures, or the lift in
similarity. The limit is set by the truth, which favours the rivals.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ablation import HERE, Flags, Recorded, recorded
from adaptive import ask, evenly, everything
from record import save

from fdcore import open_corpus
from fdcore.method.closeness import distances
from fdcore.method.scores import Scores, wilson_interval
from fdcore.method.selection import SelectionSettings, select
from fdcore.words.similarity import name_similarities
from fdcore.words.vectors import WordVectors, builtin_vectors, open_vectors

BUDGETS = {"2 x 1": (2, 1), "5 x 1": (5, 1), "10 x 1": (10, 1), "20 x 1": (20, 1), "20 x 2": (20, 2), "50 x 2": (50, 2)}
Answer = tuple[Flags, float] | None  # the leaves that are answered, and how sure that is
Namer = Callable[[Scores, int, Flags], Answer]  # given scores, a class, and the leaves that are there
OURS = "ours"
SIDE, N_PICTURES, BATCH = 64, 20, 200  # what an image-text model is shown: pixels, pictures of a leaf, texts at once


def by_selection(scores: Scores, target: int, there: Flags, *, apart: npt.NDArray[np.float32]) -> Answer:
    """The default rule."""
    part = scores if there.all() else scores.part(there)
    kept = apart[np.ix_(there, there)]
    (found,) = select(part, np.arange(len(part.nodes)), kept, SelectionSettings(), [target])
    return (_flags(np.flatnonzero(there)[list(found.winner.members)], there), 1.0) if found.winner else None


def by_frequency(scores: Scores, target: int, there: Flags) -> Answer:
    """The leaf of most taken pictures."""
    hits = scores.hits[target] * there
    return (
        (_flags([int(hits.argmax())], there), float(wilson_interval(hits.max(), hits.sum())[0])) if hits.any() else None
    )


def by_words(scores: Scores, target: int, there: Flags, *, nouns: Flags, similar: npt.NDArray[np.float64]) -> Answer:
    """The noun that is most like the leaves of the taken pictures, compared with all leaves."""
    hits = scores.hits[target] * there
    if not hits.any():
        return None
    lift = similar[:, there] @ (hits[there] / hits.sum()) - similar[:, there].mean(axis=1)
    lift[~(nouns & there).any(axis=1)] = -np.inf
    return nouns[int(lift.argmax())] & there, float(lift.max())


def by_pictures(scores: Scores, target: int, there: Flags, *, nouns: Flags, similar: npt.NDArray[np.float64]) -> Answer:
    """The noun whose text is nearest to the taken pictures, each in the place of the mean picture of its leaf."""
    hits = scores.hits[target] * there
    if not hits.any():
        return None
    near = similar[:, there] @ (hits[there] / hits.sum())
    near[~(nouns & there).any(axis=1)] = -np.inf
    return nouns[int(near.argmax())] & there, float(near.max())


def text_similarities(
    folder: Path, corpora: Sequence[Path], nodes: Sequence[str], nouns: Sequence[str]
) -> npt.NDArray[np.float64]:
    """How near each noun's text is to each leaf's pictures by an image-text model, (n_nouns, n_leaves) of cosines."""
    import torch
    from transformers import AutoModel, AutoProcessor

    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    store = open_corpus(corpora, input_size=SIDE, images_per_leaf=N_PICTURES).store
    pictures, leaf_of = np.array(store.pixels), np.array([store.nodes[leaf] for leaf in store.node_index])

    def embedded(**given: object) -> npt.NDArray[np.float64]:
        inputs = processor(return_tensors="pt", **given)
        of = model.get_text_features if "text" in given else model.get_image_features
        features = of(**inputs)
        features = getattr(features, "pooler_output", features)  # as newer versions wrap them
        return np.asarray(torch.nn.functional.normalize(features, dim=-1).double())

    with torch.inference_mode():
        texts = np.concatenate([
            embedded(text=[f"a photo of a {noun}" for noun in nouns[start : start + BATCH]], padding=True)
            for start in range(0, len(nouns), BATCH)
        ])  # fmt: skip
        means = np.stack([embedded(images=list(pictures[leaf_of == node])).mean(axis=0) for node in nodes])
    return texts @ means.T


def _flags(leaves: npt.ArrayLike, like: Flags) -> Flags:
    flags = np.zeros_like(like)
    flags[leaves] = True
    return flags


def namers(
    network: Recorded, vectors: WordVectors, image_text: Path | None, corpora: Sequence[Path]
) -> dict[str, Namer]:
    """The ways, for the corpus of a network."""
    hierarchy, nodes = network.hierarchy, network.nodes
    below: dict[str, list[int]] = {}
    for leaf, node in enumerate(nodes):
        for one in {node, *hierarchy.ancestors(node)}:
            below.setdefault(one, []).append(leaf)
    nouns = np.stack([_flags(leaves, np.zeros(len(nodes), bool)) for leaves in below.values()])
    names = [hierarchy.synonyms(one) for one in below]
    similar = np.nan_to_num(name_similarities(names, [hierarchy.synonyms(node) for node in nodes], vectors))
    ways: dict[str, Namer] = {
        OURS: partial(by_selection, apart=distances(hierarchy, nodes)),
        "most frequent label": by_frequency,
        "hard-label ProbeLog": partial(by_words, nouns=nouns, similar=similar),
    }
    if image_text:
        seen = text_similarities(image_text, corpora, nodes, [hierarchy.label(one) for one in below])
        ways["zero-shot naming"] = partial(by_pictures, nouns=nouns, similar=seen)
    return ways


class Outcome(NamedTuple):
    """What became of one class: "right", "wrong", "false" or, where the corpus never held it, "natural"; and how sure
    the answer was, -inf without one."""

    kind: str
    sure: float


def outcomes(network: Recorded, scores: Scores, name: Namer) -> Iterator[Outcome]:
    """Every class, as it is and with its true region taken away."""
    everywhere = np.ones(len(network.nodes), bool)
    for target, inside in enumerate(network.regions):
        answer = name(scores, target, everywhere)
        sure = answer[1] if answer else -np.inf
        if inside.any():
            yield Outcome("right" if answer and inside[answer[0]].mean() > 0.5 else "wrong", sure)
            again = name(scores, target, ~inside)
            yield Outcome("false", again[1] if again else -np.inf)
        else:
            yield Outcome("natural", sure)


def rates(found: Sequence[Outcome], least: float = -np.inf) -> dict[str, float]:
    """The rates where only answers at least so sure count."""
    kinds = np.array([one.kind for one in found])
    given = np.array([one.sure > -np.inf and one.sure >= least for one in found])
    n = {kind: int((given & (kinds == kind)).sum()) for kind in ("right", "wrong", "false", "natural")}
    held, absent = np.isin(kinds, ("right", "wrong")).sum(), np.isin(kinds, ("false", "natural")).sum()
    answers = n["right"] + n["wrong"] + n["natural"]
    return {
        "right": round(n["right"] / held, 3), "wrong": round(n["wrong"] / held, 3),
        "false": round((n["false"] + n["natural"]) / absent, 3), "precision": round(n["right"] / max(answers, 1), 3),
    }  # fmt: skip


def as_careful(found: Sequence[Outcome], false: float) -> float:
    """The lowest limit at which no more than this share of the absent classes gets an answer."""
    absent = sorted((one.sure for one in found if one.kind in ("false", "natural")), reverse=True)
    n_allowed = round(false * len(absent))
    return np.nextafter(absent[n_allowed], np.inf) if n_allowed < len(absent) else -np.inf


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", nargs="*", type=Path, default=[HERE / "factory"])
    parser.add_argument("--vectors", type=Path, help="word vectors (default: built in)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--image-text", type=Path, help="folder of an image-text model (default: without it)")
    parser.add_argument("--corpora", nargs="*", type=Path, default=[], help="the corpora of the answers, for its sake")
    parser.add_argument("--save", action="store_true", help="write rivals.csv")
    options = parser.parse_args()
    vectors = open_vectors(options.vectors, Path(".cache")) if options.vectors else builtin_vectors()
    done: list[dict[str, object]] = []
    for path in options.answers:
        networks = list(recorded(path))
        known = namers(networks[0], vectors, options.image_text, options.corpora)
        for budget, (per_leaf, n_views) in BUDGETS.items():
            way = everything if per_leaf == 50 else partial(evenly, per_leaf=per_leaf, n_views=n_views)
            found: dict[str, list[Outcome]] = {title: [] for title in known}
            sent = []
            for network in networks:
                for seed in range(options.seeds):
                    scores, n_sent = ask(network, seed, way)
                    sent.append(n_sent)
                    for title, name in known.items():
                        found[title] += outcomes(network, scores, name)
            row = {"family": path.name, "networks": len(networks), "budget": budget, "queries": round(np.mean(sent))}
            ours = rates(found[OURS])
            done.append(row | {"way": OURS} | ours)
            for title in list(known)[1:]:
                done.append(row | {"way": title} | rates(found[title]))
                limit = as_careful(found[title], ours["false"])
                done.append(row | {"way": f"{title}, as careful as ours"} | rates(found[title], limit))
    for row in done:
        print(row)
    if options.save:
        save(__file__, done)


if __name__ == "__main__":
    main()
