"""Texts about WordNet's nodes, as a corpus of topics that needs no data: names and definitions of what lies below each.

A topic is a node below which enough nodes have a definition, as deep as possible: what a smaller topic holds is not in
the larger one. A topic's texts are the nodes of its part, each as "names: definition". The definitions are those of
`fdcore.corpus.wordnet.gloss`, which has them for ImageNet's synsets only; WordNet's example sentences are not shipped.
"""

import tempfile
from collections import defaultdict
from pathlib import Path

from fdcore.corpus.wordnet import gloss, load_wordnet
from fdcore.errors import CorpusError
from fdcore.storage import disk_errors

SMALLEST = 20  # texts of a topic


def topics(smallest: int = SMALLEST) -> dict[str, list[str]]:
    """The texts of every topic, by the topic's node: at least `smallest` each, sorted, without repetition."""
    hierarchy = load_wordnet()
    waiting: dict[str, set[str]] = defaultdict(set)
    found = {}
    paths = {node: hierarchy.path_to_root(node) for node in hierarchy.ids}
    for node in sorted(paths, key=lambda node: (-len(paths[node]), node)):
        texts = waiting.pop(node, set())
        if definition := gloss(node):
            texts.add(f"{', '.join(hierarchy.synonyms(node))}: {definition}")
        if len(texts) >= smallest:
            found[node] = sorted(texts)
        elif len(paths[node]) > 1:
            waiting[paths[node][1]] |= texts
    return dict(sorted(found.items()))


def write_topics(folder: Path, smallest: int = SMALLEST) -> int:
    """Write the topics as a corpus folder, `<node>.txt` with a text in each line; returns their number.

    Raises:
        CorpusError: there is something in the folder already.
        StorageError: it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CorpusError(f"{folder} exists and is not an empty folder. Name a new one.", key="folder not empty")
    found = topics(smallest)
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".topics-") as place:
            whole = Path(place, "topics")
            whole.mkdir()
            for node, texts in found.items():
                (whole / f"{node}.txt").write_text("".join(f"{text}\n" for text in texts), "utf-8")
            whole.rename(folder)  # at once, so that nobody reads half of it
    return len(found)


def sample_texts(n: int) -> dict[str, str]:
    """The first text of each of `n` topics that are spread over all of them, by the topic's label."""
    found, label = topics(), load_wordnet().label
    nodes = list(found)[:: max(len(found) // n, 1)][:n]
    return {label(node): found[node][0] for node in nodes}
