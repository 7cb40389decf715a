"""The demo's drawings as a generator of pictures for `fdcore grow`, with the prompt "{name}".

    fdcore grow CASE --below aircraft --prompt "{name}" \\
        --command "python benchmarks/draw_prompts.py {prompt} {folder} {count} {seed}"

A leaf is drawn as itself, and a node as the leaves below it in turn; nothing is drawn of anything else.
"""

import sys
from itertools import cycle
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image

from fdcore.corpus.wordnet import load_wordnet
from fdcore.demo import LEAVES, draw_picture


def main(prompt: str, folder: Path, count: int, seed: int) -> None:
    """Draw pictures of whatever is called like the prompt."""
    wordnet = load_wordnet()
    named = [node for node in wordnet.ids if wordnet.label(node) == prompt]
    below = set(named).union(*(wordnet.descendants(node) for node in named))
    leaves = cycle([leaf for leaf in LEAVES if leaf.wnid in below])
    own = [seed, crc32(prompt.encode())]  # other prompts and the demo's corpus have other pictures
    seed = int(np.random.SeedSequence(own).generate_state(1)[0])
    for number, leaf in zip(range(count), leaves, strict=False):
        Image.fromarray(draw_picture(leaf, number=number, seed=seed)).save(folder / f"{number:04d}.png")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
