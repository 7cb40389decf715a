"""Views of texts: words dropped, swapped with their neighbour, or replaced by a synonym.

Like a picture's views, each is a pure function of (seed, text, view number). A word is replaced only where WordNet has
it in a single node, so that its synonyms mean the same. A text of fewer than `MIN_WORDS` words, which may be a script
without spaces, is treated character by character.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from fdcore.corpus.wordnet import load_wordnet
from fdcore.texts import Samples, as_samples, as_texts

DROPPED, SWAPPED, REPLACED = 0.1, 0.1, 0.5  # the chance of each word; of those that have a synonym, for the last
MIN_WORDS = 4
MIN_LETTERS = 4  # of a word that is replaced: "a" and "in" are vitamin A and indium in WordNet


def text_views(samples: Samples, image_ids: npt.NDArray[np.uint64], *, view: int, seed: int) -> Samples:
    """Draw one view of each text; the same arguments and shapes as `fdcore.answers.views.make_views`."""
    changed = []
    for text, image_id in zip(as_texts(samples), image_ids.tolist(), strict=True):
        key = np.array([seed, image_id], np.uint64)
        changed.append(_changed(text, np.random.Generator(np.random.Philox(key=key, counter=view << 64))))
    return as_samples(changed, samples.shape[2])


def _changed(text: str, generator: np.random.Generator) -> str:
    words = text.split()
    between = " "
    if len(words) < MIN_WORDS:
        words, between = list(text), ""
    chances = generator.random((len(words), 3))
    kept = [
        _replaced(word, chance[2]) if between else word
        for word, chance in zip(words, chances, strict=True)
        if chance[0] >= DROPPED
    ]
    for place in np.flatnonzero(chances[: max(len(kept) - 1, 0), 1] < SWAPPED):
        kept[place], kept[place + 1] = kept[place + 1], kept[place]
    return between.join(kept) or text


def _replaced(word: str, chance: float) -> str:
    """The word or one of its synonyms, with the punctuation around it."""
    bare = word.strip(".,;:!?()\"'")
    others = _synonyms().get(bare.lower(), ())
    if chance >= REPLACED or not others:
        return word
    return word.replace(bare, others[int(chance / REPLACED * len(others))])


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    """The other names of each single word that is the name of one node only."""
    hierarchy, found = load_wordnet(), dict[str, tuple[str, ...] | None]()
    for node in hierarchy.ids:
        words = [name for name in hierarchy.synonyms(node) if " " not in name and len(name) >= MIN_LETTERS]
        for word in words:
            others = tuple(other for other in words if other != word)
            found[word.lower()] = None if word.lower() in found else others
    return {word: others for word, others in found.items() if others}
