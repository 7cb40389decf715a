"""The steps before scoring: open the suspect, query it with a few pictures, survey the corpora."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fdcore.answers.ledger import LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.intake import Surveyed, TestQuery, read_test_query, write_survey, write_test_query
from fdcore.case.plan import open_planned_hierarchy
from fdcore.case.spending import ask_about, ledger_of_pictures
from fdcore.corpus.corpus import survey
from fdcore.corpus.decode import decode_file
from fdcore.corpus.topics import sample_texts
from fdcore.errors import CaseError, CorpusError
from fdcore.progress import Progress, silent
from fdcore.records import names_only
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.texts import as_samples
from fdcore.work.investigate import open_planned_suspect, take_suspect

NamedPicture = tuple[str, npt.NDArray[np.uint8]]

HASHING, OPENING, QUERYING = "Hashing and copying the file", "Scanning and opening the file", "Querying a few pictures"
SAMPLE_PX, N_TEXTS = 96, 24
MAX_SURVEYED = 200_000  # files decoded one by one; a larger corpus is only counted, and decoded when it is scored


# The suspect


def check_suspect(
    folder: Path, source: Path | None, pictures: Sequence[Path | NamedPicture], *, progress: Progress = silent
) -> TestQuery:
    """Take a suspect's file into the case, scan and open it, and query it with a few pictures.

    Args:
        folder: the case.
        source: the file; None for the case's evidence, opened again with the plan's options.
        pictures: files, or pictures (H, W, 3) uint8 with their names; at least one. A suspect of texts is sent texts of
            `fdcore.corpus.topics` in place of such pictures.
        progress: a listener.

    Raises:
        SuspectError: the file cannot be opened, was refused, or gives no usable answer.
        SettingsError: the case's budget does not allow it; nothing was sent.
        CaseError: the case is about another file, or other work is querying its suspect.
    """
    case = Case.open(folder)
    with case.exclusively():
        progress(HASHING, 0, 1)
        path = source or case.evidence().path
        plan = case.plan()
        progress(OPENING, 0, 1)
        suspect, spec = take_suspect(case, path, open_planned_suspect(plan, silent))
        if suspect is None:
            raise CaseError("This case replays recorded answers; there is no suspect to query.", key="no suspect")
        progress(QUERYING, 0, 1)
        names, shown = _test_pictures(pictures, spec)
        header = LedgerHeader(suspect.fingerprint, suspect.n_classes, suspect.spec, "", 0, ViewSpec(), len(shown), 1)
        ledger, every = ledger_of_pictures(case, header, shown), np.arange(len(shown))
        started = time.monotonic()
        n_sent = ask_about(case, suspect, ledger, every, shown, stage=QUERYING, progress=silent)
        seconds = max(time.monotonic() - started, 1e-3)
        # Batches are filled up, so that a call costs the same however few pictures it holds.
        per_call = -(-n_sent // suspect.batch_size) * suspect.batch_size
        per_s = round(per_call / seconds, 1) if n_sent else _last_speed(case)
        result = TestQuery(names, tuple(ledger.answers[:, 0].tolist()), n_sent, per_s)
        write_test_query(case, result, shown)
        progress(QUERYING, 1, 1)
    return result


def _last_speed(case: Case) -> float:
    """The pictures per second of the last test query; 0 if unknown."""
    try:
        last = read_test_query(case)
    except CaseError:  # damaged, and about to be overwritten
        last = None
    return last.pictures_per_s if last else 0.0


def sample_pictures(case: Case, numbers: Iterable[int]) -> list[npt.NDArray[np.uint8] | None]:
    """Pictures of the last test query, each (SAMPLE_PX, SAMPLE_PX, 3); None for one that is missing or unreadable."""
    size = {"height": SAMPLE_PX, "width": SAMPLE_PX, "channels": 3}
    return [decode_file(case.path(layout.TEST_PICTURE.format(i)), **size).pixels for i in numbers]


def _test_pictures(
    pictures: Sequence[Path | NamedPicture], spec: PreprocessSpec
) -> tuple[tuple[str, ...], npt.NDArray[np.uint8]]:
    size = {"height": spec.height, "width": spec.width, "channels": spec.channels}
    if spec.kind == "text" and any(isinstance(picture, tuple) for picture in pictures):
        texts = sample_texts(N_TEXTS)
        return tuple(texts), as_samples(texts.values(), spec.width)
    names, pixels = [], []
    for picture in pictures:
        if isinstance(picture, tuple):
            names.append(picture[0])
            pixels.append(_fit(picture[1], spec))
        elif (decoded := decode_file(picture, **size).pixels) is not None:
            names.append(picture.name)
            pixels.append(decoded)
    if not pixels:
        raise CorpusError(
            f"None of the {len(pictures)} sample files is a readable {'text' if spec.kind == 'text' else 'image'}.",
            key="no readable image",
        )
    return tuple(names), np.stack(pixels)


def _fit(picture: npt.NDArray[np.uint8], spec: PreprocessSpec) -> npt.NDArray[np.uint8]:
    image = Image.fromarray(picture).resize((spec.width, spec.height), Image.Resampling.BILINEAR)
    fitted: npt.NDArray[np.uint8] = np.asarray(image.convert("RGB" if spec.channels == 3 else "L"))
    return fitted.reshape(spec.height, spec.width, spec.channels)


# The corpus


def survey_corpora(folder: Path, *, progress: Progress = silent) -> Surveyed:
    """Read what the planned corpora hold: files by node, their problems, and a few samples of each node.

    Raises:
        CorpusError: a folder does not exist, or holds no images in a known layout.
    """
    case = Case.open(folder)
    with case.exclusively():
        plan = case.plan()
        hierarchy = open_planned_hierarchy(plan)
        found = survey(plan.corpora, hierarchy=hierarchy, quick=True, progress=progress)
        if sum(sum(source.n_files.values()) for source in found.sources) <= MAX_SURVEYED:
            found = survey(plan.corpora, hierarchy=hierarchy, progress=progress)
        surveyed = write_survey(case, plan.corpora, found)
        case.log("corpora surveyed", {"corpora": names_only(list(plan.corpora)), "n_problems": len(found.problems)})
    return surveyed
