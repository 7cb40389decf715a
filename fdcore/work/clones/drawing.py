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

from fdcore.case.case import Case
from fdcore.case.clones import finding_of, read_run, run_folder, write_run
from fdcore.case.conclusions import load_scored, read_choices, selection_settings
from fdcore.cloning.run import TRANSFER, CloneRun, TransferFacts
from fdcore.cloning.settings import CloneRequest, Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.cloning.sources import Drawn, choose_images, draw_chosen, draw_found, draw_random
from fdcore.errors import CaseError
from fdcore.method.findings import Findings, Scored, weigh
from fdcore.progress import Progress
from fdcore.suspect.suspect import Pictures
from fdcore.work.clones.asking import Asker, PictureFolder, corpus_pixels, open_folder, unanswered

SAME_FINDING = "The functional term alone finds the same as both terms do: this clone is trained on the same images."


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
    """A clone whose transfer set is drawn; once it is trained, its pictures are not needed any more."""

    run: CloneRun
    pool: Pool | None
    rows: Rows | None


def run_id(case: Case, source: Source, transfer: TransferSettings, training: TrainingSettings) -> str:
    """A clone's id: everything that it is made from decides it, save the device, so that a request finds it again."""
    parts = [asdict(source), asdict(transfer), asdict(training) | {"device": ""}, _selection(case, source),
             case.facts().suspect_fingerprint, case.facts().corpus_fingerprint]  # fmt: skip
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]
    return f"{source.kind.value}-{digest}"


def _selection(case: Case, source: Source) -> dict[str, Any]:
    """What tells the finding that a source is drawn from."""
    corpus = case.facts().corpus_fingerprint
    return finding_of(source, selection_settings(case), read_choices(case), corpus)


def is_trained(case: Case, source: Source, transfer: TransferSettings, training: TrainingSettings) -> bool:
    """Whether there is such a clone already, so that the pictures it came from are not needed."""
    name = run_id(case, source, transfer, training)
    return case.has(f"{run_folder(name)}/run.json") and read_run(case, name).stage in ("trained", "done")


def prepare(
    case: Case, request: CloneRequest, source: Source, pool: Pool | None, tested: npt.NDArray[np.uint64], asker: Asker,
    by: str, progress: Progress,
) -> Prepared:  # fmt: skip
    """A source's clone: its transfer set drawn and written down, or found where that was done before.

    Args:
        tested: ids of the pictures that clones are tested on; a folder's transfer set does without them.
    """
    name = run_id(case, source, request.transfer, request.training)
    if pool is None or case.has(f"{run_folder(name)}/run.json"):
        return _with_device(_prepared(read_run(case, name), case, pool), request.training.device)
    drawn = _draw(case, pool, source, request.transfer, tested, asker, progress)
    sent = pool.folder.ledger.n_sent if pool.folder else 0
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
    details = {"clone": name, "source": source.name, "n_rows": run.drawn.n_rows, "n_sent": sent,
               "transfer_set": hashlib.sha256(table).hexdigest()}  # fmt: skip
    case.log("transfer set drawn", details | ({"by": by} if by else {}))
    write_run(case, run)
    return Prepared(run, pool, rows)


def go_on_with(case: Case, run: CloneRun, device: str, cache: Path, progress: Progress) -> Prepared:
    """A clone that was drawn before, whatever the case's settings are by now.

    Raises:
        CaseError: its transfer set is damaged, or its pictures are no longer where they came from.
    """
    if run.stage in ("trained", "done"):
        return _with_device(Prepared(run, None, None), device)
    pool = open_pool(case, run.source, None, run.transfer.seed, cache, progress)
    return _with_device(_prepared(run, case, pool), device)


def _prepared(run: CloneRun, case: Case, pool: Pool | None) -> Prepared:
    if pool is None or run.stage in ("trained", "done"):
        return Prepared(run, None, None)
    return Prepared(run, pool, _rows_from_parquet(case, run.id, pool))


def _with_device(prepared: Prepared, device: str) -> Prepared:
    """The same clone on the device that is asked for now: it is no part of what a clone is."""
    run = prepared.run
    return prepared._replace(run=replace(run, training=replace(run.training, device=device)))


def open_pool(case: Case, source: Source, total: int | None, seed: int, cache: Path, progress: Progress) -> Pool:
    """The pictures that a source may give; of a large folder about twice as many as are wanted, None for all."""
    if source.kind is SourceKind.FOLDER:
        most = None if total is None else 2 * total  # some may be broken, or in the test set
        opened = open_folder(case, source.folder, most=most, seed=seed, cache=cache, progress=progress)
        return Pool(opened.store.pixels, opened.store.image_ids, opened.store.names, opened)
    scored = load_scored(case)
    return Pool(corpus_pixels(case, cache, progress), scored.image_ids, scored.images.names)


def n_to_ask(pool: Pool, transfer: TransferSettings, tested: npt.NDArray[np.uint64]) -> int:
    """How many queries drawing from a pool sends; the corpus' answers are known."""
    return len(unanswered(pool.folder.ledger, _chosen(pool.folder, transfer, tested))) if pool.folder else 0


def _chosen(folder: PictureFolder, transfer: TransferSettings, tested: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """Which pictures of a folder are taken: none that is tested on."""
    store = folder.store
    usable = np.flatnonzero(~np.isin(store.image_ids, tested))
    ids = store.image_ids[usable]
    return usable[choose_images(store.node_index[usable], transfer.total, transfer.seed, image_ids=ids)]


def _draw(
    case: Case, pool: Pool, source: Source, transfer: TransferSettings, tested: npt.NDArray[np.uint64], asker: Asker,
    progress: Progress,
) -> Drawn:  # fmt: skip
    """Draw a transfer set; what the suspect says of a folder's pictures is asked."""
    if pool.folder is None:
        return draw_from_corpus(case, load_scored(case), source, transfer)
    ledger, images = pool.folder.ledger, _chosen(pool.folder, transfer, tested)
    labels = asker.ask(ledger, images, pool.pixels, stage=f"Asking about {pool.folder.name}", progress=progress)
    return draw_chosen(images, labels, ledger.header.n_classes, transfer.total)


def draw_from_corpus(case: Case, scored: Scored, source: Source, transfer: TransferSettings) -> Drawn:
    if source.kind is SourceKind.RANDOM:
        return draw_random(scored.answers, scored.image_ids, transfer, n_classes=scored.scores.n_classes)
    settings, choices = selection_settings(case), read_choices(case)
    two_terms = weigh(scored, settings, choices)
    if source.kind is SourceKind.FOUND:
        return draw_found(two_terms.classes, scored.answers, scored.image_ids, transfer)
    one_term = weigh(scored, replace(settings, alpha=1.0))
    drawn = draw_found(one_term.classes, scored.answers, scored.image_ids, transfer)
    if _answers_of(one_term) == _answers_of(two_terms):
        return replace(drawn, notes=(*drawn.notes, SAME_FINDING))
    return drawn


def _answers_of(findings: Findings) -> list[tuple[int, ...]]:
    """The leaves that every class was answered with."""
    winners = (found.selection.winner for found in findings.classes)
    return [winner.members if winner else () for winner in winners]


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
