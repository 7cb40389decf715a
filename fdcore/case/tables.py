"""Results as the files of a case, and back. Tables are CSV for people and Parquet for machines."""

import io
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fdcore.case.layout import SCORES_PARQUET
from fdcore.corpus.generated import is_generated
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.layouts import Problem
from fdcore.method.adaptive import Outcome
from fdcore.method.findings import ClassFinding, ImageTable, Scored
from fdcore.method.grades import MEASURED, Grade
from fdcore.method.misses import Miss
from fdcore.method.scores import Scores, wilson_interval
from fdcore.method.selection import Choice, Cluster
from fdcore.method.sets import SetScores
from fdcore.tables import inert, to_csv
from fdcore.verdict.chance import SetChance

if TYPE_CHECKING:  # pandas takes half a second to import
    import pandas as pd

MAX_ROWS = 1_000_000  # of scores.csv and scores.json, about what a spreadsheet opens; beyond, see `score_rows`
SCORE_COLUMNS = ("target_class", "node", "label", "functional_score", "ci_low", "ci_high", "n_queries", "generated")


def image_table_to_parquet(table: ImageTable) -> bytes:
    """The image table as Parquet: image, node, name, sha256."""
    import pandas as pd

    nodes = [table.nodes[i] for i in table.node_index.tolist()]
    frame = pd.DataFrame({"image": range(len(nodes)), "node": nodes, "name": table.names, "sha256": table.sha256})
    return frame.to_parquet(index=False)


def read_parquet(content: bytes) -> "pd.DataFrame":
    """Read a table that may come from another machine.

    Raises:
        ValueError: it is damaged.
    """
    import pandas as pd
    from pyarrow import ArrowException

    try:
        return pd.read_parquet(io.BytesIO(content))
    except (ArrowException, OSError, LookupError, TypeError, MemoryError) as error:
        raise ValueError(str(error) or "larger than memory") from error


def image_table_from_parquet(content: bytes) -> ImageTable:
    """The inverse of `image_table_to_parquet`."""
    frame = read_parquet(content)
    nodes, node_index = np.unique(frame["node"].to_numpy(dtype=str), return_inverse=True)
    return ImageTable(tuple(nodes.tolist()), node_index.astype(np.int32), tuple(frame["name"]), tuple(frame["sha256"]))


def hierarchy_to_parquet(hierarchy: Hierarchy) -> bytes:
    """A hierarchy as Parquet: id, parents (list), synonyms (list)."""
    import pandas as pd

    frame = pd.DataFrame(
        {
            "id": hierarchy.ids,
            "parents": [list(hierarchy.parents(node)) for node in hierarchy.ids],
            "synonyms": [list(hierarchy.synonyms(node)) for node in hierarchy.ids],
        }
    )
    return frame.to_parquet(index=False)


@lru_cache(maxsize=2)
def hierarchy_from_parquet(content: bytes) -> Hierarchy:
    """The inverse of `hierarchy_to_parquet`; the last two are cached, as WordNet is slow and every step reads it."""
    frame = read_parquet(content)
    return Hierarchy.from_rows(
        zip(frame["id"], map(tuple, frame["parents"]), map(tuple, frame["synonyms"]), strict=True)
    )


def problems_to_csv(problems: Sequence[Problem]) -> bytes:
    """Problems met while reading the corpus."""
    return to_csv(Problem._fields, (problem._asdict() for problem in problems))


def near_tau_to_csv(outcome: Outcome, nodes: Sequence[str], hierarchy: Hierarchy) -> bytes:
    """The leaves that adaptive asking found too near tau to tell, by class."""
    rows = (dict(zip(NEAR_COLUMNS, (c, nodes[leaf], hierarchy.label(nodes[leaf])), strict=True))
            for c, leaf in sorted(outcome.near))  # fmt: skip
    return to_csv(NEAR_COLUMNS, rows)


def n_left_out(scores: Scores) -> int:
    """How many rows `score_rows` leaves out."""
    return int((scores.hits == 0).sum()) if scores.hits.size > MAX_ROWS else 0


