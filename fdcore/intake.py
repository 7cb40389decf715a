"""What is done before anything is scored: look at the suspect, ask it about a few pictures, see what a corpus holds.

Each function works on one case folder, may take a while, and can be run again.
"""

import io
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fdcore import artefacts
from fdcore.case import Case
from fdcore.corpus.corpus import survey
from fdcore.corpus.decode import decode_file
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CaseError, CorpusError
from fdcore.pipeline import open_planned_suspect, take_suspect
from fdcore.plan import Plan, open_hierarchy
from fdcore.progress import Progress, silent
from fdcore.suspect.preprocess import PreprocessSpec

SAMPLE_PX = 96
MAX_SURVEYED = (
    200_000  # files that are decoded one by one; larger corpora are counted, and decoded when they are asked about
)


@dataclass(frozen=True)
class TestQuery:
    """What the suspect answered to a few pictures.

    Attributes:
        names: of the pictures.
        labels: the class it put each in.
        n_sent: queries sent for it.
        pictures_per_s: how fast it answered, the first call included.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    n_sent: int
    pictures_per_s: float


@dataclass(frozen=True)
class Surveyed:
    """What a case's corpora hold, as found by `survey_corpora`.

    Attributes:
        corpora: the folders that were surveyed, as in the plan.
        sources: for each folder: name, layout, n_nodes, n_files.
        n_files, n_usable: per node id; n_usable is None where files were only counted.
        samples: per node, paths of a few files.
        hierarchy: the nodes, those that folders brought with them included.
    """

    corpora: tuple[str, ...]
    sources: tuple[Mapping[str, Any], ...]
    n_files: Mapping[str, int]
    n_usable: Mapping[str, int] | None
    samples: Mapping[str, tuple[str, ...]]
    hierarchy: Hierarchy


# The suspect


def check_suspect(
    folder: Path, source: Path | None, pictures: Sequence[Path] = (), *, progress: Progress = silent
) -> TestQuery:
    """Take a suspect's file into the case, scan and open it, and ask it about a few pictures.

    Args:
        folder: the case.
        source: the file; None for the evidence that is there already, opened anew with the plan's options.
        pictures: image files to ask about; none for a drawing of every third leaf of the demo corpus.
        progress: told which step runs.

    Raises:
        SuspectError: the file cannot be opened, was refused, or gives no usable answer.
        CaseError: the case is about another file.
    """
    case = Case.open(folder)
    with case.exclusively():
        progress("Hashing and copying the file", 0, 4)
        path = source or case.evidence().path
        plan = Plan.from_dict(case.facts().get("plan", {}))
        progress("Scanning and opening the file", 1, 4)
        suspect, spec = take_suspect(case, path, open_planned_suspect(plan, silent))
        if suspect is None:
            raise CaseError("This case replays recorded answers; there is no suspect to ask.")
        progress("Asking about a few pictures", 2, 4)
        names, shown = _test_pictures(pictures, spec)
        started = time.monotonic()
        labels = suspect.labels(shown)
        seconds = max(time.monotonic() - started, 1e-3)
        # A suspect is asked in full batches, so that one call costs the same however few pictures it holds.
        per_call = -(-len(shown) // suspect.batch_size) * suspect.batch_size
        result = TestQuery(names, tuple(labels.tolist()), len(shown), round(per_call / seconds, 1))
        _write_test_query(case, result, shown)
        progress("Asking about a few pictures", 4, 4)
    return result


def read_test_query(case: Case) -> TestQuery | None:
    """The case's last test query, or None.

    Raises:
        CaseError: it is damaged.
    """
    if not case.has("test_query.json"):
        return None
    values = case.read_json("test_query.json")
    try:
        return TestQuery(
            tuple(map(str, values["names"])),
            tuple(map(int, values["labels"])),
            int(values["n_sent"]),
            float(values["pictures_per_s"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CaseError(f"{case.path('test_query.json')} is damaged ({error!r}). Check the suspect again.") from error


def sample_pictures(case: Case, numbers: Iterable[int]) -> list[npt.NDArray[np.uint8] | None]:
    """Pictures of the last test query, each (SAMPLE_PX, SAMPLE_PX, 3); None for one that is missing or no picture."""
    size = {"height": SAMPLE_PX, "width": SAMPLE_PX, "channels": 3}
    return [decode_file(case.path(f"test_query/{i:03d}.png"), **size).pixels for i in numbers]


def _test_pictures(files: Sequence[Path], spec: PreprocessSpec) -> tuple[tuple[str, ...], npt.NDArray[np.uint8]]:
    size = {"height": spec.height, "width": spec.width, "channels": spec.channels}
    if not files:
        from fdcore.corpus import demo  # its drawings take a while to import, and a first page has no use for them

        named = [(leaf.name, demo.draw_picture(leaf, number=0)) for leaf in demo.LEAVES[::3]]
        return tuple(name for name, _ in named), np.stack([_fit(picture, spec) for _, picture in named])
    names, pixels = [], []
    for file in files:
        decoded = decode_file(file, **size)
        if decoded.pixels is not None:
            names.append(file.name)
            pixels.append(decoded.pixels)
    if not pixels:
        raise CorpusError(f"None of the {len(files)} sample files is an image that can be read.")
    return tuple(names), np.stack(pixels)


def _fit(picture: npt.NDArray[np.uint8], spec: PreprocessSpec) -> npt.NDArray[np.uint8]:
    image = Image.fromarray(picture).resize((spec.width, spec.height), Image.Resampling.BILINEAR)
    fitted: npt.NDArray[np.uint8] = np.asarray(image.convert("RGB" if spec.channels == 3 else "L"))
    return fitted.reshape(spec.height, spec.width, spec.channels)


def _write_test_query(case: Case, result: TestQuery, shown: npt.NDArray[np.uint8]) -> None:
    for i, picture in enumerate(shown):
        buffer = io.BytesIO()
        Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(buffer, "PNG")
        case.write(f"test_query/{i:03d}.png", buffer.getvalue())
    case.write_json("test_query.json", asdict(result))
    case.log("test query", {"n_sent": result.n_sent, "labels": list(result.labels)})


# The corpus


def survey_corpora(folder: Path, *, progress: Progress = silent) -> Surveyed:
    """Read what the planned corpora hold: files by node, what is wrong with any, and a few samples of each node.

    Raises:
        CorpusError: a folder is not there, or holds no images in a known layout.
    """
    case = Case.open(folder)
    with case.exclusively():
        plan = Plan.from_dict(case.facts().get("plan", {}))
        hierarchy = open_hierarchy(plan.hierarchy)
        found = survey(plan.corpora, hierarchy=hierarchy, quick=True, progress=progress)
        if sum(sum(source.n_files.values()) for source in found.sources) <= MAX_SURVEYED:
            found = survey(plan.corpora, hierarchy=hierarchy, progress=progress)
        usable = [source.n_usable for source in found.sources if source.n_usable is not None]
        surveyed = Surveyed(
            corpora=plan.corpora,
            sources=tuple(
                {"name": s.name, "layout": s.layout, "n_nodes": len(s.n_files), "n_files": sum(s.n_files.values())}
                for s in found.sources
            ),
            n_files=_added(source.n_files for source in found.sources),
            n_usable=_added(usable) if len(usable) == len(found.sources) else None,
            samples=found.samples,
            hierarchy=found.hierarchy,
        )
        _write_survey(case, surveyed, artefacts.problems_to_csv(found.problems))
        case.log("corpora surveyed", {"corpora": list(plan.corpora), "n_problems": len(found.problems)})
    return surveyed


def read_survey(case: Case) -> Surveyed | None:
    """The case's last survey, or None.

    Raises:
        CaseError: it is damaged.
    """
    if not case.has("survey/survey.json"):
        return None
    import pandas as pd

    head = case.read_json("survey/survey.json")
    try:
        table = pd.read_parquet(io.BytesIO(case.path("survey/nodes.parquet").read_bytes()))
        counted = bool((table["n_usable"] < 0).any())
        nodes = table["node"].tolist()
        return Surveyed(
            corpora=tuple(map(str, head["corpora"])),
            sources=tuple(dict(source) for source in head["sources"]),
            n_files=dict(zip(nodes, table["n_files"].tolist(), strict=True)),
            n_usable=None if counted else dict(zip(nodes, table["n_usable"].tolist(), strict=True)),
            samples={node: tuple(map(str, paths)) for node, paths in zip(nodes, table["samples"], strict=True)},
            hierarchy=artefacts.hierarchy_from_parquet(case.path("survey/hierarchy.parquet").read_bytes()),
        )
    except (OSError, KeyError, TypeError, ValueError, CorpusError) as error:
        raise CaseError(f"The survey in {case.folder} is damaged ({error!r}). Read the corpus again.") from error


def _write_survey(case: Case, surveyed: Surveyed, problems: bytes) -> None:
    import pandas as pd

    usable = surveyed.n_usable
    frame = pd.DataFrame(
        {
            "node": list(surveyed.n_files),
            "n_files": list(surveyed.n_files.values()),
            "n_usable": [-1 if usable is None else usable.get(node, 0) for node in surveyed.n_files],
            "samples": [list(surveyed.samples.get(node, ())) for node in surveyed.n_files],
        }
    )
    case.write("survey/hierarchy.parquet", artefacts.hierarchy_to_parquet(surveyed.hierarchy))
    case.write("survey/nodes.parquet", frame.to_parquet(index=False))
    case.write("survey/problems.csv", problems)
    case.write_json("survey/survey.json", {"corpora": list(surveyed.corpora), "sources": list(surveyed.sources)})


def _added(counts: Iterator[dict[str, int]] | Sequence[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in counts:
        for node, n in part.items():
            total[node] = total.get(node, 0) + n
    return dict(sorted(total.items()))
