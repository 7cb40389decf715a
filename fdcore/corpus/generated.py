"""Leaves of generated pictures: how they are called and marked, and what a generator is asked to draw.

Generated pictures are never mixed with others: they have a leaf of their own below the node that they were made of, in
a corpus folder called `generated`, so that every score says what it rests on.
"""

import re
import string

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.leaf_names import MAX_NAME, NamedLeaf
from fdcore.corpus.wordnet import gloss
from fdcore.errors import CorpusError, SettingsError

FOLDER = "generated-pictures"
MARK = "(generated)"
PLACEHOLDERS = frozenset({"name", "gloss"})
_MAX_SLUG = 60


def is_generated(leaf: str) -> bool:
    """Whether a leaf, given by its id, holds generated pictures."""
    return leaf.startswith(f"{FOLDER}/")


def generated_leaf(hierarchy: Hierarchy, node: str) -> NamedLeaf:
    """The leaf below a node that holds the pictures generated of it; its label carries the mark.

    The folder's name begins and ends so that no reader of corpora takes it for a node or for a part of a set.

    Raises:
        CorpusError: the node is unknown.
    """
    label = hierarchy.label(node)
    slug = re.sub(r"[^\w-]+", " ", f"{label} {node}")[:_MAX_SLUG].strip()
    return NamedLeaf(f"{FOLDER}/of {slug} made", f"{label[: MAX_NAME - len(MARK) - 1]} {MARK}", node)


def folder_of_leaf(leaf: str) -> str:
    """The name of a generated leaf's folder."""
    return leaf.removeprefix(f"{FOLDER}/")


def check_template(template: str) -> str:
    """A template of prompts, if it can be filled in.

    Raises:
        SettingsError: it is empty, names neither {name} nor {gloss}, or names something else.
    """
    try:
        fields = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
    except ValueError as error:
        raise SettingsError(_bad_template(template, str(error)), key="prompt template") from error
    if not fields or fields - PLACEHOLDERS:
        raise SettingsError(_bad_template(template, f"it names {sorted(fields) or 'none'}"), key="prompt template")
    return template


def prompt_of(template: str, hierarchy: Hierarchy, node: str) -> str:
    """What a generator is asked to draw of a node, in one line that no program takes for an option.

    Args:
        template: with `{name}`, the node's first name, and `{gloss}`, WordNet's definition (the names where it has
            none).
        hierarchy: the node's.
        node: its id.

    Raises:
        SettingsError: see `check_template`.
        CorpusError: the node is unknown.
    """
    values = {"name": hierarchy.label(node), "gloss": _gloss(node) or ", ".join(hierarchy.synonyms(node))}
    filled = check_template(template).format(**values)
    return " ".join("".join(c if c.isprintable() else " " for c in filled).split()).lstrip("- ")


def _gloss(node: str) -> str | None:
    try:
        return gloss(node)
    except (CorpusError, OSError):  # without timm's table only the definitions are missing
        return None


def _bad_template(template: str, why: str) -> str:
    return f"The prompt {template!r} needs {{name}} or {{gloss}} and no other placeholder, but {why}."
