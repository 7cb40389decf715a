"""The words of a finding: all names that the hierarchy has for each class's answer."""

from collections.abc import Sequence
from typing import NamedTuple

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import gloss
from fdcore.errors import CorpusError
from fdcore.method.findings import ClassFinding
from fdcore.method.scores import Scores
from fdcore.tables import to_csv

COLUMNS = ("target_class", "role", "node", "label", "synonyms", "gloss", "functional_score")


class Words(NamedTuple):
    """The words of one node of a class's answer.

    Attributes:
        role: "selected" for a leaf of the answer, "common ancestor" for their lowest common ancestor.
        node: id.
        label: the first name.
        synonyms: all other names.
        gloss: WordNet's definition; empty where there is none.
        functional_score: the leaf's share of views in the class; None for an ancestor.
    """

    target_class: int
    role: str
    node: str
    label: str
    synonyms: tuple[str, ...]
    gloss: str
    functional_score: float | None


def words_of(findings: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> list[Words]:
    """The words of every class that was found: its common ancestor first, then its leaves, best score first."""
    found = []
    for finding in findings:
        winner, name, target = finding.selection.winner, finding.name, finding.selection.target_class
        if winner is None or name is None:
            continue
        leaves = {scores.nodes[leaf]: float(scores.functional[target, leaf]) for leaf in winner.members}
        if name.ancestor is not None and name.ancestor not in leaves:
            found.append(_words(hierarchy, target, "common ancestor", name.ancestor, None))
        found += [_words(hierarchy, target, "selected", node, score) for node, score in leaves.items()]
    return found


def words_to_csv(words: Sequence[Words]) -> bytes:
    """The words as a table; synonyms are separated by `;`."""
    return to_csv(
        COLUMNS,
        (
            word._asdict()
            | {
                "synonyms": ";".join(synonym.replace(";", ",") for synonym in word.synonyms),
                "functional_score": "" if word.functional_score is None else round(word.functional_score, 6),
            }
            for word in words
        ),
    )


def _words(hierarchy: Hierarchy, target: int, role: str, node: str, score: float | None) -> Words:
    label, *synonyms = hierarchy.synonyms(node)
    return Words(target, role, node, label, tuple(synonyms), _gloss(node), score)


def _gloss(node: str) -> str:
    try:
        return gloss(node) or ""
    except (CorpusError, OSError):  # without timm's table only the definitions are missing
        return ""
