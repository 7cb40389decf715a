"""Cases in every state, for the tests of pages and browser: finished, half finished, out of budget, damaged, very big.

The small ones are the tiny world's, with its suspect as a real ONNX file, so that they hold evidence, a scan and a
plan that can be gone on with. They are made once per process and copied after that.
"""

import atexit
import io
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import tiny_world

from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.case import tables
from fdcore.case.case import Case
from fdcore.case.clones import answers_file, answers_to_npz, finding_of, read_answered_set, run_folder, write_run
from fdcore.case.conclusions import read_choices, selection_settings
from fdcore.case.plan import Plan, Settings, SuspectOptions
from fdcore.case.records import AskingFacts, CorpusFacts, SuspectFacts
from fdcore.cloning.run import (
    CARD,
    NETWORK,
    TRANSFER,
    WEIGHTS,
    ClassTransfer,
    CloneRun,
    EpochResult,
    Stage,
    TransferFacts,
)
from fdcore.cloning.settings import Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import load_wordnet, timm_info
from fdcore.errors import FdError
from fdcore.method.closeness import distances
from fdcore.method.findings import ImageTable
from fdcore.suspect.preprocess import Origins, PreprocessSpec
from fdcore.work.conclude import analyse
from fdcore.work.investigate import run_plan

N_VIEWS = 4
CONTENT = ("ledger/answers.npy", "corpus.parquet", "selection.json")

# What clones are made from, and the key of the evaluation set of a corpus' held-back images
FOUND, ONE_TERM, RANDOM = (Source(kind) for kind in (SourceKind.FOUND, SourceKind.ONE_TERM, SourceKind.RANDOM))
SIMILAR = Source(SourceKind.FOLDER, "/x/caltech101", "similar")
HELD_BACK = "corpus-0.1"


class Interrupted(BaseException):
    """What stands for a killed process: nothing in the engine answers to it."""


@dataclass(frozen=True)
class World:
    """What small cases are made of.

    Attributes:
        evidence: folder with the suspect's file, `colours.onnx`.
        corpora: folder with the corpus `tiny`.
        cache: decoded images.
    """

    evidence: Path
    corpora: Path
    cache: Path


@cache
def world() -> World:
    """The tiny world on disk, made once and removed when the process ends. To be read, not changed."""
    folder = _temporary_folder()
    made = World(folder / "evidence", folder / "corpora", folder / "cache")
    tiny_world.build(made.corpora / "tiny")
    made.evidence.mkdir()
    (made.evidence / "colours.onnx").write_bytes(_colour_network())
    return made


def planned(folder: Path, *, title: str = "Planned", budget: int | None = None) -> Path:
    """A case with a suspect and a plan, and nothing asked yet."""
    case = Case.create(folder)
    plan = Plan(
        suspect=SuspectOptions(spec_overrides={"height": tiny_world.SIZE, "width": tiny_world.SIZE}),
        corpora=(str(world().corpora / "tiny"),),
        settings=Settings(n_views=N_VIEWS, budget=budget),
    )
    case.record(title=title, plan=plan)
    case.take_evidence(world().evidence / "colours.onnx")
    return folder


def finished(folder: Path) -> Path:
    """A case that was scored and analysed: 8 leaves, 4 classes of which 3 are found."""
    return _copy(_finished, folder)


def half_finished(folder: Path) -> Path:
    """A case whose scoring was interrupted: some answers are there, no result is."""
    return _copy(_half_finished, folder)


def out_of_budget(folder: Path) -> Path:
    """A case whose budget ended half-way: it was analysed with what there is."""
    return _copy(_out_of_budget, folder)


def damaged(folder: Path, *names: str) -> Path:
    """A finished case of which the named files (or `CONTENT`) were cut in half; case.json stays whole unless named."""
    finished(folder)
    for name in names or CONTENT:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
    return folder