def score_rows(scores: Scores, hierarchy: Hierarchy) -> "pd.DataFrame":
    """scores.csv as a frame: a row for each class and leaf, best first within a class.

    Of more than `MAX_ROWS`, leaves without a hit are left out. The last row of a class then stands for them: no node,
    what was left out as its label, their highest upper end and all their queries.
    """
    import pandas as pd

    parts = []
    nodes = np.array([inert(node) for node in scores.nodes], dtype=object)
    labels = np.array([inert(hierarchy.label(node)) for node in scores.nodes], dtype=object)
    generated = np.array([is_generated(node) for node in scores.nodes])
    cut = scores.hits.size > MAX_ROWS
    for target_class in range(scores.n_classes):
        low, high = scores.interval(target_class)
        functional = scores.functional[target_class].astype(float)
        order = np.argsort(-functional, kind="stable")
        shown, rest = np.split(order, [np.count_nonzero(functional) if cut else len(order)])
        columns = (nodes, labels, functional, low, high, scores.n_queries, generated)
        values = (np.full(len(shown), target_class), *(column[shown] for column in columns))
        parts.append(pd.DataFrame(dict(zip(SCORE_COLUMNS, values, strict=True))))
        if len(rest):
            note = f"{len(rest):,} leaves without a hit are left out here; {SCORES_PARQUET} has every row"
            n_queries = scores.n_queries[rest].sum()
            row = (target_class, "", note, 0.0, 0.0, high[rest].max(), n_queries, generated[rest].any())
            parts.append(pd.DataFrame([row], columns=SCORE_COLUMNS))
    return pd.concat(parts, ignore_index=True).round({"functional_score": 6, "ci_low": 6, "ci_high": 6})


def scores_to_parquet(scores: Scores, hierarchy: Hierarchy) -> bytes:
    """scores.parquet: the columns of scores.csv for every class and leaf, by class and then in the corpus' order.

    About `MAX_ROWS` rows are written at once, so that 21 million (1,000 classes, 21,000 leaves) need little memory.
    """
    import pyarrow as pa
    from pyarrow import parquet

    n_leaves = len(scores.nodes)
    nodes = pa.array(scores.nodes).dictionary_encode()
    labels = pa.array([hierarchy.label(node) for node in scores.nodes]).dictionary_encode()
    kinds = (pa.int32(), nodes.type, labels.type, pa.float32(), pa.float32(), pa.float32(), pa.int64(), pa.bool_())
    schema = pa.schema(list(zip(SCORE_COLUMNS, kinds, strict=True)))
    generated = np.array([is_generated(node) for node in scores.nodes])
    sink, step = pa.BufferOutputStream(), max(MAX_ROWS // n_leaves, 1)
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for start in range(0, scores.n_classes, step):
            hits = scores.hits[start : start + step]
            low, high = wilson_interval(hits, scores.n_queries, design_effect=scores.design_effect)
            above, leaf = np.divmod(np.arange(hits.size, dtype=np.int32), np.int32(n_leaves))
            columns = (
                above + np.int32(start), nodes.take(pa.array(leaf)), labels.take(pa.array(leaf)),
                scores.functional[start : start + step].ravel(), low.ravel().astype(np.float32),
                high.ravel().astype(np.float32), scores.n_queries[leaf], generated[leaf],
            )  # fmt: skip
            writer.write_table(pa.table(list(columns), schema=schema))
    return bytes(sink.getvalue().to_pybytes())


NEAR_COLUMNS = ("class", "node", "label")
SELECTION_COLUMNS = (
    "target_class", "status", "grade", "statement", "ancestor", "ancestor_label", "nodes", "labels",
    "functional_score", "ci_low", "ci_high", "semantic_score", "objective", "invariance", "n_images",
    "n_generated_leaves", "locked_by", "note",
)  # fmt: skip


def set_rows(found: Sequence[SetScores], scored: Scored, compared: Sequence[SetChance] = ()) -> "pd.DataFrame":
    """The corpus's sets side by side: a row for each set and class, with the set's best leaf for the class.

    `compared` are those that were compared with untrained networks.
    """
    import pandas as pd

    columns = ["set", "n_leaves", "n_images", "agreement", "target_class", "node", "label", "functional_score",
               "ci_low", "ci_high", "consistency", "untrained_highest"]  # fmt: skip
    beyond = {one.name: (one.consistency, one.highest) for one in compared}
    rows = [
        (inert(one.name), len(one.leaves), one.n_images, one.agreement, number, inert(scored.scores.nodes[leaf]),
         inert(scored.label(leaf)), one.score[number], one.low[number], one.high[number],
         *beyond.get(one.name, (None, None)))
        for one in found for number, leaf in enumerate(one.best.tolist())
    ]  # fmt: skip
    numbers = ("agreement", "functional_score", "ci_low", "ci_high", "consistency", "untrained_highest")
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, float)).round(6)


