"""Transfer sets of a case: drawn once, recorded, and read again."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.case.case import Case
from fdcore.case.clones import finding_of, read_run, run_folder, write_run
from fdcore.case.conclusions import load_scored, read_choices, selection_settings
from fdcore.cloning.run import TRANSFER, CloneRun, TransferFacts
from fdcore.cloning.settings import OF_FINDING, CloneRequest, Source, SourceKind, TransferSettings
from fdcore.cloning.sources import Drawn, choose_images, draw_all, draw_chosen, draw_found, draw_random
from fdcore.errors import CaseError
from fdcore.method.closeness import MAX_KNOWN
from fdcore.method.findings import Findings, Scored, weigh
from fdcore.records import to_plain
from fdcore.work.clones.lab import Lab
from fdcore.work.clones.pictures import Pool, corpus_pool, folder_pool

SAME_FINDING = (
    "The functional term alone gives the same finding as both terms: this clone is trained on the same images."
)


class Rows(NamedTuple):
    """A transfer set: its pool, and places in it, views and labels, each (n,)."""

    pool: Pool
    images: npt.NDArray[np.intp]
    views: npt.NDArray[np.int16]
    labels: npt.NDArray[np.int32]


class Prepared(NamedTuple):
    """A clone whose transfer set is drawn; once it is trained, its rows are no longer needed."""

    run: CloneRun
    rows: Rows | None


def run_id(case: Case, request: CloneRequest, source: Source) -> str:
    """A clone's id, determined by everything that it is made from except the device; equal requests give equal ids."""
    made_from = to_plain((source, request.transfer, replace(request.training, device="")))
    parts = [*made_from, _selection(case, source), case.facts().suspect_fingerprint,
             case.facts().corpus_fingerprint]  # fmt: skip
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]
    return f"{source.kind.value}-{digest}"


def _selection(case: Case, source: Source) -> dict[str, Any]:
    """What identifies the finding that a source is drawn from."""
    return finding_of(source, selection_settings(case), read_choices(case), case.facts().corpus_fingerprint)


def pool_for(lab: Lab, request: CloneRequest, source: Source) -> Pool | None:
    """The pictures that a source's clone is drawn from; None if it is already trained and needs none."""
    name = run_id(lab.case, request, source)
    if lab.case.has(f"{run_folder(name)}/run.json") and read_run(lab.case, name).trained:
        return None
    return _open_pool(lab, source, request.transfer.seed, request.transfer.total)


def _open_pool(lab: Lab, source: Source, seed: int, total: int | None = None) -> Pool:
    """The pictures that a source offers; of a large folder about twice `total`, or all with None."""
    if source.kind is not SourceKind.FOLDER:
        return corpus_pool(lab)
    most = None if total is None else 2 * total  # some may be broken, or in the test set
    return folder_pool(lab, source.folder, most=most, seed=seed)[0]


def prepare(
    lab: Lab, request: CloneRequest, source: Source, pool: Pool | None, tested: npt.NDArray[np.uint64]
) -> Prepared:
    """A source's clone: its transfer set is drawn and recorded, or read if that was done before.

    Args:
        pool: of `pool_for`.
        tested: ids of the pictures that clones are tested on; a folder's transfer set excludes them.
    """
    case, name = lab.case, run_id(lab.case, request, source)
    if pool is None or case.has(f"{run_folder(name)}/run.json"):
        return found_again(lab, read_run(case, name), request.training.device, pool)
    drawn = _draw(lab, pool, source, request.transfer, tested)
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
    rows = Rows(pool, drawn.images, drawn.views, drawn.labels)
    table = _rows_to_parquet(rows)
    case.write(f"{run_folder(name)}/{TRANSFER}", table)
    digest = hashlib.sha256(table).hexdigest()
    lab.log("transfer set drawn", clone=name, source=source.name, n_rows=run.drawn.n_rows, n_sent=sent,
            transfer_set=digest)  # fmt: skip
    write_run(case, run)
    return Prepared(run, rows)


def found_again(lab: Lab, run: CloneRun, device: str, pool: Pool | None = None) -> Prepared:
    """A clone that was drawn before, regardless of the case's present settings, for the device requested now.

    Raises:
        CaseError: its transfer set is damaged, or its pictures are no longer available.
    """
    run = replace(run, training=replace(run.training, device=device))
    if run.trained:
        return Prepared(run, None)
    pool = pool or _open_pool(lab, run.source, run.transfer.seed)
    return Prepared(run, _rows_from_parquet(lab.case, run.id, pool))


