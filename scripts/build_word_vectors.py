"""Build fdcore/words/data/word-vectors.npz: the small word vectors for a machine that has no others.

    python scripts/build_word_vectors.py

Sources: the shipped hierarchy (fdcore/corpus/data, from WordNet 3.0) and the definitions inside the `timm` package. The
text has two kinds of sentences: random walks in the hierarchy that list one name of each node on the way, and each
node's names followed by its definition. gensim's Word2Vec (skip-gram) learns from it. The words of every name and those
of at least three definitions are kept, each as 80 one-byte integers and a step (float16). Case is folded.

The same sources give the same bytes with the same versions of gensim and NumPy on the same kind of processor (checked
with two Python hash seeds, each in a separate process): one worker, fixed seeds and a fixed hash. Another
processor rounds sums in a different order, so its vectors differ slightly; the reference is the committed file, not the
recipe.

Measured for the committed file (2.4 million words of text, 31,010 vectors, 2.5 MB, under two minutes of one core):

    Spearman correlation of the cosine of nearest tokens with nearness in the hierarchy, over all pairs of ILSVRC's
    1,000 leaves that share no word: 0.311; the most similar other leaf is in the median 3 steps away, of 13 for a pair
    longer walks (9 links instead of 6), 4 epochs: 0.302 and 3 steps
    one walk from each node, definitions once, 1 epoch: -0.026 and 13 steps: nothing was learned

    airplane: twin-aisle, widebody, multiengine, narrowbody, airbus, interceptor, airliner
    car: boxcar, stockcar, touring, used-car, phaeton, prowl, jeep
    automobile: auto, coupe, used-car, suv, phaeton, hardtop, runabout
    truck: tipper, lorry, dumper, dustcart, motortruck, articulated, trucking
    dog: pye-dog, pariah, warragal, seizure-alert, mutt, pug-dog, malemute
    cat: jaguarundi, puss, kitty-cat, felis, tabby, tomcat, tortoiseshell-cat
    frog: tree-frog, pternohyla, cascades, ranid, arenicolor, rana, clamitans
    sign: billboard, hoarding, scoreboard, signboard, alarum, artwork, nontextual
    digits: sighted, 20th, pseudopods, periods (no name in the hierarchy has it: worth nothing)

So they are good for what the hierarchy names, and say little about anything else. They are not independent of it.
"""

import argparse
import io
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from gensim.models import Word2Vec
from scipy.stats import spearmanr

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import gloss, load_wordnet, timm_info
from fdcore.method.closeness import distances
from fdcore.words.similarity import content_tokens, name_similarities
from fdcore.words.vectors import BUILTIN_FILE, BUILTIN_NAME, WordVectors
from fdcore.words.vocabulary import ListedVocabulary

DATA = Path(__file__).resolve().parents[1] / "fdcore" / "words" / "data"
SEED = 4
SHOWN = ("airplane", "car", "automobile", "truck", "dog", "cat", "frog", "horse", "digit", "sign")


class Recipe(NamedTuple):
    """How the text is made and the vectors are trained."""

    n_dims: int = 80
    n_walks: int = 8  # from each node
    n_steps: int = 6  # links of a walk
    n_glosses: int = 2  # how often each definition is in the text
    n_epochs: int = 5
    window: int = 5  # words on either side that belong together
    min_count: int = 3  # definitions that make a word common enough for the vocabulary


def lower_tokens(name: str) -> list[str]:
    """The content tokens of a name, in lower case; a hyphenated token also as its parts."""
    whole = [token.lower() for token in content_tokens(name)]
    parts = [part for token in whole if "-" in token for part in token.split("-") if len(part) > 1]
    return whole + parts


def make_text(hierarchy: Hierarchy, recipe: Recipe) -> list[list[str]]:
    """Sentences: walks in the hierarchy with a name of each node on the way, and definitions after a node's names."""
    rng = np.random.default_rng(SEED)
    names = [[lower_tokens(name) for name in hierarchy.synonyms(node)] for node in hierarchy.ids]
    neighbours = links(hierarchy)
    walks = [
        sentence(names, walk(neighbours, start, recipe.n_steps, rng), rng)
        for _ in range(recipe.n_walks)
        for start in range(len(names))
    ]
    text = walks + recipe.n_glosses * definitions(hierarchy)
    order = rng.permutation(len(text)).tolist()
    return [text[i] for i in order]


def links(hierarchy: Hierarchy) -> list[npt.NDArray[np.int32]]:
    """The neighbours of each node, up and down."""
    child, parent = hierarchy.edges()
    node, other = np.concatenate([child, parent]), np.concatenate([parent, child])
    order = np.argsort(node, kind="stable")
    return np.split(other[order], np.searchsorted(node[order], np.arange(1, len(hierarchy))))


def walk(neighbours: Sequence[npt.NDArray[np.int32]], start: int, n_steps: int, rng: np.random.Generator) -> list[int]:
    """Nodes on a random walk from `start`."""
    way = [start]
    for chance in rng.random(n_steps).tolist():
        around = neighbours[way[-1]]
        way.append(int(around[int(chance * len(around))]))
    return way


