"""The kinds of jobs. The engine is imported only when one runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fdcore.case import layout
from fdcore.jobs import phases
from fdcore.jobs.estimate import Phase
from fdcore.progress import Progress

if TYPE_CHECKING:
    from fdcore.method.findings import Findings
    from fdcore.words.agreement import Agreement
    from fdcore.work.clones import Lab

Lane = Literal["heavy", "light", "short", "check"]
Params = dict[str, Any]
# jobs of a lane that run at once, in all cases together; a short one waits for no long one
SLOTS: dict[Lane, int] = {"heavy": 1, "light": 2, "short": 2, "check": 3}


@dataclass(frozen=True)
class Kind:
    """One kind of long-running work.

    Attributes:
        title: for people, as in "Scoring the leaves".
        lane: which other jobs it shares the machine with.
        run: does it, given the case's folder, the parameters and a listener, and returns the result in a few words.
            A stopped job is run again with the same parameters, and must continue where it was.
        phases: what it will go through, as far as that is known before it begins.
    """

    title: str
    lane: Lane
    run: Callable[[Path, Params, Progress], str]
    phases: Callable[[Path, Params], Sequence[Phase]] = lambda folder, params: ()


def _check_suspect(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.demo import trial_pictures
    from fdcore.suspect.hub import bring
    from fdcore.verdict.reach import counted
    from fdcore.work.intake import check_suspect

    source = bring(params["source"], Path(params["cache"]), progress) if params.get("source") else None
    pictures = [Path(sample) for sample in params.get("samples", ())] or trial_pictures()
    result = check_suspect(folder, source, pictures, progress=progress)
    n_pictures, n_classes = len(result.labels), len(set(result.labels))
    return (
        f"The suspect answered {counted(n_pictures, 'picture', 'pictures')} with "
        f"{counted(n_classes, 'class', 'different classes')}; {counted(result.n_sent, 'was', 'were')} sent."
    )


def _compare_readings(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.case.readings import reading_in_words
    from fdcore.work.readings import compare_readings

    _require_allowed(folder)
    found = compare_readings(folder, cache=Path(params["cache"]), by=params.get("by", ""), progress=progress)
    return reading_in_words(found)


def _survey(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.demo import build_demo_corpus
    from fdcore.verdict.reach import counted
    from fdcore.work.intake import survey_corpora

    if params.get("draw_demo"):
        build_demo_corpus(Path(params["draw_demo"]), progress=progress)
    _require_allowed(folder)
    found = survey_corpora(folder, progress=progress)
    n_files = sum(found.n_files.values())
    return f"Found {counted(len(found.n_files), 'leaf', 'leaves')} with {counted(n_files, 'file', 'files')}."


def _investigate(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.case.case import Case
    from fdcore.work.cluster import Cluster
    from fdcore.work.investigate import run_plan

    _require_allowed(folder)
    cluster = Cluster.of(Case.open(folder))
    return _in_words(folder, run_plan(folder, cache=Path(params["cache"]), cluster=cluster, progress=progress))


def _analyse(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.method.selection import SelectionSettings
    from fdcore.work.conclude import analyse

    settings = SelectionSettings(**params["settings"])
    replacing = SelectionSettings(**params["replacing"]) if params.get("replacing") else None
    found = analyse(
        folder, settings, cache=Path(params["cache"]), by=params.get("by", ""), replacing=replacing, progress=progress
    )
    return _in_words(folder, found)


def _check_words(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.verdict.reach import counted
    from fdcore.work.compare_words import check_words

    source = Path(params["vectors"]) if params.get("vectors") else None
    found = check_words(folder, source, cache=Path(params["cache"]), by=params.get("by", ""), progress=progress)
    mean = found.mean_cosine
    compared = counted(len(found.rows), "claim", "claims") + " compared"
    compared += f", mean similarity {mean:.2f}" if mean is not None else ""
    return f"{compared}. {_best_label_set(found.agreements)}"


def _best_label_set(agreements: Sequence["Agreement"]) -> str:
    from fdcore.words.agreement import TOO_FEW

    if agreed := next((one for one in agreements if one.agrees), None):
        return f"{agreed.title} agrees in class order."
    if fitting := next((one for one in agreements if one.fits), None):
        return f"{fitting.title} fits ({fitting.mean:.2f}), but these are {TOO_FEW}."
    return "No known label set agrees."


def _prepare_vectors(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.case.case import Case
    from fdcore.work.compare_words import case_vectors

    vectors = case_vectors(Case.open(folder), Path(params["vectors"]), Path(params["cache"]), progress)
    return f"Vectors of {len(vectors):,} words with {vectors.n_dims} dimensions are ready."


def _clone(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.cloning.settings import CloneRequest
    from fdcore.records import from_plain
    from fdcore.work.clones import clone

    request = from_plain(CloneRequest, params["request"], what="the request for clones")
    _require_inside([*(source.folder for source in request.sources), request.evaluation])
    with _lab(folder, params, progress) as lab:
        return _n_trained(len(clone(lab, request)))


def _resume_clones(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.case.clones import read_run
    from fdcore.work.clones import resume_clones

    with _lab(folder, params, progress) as lab:
        sources = [read_run(lab.case, name).source.folder for name in params["runs"]]  # the case may be imported
        _require_inside(sources)
        return _n_trained(len(resume_clones(lab, params["runs"], evaluation=params.get("evaluation", ""))))


def _finish_clone(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.work.clones import finish_clone

    with _lab(folder, params, progress) as lab:
        run = finish_clone(lab, params["run"], evaluation=params.get("evaluation", ""))
    return f"The clone keeps its weights of epoch {run.best_epoch}."


def _evaluate_clones(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.work.clones import evaluate_clones

    with _lab(folder, params, progress) as lab:
        evaluate_clones(lab, params["evaluation"])
    return "Every finished clone was tested."


def _gap(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.work.gap import measure_gap

    _require_inside([params["train"], params["test"]])
    with _lab(folder, params, progress) as lab:
        return measure_gap(lab, params["train"], params["test"], most=params["most"]).headline


def _grow(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.case.places import Places
    from fdcore.corpus.generator import parse_command
    from fdcore.records import from_plain
    from fdcore.work.grow import GrowRequest, grow

    _require_allowed(folder)
    places = Places.from_environment()
    watched = str(places.watched(folder)) if params.get("watch") else ""
    command = () if watched else parse_command(places.generator)  # never from the browser: it runs on this machine
    request = from_plain(GrowRequest, params["request"] | {"command": command, "watch": watched}, what="the request")
    return grow(folder, request, cache=Path(params["cache"]), by=params.get("by", ""), progress=progress).in_words


def _lab(folder: Path, params: Params, progress: Progress) -> "Lab":
    """The case's lab, once it is clear that a server may read what the case and the job name."""
    from fdcore.case.case import Case
    from fdcore.work.clones import Lab

    _require_allowed(folder)
    _require_inside([params.get("evaluation", "")])
    return Lab(Case.open(folder), Path(params["cache"]), by=params.get("by", ""), progress=progress)


