"""The demo case: a drawn corpus, a suspect trained on other drawings, and the investigation of it."""

from pathlib import Path

from fdcore import demo
from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.claims import write_claims
from fdcore.case.intake import read_survey, read_test_query
from fdcore.case.plan import Plan, SuspectOptions
from fdcore.cloning.settings import CloneRequest, Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.method.findings import Findings
from fdcore.progress import Progress, silent
from fdcore.records import to_plain
from fdcore.words.claims import claims_from_list
from fdcore.work.intake import check_suspect, survey_corpora
from fdcore.work.investigate import run_plan

# chosen on the labelled stickers among a few, so that the difference shows and both clones take under three minutes
CLONE_ROWS, CLONE_TRAINING = 900, TrainingSettings(arch="lenet", optimiser="adam", batch_size=32, epochs=67)


def run_demo(folder: Path, *, corpus: Path, cache: Path, progress: Progress = silent) -> Findings:
    """Draw the demo corpus into `corpus`, take the demo suspect into a case and investigate it, or resume that."""
    demo.build_demo_corpus(corpus, progress=progress)
    demo.build_demo_stickers(stickers_beside(corpus), progress=progress)
    prepare_demo(folder, corpus)
    case = Case.open(folder)
    if read_test_query(case) is None:
        check_suspect(folder, demo.SUSPECT_PATH, demo.trial_pictures(), progress=progress)
    if read_survey(case) is None:
        survey_corpora(folder, progress=progress)
    findings = run_plan(folder, cache=cache, progress=progress)
    if not case.has(layout.CLAIMS):
        names = (truth.name for truth in demo.TRUTH)
        write_claims(folder, claims_from_list(names, source="a note that came with the demo suspect"))
    return findings


def prepare_demo(folder: Path, corpus: Path) -> None:
    """Create the demo case with its suspect's file and its plan; no query is sent yet."""
    case = Case.open_or_create(folder)
    if case.facts().plan is None:
        case.record(title="Demo", demo=True, plan=demo_plan(corpus), cloning=to_plain(demo_clones(corpus)))
    case.take_evidence(demo.SUSPECT_PATH)


def demo_plan(corpus: Path) -> Plan:
    """The demo suspect's options and corpus."""
    suspect = SuspectOptions(arch=demo.SUSPECT_ARCH, preset=demo.SUSPECT_PRESET)
    return Plan(suspect=suspect, corpora=(str(corpus.absolute()),))


def stickers_beside(corpus: Path) -> Path:
    """The folder, beside the demo corpus, of pictures like the demo suspect's training pictures."""
    return corpus.with_name(f"{corpus.name}-stickers").absolute()


def demo_clones(corpus: Path) -> CloneRequest:
    """The suggested clones of the demo suspect: found images against random ones."""
    return CloneRequest(
        sources=(Source(SourceKind.FOUND), Source(SourceKind.RANDOM)),
        transfer=TransferSettings(total=CLONE_ROWS),
        training=CLONE_TRAINING,
        evaluation=str(stickers_beside(corpus)),
    )
