"""What a file of weights holds, tensor by tensor, for an analyst who has to find out what it belongs to."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fdcore.suspect.cell.cell import Limits, ask_once, printable
from fdcore.suspect.formats import require_supported
from fdcore.suspect.packing import take
from fdcore.suspect.scan import identify, require_safe, scan
from fdcore.tables import to_csv

NOTHING_FITS = "no architecture fits"  # the key of the error for weights of an unknown network
MAX_NAME = 200  # characters
COLUMNS = ("name", "shape", "type", "mean", "std", "zeros")


@dataclass(frozen=True)
class TensorRow:
    """One tensor.

    Attributes:
        name: printable characters, as its file gives it.
        shape: such as "64 x 3 x 7 x 7"; empty for a single number.
        type: such as "float32".
        mean, std: of its numbers; None where they are not finite.
        zeros: share of its numbers that are 0.
    """

    name: str
    shape: str
    type: str
    mean: float | None
    std: float | None
    zeros: float


@dataclass(frozen=True)
class TensorTable:
    """The first tensors of a file, in its order, and how many there are in all."""

    rows: tuple[TensorRow, ...]
    n_tensors: int


def list_tensors(path: Path, *, allow_unscanned: bool = False, limits: Limits = Limits()) -> TensorTable:  # noqa: B008 - it is frozen
    """The tensors of a file of weights, read in a cell as `open_suspect` reads them.

    Raises:
        SuspectError: the file holds no weights as named tensors, or cannot be read.
        RefusedError: it is not safe to open.
    """
    evidence = take(path)
    kind = identify(evidence, limits=limits)
    report = scan(evidence, kind, limits=limits)
    require_supported(evidence.name, kind)
    require_safe(report, allow_unscanned=allow_unscanned)
    table = ask_once(evidence, "tensors", TensorTable, limits=limits, timeout_s=limits.opening_s)
    return replace(table, rows=tuple(map(_inert, table.rows)))


def _inert(row: TensorRow) -> TensorRow:
    """A row without control characters; what a cell says is not trusted."""
    name, shape, kind = (printable(text[:MAX_NAME]) for text in (row.name, row.shape, row.type))
    return replace(row, name=name, shape=shape, type=kind)


def tensors_csv(rows: Iterable[TensorRow]) -> bytes:
    """A row for each tensor; no name is a formula."""
    return to_csv(COLUMNS, (asdict(row) for row in rows))
