"""The WordNet hierarchy that ships with fdcore: every ImageNet-21k synset and its ancestors.

scripts/build_wordnet.py builds the table from WordNet 3.0 (licence: data/WORDNET-LICENSE.txt). Glosses are not part of
it; they are read at run time from a table of the `timm` package.
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
    """The shipped hierarchy: ids are wnids such as "n02084071", labels are first lemmas, the root is "entity"."""
    content = lzma.decompress(files("fdcore.corpus").joinpath("data", TABLE_FILE).read_bytes())
    rows = csv.reader(content.decode().splitlines())
    next(rows)
    return Hierarchy.from_rows((wnid, parents.split(), lemmas.split(LEMMA_SEPARATOR)) for wnid, parents, lemmas in rows)


def gloss(node: str) -> str | None:
    """WordNet's definition of a node; None if timm's table, which only has synsets with images, lacks it."""
    return _glosses().get(node)


def timm_info() -> Path:
    """The folder of tables in the installed `timm`, found without importing it, which would import torch.

    Raises:
        CorpusError: timm is not installed.
    """
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        raise CorpusError(
            "The package timm is not installed; `pip install -r requirements.txt` installs it.", key="timm missing"
        )
    return Path(spec.origin).parent / "data" / "_info"


@cache
def _glosses() -> dict[str, str]:
    lines = (timm_info() / "imagenet_synset_to_definition.txt").read_text("utf-8").splitlines()
    return {wnid: text for wnid, _, text in (line.partition("\t") for line in lines)}
