"""The WordNet hierarchy that ships with fdcore: every ImageNet-21k synset and what stands above it.

The table is built by scripts/build_wordnet.py from WordNet 3.0 (its licence: data/WORDNET-LICENSE.txt). Glosses are not
part of it; they are read at run time from the table inside the `timm` package.
"""

import csv
import importlib.util
import lzma
from functools import cache
from importlib.resources import files
from pathlib import Path

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CorpusError

TABLE_FILE = "wordnet.csv.xz"
LICENSE_FILE = "WORDNET-LICENSE.txt"
LEMMA_SEPARATOR = "|"


@cache
def load_wordnet() -> Hierarchy:
    """The shipped hierarchy: ids are wnids such as "n02084071", the label is the first lemma, the root is "entity"."""
    content = lzma.decompress(files("fdcore.corpus").joinpath("data", TABLE_FILE).read_bytes())
    rows = csv.reader(content.decode().splitlines())
    next(rows)
    return Hierarchy.from_rows((wnid, parents.split(), lemmas.split(LEMMA_SEPARATOR)) for wnid, parents, lemmas in rows)


def gloss(node: str) -> str | None:
    """WordNet's definition of a node; None where timm's table has none (it has only synsets that carry images)."""
    return _glosses().get(node)


def timm_info() -> Path:
    """The folder of tables inside the installed `timm`, found without importing it (that would import torch).

    Raises:
        CorpusError: timm is not installed.
    """
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        raise CorpusError("The package timm is not installed; `pip install -r requirements.txt` brings it.")
    return Path(spec.origin).parent / "data" / "_info"


@cache
def _glosses() -> dict[str, str]:
    lines = (timm_info() / "imagenet_synset_to_definition.txt").read_text("utf-8").splitlines()
    return {wnid: text for wnid, _, text in (line.partition("\t") for line in lines)}
