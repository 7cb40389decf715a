"""An investigation from end to end. START HERE.

`investigate` queries the suspect; `fdcore.work.conclude` draws the conclusions from the case, again whenever settings
change. `run_plan` takes everything from the case's own plan.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path, PurePath

from fdcore.answers.asking import ask_suspect, dense_sweep, n_queries_left
from fdcore.answers.ledger import Ledger, LedgerHeader, describe_difference
from fdcore.case import layout, tables
from fdcore.case.case import Case, Evidence
from fdcore.case.conclusions import selection_settings
from fdcore.case.intake import read_survey, write_survey
from fdcore.case.plan import Plan, Settings, open_planned_hierarchy
from fdcore.case.records import AskingFacts, CorpusFacts, DecidedFacts, SuspectFacts
from fdcore.case.spending import asking, budget_for_scoring, n_sent, n_sent_beside
from fdcore.corpus.corpus import Corpus, open_corpus
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.remote import is_address
from fdcore.corpus.store import ImageStore
from fdcore.errors import CaseError, CorpusError, RefusedError, SettingsError, SuspectError
from fdcore.method.adaptive import AdaptiveSweep, Outcome
from fdcore.method.findings import Findings, ImageTable
from fdcore.progress import Progress, silent
from fdcore.records import to_plain
from fdcore.suspect.packing import is_model_folder, pack
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.scan import ScanReport
from fdcore.suspect.suspect import Suspect
from fdcore.suspect.tensors import NOTHING_FITS, list_tensors, tensors_csv
from fdcore.work.beside import keep_names_beside
from fdcore.work.cluster import Cluster, ask_cluster, require_shared
from fdcore.work.conclude import conclude
from fdcore.work.leaf_names import keep_names

OpenSuspect = Callable[[Path], Suspect]
Send = Callable[..., object]  # `ask_suspect`, with all but the suspect, the ledger, the pictures and the order given


def investigate(
    folder: Path,
    suspect: Path | Suspect,
    corpora: Sequence[str | Path],
    *,
    hierarchy: Hierarchy,
    open_suspect: OpenSuspect,
    cache: Path,
    settings: Settings | None = None,
    plan: Plan | None = None,
    cluster: Cluster | None = None,
    progress: Progress = silent,
) -> Findings:
    """Find what each class of a suspect stands for, or continue where an earlier run of the same case stopped.

    Args:
        folder: the case's folder, created if it does not exist.
        suspect: the suspect's file, a case or ledger folder that holds its recorded answers, or a suspect in memory.
        corpora: image folders, each `DIR` or `DIR@NODE`.
        hierarchy: the nodes that the corpora's folders name.
        open_suspect: opens a file as a suspect (see `fdcore.suspect.open`).
        cache: where decoded images are kept between runs.
        settings: what is queried and how the answers are weighed.
        plan: the plan carried out; the case keeps it, so that any run can be continued from anywhere.
        cluster: where the queries are sent from; None for this process.
        progress: a listener.

    Raises:
        FdError: something that the user has to fix; the case stays readable and the same call continues.
    """
    settings = settings or Settings()
    case = Case.open_or_create(folder)
    with case.exclusively():
        model, spec = take_suspect(case, suspect, open_suspect)
        if cluster is not None:
            require_shared(case)
        if plan is not None and plan != case.facts().plan:
            case.record(plan=plan)
            if plan.suspect.allow_network:
                case.log("network allowed", {"reason": plan.suspect.allow_network})
        corpus = open_corpus(
            corpora, hierarchy=hierarchy, height=spec.height, width=spec.width, channels=spec.channels,
            per_leaf=settings.images_per_leaf, seed=settings.seed, cache=cache, progress=progress,
        )  # fmt: skip
        _keep_listing(case, plan.corpora if plan else tuple(map(str, corpora)), corpus)
        ledger = _prepare_ledger(case, model, corpus, settings)
        if model is not None:
            _record_asking(case, corpora, settings, plan)
            _ask(case, model, ledger, corpus, settings, _sender(case, plan, cluster, cache, progress))
        return conclude(case, settings.selection, corpus.store.pixels, compare=True, progress=progress)


def run_plan(folder: Path, *, cache: Path, cluster: Cluster | None = None, progress: Progress = silent) -> Findings:
    """Run or continue the investigation that a case's plan describes, on the evidence in the case.

    Where conclusions were drawn before, the new ones are drawn with the same alpha, eta, tau and k. Arguments as for
    `investigate`.

    Raises:
        FdError: something that the user has to fix; the case stays readable and the same call continues.
    """
    case = Case.open(folder)
    plan = case.plan()
    weighed_before = case.facts().selection is not None
    settings = replace(plan.settings, selection=selection_settings(case)) if weighed_before else plan.settings
    return investigate(
        folder, case.evidence().path, plan.corpora, hierarchy=open_planned_hierarchy(plan),
        open_suspect=open_planned_suspect(plan, progress), cache=cache, settings=settings, plan=plan, cluster=cluster,
        progress=progress,
    )  # fmt: skip


@contextmanager
def no_empty_case(folder: Path) -> Iterator[None]:
    """Remove a case that work in this context makes, if the user's mistake ends the work before any query is sent.

    A file that cannot be opened stays in its case, with the reason.
    """
    is_new = not folder.exists()
    try:
        yield
    except (CorpusError, SettingsError, SuspectError) as error:
        case = Case.open(folder) if is_new and (folder / layout.FACTS).is_file() else None
        if case and not n_sent(case) and not (isinstance(error, SuspectError) and case.facts().evidence):
            shutil.rmtree(folder)
        raise


def open_planned_suspect(plan: Plan, progress: Progress) -> OpenSuspect:
    """A function that opens a suspect's file as planned; torch is imported when it is called."""

    def open_it(path: Path) -> Suspect:
        from fdcore.suspect.open import open_suspect

        return open_suspect(path, progress=progress, **asdict(plan.suspect))

    return open_it