def change_hierarchy(folder: Path, change: Callable[[str, Sequence[str], Sequence[str]], tuple[Any, ...]]) -> None:
    """Write a finished case's hierarchy again, leaves and what is above them, each (id, parents, synonyms) changed."""
    path = folder / "hierarchy.parquet"
    old = _part(tables.hierarchy_from_parquet(path.read_bytes()), tuple(tiny_world.LEAVES))
    rows = [change(node, old.parents(node), old.synonyms(node)) for node in old.ids]
    path.write_bytes(tables.hierarchy_to_parquet(Hierarchy.from_rows(rows)))


def call_everything(folder: Path, name: str) -> None:
    """Give every node of a finished case's hierarchy one name."""
    change_hierarchy(folder, lambda node, parents, _names: (node, parents, (name,)))


def big(
    folder: Path, n_classes: int, n_leaves: int, *, images_per_leaf: int = 50, n_views: int = 8, analysed: bool = True
) -> Path:
    """A scored case of any size, written straight to disk; there is neither evidence nor a picture behind it.

    Args:
        folder: of the new case.
        n_classes: of the imagined suspect; each is about one leaf and what stands near it.
        n_leaves: ILSVRC's up to 1,000, WordNet's above that.
        images_per_leaf, n_views: queries per leaf.
        analysed: whether the result files are written too; at 1,000 x 1,000 that takes a while.
    """
    rng = np.random.default_rng(0)
    whole = load_wordnet()
    nodes = _leaves(whole, n_leaves)
    images = _image_table(nodes, images_per_leaf)
    answers = _answers(rng, distances(whole, nodes), n_classes, images_per_leaf * n_views)
    case = Case.create(folder)
    case.record(title=f"{n_classes:,} classes, {n_leaves:,} leaves")
    _record_big(case, n_classes, images, n_views)
    case.write("hierarchy.parquet", tables.hierarchy_to_parquet(_part(whole, nodes)))
    case.write("corpus.parquet", tables.image_table_to_parquet(images))
    case.write("corpus_problems.csv", tables.problems_to_csv([]))
    _write_ledger(case, images, answers.reshape(len(images.names), n_views))
    if analysed:
        analyse(folder)
    return folder


# Clones


