"""What a case remembers from before scoring: the last test query and the last survey of its corpora."""

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fdcore.case import layout, tables
from fdcore.case.case import Case
from fdcore.corpus.corpus import Survey
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CaseError, CorpusError
from fdcore.records import from_plain
from fdcore.texts import picture_of

TEXT_PX = 224  # side of a text that is kept as a picture


@dataclass(frozen=True)
class TestQuery:
    """The suspect's answers to a few pictures.

    Attributes:
        names: of the pictures.
        labels: the class of each.
        n_sent: queries sent; a picture that was queried before in the case is not sent again.
        pictures_per_s: its speed, the first call included; 0 where it was never queried.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    n_sent: int
    pictures_per_s: float


@dataclass(frozen=True)
class Surveyed:
    """What a case's corpora hold, as found by `survey_corpora`.

    Attributes:
        corpora: the folders, as in the plan.
        sources: for each folder: name, layout, n_nodes, n_files.
        n_files, n_usable: per node id; n_usable is None where files were only counted.
        samples: per node, paths of a few files.
        hierarchy: the nodes, including those that the folders themselves define.
    """

    corpora: tuple[str, ...]
    sources: tuple[Mapping[str, Any], ...]
    n_files: Mapping[str, int]
    n_usable: Mapping[str, int] | None
    samples: Mapping[str, tuple[str, ...]]
    hierarchy: Hierarchy


def read_test_query(case: Case) -> TestQuery | None:
    """The case's last test query, or None.

    Raises:
        CaseError: it is damaged.
    """
    if not case.has(layout.TEST_QUERY):
        return None
    return from_plain(TestQuery, case.read_json(layout.TEST_QUERY), what=f"{case.path(layout.TEST_QUERY)}")


def write_test_query(case: Case, result: TestQuery, shown: npt.NDArray[np.uint8]) -> None:
    for i, picture in enumerate(shown):
        write_picture(case, layout.TEST_PICTURE.format(i), picture)
    case.write_json(layout.TEST_QUERY, asdict(result))
    case.log("test query", {"n_sent": result.n_sent, "labels": list(result.labels)})


def write_picture(case: Case, name: str, picture: npt.NDArray[np.uint8]) -> None:
    """Keep a picture (H, W, C), or a text drawn as one, as PNG."""
    buffer, picture = io.BytesIO(), picture_of(picture, TEXT_PX)
    Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(buffer, "PNG")
    case.write(name, buffer.getvalue())


def read_survey(case: Case) -> Surveyed | None:
    """The case's last survey, or None.

    Raises:
        CaseError: it is damaged.
    """
    if not case.has(layout.SURVEY):
        return None
    head = case.read_json(layout.SURVEY)
    try:
        table = tables.read_parquet(case.path(layout.SURVEY_NODES).read_bytes())
        counted = bool((table["n_usable"] < 0).any())
        nodes = table["node"].tolist()
        return Surveyed(
            corpora=tuple(map(str, head["corpora"])),
            sources=tuple(dict(source) for source in head["sources"]),
            n_files=dict(zip(nodes, table["n_files"].tolist(), strict=True)),
            n_usable=None if counted else dict(zip(nodes, table["n_usable"].tolist(), strict=True)),
            samples={node: tuple(map(str, paths)) for node, paths in zip(nodes, table["samples"], strict=True)},
            hierarchy=tables.hierarchy_from_parquet(case.path(layout.SURVEY_HIERARCHY).read_bytes()),
        )
    except (OSError, KeyError, TypeError, AttributeError, ValueError, CorpusError) as error:
        raise CaseError(
            f"The survey in {case.folder} is damaged ({error!r}). Read the corpus again.", key="survey damaged"
        ) from error


def write_survey(case: Case, corpora: Sequence[str], found: Survey) -> Surveyed:
    """Keep what the folders of a plan hold."""
    import pandas as pd

    usable_of = [source.n_usable for source in found.sources if source.n_usable is not None]
    surveyed = Surveyed(
        corpora=tuple(corpora),
        sources=tuple(
            {"name": s.name, "layout": s.layout, "n_nodes": len(s.n_files), "n_files": sum(s.n_files.values())}
            for s in found.sources
        ),
        n_files=_added(source.n_files for source in found.sources),
        n_usable=_added(usable_of) if len(usable_of) == len(found.sources) else None,
        samples=found.samples,
        hierarchy=found.hierarchy,
    )
    usable = surveyed.n_usable
    frame = pd.DataFrame(
        {
            "node": list(surveyed.n_files),
            "n_files": list(surveyed.n_files.values()),
            "n_usable": [-1 if usable is None else usable.get(node, 0) for node in surveyed.n_files],
            "samples": [list(surveyed.samples.get(node, ())) for node in surveyed.n_files],
        }
    )
    case.write(layout.SURVEY_HIERARCHY, tables.hierarchy_to_parquet(surveyed.hierarchy))
    case.write(layout.SURVEY_NODES, frame.to_parquet(index=False))
    case.write(layout.SURVEY_PROBLEMS, tables.problems_to_csv(found.problems))
    case.write_json(layout.SURVEY, {"corpora": list(surveyed.corpora), "sources": list(surveyed.sources)})
    return surveyed


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))
