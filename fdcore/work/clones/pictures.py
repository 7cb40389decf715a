"""The pictures that clones are trained and tested on: those of the corpus and of folders outside it.

    cloning/asked/<key>/ledger/   the answers; no picture is sent a second time in a case

The case's budget covers everything that was ever sent in it, for any purpose; see `fdcore.case.spending`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import Ledger
from fdcore.case.conclusions import load_scored, pixels_of
from fdcore.case.plan import open_hierarchy, open_planned_hierarchy
from fdcore.case.spending import ledger_of_files
from fdcore.cloning.transfer import share_evenly
from fdcore.corpus.corpus import Corpus, open_corpus, survey
from fdcore.errors import CaseError
from fdcore.suspect.suspect import Pictures
from fdcore.work.clones.lab import Lab


class PictureFolder(NamedTuple):
    """A folder outside the corpus: its own classes, and the suspect's answers to its pictures."""

    name: str
    classes: tuple[str, ...]  # (n_nodes,) the names of its sub-folders
    labels: Mapping[str, str]  # their names in words, if known; by sub-folder
    class_of: npt.NDArray[np.int32]  # (n_images,) the class of each picture, a place in `classes`
    ledger: Ledger  # (n_images, 1)

    @property
    def key(self) -> str:
        """Its identity within the case: a digest of its pictures."""
        return self.ledger.folder.parent.name


class Pool(NamedTuple):
    """Pictures that clones are trained or tested on."""

    pixels: Pictures  # (n_images, H, W, C) uint8
    image_ids: npt.NDArray[np.uint64]  # (n_images,)
    names: Sequence[str]  # (n_images,)
    folder: PictureFolder | None = None  # None for the case's corpus

    def n_to_ask(self, images: npt.NDArray[np.intp]) -> int:
        """How many of some images have not been sent yet; the corpus' answers are known."""
        return len(self.folder.ledger.missing(images)) if self.folder else 0


def folder_pool(lab: Lab, folder: str, *, most: int | None, seed: int) -> tuple[Pool, PictureFolder]:
    """A folder's pictures, decoded for the case's suspect, with the ledger of its answers.

    Args:
        lab: of a case whose suspect was queried.
        folder: given like a corpus, "DIR" or "DIR@NODE"; its sub-folders are its own classes.
        most: about how many pictures are wanted, None for all; larger folders are sampled evenly over their classes.
        seed: of the sample.

    Raises:
        CorpusError: it has no images in a known layout.
        CaseError: the suspect was never queried.
    """
    hierarchy = open_hierarchy(lab.case.plan().hierarchy)
    n_files = survey([folder], hierarchy=hierarchy, quick=True, progress=lab.progress).sources[0].n_files
    per_leaf = None if most is None else max(share_evenly(list(n_files.values()), most))
    corpus = _open(lab, [folder], per_leaf, seed)
    store, name = corpus.store, corpus.folders[0]
    classes = tuple(node.rpartition("/")[2] for node in store.nodes)
    labels = {own: corpus.hierarchy.label(node) for own, node in zip(classes, store.nodes, strict=True)}
    ledger = ledger_of_files(lab.case, lab.header, store.fingerprint, store.image_ids)
    opened = PictureFolder(name, classes, labels, store.node_index, ledger)
    return Pool(store.pixels, store.image_ids, store.names, opened), opened


def corpus_pool(lab: Lab) -> Pool:
    """The case's images, decoded again if the cache has lost them.

    Raises:
        CaseError: the corpus' folders are not available, or have other images now.
    """
    scored = load_scored(lab.case)
    pixels = pixels_of(lab.case, lab.cache)
    return Pool(_decoded_again(lab) if pixels is None else pixels, scored.image_ids, scored.images.names)


def _decoded_again(lab: Lab) -> Pictures:
    plan = lab.case.plan()
    if not plan.corpora:
        raise CaseError(
            "The case does not record the location of its corpus, and its decoded images are not available.",
            key="corpus unknown",
        )
    store = _open(lab, plan.corpora, plan.settings.images_per_leaf, plan.settings.seed).store
    if store.fingerprint != lab.header.corpus:
        raise CaseError(
            "The images in the corpus' folders differ from those that were sent. Restore them.", key="corpus changed"
        )
    return store.pixels


def _open(lab: Lab, folders: Sequence[str], per_leaf: int | None, seed: int) -> Corpus:
    return open_corpus(
        folders,
        hierarchy=open_planned_hierarchy(lab.case.plan()),
        height=lab.spec.height,
        width=lab.spec.width,
        channels=lab.spec.channels,
        per_leaf=per_leaf,
        seed=seed,
        cache=lab.cache,
        progress=lab.progress,
    )
