"""The terms of the method, two sentences and one drawing each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fdcore.method.grades import MEASURED, SCALE
from ui.glossary.drawing import Colour, Shape, box, dot, line, words


@dataclass(frozen=True)
class Term:
    """One term.

    Attributes:
        name: as the pages write it.
        title: what it is in the field's words.
        text: two plain sentences.
        shapes: its drawing.
        alt: what the drawing shows.
    """

    name: str
    title: str
    text: str
    shapes: tuple[Shape, ...]
    alt: str


def _row(y: float, n_full: int, n: int = 10, colour: Colour = "accent") -> Iterator[Shape]:
    for place in range(n):
        x = 24 + 21 * place
        yield box(x - 8, y - 8, 16, 16, colour) if place < n_full else box(x - 8, y - 8, 16, 16, "faint", is_open=True)


def _tree(*, chosen: Sequence[int]) -> Iterator[Shape]:
    """A hierarchy of a root, two nodes and six leaves; some leaves are filled."""
    nodes = ((70, 50), (170, 50))
    yield from (line(120, 16, x, y) for x, y in nodes)
    for leaf in range(6):
        x, y = 30 + 36 * leaf, 88
        yield line(*nodes[leaf // 3], x, y)
        yield dot(x, y, 6, "accent" if leaf in chosen else "faint")
    yield from (dot(x, y, 4, "ink") for x, y in (*nodes, (120, 16)))


def _cloud(x: float, y: float, colour: Colour) -> Iterator[Shape]:
    yield from (dot(x + dx, y + dy, 5, colour) for dx, dy in ((-16, -10), (-4, 14), (14, -14), (20, 8)))


def _bars(values: Sequence[float], colours: Sequence[Colour], labels: Sequence[str]) -> Iterator[Shape]:
    for place, (value, colour, label) in enumerate(zip(values, colours, labels, strict=True)):
        y = 14 + 26 * place
        yield box(70, y, 150 * value, 15, colour)
        yield words(62, y + 12, label, "end")


def _interval(y: float, low: float, high: float, colour: Colour) -> Iterator[Shape]:
    yield line(low, y, high, y, colour)
    yield from (line(x, y - 6, x, y + 6, colour) for x in (low, high))
    yield dot((low + high) / 2, y, 5, colour)


_GRADES = ", ".join(f"{word} ({SCALE[word]}) {right} of {n}" for word, (right, n) in MEASURED.items())

TERMS = (
    Term("leaf", "a group of images with one label",
         "A leaf is the finest group of images in the corpus, such as all pictures labelled “tabby”. The suspect is "
         "shown pictures of every leaf, and whatever is found is a set of leaves.",
         (*_tree(chosen=(1,)), words(66, 108, "one leaf")), "A tree with six leaves, one of them marked"),
    Term("view", "a picture, or a small change of it",
         "A view is a picture as it is, or slightly turned, moved, tilted or made noisy. Each view that is shown to "
         "the suspect is one query, and answers that change between views count for less.",
         (box(20, 30, 44, 44), box(98, 30, 44, 44) | {"transform": "rotate(10 120 52)"},
          box(176, 34, 44, 44) | {"transform": "skewX(-6) translate(5 0)"}, words(42, 100, "as it is"),
          words(120, 100, "turned"), words(198, 100, "tilted")), "One square three times: as it is, turned, tilted"),
    Term("L", "functional score, the consistency of the answers",
         "L is the share of a group's views that the suspect puts in the class, from 0 to 1. It is stated with an "
         "interval of 95 %, from images that did not choose the group.",
         (*_row(34, 7), words(120, 72, "7 of 10 views in the class"), words(120, 92, "L = 0.70")),
         "Ten views, seven of them filled: L is 0.70"),
    Term("S", "semantic score, the closeness of the leaves",
         "S says how close a group's leaves stand in the hierarchy, from 0 to 1: high side by side, low far apart. A "
         "single leaf has no neighbour in its group, so its S is 0.",
         (*_tree(chosen=(0, 1, 2)), words(70, 108, "close: high S")), "A tree with three neighbouring leaves marked"),
    Term("objective", "what ranks the groups of a class",
         "The objective is alpha times L plus (1 - alpha) times S. The group with the highest objective is the "
         "answer, provided that its evidence suffices.",
         (*_bars((0.8, 0.5, 0.71), ("accent", "second", "ink"), ("L 0.80", "S 0.50", "0.71")),
          words(120, 104, "0.7 · 0.80 + 0.3 · 0.50 = 0.71")), "Bars of L, of S and of the objective between them"),
    Term("exclusive", "found although the score is low",
         "A class of a suspect with very many classes may take few pictures of its leaf, but hardly any others. Its "
         "best leaf is then found by its part of the class's answers, whatever its L.",
         (*_bars((0.75, 0.06, 0.04), ("accent", "faint", "faint"), ("this leaf", "", "")),
          words(120, 104, "11 of the class's 14 answers")), "One tall bar beside two very small ones"),
    Term("alpha", "the weight of consistency against closeness",
         "At alpha 1 only L decides, below it the closeness S decides too. A lower alpha prefers several neighbouring "
         "leaves to one leaf with a slightly higher L.",
         (box(20, 44, 140, 16), box(162, 44, 58, 16, "second"), words(90, 36, "alpha · L"),
          words(191, 36, "(1 - alpha) · S"), words(90, 80, "0.7"), words(191, 80, "0.3")),
         "A bar divided into a large part for L and a small one for S"),
    Term("tau", "the lowest L of a candidate leaf",
         "A leaf whose L lies below tau is not considered for the class. A higher tau leaves fewer and surer leaves.",
         (*(box(28 + 32 * n, 90 - height, 20, height, "accent" if height > 38 else "faint")
            for n, height in enumerate((72, 60, 48, 30, 20, 12))),
          line(18, 52, 222, 52, "second", dashed=True), words(222, 46, "tau", "end")),
         "Six bars, three of them above the dashed line of tau"),
    Term("eta", "how far apart merged groups may stand",
         "Groups whose medoids are fewer than eta steps apart in the hierarchy are merged. A larger eta gives more "
         "general answers, such as “bird” instead of “hen”.",
         (*_cloud(66, 44, "accent"), *_cloud(172, 44, "accent"), line(66, 78, 172, 78, "second"),
          line(66, 72, 66, 84, "second"), line(172, 72, 172, 84, "second"), words(120, 98, "closer than eta: merged")),
         "Two groups of dots and the distance between them"),
    Term("k", "the number of groups at the start",
         "The candidates are first divided into k groups by their distance in the hierarchy. By default every leaf is "
         "a group of its own, and eta alone decides what is merged.",
         (*_cloud(50, 48, "accent"), *_cloud(120, 48, "second"), *_cloud(190, 48, "ink"), words(120, 98, "k = 3")),
         "Three groups of dots in three colours"),
    Term("medoid", "the leaf in the middle of a group",
         "The medoid of a group is the leaf with the smallest sum of distances to the others. Distances between groups "
         "are measured between their medoids.",
         (*(line(120, 50, x, y) for x, y in ((64, 26), (78, 84), (170, 22), (182, 78))),
          *(dot(x, y, 6, "faint") for x, y in ((64, 26), (78, 84), (170, 22), (182, 78))), dot(120, 50, 8),
          words(120, 108, "medoid: nearest to all others")), "Five dots; the one in the middle is marked"),
    Term("design effect", "how much less related answers say",
         "Answers to views of one image resemble each other, so that ten of them say less than ten independent ones. "
         "The number of answers is divided by the design effect, which widens every interval.",
         (*_interval(34, 90, 150, "faint"), *_interval(70, 58, 182, "accent"), words(120, 22, "as if independent"),
          words(120, 94, "divided by the design effect")), "A narrow interval above a wider one"),
    Term("grade", "certain, likely or weak",
         "The grade says how often answers with so much evidence were right where the truth is known. "
         f"Measured: {_GRADES} were right, in corpora half of which lacked the truth.",
         tuple(_bars([right / n for right, n in MEASURED.values()], ("accent", "ink", "faint"), list(MEASURED))),
         "Bars of how often each grade was right"),
)  # fmt: skip

KEYS = (
    ("n", "next class"), ("p", "previous class"), ("/", "to the search, or to the choice of the class"),
    ("?", "this glossary"),
)  # fmt: skip


def fitting(text: str) -> list[Term]:
    """The terms whose name, title or text holds every word of a text."""
    wanted = text.casefold().split()
    return [
        term for term in TERMS
        if all(word in f"{term.name} {term.title} {term.text}".casefold() for word in wanted)
    ]  # fmt: skip
