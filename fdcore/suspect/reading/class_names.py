"""Class names stored in a suspect's own file: a claim of whoever made the file, never a proof."""

import ast
import json
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fdcore.suspect.formats import Format, damaged
from fdcore.suspect.packing import CONFIG
from fdcore.suspect.reading.identify import identify

KEYS = (
    "class_names", "classes", "names", "label_names", "labels", "id2label", "idx_to_class", "idx2label", "class_to_idx",
    "label2id", "categories", "category_names",
)  # fmt: skip
LABELS = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")  # attributes of ONNX operators
MAX_NAME_LENGTH = 200  # characters
MAX_DEPTH = 4  # levels of a checkpoint that are searched
MAX_GROUPS = 10_000  # groups of values in a checkpoint that are searched
MAX_TEXT = 300_000  # characters of a text that is parsed
_KEY = re.compile(r"[^a-z0-9]")
_PLACEHOLDER = re.compile(r"(?:label|class)?[ _-]?(\d{1,9})", re.IGNORECASE | re.ASCII)
_PLAIN_LITERAL = re.compile(  # possessive: a hostile text is read once, without backtracking
    r"""(?:[\s\d{}\[\](),:]++|'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")*+""", re.DOTALL | re.ASCII
)
_SEPARATORS = ("\n", ";", ",")
_OPENING = ("{", "[", "(")


def read_class_names(path: Path, n_classes: int) -> tuple[str, ...]:
    """The names of all classes in the suspect's order, if the file stores as many as there are classes.

    The metadata and label attributes of an ONNX graph, the metadata of a safetensors file, and the plain data beside
    the weights of a checkpoint are searched for lists and tables under the usual names (`KEYS`). Nothing is executed.
    Call it only for a file that the scanners have passed.

    Returns:
        (n_classes,) names, each one line of at most `MAX_NAME_LENGTH` printable characters, or empty if the file
        leaves it empty. An empty tuple if the file stores no names, another number of names, or only placeholders
        such as "LABEL_0".

    Raises:
        SuspectError: the file cannot be read or is damaged.
        RefusedError: it contains more than tensors and plain data.
    """
    kind = identify(path)
    if kind is Format.ONNX:
        return _onnx_names(path, n_classes)
    return names_in(_groups(path, kind), n_classes)


def names_in(groups: Iterable[Mapping[Any, Any]], n_classes: int) -> tuple[str, ...]:
    """`n_classes` names under one of `KEYS`, from the first group (key -> value) that has any; () if none has."""
    if n_classes < 1:
        return ()
    for group in groups:
        named = {_KEY.sub("", key.lower()): value for key, value in group.items() if isinstance(key, str)}
        for key in KEYS:
            names = _names(named.get(_KEY.sub("", key)), n_classes)
            if names:
                return names
    return ()


def _groups(path: Path, kind: Format) -> Iterator[Mapping[Any, Any]]:
    if kind is Format.SAFETENSORS:
        return nested(_safetensors_metadata(path))
    if kind in (Format.HUB, Format.HUB_PICKLED):
        with zipfile.ZipFile(path) as archive:
            return nested(json.loads(archive.read(CONFIG)))
    if kind in (Format.TORCH_ZIP, Format.TORCH_LEGACY):
        from fdcore.suspect.reading.checkpoint import (
            read_torch,  # here, because the other formats are read without torch
        )

        return nested(read_torch(path, kind)[0])
    return iter(())


def _onnx_names(path: Path, n_classes: int) -> tuple[str, ...]:
    """The names in the graph's metadata, else the labels that an operator gives its classes.

    Labels that are numbers name the classes too, unless they are the classes' places.
    """
    from fdcore.suspect.reading.onnx_file import read_graph
    from fdcore.suspect.reading.onnx_graph import metadata

    model = read_graph(path)
    names = names_in(nested(metadata(model)), n_classes)
    if names:
        return names
    for given in (given for node in model.graph.node for given in node.attribute if given.name in LABELS):
        labels = [label.decode("utf-8", "replace") for label in given.strings] or [str(number) for number in given.ints]
        found = tuple(map(_cleaned, labels))
        if len(found) == n_classes and not _says_nothing(found, starts=(0,)):
            return found
    return ()


def _safetensors_metadata(path: Path) -> dict[str, str]:
    import safetensors

    try:
        with safetensors.safe_open(str(path), framework="np") as file:
            return dict(file.metadata() or {})
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise damaged(path.name, error) from error


def nested(content: Any) -> Iterator[Mapping[Any, Any]]:
    """The groups in plain data, outermost first, including those stored as text, such as a JSON "config"."""
    level = [content] if isinstance(content, Mapping) else []
    n_seen = 0
    for _ in range(MAX_DEPTH):
        yield from level
        n_seen += len(level)
        inner = (_structure(value) for group in level for value in group.values())
        level = [value for value in inner if isinstance(value, Mapping)][: max(MAX_GROUPS - n_seen, 0)]


def _names(value: Any, n_classes: int) -> tuple[str, ...]:
    value = _structure(value)
    if isinstance(value, str):
        value = _split(value, n_classes)
    if isinstance(value, Mapping):
        value = _in_order(value, n_classes)
    if not isinstance(value, list | tuple) or len(value) != n_classes or not all(isinstance(v, str) for v in value):
        return ()
    names = tuple(_cleaned(name) for name in value)
    return () if _says_nothing(names) else names


def _structure(value: Any) -> Any:
    """Parse a text that is JSON or a Python literal; return anything else unchanged."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.lstrip().startswith(_OPENING):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return _literal(value)


def _literal(text: str) -> Any:
    """A Python literal of lists, tables, strings and whole numbers; any other text unchanged.

    The text outside quotes is checked first, so that Python's parser never sees an operator or a name.
    """
    if not _PLAIN_LITERAL.fullmatch(text):
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of a meaningless backslash
            return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return text


def _split(text: str, n_classes: int) -> list[str]:
    """The parts of a text by the first separator that gives the right number; [] for a broken structure."""
    if len(text) > MAX_TEXT or text.lstrip().startswith(_OPENING):
        return []
    parts = (text.strip().split(separator) for separator in _SEPARATORS)
    return next((found for found in parts if len(found) == n_classes and n_classes > 1), [])


def _in_order(table: Mapping[Any, Any], n_classes: int) -> list[Any]:
    """The names of a table number -> name or name -> number, numbered from 0 or from 1; [] if it is neither."""
    if len(table) != n_classes:
        return []
    forwards = {_number(number): name for number, name in table.items()}
    backwards = {_number(number): name for name, number in table.items()}
    names_first = all(isinstance(number, int) for number in table.values())
    for by_number in (backwards, forwards) if names_first else (forwards, backwards):
        for numbers in (range(n_classes), range(1, n_classes + 1)):
            if set(by_number) == set(numbers):
                return [by_number[number] for number in numbers]
    return []


def _number(value: Any) -> int | None:
    """A class number, stored as an integer or as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _cleaned(name: str) -> str:
    """One line of at most `MAX_NAME_LENGTH` printable characters."""
    line = " ".join(name[: 2 * MAX_NAME_LENGTH].split())[:MAX_NAME_LENGTH]
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def _says_nothing(names: Sequence[str], *, starts: tuple[int, ...] = (0, 1)) -> bool:
    """Whether all names are empty, or only count the classes from one of `starts`, such as "LABEL_0", "LABEL_1"."""
    counts = [_PLACEHOLDER.fullmatch(name) for name in names]
    first = {int(count[1]) - i if count else None for i, count in enumerate(counts)}
    return not any(names) or first in [{start} for start in starts]
