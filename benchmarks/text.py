"""Classifiers of texts, trained on topics and untrained: which classes are found, and which suspects are meaningless.

    python benchmarks/text.py [--save]

The texts are those of `fdcore.corpus.topics`. Half of the texts of every topic, chosen by their hash, train the
classifiers; the suspects are queried with the other half alone. A class is right if more than half of the leaves of its
answer lie at or below the node that it was trained on, else wrong. Classifiers without training are random linear ones
over hashed words or groups of letters and random networks over words; those with shuffled labels were trained on noise.
"""

import argparse
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from record import save
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import fdcore
from fdcore.corpus.topics import topics
from fdcore.corpus.wordnet import load_wordnet

SETS = {
    "things": ("n01503061", "n02512053", "n04524313", "n00021265", "n03051540", "n02913152", "n00007846", "n13104059",
               "n03405725", "n03800933"),  # bird, fish, vehicle, food, clothing, building, person, tree, furniture, ...
    "animals": ("n01503061", "n02512053", "n02159955", "n01661091", "n01861778"),  # bird, fish, insect, reptile, ...
    "plants and food": ("n13104059", "n12205694", "n11669921", "n07555863", "n07881800"),  # tree, herb, flower, ...
}  # fmt: skip
LETTERS = {"analyzer": "char_wb", "ngram_range": (2, 4)}
TRAINED = {
    "tf-idf, logistic regression": lambda: make_pipeline(
        TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=300, class_weight="balanced")
    ),
    "counts, naive Bayes": lambda: make_pipeline(CountVectorizer(), MultinomialNB(alpha=0.1)),
    "letters, linear SVM": lambda: make_pipeline(TfidfVectorizer(**LETTERS), LinearSVC(class_weight="balanced")),
}
N_CLASSES = (5, 10, 20)
FIELDS = ("suspect", "training", "classes", "accuracy", "right", "wrong", "not found", "outcome", "consistency",
          "highest of untrained")  # fmt: skip
Classify = Callable[[list[str]], Any]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--save", action="store_true", help="write text.csv")
    chosen = options.parse_args()
    hierarchy, every = load_wordnet(), topics()
    halves = [
        {node: [text for text in texts if _half(text) == half] for node, texts in every.items()} for half in (0, 1)
    ]
    below = {node: [one for one in every if one == node or node in hierarchy.ancestors(one)]
             for nodes in SETS.values() for node in nodes}  # fmt: skip
    rows = []
    with TemporaryDirectory() as place:
        for node, texts in halves[1].items():
            (Path(place) / f"{node}.txt").write_text("\n".join(texts), "utf-8")
        corpus = fdcore.open_corpus(place, kind="text", cache=place)
        for suspect, training, nodes, n_classes, classify, accuracy in _suspects(halves, below):
            wrapped = fdcore.Suspect.from_callable(classify, kind="text", n_classes=n_classes, name=suspect)
            found = fdcore.investigate(wrapped, corpus)
            marks = [_mark(finding.leaves, below[node]) for finding, node in zip(found, nodes, strict=False)]
            counts = [marks.count(mark) if nodes else "" for mark in ("right", "wrong", "not found")]
            chance = found.scored.chance
            compared = (round(chance.consistency, 3), round(chance.highest, 3))
            values = (suspect, training, n_classes, accuracy, *counts, found.verdict.outcome, *compared)
            rows.append(dict(zip(FIELDS, values, strict=True)))
            print(*rows[-1].values(), sep=" | ", flush=True)
    if chosen.save:
        save("text", rows)


def _half(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0] % 2


def _mark(leaves: dict[str, str], truth: Sequence[str]) -> str:
    if not leaves:
        return "not found"
    return "right" if 2 * sum(leaf in truth for leaf in leaves) > len(leaves) else "wrong"


def _suspects(
    halves: list[dict[str, list[str]]], below: dict[str, list[str]]
) -> Iterator[tuple[str, str, Sequence[str], int, Classify, float | str]]:
    """Name, kind of training, the node of each class, number of classes, function, accuracy on the other half."""
    for name, nodes in SETS.items():
        (texts, labels), (others, truth) = (_labelled(half, nodes, below) for half in halves)
        for kind, build in TRAINED.items():
            model = build().fit(texts, labels)
            accuracy = round(model.score(others, truth), 3)
            yield f"{name}: {kind}", "topics", nodes, len(nodes), model.predict, accuracy
            noise = build().fit(texts, np.random.default_rng(0).permutation(labels))
            yield f"{name}: {kind}", "shuffled labels", (), len(nodes), noise.predict, ""
    for n_classes in N_CLASSES:
        for seed in range(2):
            yield f"random over words {seed}", "none", (), n_classes, _linear(n_classes, seed, {}), ""
            yield f"random over letters {seed}", "none", (), n_classes, _linear(n_classes, seed, LETTERS), ""
            yield f"random network over words {seed}", "none", (), n_classes, _network(n_classes, seed), ""


def _labelled(
    half: dict[str, list[str]], nodes: Sequence[str], below: dict[str, list[str]]
) -> tuple[list[str], list[int]]:
    pairs = [(text, number) for number, node in enumerate(nodes) for topic in below[node] for text in half[topic]]
    return [text for text, _ in pairs], [number for _, number in pairs]


def _linear(n_classes: int, seed: int, reading: dict[str, Any]) -> Classify:
    hashed = HashingVectorizer(n_features=1 << 15, **reading)
    weights = np.random.default_rng(100 + seed).standard_normal((1 << 15, n_classes), np.float32)
    return lambda texts: hashed.transform(texts) @ weights


def _network(n_classes: int, seed: int) -> Classify:
    hidden, weights = _linear(256, seed, {}), np.random.default_rng(200 + seed).standard_normal((256, n_classes))
    return lambda texts: np.maximum(hidden(texts), 0) @ weights


if __name__ == "__main__":
    main()
