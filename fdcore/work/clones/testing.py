"""Testing clones on pictures that none of them was trained on, and taking them away."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.case.case import Case
from fdcore.case.claims import read_claims
from fdcore.case.clones import (
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
from fdcore.progress import Progress
from fdcore.storage import sha256_file
from fdcore.suspect.suspect import Pictures
from fdcore.work.clones.asking import Asker, PictureFolder, corpus_pixels, input_of, open_folder, unanswered

MAX_TESTED = 10_000  # pictures of a folder that clones are tested on


class EvaluationPictures(NamedTuple):
    """An evaluation set with its pixels.

    Attributes:
        key: names it within the case.
        images: (n,) places in `pixels`.
        image_ids: (n,) uint64.
        pixels: (n_images, H, W, C) uint8.
        folder: where they come from, when that is not the case's corpus.
    """

    key: str
    images: npt.NDArray[np.intp]
    image_ids: npt.NDArray[np.uint64]
    pixels: Pictures
    folder: PictureFolder | None = None

    @property
    def n_to_ask(self) -> int:
        """How many of them the suspect was not asked about yet."""
        return len(unanswered(self.folder.ledger, self.images)) if self.folder else 0


def open_set(case: Case, evaluation: str, reserved: float, cache: Path, progress: Progress) -> EvaluationPictures:
    """Open the pictures that clones are tested on; nothing is asked yet.

    Args:
        case: the case.
        evaluation: a folder, as a corpus is given; "" for images of the corpus that are held back.
        reserved: the share of the corpus that is held back.

    Raises:
        CaseError: nothing is held back.
        FdError: the folder cannot be used.
    """
    if evaluation:
        opened = open_folder(case, evaluation, most=MAX_TESTED, seed=0, cache=cache, progress=progress)
        store = opened.store
        return EvaluationPictures(opened.key, np.arange(len(store.names)), store.image_ids, store.pixels, opened)
    answered = read_answered_set(case, corpus_set_key(reserved))
    if not len(answered.images):
        raise CaseError("No image of the corpus is held back for a test. Give a folder of pictures to test on.")
    pixels = corpus_pixels(case, cache, progress)
    return EvaluationPictures(answered.facts.key, answered.images, answered.image_ids, pixels)


def ask_about(case: Case, test: EvaluationPictures, asker: Asker, progress: Progress) -> None:
    """Ask what the suspect says of an evaluation set, and keep which of its folders is which class."""
    if test.folder is None:
        return
    stage = f"Asking about {test.folder.name} to test on"
    asker.ask(test.folder.ledger, test.images, test.pixels, stage=stage, progress=progress)
    _write_set(case, test.folder)


def _write_set(case: Case, opened: PictureFolder) -> None:
    n_classes = opened.ledger.header.n_classes
    match = match_folders(opened.folders, n_classes, read_claims(case).names, opened.labels)
    by_node = np.array([match.classes.get(name, -1) for name in opened.folders], dtype=np.int32)
    buffer = io.BytesIO()
    np.save(buffer, by_node[opened.store.node_index], allow_pickle=False)
    place = f"{ASKED}/{opened.key}"
    case.write(f"{place}/truth.npy", buffer.getvalue())
    case.write_json(f"{place}/set.json", {"name": opened.name, "how": match.how, "note": match.note})


def ask_clone(case: Case, run: CloneRun, test: EvaluationPictures, device: str, progress: Progress) -> None:
    """Ask a clone about every picture of a set, and keep what it answers."""
    from fdcore.cloning.exports import load_weights
    from fdcore.cloning.training import predict

    if _has_answered(case, run, test):
        return
    network = load_weights(weights_of(case, run), run.training.arch, len(run.drawn.classes), input_of(case))

    def told(stage: str, done: int, total: int) -> None:
        progress(f"Testing {run.source.name}", done, total)

    labels = predict(network, test.pixels, images=test.images, device=device, progress=told)
    case.write(answers_file(run.id, test.key), answers_to_npz(test.image_ids, labels))


def _has_answered(case: Case, run: CloneRun, test: EvaluationPictures) -> bool:
    try:
        return np.array_equal(read_answers(case, run.id, test.key)[0], test.image_ids)
    except CaseError:  # there are none, or damaged ones
        return False


def weights_of(case: Case, run: CloneRun) -> bytes:
    """A clone's weights, as they were when it was finished.

    Raises:
        CaseError: they are gone.
        EvidenceError: they were changed since.
    """
    try:
        content = case.path(f"{run_folder(run.id)}/{WEIGHTS}").read_bytes()
    except OSError as error:
        raise CaseError(f"The weights of the clone {run.id} are gone. Remove it and train it anew.") from error
    if run.finished and hashlib.sha256(content).hexdigest() != run.files.get(WEIGHTS):
        raise EvidenceError(f"The weights of the clone {run.id} were changed since they were written. Restore them.")
    return content


def export(case: Case, run: CloneRun, by: str) -> CloneRun:
    """Write a clone's network and card beside its weights; the hashes go into the audit log and into its record.

    Raises:
        EvidenceError: a file was changed since it was written.
    """
    from fdcore.cloning.exports import model_card

    place = run_folder(run.id)
    files = {WEIGHTS: hashlib.sha256(weights_of(case, run)).hexdigest()}
    if _has_network(case, run):
        files[NETWORK] = sha256_file(case.path(f"{place}/{NETWORK}"))
    if run.finished and files.get(NETWORK) != run.files.get(NETWORK):
        raise EvidenceError(f"{NETWORK} of the clone {run.id} was changed since it was written. Restore it.")
    suspect = {"Suspect": case.facts().description}
    card = model_card(replace(run, files=files), read_evaluations(case, run.id), suspect, input_of(case)).encode()
    files[CARD] = hashlib.sha256(card).hexdigest()
    if files == run.files and run.finished:
        return run
    case.write(f"{place}/{CARD}", card)
    done = replace(run, stage="done", files=files)
    case.log(
        "clone finished", {"clone": run.id, "source": run.source.name, "files": files} | ({"by": by} if by else {})
    )
    write_run(case, done)
    return done


def _has_network(case: Case, run: CloneRun) -> bool:
    """Whether a clone could be written as ONNX, which is tried when that was not done yet."""
    from fdcore.cloning.exports import load_weights, to_onnx

    target, spec = f"{run_folder(run.id)}/{NETWORK}", input_of(case)
    if case.has(target) or run.finished:
        return case.has(target)
    network = load_weights(weights_of(case, run), run.training.arch, len(run.drawn.classes), spec)
    try:
        case.write(target, to_onnx(network, spec))
    except SuspectError:  # a layer that ONNX does not know: the weights stay, and the card says so
        return False
    return True