def _n_trained(n: int) -> str:
    return f"{n} {'clone is' if n == 1 else 'clones are'} trained and tested."


def _require_inside(folders: Sequence[str]) -> None:
    """Check that a server may read these folders; "" stands for none."""
    from fdcore.case.places import Places, require_inside
    from fdcore.corpus.corpus import folder_of

    places = Places.from_environment()
    for folder in filter(None, folders):
        require_inside(places.corpora, folder_of(folder))


def _demo(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.demo.case import run_demo

    found = run_demo(folder, corpus=Path(params["corpus"]), cache=Path(params["cache"]), progress=progress)
    return _in_words(folder, found)


def _validate(folder: Path, params: Params, progress: Progress) -> str:
    from fdcore.case.validation import keep
    from fdcore.demo.validate import validate

    kept = keep(validate(progress, by=params.get("by", "")))
    kept.require_passed()
    return f"All {len(kept.record.references)} references passed. Write the conclusions again to cite it in this case."


def _require_allowed(folder: Path) -> None:
    from fdcore.case.case import Case
    from fdcore.case.places import Places
    from fdcore.case.plan import require_allowed

    require_allowed(Places.from_environment(), Case.open(folder).plan(), folder)


def _in_words(folder: Path, findings: "Findings") -> str:
    from fdcore.case.case import Case

    total, outcome = findings.overall, Case.open(folder).read_json(layout.VERDICT).get("outcome", "")
    whole = {"undecided": " Whether they mean anything is undecided.",
             "meaningless": " By the verdict they mean nothing."}  # fmt: skip
    budget = "" if findings.scored.complete else " The budget was used up before all queries were sent."
    return f"Found {total.n_found} of {total.n_classes} classes.{whole.get(outcome, '')}{budget}"


KINDS: dict[str, Kind] = {
    "suspect": Kind("Checking the suspect", "check", _check_suspect, phases.of_check),
    "readings": Kind("Comparing readings of the file", "short", _compare_readings),
    "corpus": Kind("Reading the corpus", "light", _survey, phases.of_survey),
    "investigate": Kind("Scoring the leaves", "heavy", _investigate, phases.of_investigation),
    "analyse": Kind("Drawing the conclusions", "short", _analyse, phases.of_analysis),
    "vectors": Kind("Preparing word vectors", "light", _prepare_vectors),
    "words": Kind("Comparing the words", "short", _check_words),
    "clone": Kind("Training clones", "heavy", _clone, phases.of_clones),
    "clone-go-on": Kind("Continuing clones", "heavy", _resume_clones),
    "clone-finish": Kind("Keeping a clone's best weights", "short", _finish_clone),
    "clone-test": Kind("Testing clones", "short", _evaluate_clones),
    "grow": Kind("Generating pictures", "heavy", _grow),
    "gap": Kind("Comparing two splits", "short", _gap),
    "demo": Kind("Building the demo case", "heavy", _demo, phases.of_demo),
    "validate": Kind("Validating this installation", "heavy", _validate),
}