# Querying


def take_suspect(
    case: Case, suspect: Path | Suspect, open_suspect: OpenSuspect
) -> tuple[Suspect | None, PreprocessSpec]:
    """The suspect to query (None where only its ledger is available) and what it expects at its input."""
    if isinstance(suspect, Suspect):
        _record_suspect(case, suspect)
        return suspect, suspect.spec
    if suspect.is_dir() and not is_model_folder(suspect):
        return None, _take_ledger(case, suspect).spec
    if case.has(layout.LEDGER_HEADER) and case.facts().evidence is None:
        raise CaseError(
            "This case holds recorded answers but no suspect's file. Give another folder for a new case.",
            key="case of recorded answers",
        )
    evidence = _take_evidence(case, suspect)
    try:
        model = open_suspect(evidence.path)
    except SuspectError as error:
        case.log("suspect not opened", {"reason": str(error).replace(f"{case.folder}/", "")})
        _record_refusal(case, error.scan if isinstance(error, RefusedError) else None)
        if error.key == NOTHING_FITS:
            _keep_tensors(case, evidence.path)
        raise
    _record_refusal(case, None)
    _record_suspect(case, model)
    recall_runtime(case, model)
    keep_names_beside(case, suspect, model.n_classes)
    return model, model.spec


def _take_evidence(case: Case, suspect: Path) -> Evidence:
    """A suspect's file in the case, or its folder as one archive, which is the same for the same files."""
    if not is_model_folder(suspect):
        return case.take_evidence(suspect)
    with tempfile.TemporaryDirectory() as place:
        return case.take_evidence(pack(suspect, Path(place) / f"{suspect.name}.zip"))


def _keep_tensors(case: Case, path: Path) -> None:
    """The table of a file's tensors, for the analyst who has to find out what they belong to."""
    with suppress(SuspectError):  # the error that follows says more
        table = list_tensors(path, allow_unscanned=case.plan().suspect.allow_unscanned)
        case.write(layout.TENSORS, tensors_csv(table.rows))
        case.log("tensors listed", {"n_tensors": table.n_tensors})


def _record_refusal(case: Case, scan: ScanReport | None) -> None:
    """Keep the scanners' report where they kept the suspect from being opened; None once it was opened."""
    if case.facts().refused != scan:
        case.record(refused=scan)


def _record_suspect(case: Case, suspect: Suspect) -> None:
    if case.has(layout.LEDGER_HEADER):
        header = Ledger.open(case.path(layout.LEDGER)).header
        if header.suspect != suspect.fingerprint:
            other = replace(header, suspect=suspect.fingerprint, spec=suspect.spec)
            raise CaseError(describe_difference(header, other), key="other queries")
    facts = SuspectFacts(
        suspect.description, suspect.fingerprint, suspect.n_classes, suspect.spec, suspect.origins, suspect.scan,
        suspect.class_names, suspect.title, suspect.notes, suspect.cell, suspect.format, suspect.assumptions,
        suspect.weights,
    )  # fmt: skip
    if case.facts().suspect != facts:
        case.record(suspect=facts)
        case.log("suspect opened", to_plain(facts))