def chosen(pool: Pool, transfer: TransferSettings, tested: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """The pictures of a folder that are used, without those for tests; none of the corpus, which is drawn from."""
    if pool.folder is None:
        return np.empty(0, np.intp)
    usable = np.flatnonzero(~np.isin(pool.image_ids, tested))
    ids, classes = pool.image_ids[usable], pool.folder.class_of[usable]
    return usable[choose_images(classes, transfer.total, transfer.seed, image_ids=ids)]


def _draw(lab: Lab, pool: Pool, source: Source, transfer: TransferSettings, tested: npt.NDArray[np.uint64]) -> Drawn:
    """Draw a transfer set; the suspect is queried with a folder's pictures."""
    if pool.folder is None:
        return draw_from_corpus(lab.case, load_scored(lab.case), source, transfer)
    ledger, images = pool.folder.ledger, chosen(pool, transfer, tested)
    labels = lab.ask(ledger, images, pool.pixels, stage=f"Querying {pool.folder.name}")
    return draw_chosen(images, labels, ledger.header.n_classes, transfer.total)


def draw_from_corpus(case: Case, scored: Scored, source: Source, transfer: TransferSettings) -> Drawn:
    """Draw the transfer set of a source of the corpus, for which every answer is known."""
    at_hand = scored.answers, scored.image_ids, transfer
    n_classes = scored.scores.n_classes
    if source.kind is SourceKind.ALL_ANSWERS:
        return draw_all(*at_hand, n_classes=n_classes)
    if source.kind not in OF_FINDING:
        consistent = source.kind is SourceKind.CONSISTENT
        return draw_random(*at_hand, n_classes=n_classes, balanced=source.kind is not SourceKind.RANDOM,
                           consistent=consistent)  # fmt: skip
    settings, choices = selection_settings(case), read_choices(case)
    two_terms = weigh(scored, settings, choices)
    if source.kind is SourceKind.FOUND:
        return draw_found(two_terms.classes, *at_hand, _steps_away(two_terms))
    one_term = weigh(scored, replace(settings, alpha=1.0))
    drawn = draw_found(one_term.classes, *at_hand, _steps_away(one_term))
    if _answers_of(one_term) == _answers_of(two_terms):
        return replace(drawn, notes=(*drawn.notes, SAME_FINDING))
    return drawn


def _steps_away(findings: Findings) -> npt.NDArray[np.float32] | None:
    """(n_classes, n_images) steps from each image's leaf to the nearest leaf of the class's answer.

    inf where nothing was found, None for a corpus so large that not all distances are kept.
    """
    scored = findings.scored
    n_leaves = len(scored.scores.nodes)
    if n_leaves > MAX_KNOWN:
        return None
    among = scored.distances(np.arange(n_leaves))
    nearest = np.full((len(findings.classes), n_leaves), np.inf, np.float32)
    for found in findings.classes:
        if winner := found.selection.winner:
            nearest[found.selection.target_class] = among[list(winner.members)].min(axis=0)
    steps: npt.NDArray[np.float32] = nearest[:, scored.images.node_index]
    return steps


def _answers_of(findings: Findings) -> list[tuple[int, ...]]:
    """The leaves in each class's answer."""
    winners = (found.selection.winner for found in findings.classes)
    return [winner.members if winner else () for winner in winners]


def _rows_to_parquet(rows: Rows) -> bytes:
    """A transfer set as Parquet: image id (hex), name, view, label."""
    import pandas as pd

    images = rows.images.tolist()
    frame = pd.DataFrame(
        {
            "image": [f"{rows.pool.image_ids[i]:016x}" for i in images],
            "name": [rows.pool.names[i] for i in images],
            "view": rows.views,
            "label": rows.labels,
        }
    )
    return frame.to_parquet(index=False)


def _rows_from_parquet(case: Case, run_id: str, pool: Pool) -> Rows:
    """The inverse of `_rows_to_parquet`, with the images' places in the pool.

    Raises:
        CaseError: the table is damaged, or the pool no longer has its images.
    """
    import pandas as pd

    path = case.path(f"{run_folder(run_id)}/{TRANSFER}")
    place_of = {f"{image_id:016x}": place for place, image_id in enumerate(pool.image_ids.tolist())}
    try:
        frame = pd.read_parquet(path)
        images = np.array([place_of[image] for image in frame["image"]], dtype=np.intp)
        return Rows(pool, images, frame["view"].to_numpy(np.int16), frame["label"].to_numpy(np.int32))
    except KeyError as error:
        raise CaseError(
            f"The transfer set {path} has pictures that are no longer available ({error}). Restore them, or remove "
            "this clone and train it again.",
            key="pictures missing",
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise CaseError(
            f"{path} is damaged ({error}). Remove this clone and train it again.", key="transfer set damaged"
        ) from error
