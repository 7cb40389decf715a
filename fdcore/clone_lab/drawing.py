"""Transfer sets of a case: drawn once, written down, found again."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.analysis import Scored, load_scored, read_choices, selection_settings, weigh
from fdcore.case import Case
from fdcore.clone_lab.asking import Asker, PictureFolder, corpus_pixels, n_sent, open_folder
from fdcore.clone_runs import read_run, run_folder, write_run
from fdcore.cloning.run import TRANSFER, CloneRun, TransferFacts
from fdcore.cloning.settings import CloneRequest, Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.cloning.sources import Drawn, choose_images, draw_chosen, draw_found, draw_random
from fdcore.errors import CaseError
from fdcore.progress import Progress
from fdcore.suspect.suspect import Pictures


class Pool(NamedTuple):
    """The pictures that a source's transfer set is drawn from.

    Attributes:
        pixels: (n_images, H, W, C) uint8.
        image_ids: (n_images,) uint64.
        names: (n_images,).
        folder: where they come from, when that is not the case's corpus.
    """

    pixels: Pictures
    image_ids: npt.NDArray[np.uint64]
    names: Sequence[str]
    folder: PictureFolder | None = None


class Rows(NamedTuple):
    """A transfer set: places in its pool, views and labels, each (n,)."""

    images: npt.NDArray[np.intp]
    views: npt.NDArray[np.int16]
    labels: npt.NDArray[np.int32]


class Prepared(NamedTuple):
    """A run whose transfer set is drawn."""

    run: CloneRun
    pool: Pool
    rows: Rows


def run_id(case: Case, source: Source, transfer: TransferSettings, training: TrainingSettings) -> str:
    """A clone's id: everything that it is made from decides it, save the device, so that a request finds it again."""
    facts = case.facts()
    parts = [asdict(source), asdict(transfer), asdict(training) | {"device": ""}, _selection(case, source),
             facts["suspect"]["fingerprint"], facts["corpus"]["fingerprint"]]  # fmt: skip
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]
    return f"{source.kind.value}-{digest}"


def _selection(case: Case, source: Source) -> dict[str, Any]:
    """The settings of the finding that a source is drawn from; with one term, alpha is 1 and nothing is locked."""
    if source.kind in (SourceKind.RANDOM, SourceKind.FOLDER):
        return {}
    settings = asdict(selection_settings(case))
    if source.kind is SourceKind.ONE_TERM:
        return settings | {"alpha": 1.0}
    return settings | {"locked": {str(i): asdict(choice) for i, choice in read_choices(case).items()}}


def prepare(
    case: Case,
    request: CloneRequest,
    source: Source,
    tested: npt.NDArray[np.uint64],
    asker: Asker,
    cache: Path,
    by: str,
    progress: Progress,
) -> Prepared:
    """A source's run: drawn and written down now, or found where it was drawn before."""
    name = run_id(case, source, request.transfer, request.training)
    before = n_sent(case)
    pool = _open_pool(case, source, request.transfer, cache, progress)
    if case.has(f"{run_folder(name)}/run.json"):
        return Prepared(read_run(case, name), pool, _rows_from_parquet(case, name, pool))
    drawn = _draw(case, pool, source, request.transfer, tested, asker, progress)
    sent = n_sent(case) - before
    run = CloneRun(
        id=name,
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        source=source,
        transfer=request.transfer,
        training=request.training,
        selection=_selection(case, source),
        stage="drawn",
        drawn=TransferFacts(drawn.classes, len(drawn.images), sent, drawn.notes),
        n_sent=sent,
        n_answers=len(drawn.images),
    )
    rows = Rows(drawn.images, drawn.views, drawn.labels)
    table = _rows_to_parquet(rows, pool)
    case.write(f"{run_folder(name)}/{TRANSFER}", table)
    write_run(case, run)
    details = {"clone": name, "source": source.name, "n_rows": run.drawn.n_rows, "n_sent": sent,
               "transfer_set": hashlib.sha256(table).hexdigest()}  # fmt: skip
    case.log("transfer set drawn", details | ({"by": by} if by else {}))
    return Prepared(run, pool, rows)


def _open_pool(case: Case, source: Source, transfer: TransferSettings, cache: Path, progress: Progress) -> Pool:
    if source.kind is SourceKind.FOLDER:
        most = 2 * transfer.total  # some may be broken, or in the test set
        opened = open_folder(case, source.folder, most=most, seed=transfer.seed, cache=cache, progress=progress)
        return Pool(opened.store.pixels, opened.store.image_ids, opened.store.names, opened)
    scored = load_scored(case)
    return Pool(corpus_pixels(case, cache, progress), scored.image_ids, scored.images.names)


def _draw(
    case: Case,
    pool: Pool,
    source: Source,
    transfer: TransferSettings,
    tested: npt.NDArray[np.uint64],
    asker: Asker,
    progress: Progress,
) -> Drawn:
    """Draw a transfer set; of a folder, nothing that is tested on, and what the suspect says of it is asked."""
    if pool.folder is None:
        return draw_from_corpus(case, load_scored(case), source, transfer)
    ledger, nodes = pool.folder.ledger, pool.folder.store.node_index
    usable = np.flatnonzero(~np.isin(pool.image_ids, tested))
    images = usable[choose_images(nodes[usable], transfer.total, transfer.seed, image_ids=pool.image_ids[usable])]
    labels = asker.ask(ledger, images, pool.pixels, stage=f"Asking about {pool.folder.name}", progress=progress)
    return draw_chosen(images, labels, ledger.header.n_classes, transfer.total)


def draw_from_corpus(case: Case, scored: Scored, source: Source, transfer: TransferSettings) -> Drawn:
    if source.kind is SourceKind.RANDOM:
        return draw_random(scored.answers, scored.image_ids, transfer, n_classes=scored.scores.n_classes)
    settings, choices = selection_settings(case), read_choices(case)
    if source.kind is SourceKind.ONE_TERM:
        settings, choices = replace(settings, alpha=1.0), {}
    return draw_found(weigh(scored, settings, choices).classes, scored.answers, scored.image_ids, transfer)


def _rows_to_parquet(rows: Rows, pool: Pool) -> bytes:
    """A transfer set as Parquet: image id (hex), name, view, label."""
    import pandas as pd

    images = rows.images.tolist()
    frame = pd.DataFrame(
        {
            "image": [f"{pool.image_ids[i]:016x}" for i in images],
            "name": [pool.names[i] for i in images],
            "view": rows.views,
            "label": rows.labels,
        }
    )
    return frame.to_parquet(index=False)


def _rows_from_parquet(case: Case, run_id: str, pool: Pool) -> Rows:
    """The inverse of `_rows_to_parquet`, the images found again in their pool.

    Raises:
        CaseError: the table is damaged, or the pool does not hold its images any more.
    """
    import pandas as pd

    path = case.path(f"{run_folder(run_id)}/{TRANSFER}")
    place_of = {f"{image_id:016x}": place for place, image_id in enumerate(pool.image_ids.tolist())}
    try:
        frame = pd.read_parquet(path)
        images = np.array([place_of[image] for image in frame["image"]], dtype=np.intp)
        return Rows(images, frame["view"].to_numpy(np.int16), frame["label"].to_numpy(np.int32))
    except KeyError as error:
        raise CaseError(
            f"The transfer set {path} has pictures that are no longer where they came from ({error}). "
            "Restore them, or remove this clone and train it anew."
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise CaseError(f"{path} is damaged ({error}). Remove this clone and train it anew.") from error
