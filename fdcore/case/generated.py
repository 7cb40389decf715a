"""Which pictures a case had generated: of what node, by which prompt, seed and command."""

from collections.abc import Sequence
from dataclasses import dataclass

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.records import from_plain, to_plain
from fdcore.tables import to_csv

COLUMNS = ("picture", "sha256", "leaf", "node", "label", "round", "prompt", "seed", "command")


@dataclass(frozen=True)
class GeneratedSet:
    """The pictures that one request to a generator gave.

    Attributes:
        node, label: what they were made of.
        leaf: the leaf that holds them.
        round: how many steps below the first node, from 1.
        command: the arguments with their placeholders, files by their names alone; empty where a folder was watched.
        time: ISO 8601, UTC.
        pictures: (path in the case, hex SHA-256) of each.
        refused: (file name, why it is not used) of what else came. Untrusted text.
        printed: the end of what the command printed. Untrusted text.
        by: who asked for it; empty where nobody is signed in.
    """

    node: str
    label: str
    leaf: str
    round: int
    prompt: str
    seed: int
    command: tuple[str, ...]
    time: str
    pictures: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str], ...] = ()
    printed: str = ""
    by: str = ""


@dataclass(frozen=True)
class _Generated:
    """The content of generated.json."""

    sets: tuple[GeneratedSet, ...]


def read_generated(case: Case) -> tuple[GeneratedSet, ...]:
    """What was generated in a case, the oldest first.

    Raises:
        CaseError: the record is damaged.
    """
    if not case.has(layout.GENERATED):
        return ()
    return from_plain(_Generated, case.read_json(layout.GENERATED), what=f"{case.path(layout.GENERATED)}").sets


def write_generated(case: Case, sets: Sequence[GeneratedSet]) -> None:
    """Keep what was generated; the caller holds the case's lock."""
    case.write_json(layout.GENERATED, to_plain(_Generated(tuple(sets))))


def generated_to_csv(sets: Sequence[GeneratedSet]) -> bytes:
    """A row for each picture."""
    return to_csv(COLUMNS, (
        {"picture": name, "sha256": sha256, "leaf": one.leaf, "node": one.node, "label": one.label, "round": one.round,
         "prompt": one.prompt, "seed": one.seed, "command": " ".join(one.command) or "watched folder"}
        for one in sets for name, sha256 in one.pictures
    ))  # fmt: skip
