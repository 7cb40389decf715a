"""Asking the suspect about pictures beside the corpus: folders that clones are trained from or tested on.

    cloning/asked/<key>/ledger/   the answers; a picture that the case asked about already is never asked about again

The case's budget holds for everything that was ever sent in it, whatever for; see `fdcore.case.spending`.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import NOT_ASKED, Ledger, LedgerHeader
from fdcore.case.case import Case
from fdcore.case.clones import asked_folder
from fdcore.case.conclusions import pixels_of
from fdcore.case.plan import Plan, open_hierarchy
from fdcore.case.spending import asking, budget_left, ledgers
from fdcore.cloning.transfer import share_evenly
from fdcore.corpus.corpus import open_corpus, survey
from fdcore.corpus.images import ImageStore
from fdcore.errors import CaseError, SettingsError
from fdcore.progress import Progress, silent
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import Pictures, Suspect
from fdcore.work.investigate import open_planned_suspect

_KEY_LENGTH = 16


class PictureFolder(NamedTuple):
    """A folder of pictures beside the corpus, decoded for the suspect, with what the suspect said of them.

    Attributes:
        key: names it within the case: a digest of its pictures.
        name: the folder's own.
        store: the pictures.
        folders: (n_nodes,) the names of its sub-folders, its own classes, in the store's order of nodes.
        labels: what those are called in words, where that is known; by sub-folder.
        ledger: the answers, (n_images, 1).
    """

    key: str
    name: str
    store: ImageStore
    folders: tuple[str, ...]
    labels: Mapping[str, str]
    ledger: Ledger


def open_folder(
    case: Case, folder: str, *, most: int | None, seed: int, cache: Path, progress: Progress
) -> PictureFolder:
    """Decode a folder's pictures for the case's suspect, and open the ledger of its answers.

    Args:
        case: a case whose suspect was asked.
        folder: as a corpus is given, "DIR" or "DIR@NODE"; its sub-folders are its own classes.
        most: about how many pictures are wanted, None for all; larger folders are sampled, evenly over their classes.
        seed: which ones.
        cache: where decoded images are kept.
        progress: told how far it is.

    Raises:
        CorpusError: it holds no images in a known layout.
        CaseError: the suspect was never asked.
    """
    header = Ledger.open(case.path("ledger")).header
    spec = header.spec
    hierarchy = open_hierarchy(case.plan().hierarchy)
    n_files = survey([folder], hierarchy=hierarchy, quick=True, progress=progress).sources[0].n_files
    corpus = open_corpus(
        [folder],
        hierarchy=hierarchy,
        height=spec.height,
        width=spec.width,
        channels=spec.channels,
        per_leaf=None if most is None else max(share_evenly(list(n_files.values()), most)),
        seed=seed,
        cache=cache,
        progress=progress,
    )
    store = corpus.store
    key = store.fingerprint[:_KEY_LENGTH]
    folders = tuple(node.rpartition("/")[2] for node in store.nodes)
    labels = {name: corpus.hierarchy.label(node) for name, node in zip(folders, store.nodes, strict=True)}
    name = corpus.sources[0].rpartition(" (")[0]
    return PictureFolder(key, name, store, folders, labels, _ledger(case, header, key, store))


def _ledger(case: Case, header: LedgerHeader, key: str, store: ImageStore) -> Ledger:
    own = replace(header, corpus=store.fingerprint, n_images=len(store.names), n_views=1)
    ledger = Ledger.open_or_create(asked_folder(case, key) / "ledger", own, store.image_ids)
    take_known_answers(case, ledger)
    return ledger


def picture_ledger(case: Case, pictures: Pictures) -> Ledger:
    """The ledger of pictures that were made, as augmentation does; their identity is their content."""
    header = Ledger.open(case.path("ledger")).header
    digests = [hashlib.sha256(np.ascontiguousarray(picture).data).digest() for picture in pictures]
    whole = hashlib.sha256(b"".join(digests)).hexdigest()
    image_ids = np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)
    own = replace(header, corpus=whole, n_images=len(pictures), n_views=1)
    return Ledger.open_or_create(asked_folder(case, whole[:_KEY_LENGTH]) / "ledger", own, image_ids)


def take_known_answers(case: Case, ledger: Ledger) -> None:
    """Fill in what the case's other ledgers say of the same pictures, so that none is asked about twice."""
    for other in ledgers(case):
        if other.folder == ledger.folder or not other.header.same_queries(ledger.header):
            continue
        _, own, theirs = np.intersect1d(ledger.image_ids, other.image_ids, return_indices=True)
        known = np.asarray(other.answers[theirs, 0])
        fill = (known != NOT_ASKED) & (ledger.answers[own, 0] == NOT_ASKED)
        ledger.answers[own[fill], 0] = known[fill]
    ledger.flush()