def recall_runtime(case: Case, suspect: Suspect) -> None:
    """Tell a suspect which runtime an earlier run of the case has chosen."""
    trial = case.facts().runtime
    if trial is not None:
        suspect.recall(trial)


def record_runtime(case: Case, suspect: Suspect) -> None:
    """Keep which runtime computed the answers, and how the others did."""
    trial = suspect.trial
    if trial is not None and case.facts().runtime != trial:
        case.record(runtime=trial)
        case.log("runtime chosen", to_plain(trial))


def _take_ledger(case: Case, source: Path) -> LedgerHeader:
    """Copy another case's answers into this one, to be replayed instead of querying a suspect."""
    folder = source / layout.LEDGER if (source / layout.LEDGER).is_dir() else source
    if not (folder / "ledger.json").is_file():
        raise SuspectError(
            f"{source} is a folder without recorded answers. Give the suspect's file, or a finished case.",
            key="no recorded answers",
        )
    finished = Ledger.open(folder)
    if not case.has(layout.LEDGER_HEADER):
        with case.changing(layout.LEDGER):
            finished.copy_to(case.path(layout.LEDGER))
    elif not Ledger.open(case.path(layout.LEDGER)).header.same_queries(finished.header):
        raise CaseError(
            f"This case holds answers other than those in {source}. Give another folder for a new case.",
            key="other answers",
        )
    if case.facts().suspect is None:
        # A bare ledger says nothing about the origins of the preprocessing; the case whose answers are replayed does.
        own = Case.open(source).facts().suspect if (source / layout.FACTS).is_file() else None
        header, origins = finished.header, own.origins if own else None
        facts = SuspectFacts("answers recorded earlier", header.suspect, header.n_classes, header.spec, origins)
        case.record(suspect=facts)
        case.log("ledger taken", to_plain(facts) | {"n_answered": finished.n_answered})
    return finished.header


def _prepare_ledger(case: Case, suspect: Suspect | None, corpus: Corpus, settings: Settings) -> Ledger:
    """The case's ledger in the shape of this run; what an analysis needs besides is written to disk."""
    store = corpus.store
    facts = case.facts().suspect
    if facts is None:
        raise CaseError(f"The case {case.folder} does not record which suspect it is about.")
    if suspect is not None:
        require_budget(settings, store, n_sent_beside(case))
    header = ledger_header(facts.fingerprint, facts.n_classes, facts.preprocessing, store, settings)
    with case.changing(layout.LEDGER):
        ledger = Ledger.open_or_create(case.path(layout.LEDGER), header, store.image_ids, may_drop=suspect is None)
    _record_corpus(case, corpus)
    return ledger


def require_budget(settings: Settings, store: ImageStore, n_sent_beside: int = 0) -> None:
    """Check that the budget allows one image of each leaf, after what was sent for test queries and clones.

    Raises:
        SettingsError: it does not.
    """
    n_leaves = len(store.nodes)
    if settings.budget is not None and settings.budget < n_leaves + n_sent_beside:
        sent = f", of which {n_sent_beside} were sent for test queries and clones," if n_sent_beside else ""
        raise SettingsError(
            f"A budget of {settings.budget} queries{sent} does not cover one image of each of the {n_leaves} leaves. "
            f"Give at least {n_leaves + n_sent_beside}, or a smaller corpus.",
            key="budget too small",
        )


def ledger_header(
    fingerprint: str, n_classes: int, spec: PreprocessSpec, store: ImageStore, settings: Settings
) -> LedgerHeader:
    """What a suspect's answers about a store of images belong to."""
    return LedgerHeader(
        suspect=fingerprint, n_classes=n_classes, spec=spec, corpus=store.fingerprint, seed=settings.seed,
        views=settings.views, n_images=len(store.pixels), n_views=settings.n_views,
    )  # fmt: skip


def _record_corpus(case: Case, corpus: Corpus) -> None:
    store = corpus.store
    facts = CorpusFacts(
        corpus.sources, store.fingerprint, len(store.nodes), len(store.pixels), store.key, len(corpus.problems),
        corpus.folders,
    )  # fmt: skip
    case.write(layout.HIERARCHY, tables.hierarchy_to_parquet(corpus.hierarchy))
    case.write(layout.PROBLEMS, tables.problems_to_csv(corpus.problems))
    case.write(layout.CORPUS, tables.image_table_to_parquet(ImageTable.of(store)))
    if case.facts().corpus != facts:
        case.record(corpus=facts)
        case.log("corpus read", to_plain(facts))