def selection_rows(
    findings: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy, outcome: str
) -> list[dict[str, Any]]:
    """selection.csv as rows; nodes and labels are separated by `;`, empty cells where nothing was found.

    `outcome` is that of the verdict over all classes.
    """
    rows = []
    for finding in findings:
        winner, name, choice = finding.selection.winner, finding.name, finding.selection.choice
        row: dict[str, Any] = dict.fromkeys(SELECTION_COLUMNS, "")
        row |= {"target_class": finding.selection.target_class, "status": "not_found", "n_images": 0,
                "n_generated_leaves": 0}  # fmt: skip
        if choice:
            row |= {"locked_by": inert(choice.by or "not signed in"), "note": inert(choice.note)}
        if winner and name:
            nodes = [scores.nodes[leaf] for leaf in winner.members]
            row |= {
                "status": "found",
                "ancestor": name.ancestor or "",
                "ancestor_label": inert(name.label),
                "nodes": ";".join(node.replace(";", ",") for node in nodes),
                "labels": inert(";".join(hierarchy.label(node).replace(";", ",") for node in nodes)),
                "functional_score": round(winner.functional, 6),
                "semantic_score": round(winner.semantic, 6),
                "objective": round(winner.objective, 6),
                "n_images": len(finding.filtered.kept),
                "n_generated_leaves": sum(map(is_generated, nodes)),
                "grade": finding.grade.word if finding.grade else "",
                "statement": inert(statement_of(finding, outcome)),
                "ci_low": round(winner.low, 6),
                "ci_high": round(winner.high, 6),
                "invariance": "" if math.isnan(finding.filtered.invariance) else round(finding.filtered.invariance, 6),
            }
        rows.append(row)
    return rows


def statement_of(finding: ClassFinding, outcome: str) -> str:
    """A class's answer in words that may be quoted; empty where nothing was found. Holds a label.

    Where the verdict over all classes is not meaningful, no answer has support, whatever its grade.
    """
    target, name = finding.selection.target_class, finding.name
    if finding.selection.winner is None or name is None:
        return ""
    if outcome != "meaningful":
        return f"No support: class {target} is answered as “{name.label}”, but all answers together are {outcome}."
    if finding.grade:
        return finding.grade.statement(target, name.label)
    why = "chosen by hand" if finding.selection.choice else "weighed by a rule whose answers were not graded"
    return f"No calibrated support: class {target} stands for “{name.label}”, {why}."


def selection_to_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """selection.csv."""
    return to_csv(SELECTION_COLUMNS, rows)


