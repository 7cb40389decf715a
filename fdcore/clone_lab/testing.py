"""Testing clones on pictures that none of them was trained on, and taking them away."""

import io
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.case import Case
from fdcore.claims import read_claims
from fdcore.clone_lab.asking import Asker, PictureFolder, corpus_pixels, input_of, open_folder
from fdcore.clone_runs import (
    ASKED,
    answers_file,
    answers_to_npz,
    corpus_set_key,
    read_answered_set,
    read_answers,
    read_evaluations,
    run_folder,
    write_run,
)
from fdcore.cloning.evaluation_sets import match_folders
from fdcore.cloning.run import CARD, NETWORK, WEIGHTS, CloneRun
from fdcore.cloning.settings import TransferSettings
from fdcore.errors import CaseError
from fdcore.progress import Progress
from fdcore.storage import sha256_file
from fdcore.suspect.suspect import Pictures

MAX_TESTED = 10_000  # pictures of a folder that clones are tested on


class EvaluationPictures(NamedTuple):
    """An evaluation set with its pixels."""

    key: str
    images: npt.NDArray[np.intp]
    image_ids: npt.NDArray[np.uint64]
    pixels: Pictures


def prepare_test(
    case: Case, evaluation: str, transfer: TransferSettings, asker: Asker, cache: Path, progress: Progress
) -> EvaluationPictures:
    """Open the pictures that clones are tested on, and ask what the suspect says of them."""
    if not evaluation:
        answered = read_answered_set(case, corpus_set_key(transfer.reserved))
        if not len(answered.images):
            raise CaseError("No image of the corpus is held back for a test. Give a folder of pictures to test on.")
        pixels = corpus_pixels(case, cache, progress)
        return EvaluationPictures(answered.facts.key, answered.images, answered.image_ids, pixels)
    opened = open_folder(case, evaluation, most=MAX_TESTED, seed=transfer.seed, cache=cache, progress=progress)
    images = np.arange(len(opened.store.names))
    stage = f"Asking about {opened.name} to test on"
    asker.ask(opened.ledger, images, opened.store.pixels, stage=stage, progress=progress)
    _write_set(case, opened)
    return EvaluationPictures(opened.key, images, opened.store.image_ids, opened.store.pixels)


def _write_set(case: Case, opened: PictureFolder) -> None:
    """Keep which of a folder's classes is which of the suspect's."""
    n_classes = opened.ledger.header.n_classes
    match = match_folders(opened.labels, n_classes, read_claims(case).names)
    by_node = np.array([match.classes.get(label, -1) for label in opened.labels], dtype=np.int32)
    buffer = io.BytesIO()
    np.save(buffer, by_node[opened.store.node_index], allow_pickle=False)
    place = f"{ASKED}/{opened.key}"
    case.write(f"{place}/truth.npy", buffer.getvalue())
    case.write_json(f"{place}/set.json", {"name": opened.name, "how": match.how, "note": match.note})


def ask_clone(case: Case, run: CloneRun, test: EvaluationPictures, progress: Progress) -> None:
    """Ask a clone about every picture of a set, and keep what it answers."""
    from fdcore.cloning.exports import load_weights
    from fdcore.cloning.training import predict

    target = answers_file(run.id, test.key)
    if case.has(target) and np.array_equal(read_answers(case, run.id, test.key)[0], test.image_ids):
        return
    network = load_weights(weights_of(case, run), run.training.arch, len(run.drawn.classes), input_of(case))
    pictures = np.ascontiguousarray(test.pixels[test.images])

    def told(stage: str, done: int, total: int) -> None:
        progress(f"Testing {run.source.name}", done, total)

    labels = predict(network, pictures, device=run.training.device, progress=told)
    case.write(target, answers_to_npz(test.image_ids, labels))


def weights_of(case: Case, run: CloneRun) -> bytes:
    try:
        return case.path(f"{run_folder(run.id)}/{WEIGHTS}").read_bytes()
    except OSError as error:
        raise CaseError(f"The weights of the clone {run.id} are gone. Remove it and train it anew.") from error


def export(case: Case, run: CloneRun, by: str) -> CloneRun:
    """Write a clone's network and card beside its weights; the hashes go into its record and the audit log."""
    from fdcore.cloning.exports import load_weights, model_card, to_onnx

    place = run_folder(run.id)
    weights, spec = weights_of(case, run), input_of(case)
    if not case.has(f"{place}/{NETWORK}"):
        network = load_weights(weights, run.training.arch, len(run.drawn.classes), spec)
        case.write(f"{place}/{NETWORK}", to_onnx(network, spec))
    files = {name: sha256_file(case.path(f"{place}/{name}")) for name in (WEIGHTS, NETWORK)}
    suspect = {"Suspect": case.facts()["suspect"]["description"]}
    card = model_card(replace(run, files=files), read_evaluations(case, run.id), suspect, spec)
    case.write(f"{place}/{CARD}", card.encode())
    files[CARD] = sha256_file(case.path(f"{place}/{CARD}"))
    if files == run.files and run.finished:
        return run
    run = replace(run, stage="done", files=files)
    write_run(case, run)
    case.log(
        "clone finished", {"clone": run.id, "source": run.source.name, "files": files} | ({"by": by} if by else {})
    )
    return run