def _keep_listing(case: Case, corpora: tuple[str, ...], corpus: Corpus) -> None:
    """What the Corpus page shows, unless it was read there, which also tried every file."""
    try:
        known = read_survey(case)
    except CaseError:  # damaged: this mends it
        known = None
    if known is None or known.corpora != corpora:
        write_survey(case, corpora, corpus.listed)


def _record_asking(case: Case, corpora: Sequence[str | Path], settings: Settings, plan: Plan | None) -> None:
    """Record how the suspect is queried, for the commands that repeat it; files and folders by their names alone.

    The plan may change as soon as the run has ended, and the report must not name another run's folders.
    """
    asked = AskingFacts(
        settings.n_views, settings.images_per_leaf, settings.seed, settings.budget, settings.views,
        tuple(str(one) if is_address(str(one)) else PurePath(one).name for one in corpora), adaptive=settings.adaptive,
    )  # fmt: skip
    if plan is not None:
        hierarchy = PurePath(plan.hierarchy).name if plan.hierarchy else None
        given = plan.suspect
        asked = replace(asked, hierarchy=hierarchy, arch=given.arch, n_classes=given.n_classes, output=given.output,
                        runtime=given.runtime)  # fmt: skip
    before = case.facts().asking
    if before is None or replace(before, decided=None) != asked:
        case.record(asking=asked)
    if plan is not None and plan.leaves:
        keep_names(case, plan.leaves)


def _sender(case: Case, plan: Plan | None, cluster: Cluster | None, cache: Path, progress: Progress) -> Send:
    """What sends the queries of a strategy: this process, or a cluster."""
    if cluster is None:
        return partial(ask_suspect, progress=progress)
    options = (plan or Plan()).suspect
    return partial(ask_cluster, cluster, case, options=options, cache=cache, progress=progress)


def _ask(case: Case, suspect: Suspect, ledger: Ledger, corpus: Corpus, settings: Settings, send: Send) -> None:
    """Send the missing queries, within the budget that test queries and clones have left."""
    budget = budget_for_scoring(case, settings.budget)
    sweep = adaptive_sweep(corpus, settings, budget)
    if sweep.replay(ledger) is None if sweep else n_queries_left(ledger, budget):
        sweep = _send(case, suspect, ledger, corpus, settings, send)
    if sweep is not None and sweep.outcome is not None:
        _record_decided(case, sweep.outcome, corpus)


def _send(case: Case, suspect: Suspect, ledger: Ledger, corpus: Corpus, settings: Settings,
          send: Send) -> AdaptiveSweep | None:  # fmt: skip
    started, sweep = False, None
    try:
        with asking(case, ledger):
            budget, started = budget_for_scoring(case, settings.budget), True  # again, as nobody else can spend it now
            sweep = adaptive_sweep(corpus, settings, budget)
            case.record_versions("asked")
            case.log("asking started", to_plain(case.facts().asking) | {"n_sent_before": ledger.n_sent})
            send(suspect, ledger, corpus.store.pixels, budget=budget, strategy=sweep or dense_sweep)
    finally:
        if started:
            record_runtime(case, suspect)
            case.log("asking ended", {"n_sent": ledger.n_sent, "n_answered": ledger.n_answered})
    return sweep


def adaptive_sweep(corpus: Corpus, settings: Settings, budget: int | None) -> AdaptiveSweep | None:
    """The strategy that saves queries, where one is planned."""
    if settings.adaptive is None:
        return None
    return AdaptiveSweep(settings.adaptive, corpus.store.node_index, corpus.store.nodes, corpus.hierarchy, budget)


def _record_decided(case: Case, outcome: Outcome, corpus: Corpus) -> None:
    """Keep what adaptive asking decided, and the leaves that are too near tau to tell."""
    decided = DecidedFacts(
        outcome.error, outcome.finished, outcome.n_planned, outcome.n_above, outcome.n_below, len(outcome.near)
    )
    case.write(layout.NEAR_TAU, tables.near_tau_to_csv(outcome, corpus.store.nodes, corpus.hierarchy))
    asked = case.facts().asking
    if asked is not None and asked.decided != decided:
        case.record(asking=replace(asked, decided=decided))
        case.log("asking decided", to_plain(decided))