def add_clone(
    folder: Path, source: Source, *, run_id: str, agreement: float = 0.6, stage: Stage = "done", n_epochs: int = 5,
    planned: int = 5, total: int = 40, sets: tuple[str, ...] = (HELD_BACK,), label: str = "boat", minute: int = 0,
    image_ids: Sequence[int] = (1, 2, 3), **training: Any,
) -> CloneRun:  # fmt: skip
    """A clone of a scored case as its record and its answers say; nothing was trained.

    Args:
        folder: of the case.
        source, run_id, stage, total: as in `CloneRun`.
        agreement: share of every test set that it answers like the suspect.
        n_epochs, planned: epochs done, of those planned.
        sets: keys of the evaluation sets that it answered, where it is done.
        label: what was found for each class.
        minute: after the hour at which it was asked for; it orders clones.
        image_ids: of the images of its transfer set.
        training: further settings of its training.
    """
    case = Case.open(folder)
    n_classes = int(case.facts().suspect.n_classes)
    rows = total // n_classes
    classes = tuple(ClassTransfer(i, label, rows, rows - rows // 4, rows // 4, 0) for i in range(n_classes))
    notes = (f"{label}: a quarter of its images are views.",)
    history = tuple(
        EpochResult(i, 2.0 / i, min(0.3 + 0.1 * i, 1.0), min(0.2 + 0.08 * i, 0.9), 0.1, 1.5, total)
        for i in range(1, n_epochs + 1)
    )
    finding = finding_of(source, selection_settings(case), read_choices(case), case.facts().corpus.fingerprint)
    run = CloneRun(
        run_id, f"2026-01-01T10:{minute:02d}:00.000+00:00", source, TransferSettings(total=total),
        TrainingSettings(epochs=planned, **training), finding, stage, TransferFacts(classes, total, 0, notes), history,
        n_epochs, "", 0, total, {"device": "cpu", "precision": "float32"}, {},
    )  # fmt: skip
    write_run(case, run)
    case.write(f"{run_folder(run_id)}/{TRANSFER}", _transfer_rows(image_ids))
    if stage == "done":
        for name in (WEIGHTS, NETWORK, CARD):
            case.write(f"{run_folder(run_id)}/{name}", f"{name} of {run_id}".encode())
        for key in sets:
            case.write(answers_file(run_id, key), _clone_answers(case, key, agreement, n_classes))
    return run


def add_labelled_set(folder: Path, key: str, *, n_images: int = 400, accuracy: float = 0.9, name: str = "held") -> None:
    """A labelled evaluation set of a scored case, answered by its suspect; there are no pictures behind it."""
    case, rng = Case.open(folder), np.random.default_rng(1)
    facts = case.facts()
    n_classes = facts.n_classes
    header = LedgerHeader(
        facts.suspect_fingerprint, n_classes, facts.suspect.preprocessing, "e" * 64, 0, ViewSpec(),
        n_images, 1,
    )  # fmt: skip
    truth = np.arange(n_images, dtype=np.int32) % n_classes
    right = rng.random(n_images) < accuracy
    ids = np.arange(10**6, 10**6 + n_images, dtype=np.uint64)
    ledger = Ledger.open_or_create(case.path(f"cloning/asked/{key}/ledger"), header, ids)
    ledger.answers[:, 0] = np.where(right, truth, rng.integers(n_classes, size=n_images))
    ledger._sent[0] = n_images
    ledger.flush()
    buffer = io.BytesIO()
    np.save(buffer, truth)
    case.write(f"cloning/asked/{key}/truth.npy", buffer.getvalue())
    note = "Folders were matched with classes by their numbers."
    case.write_json(f"cloning/asked/{key}/set.json", {"name": name, "how": "numbers", "note": note})


def _transfer_rows(image_ids: Sequence[int]) -> bytes:
    images = [f"{image_id:016x}" for image_id in image_ids]
    rows = pd.DataFrame({"image": images, "name": images, "view": np.int16(0), "label": np.int32(0)})
    return rows.to_parquet(index=False)


def _clone_answers(case: Case, key: str, agreement: float, n_classes: int) -> bytes:
    asked = read_answered_set(case, key)
    rng = np.random.default_rng(int(1000 * agreement))
    same = rng.random(len(asked.suspect)) < agreement
    other = (asked.suspect + rng.integers(1, max(n_classes, 2), size=len(asked.suspect))) % n_classes
    return answers_to_npz(asked.image_ids, np.where(same, asked.suspect, other).astype(np.int32))


# Small cases


def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fdcore-cases-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _copy(make: Callable[[], Path], folder: Path) -> Path:
    shutil.copytree(make(), folder)
    return folder


@cache
def _finished() -> Path:
    folder = planned(_temporary_folder() / "case", title="Colours")
    run_plan(folder, cache=world().cache)
    return folder


@cache
def _half_finished() -> Path:
    folder = planned(_temporary_folder() / "case", title="Colours, interrupted")

    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "Querying the suspect" and 2 * done >= total:
            raise Interrupted

    try:
        run_plan(folder, cache=world().cache, progress=interrupt)
    except Interrupted:
        return folder
    raise AssertionError("the run was not interrupted")


@cache
def _out_of_budget() -> Path:
    budget = len(tiny_world.LEAVES) * tiny_world.PER_LEAF * N_VIEWS // 2
    folder = planned(_temporary_folder() / "case", title="Colours, out of budget", budget=budget)
    run_plan(folder, cache=world().cache)
    return folder


def _colour_network() -> bytes:
    """The tiny world's suspect as ONNX: the strongest mean channel is the class, class 3 is never the answer."""
    from onnx import TensorProto, helper, numpy_helper

    weights = {
        "w": np.hstack([np.eye(3), np.zeros((3, 1))]).astype(np.float32),
        "b": np.array([0, 0, 0, -1], np.float32),
    }
    size = tiny_world.SIZE
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"], axis=1),
            helper.make_node("Gemm", ["flat", "w", "b"], ["logits"]),
        ],
        "colours",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", tiny_world.N_CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


# Big cases


def _leaves(whole: Hierarchy, n_leaves: int) -> tuple[str, ...]:
    if n_leaves <= 1000:
        nodes = sorted((timm_info() / "imagenet_synsets.txt").read_text("utf-8").split())
    else:
        nodes = [node for node in whole.ids if not whole.children(node)]
    if n_leaves > len(nodes):
        raise FdError(f"There are only {len(nodes)} leaves, not {n_leaves}.")
    return tuple(sorted(nodes)[:n_leaves])


def _part(whole: Hierarchy, nodes: tuple[str, ...]) -> Hierarchy:
    """WordNet above the leaves."""
    kept = set(nodes).union(*(whole.ancestors(node) for node in nodes))
    return Hierarchy.from_rows((node, whole.parents(node), whole.synonyms(node)) for node in sorted(kept))


def _image_table(nodes: tuple[str, ...], per_leaf: int) -> ImageTable:
    node_index = np.repeat(np.arange(len(nodes), dtype=np.int32), per_leaf)
    names = tuple(f"imagined/{node}/{number}.jpg" for node in nodes for number in range(per_leaf))
    return ImageTable(nodes, node_index, names, tuple(f"{number:064x}" for number in range(len(names))))


def _answers(
    rng: np.random.Generator, among: npt.NDArray[np.float32], n_classes: int, n_queries: int
) -> npt.NDArray[np.int32]:
    """(n_leaves, n_queries) answers: the two nearest classes share a leaf, the farther the more go astray."""
    n_leaves = len(among)
    centres = rng.permutation(n_leaves)[np.arange(n_classes) % n_leaves]
    answers = rng.integers(n_classes, size=(n_leaves, n_queries), dtype=np.int32)
    for leaf in range(n_leaves):
        affinity = np.clip(1.0 - 0.09 * among[leaf, centres], 0.02, 0.95)
        nearest = np.argsort(-affinity, kind="stable")[:2]
        share = affinity[nearest] ** 2 / (affinity[nearest] ** 2).sum()
        draws = rng.random(n_queries)
        near = rng.random(n_queries) < affinity[nearest[0]]
        answers[leaf, near] = nearest[np.where(draws < share[0], 0, -1)][near]
    return answers


def _record_big(case: Case, n_classes: int, images: ImageTable, n_views: int) -> None:
    suspect = SuspectFacts("imagined suspect", "b" * 64, n_classes, PreprocessSpec(), Origins())
    corpus = CorpusFacts(("imagined",), "d" * 64, len(images.nodes), len(images.names))
    asking = AskingFacts(n_views=n_views, seed=0, views=ViewSpec())
    plan = Plan(settings=Settings(n_views=n_views, images_per_leaf=None))
    case.record(suspect=suspect, corpus=corpus, asking=asking, plan=plan)


def _write_ledger(case: Case, images: ImageTable, answers: npt.NDArray[np.int32]) -> None:
    facts = case.facts()
    header = LedgerHeader(
        facts.suspect_fingerprint, facts.n_classes, facts.suspect.preprocessing, facts.corpus_fingerprint, 0,
        ViewSpec(), *answers.shape,
    )  # fmt: skip
    ids = np.arange(len(images.names), dtype=np.uint64)
    ledger = Ledger.open_or_create(case.path("ledger"), header, ids)
    ledger.answers[:] = answers
    ledger._sent[0] = answers.size
    ledger.flush()