def selection_to_json(findings: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> list[dict[str, Any]]:
    """selection.json's classes: the CSV's fields as real lists, and every cluster that was weighed."""
    return [_class_as_dict(finding, scores, hierarchy) for finding in findings]


def _class_as_dict(finding: ClassFinding, scores: Scores, hierarchy: Hierarchy) -> dict[str, Any]:
    name, filtered = finding.name, finding.filtered
    target, winner, choice = finding.selection.target_class, finding.selection.winner, finding.selection.choice
    answer = _cluster_as_dict(winner, scores, hierarchy) if winner else {"nodes": [], "labels": []}
    return {
        "target_class": target,
        "status": "found" if winner else "not_found",
        "ancestor": name.ancestor if name else None,
        "ancestor_label": name.label if name else None,
        "coverage": {"chosen": name.n_chosen, "leaves": name.n_leaves} if name else None,
        "nodes": answer["nodes"],
        "labels": answer["labels"],
        "functional_score": winner.functional if winner else None,
        "interval": [round(winner.low, 6), round(winner.high, 6)] if winner else None,
        "apparent_score": winner.apparent if winner else None,
        "semantic_score": winner.semantic if winner else None,
        "objective": winner.objective if winner else None,
        "invariance": None if math.isnan(filtered.invariance) else filtered.invariance,
        "n_images": len(filtered.kept),
        "n_images_before": len(filtered.kept) + len(filtered.dropped),
        "grade": _grade_as_dict(finding.grade) if finding.grade else None,
        "weaknesses": list(finding.weaknesses),
        "locked": _choice_as_dict(choice) if choice else None,
        "nearest": _miss_as_dict(finding.miss, scores, hierarchy) if finding.miss else None,
        "clusters": [_cluster_as_dict(c, scores, hierarchy) for c in finding.selection.clusters],
    }


def _choice_as_dict(choice: Choice) -> dict[str, Any]:
    called = {"name": choice.name} if choice.name else {}
    return {"note": choice.note, "by": choice.by, "time": choice.time} | called


def _grade_as_dict(grade: Grade) -> dict[str, Any]:
    n_right, n = MEASURED[grade.word]
    return {"word": grade.word, "support": grade.support, "n_right": n_right, "n": n}


def _miss_as_dict(miss: Miss, scores: Scores, hierarchy: Hierarchy) -> dict[str, Any]:
    return {
        "ancestor": miss.name.ancestor,
        "ancestor_label": miss.name.label,
        "nodes": [scores.nodes[leaf] for leaf in miss.members],
        "labels": [hierarchy.label(scores.nodes[leaf]) for leaf in miss.members],
        "functional_score": miss.functional,
        "interval": [round(miss.low, 6), round(miss.high, 6)],
        "share": miss.share,
        "lacking": miss.lacking,
        "limit": miss.limit,
        "near": miss.near,
        "why": miss.why,
    }


def _cluster_as_dict(cluster: Cluster, scores: Scores, hierarchy: Hierarchy) -> dict[str, Any]:
    nodes = [scores.nodes[leaf] for leaf in cluster.members]
    return {
        "medoid": scores.nodes[cluster.medoid],
        "nodes": nodes,
        "labels": [hierarchy.label(node) for node in nodes],
        "functional_score": cluster.functional,
        "interval": [round(cluster.low, 6), round(cluster.high, 6)],
        "apparent_score": cluster.apparent,
        "semantic_score": cluster.semantic,
        "objective": cluster.objective,
    }


IMAGE_COLUMNS = (
    "target_class", "kept", "node", "label", "name", "sha256", "consistency", "answered_instead", "generated",
)  # fmt: skip


def image_rows_to_csv(findings: Sequence[ClassFinding], images: ImageTable, hierarchy: Hierarchy) -> bytes:
    """images.csv: every image of every selection, kept or dropped, with the suspect's answer to the dropped."""
    rows = []
    for finding in findings:
        f = finding.filtered
        kept = [(i, True, round(c, 4), "") for i, c in zip(f.kept.tolist(), f.consistency.tolist(), strict=True)]
        dropped = [
            (i, False, "", label if label >= 0 else "not asked")
            for i, label in zip(f.dropped.tolist(), f.dropped_label.tolist(), strict=True)
        ]
        for i, is_kept, consistency, instead in kept + dropped:
            node = images.nodes[images.node_index[i]]
            names = (node, hierarchy.label(node), images.names[i], images.sha256[i])
            row = (f.target_class, is_kept, *names, consistency, instead, is_generated(node))
            rows.append(dict(zip(IMAGE_COLUMNS, row, strict=True)))
    return to_csv(IMAGE_COLUMNS, rows)