def sentence(names: Sequence[Sequence[list[str]]], way: Sequence[int], rng: np.random.Generator) -> list[str]:
    """The words of one name of each node on a walk."""
    chances = rng.random(len(way)).tolist()
    return [
        word for node, chance in zip(way, chances, strict=True) for word in names[node][int(chance * len(names[node]))]
    ]


def definitions(hierarchy: Hierarchy) -> list[list[str]]:
    """For each node with a definition, its names and the words of the definition."""
    return [
        [word for name in hierarchy.synonyms(node) for word in lower_tokens(name)] + lower_tokens(text)
        for node in hierarchy.ids
        if (text := gloss(node))
    ]


def vocabulary(hierarchy: Hierarchy, text: Sequence[Sequence[str]], recipe: Recipe) -> list[str]:
    """Every word of every name, and the words of at least `min_count` definitions; sorted."""
    named = {word for node in hierarchy.ids for name in hierarchy.synonyms(node) for word in lower_tokens(name)}
    counts = Counter(word for definition in definitions(hierarchy) for word in set(definition))
    common = {word for word, n in counts.items() if n >= recipe.min_count}
    trained = {word for line in text for word in line}
    return sorted((named | common) & trained)


def train(text: list[list[str]], recipe: Recipe) -> Word2Vec:
    """Word2Vec with one worker and a hash that is the same in every process, unlike Python's own."""
    return Word2Vec(
        text, vector_size=recipe.n_dims, window=recipe.window, min_count=1, sg=1, negative=5, sample=1e-4,
        epochs=recipe.n_epochs, seed=SEED, workers=1, hashfxn=lambda word: zlib.crc32(word.encode()),
    )  # fmt: skip


def quantise(matrix: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Whole steps -127..127 (n, n_dims) and the size of a step of each vector (n,): a third of a per cent of noise."""
    step = (np.abs(matrix).max(axis=1) / 127).astype(np.float16)
    return np.rint(matrix / step[:, None].astype(np.float32)).clip(-127, 127).astype(np.int8), step


def pack(words: list[str], matrix: npt.NDArray[np.float32]) -> bytes:
    """The file's content: words (UTF-8, one a line), steps and step, as NPZ."""
    steps, step = quantise(matrix)
    content = io.BytesIO()
    np.savez_compressed(content, words=np.frombuffer("\n".join(words).encode(), np.uint8), steps=steps, step=step)
    return content.getvalue()


def judge(hierarchy: Hierarchy, words: list[str], matrix: npt.NDArray[np.float32]) -> Iterator[str]:
    """The quality of vectors: nearest words of some, and agreement with the hierarchy over ILSVRC's leaves."""
    vectors = WordVectors(BUILTIN_NAME, "", False, 0, matrix, ListedVocabulary(words))
    nodes = sorted((timm_info() / "imagenet_synsets.txt").read_text("utf-8").split())
    names = [hierarchy.synonyms(node) for node in nodes]
    similarity, far = name_similarities(names, names, vectors), distances(hierarchy, nodes)
    pairs = np.triu_indices(len(nodes), 1)
    kept = similarity[pairs] < 1  # an identical word says nothing about vectors
    rank = spearmanr(similarity[pairs][kept], -far[pairs][kept]).statistic
    np.fill_diagonal(similarity, -1)
    nearest = np.where(similarity < 1, similarity, -1).argmax(axis=1)
    np.fill_diagonal(far, np.inf)
    yield f"rank correlation of cosine with nearness {rank:.3f}; median steps to the most similar other leaf: " + (
        f"{np.median(far[np.arange(len(nodes)), nearest]):.0f} (of all pairs {np.median(far[pairs]):.0f})"
    )
    unit = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
    for word in SHOWN:
        found = vectors.find(word)
        if found is None:
            yield f"{word}: unknown"
        else:
            close = np.argsort(-(unit @ unit[words.index(found)]))[1:8]
            yield f"{found}: " + ", ".join(words[i] for i in close.tolist())


def main() -> None:
    """Build the file and print its quality."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DATA / BUILTIN_FILE, help="the file to write")
    for name, value in Recipe()._asdict().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    arguments = vars(parser.parse_args())
    out, start = arguments.pop("out"), time.perf_counter()
    recipe, hierarchy = Recipe(**arguments), load_wordnet()
    text = make_text(hierarchy, recipe)
    model = train(text, recipe)
    words = vocabulary(hierarchy, text, recipe)
    content = pack(words, model.wv[words])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    n_words = sum(map(len, text))
    print(f"{n_words:,} words of text, {len(words):,} vectors, {len(content):,} bytes, ", end="")
    print(f"{time.perf_counter() - start:.0f} s")
    steps, step = quantise(model.wv[words])
    print("\n".join(judge(hierarchy, words, steps * step.astype(np.float32)[:, None])))


if __name__ == "__main__":
    main()