def unanswered(ledger: Ledger, images: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Those of some images whose answer is not known yet."""
    missing: npt.NDArray[np.intp] = images[np.asarray(ledger.answers[images, 0]) == NOT_ASKED]
    return missing


class Asker:
    """Asks a case's suspect, which is opened when it is first needed."""

    def __init__(self, case: Case, open_suspect: Callable[[Path], Suspect] | None = None) -> None:
        self._case = case
        self._open = open_suspect or open_planned_suspect(case.plan(), silent)
        self._suspect: Suspect | None = None
        self._turn = threading.Lock()  # clones on several GPUs take turns

    def ask(
        self, ledger: Ledger, images: npt.NDArray[np.intp], pictures: Pictures, *, stage: str, progress: Progress
    ) -> npt.NDArray[np.int32]:
        """The labels of some images, those that are not known yet asked for.

        Args:
            ledger: of one view.
            images: (n,) places in it.
            pictures: (n_images, H, W, C) uint8, all of the ledger's.
            stage: what it is for, for whoever watches.
            progress: told how far it is.

        Returns:
            (n,) int32.

        Raises:
            SettingsError: the budget does not allow it; nothing was sent.
            SuspectError: the suspect cannot be opened or fails.
        """
        with self._turn:
            missing = unanswered(ledger, images)
            if len(missing):
                self._send(ledger, missing, pictures, stage, progress)
        labels: npt.NDArray[np.int32] = np.array(ledger.answers[images, 0])
        return labels

    def require_budget(self, n_queries: int, what: str) -> None:
        """See beforehand whether the budget allows so many queries.

        Raises:
            SettingsError: it does not.
        """
        left = budget_left(self._case)
        if left is not None and n_queries > left:
            raise SettingsError(
                f"{what} needs {n_queries:,} queries, and the case's budget leaves {left:,}. "
                "Raise the budget, or ask for fewer images."
            )

    def _send(
        self, ledger: Ledger, missing: npt.NDArray[np.intp], pictures: Pictures, stage: str, progress: Progress
    ) -> None:
        suspect = self._opened(ledger)
        with asking(self._case), ledger.exclusively():
            self.require_budget(len(missing), stage)
            try:
                for start in range(0, len(missing), suspect.batch_size):
                    batch = missing[start : start + suspect.batch_size]
                    progress(stage, start, len(missing))
                    ledger.ask(suspect, batch, 0, np.ascontiguousarray(pictures[batch]))
            finally:
                ledger.flush()
        progress(stage, len(missing), len(missing))

    def _opened(self, ledger: Ledger) -> Suspect:
        if self._suspect is None:
            if not self._case.facts().evidence:
                raise CaseError(
                    "This case replays recorded answers and holds no suspect's file, so that nothing new can be "
                    "asked. Use sources and pictures of its corpus."
                )
            self._suspect = self._open(self._case.evidence().path)
        if self._suspect.fingerprint != ledger.header.suspect:
            raise CaseError(
                "The suspect is opened with other options than it was asked with before. Restore the options of the "
                "Suspect page, or begin a new case."
            )
        return self._suspect


def corpus_pixels(case: Case, cache: Path, progress: Progress = silent) -> Pictures:
    """The case's decoded images (n_images, H, W, C), decoded again where the cache has lost them.

    Raises:
        CaseError: the corpus' folders are not at hand, or hold other images now.
    """
    pixels = pixels_of(case, cache)
    return _decoded_again(case, case.plan(), cache, progress) if pixels is None else pixels


def _decoded_again(case: Case, plan: Plan, cache: Path, progress: Progress) -> Pictures:
    header = Ledger.open(case.path("ledger")).header
    spec = header.spec
    if not plan.corpora:
        raise CaseError("The case does not say where its corpus lies, and its decoded images are not at hand.")
    store = open_corpus(
        plan.corpora,
        hierarchy=open_hierarchy(plan.hierarchy),
        height=spec.height,
        width=spec.width,
        channels=spec.channels,
        per_leaf=plan.settings.images_per_leaf,
        seed=plan.settings.seed,
        cache=cache,
        progress=progress,
    ).store
    if store.fingerprint != header.corpus:
        raise CaseError("The corpus' folders hold other images than those that were asked about. Restore them.")
    return store.pixels


def input_of(case: Case) -> PreprocessSpec:
    """What the case's suspect expects at its input, and so what its clones expect."""
    return Ledger.open(case.path("ledger")).header.spec
