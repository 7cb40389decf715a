"""Testing clones on pictures that none of them was trained on, and exporting them."""

import hashlib
import io
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.case.case import Case
from fdcore.case.claims import read_claims
from fdcore.case.clones import (
    SetRecord,
    answers_file,
    answers_to_npz,
    corpus_set_key,
    read_answered_set,
    read_answers,
    read_evaluations,
    run_folder,
    write_run,
)
from fdcore.case.layout import ASKED
from fdcore.cloning.evaluation_sets import match_folders
from fdcore.cloning.run import CARD, NETWORK, WEIGHTS, CloneRun
from fdcore.errors import CaseError, EvidenceError, SuspectError
from fdcore.records import to_plain
from fdcore.storage import sha256_file
from fdcore.work.clones.lab import Lab
from fdcore.work.clones.pictures import PictureFolder, Pool, corpus_pool, folder_pool

if TYPE_CHECKING:
    from fdcore.cloning.networks import CloneNetwork

MAX_TESTED = 10_000  # pictures of a folder that clones are tested on


class EvaluationPictures(NamedTuple):
    """An evaluation set with its pixels."""

    key: str  # identifies it within the case
    pool: Pool
    images: npt.NDArray[np.intp]  # (n,) places in the pool

    @property
    def image_ids(self) -> npt.NDArray[np.uint64]:
        """The ids of its pictures, (n,)."""
        return self.pool.image_ids[self.images]


def open_set(lab: Lab, evaluation: str, reserved: float) -> EvaluationPictures:
    """Open the pictures that clones are tested on; nothing is sent yet.

    Args:
        evaluation: a folder, given like a corpus; "" for held-back images of the corpus.
        reserved: the share of the corpus that is held back.

    Raises:
        CaseError: nothing is held back.
        FdError: the folder cannot be used.
    """
    if evaluation:
        pool, opened = folder_pool(lab, evaluation, most=MAX_TESTED, seed=0)
        return EvaluationPictures(opened.key, pool, np.arange(len(pool.names)))
    answered = read_answered_set(lab.case, corpus_set_key(reserved))
    if not len(answered.images):
        raise CaseError(
            "No image of the corpus is held back for a test. Give a folder of pictures to test on.",
            key="nothing held back",
        )
    return EvaluationPictures(answered.facts.key, corpus_pool(lab), answered.images)


def ask_about(lab: Lab, test: EvaluationPictures) -> None:
    """Query the suspect with an evaluation set, and record which of its folders is which class."""
    if folder := test.pool.folder:
        lab.ask(folder.ledger, test.images, test.pool.pixels, stage=f"Querying {folder.name} for the test")
        _write_set(lab.case, folder)


def _write_set(case: Case, opened: PictureFolder) -> None:
    n_classes = opened.ledger.header.n_classes
    match = match_folders(opened.classes, n_classes, read_claims(case).names, opened.labels)
    by_folder = np.array([match.classes.get(name, -1) for name in opened.classes], dtype=np.int32)
    buffer = io.BytesIO()
    np.save(buffer, by_folder[opened.class_of], allow_pickle=False)
    place = f"{ASKED}/{opened.key}"
    case.write(f"{place}/truth.npy", buffer.getvalue())
    case.write_json(f"{place}/set.json", to_plain(SetRecord(opened.name, match.how, match.note)))


def ask_clone(lab: Lab, run: CloneRun, test: EvaluationPictures, device: str) -> None:
    """Query a clone with every picture of a set, and keep its answers."""
    from fdcore.cloning.training import predict

    if _has_answered(lab.case, run, test):
        return
    progress = lab.progress_as(f"Testing {run.source.name}")
    labels = predict(_network_of(lab, run), test.pool.pixels, images=test.images, device=device, progress=progress)
    lab.case.write(answers_file(run.id, test.key), answers_to_npz(test.image_ids, labels))


def _network_of(lab: Lab, run: CloneRun) -> "CloneNetwork":
    from fdcore.cloning.exports import load_weights

    return load_weights(_weights_of(lab.case, run), run.training.arch, len(run.drawn.classes), lab.spec)


def _has_answered(case: Case, run: CloneRun, test: EvaluationPictures) -> bool:
    try:
        return np.array_equal(read_answers(case, run.id, test.key)[0], test.image_ids)
    except CaseError:  # there are none, or damaged ones
        return False


def _weights_of(case: Case, run: CloneRun) -> bytes:
    """A clone's weights, unchanged since it was finished.

    Raises:
        CaseError: they are missing.
        EvidenceError: they have changed.
    """
    try:
        content = case.path(f"{run_folder(run.id)}/{WEIGHTS}").read_bytes()
    except OSError as error:
        raise CaseError(
            f"The weights of the clone {run.id} are missing. Remove it and train it again.", key="weights missing"
        ) from error
    if run.finished and hashlib.sha256(content).hexdigest() != run.files.get(WEIGHTS):
        raise EvidenceError(
            f"The weights of the clone {run.id} have changed since they were written. Restore them.",
            key="clone changed",
        )
    return content


def export(lab: Lab, run: CloneRun) -> CloneRun:
    """Write a clone's network and card beside its weights, and the hashes into the audit log and its record.

    Raises:
        EvidenceError: a file has changed since it was written.
    """
    from fdcore.cloning.exports import model_card

    case, place = lab.case, run_folder(run.id)
    files = {WEIGHTS: hashlib.sha256(_weights_of(case, run)).hexdigest()}
    if _has_network(lab, run):
        files[NETWORK] = sha256_file(case.path(f"{place}/{NETWORK}"))
    if run.finished and files.get(NETWORK) != run.files.get(NETWORK):
        raise EvidenceError(
            f"{NETWORK} of the clone {run.id} has changed since it was written. Restore it.", key="clone changed"
        )
    suspect = {"Suspect": case.facts().description}
    card = model_card(replace(run, files=files), read_evaluations(case, run.id), suspect, lab.spec).encode()
    files[CARD] = hashlib.sha256(card).hexdigest()
    if files == run.files and run.finished:
        return run
    case.write(f"{place}/{CARD}", card)
    done = replace(run, stage="done", files=files)
    write_run(case, done)
    lab.log("clone finished", clone=run.id, source=run.source.name, files=files)
    return done


def _has_network(lab: Lab, run: CloneRun) -> bool:
    """Whether a clone could be written as ONNX; this is tried if it was not done yet."""
    from fdcore.cloning.exports import to_onnx

    target = f"{run_folder(run.id)}/{NETWORK}"
    if lab.case.has(target) or run.finished:
        return lab.case.has(target)
    try:
        lab.case.write(target, to_onnx(_network_of(lab, run), lab.spec))
    except SuspectError:  # a layer that ONNX lacks: the weights stay, and the card says so
        return False
    return True
