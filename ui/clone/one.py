"""One clone: what it is, where it goes astray, its files to take away, keeping its best weights, removing it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.clones import RUNS, last_request, run_folder
from fdcore.cloning.comparison import Column, Comparison
from fdcore.cloning.evaluation import MAX_CONFUSION
from fdcore.cloning.run import CARD, NETWORK, WEIGHTS, CloneRun
from fdcore.cloning.schedule import planned_epochs
from fdcore.cloning.settings import SourceKind
from fdcore.errors import CaseError
from fdcore.report.figures.confusion import MAX_MATRIX
from fdcore.work.clones import Lab, remove_clone
from ui.clone.figures import draw_confusion
from ui.clone.live import curves, runs_overview
from ui.clone.results import Shown
from ui.clone.tables import pairs_table, percent, run_titles, state_of, worst_pairs
from ui.exports import download
from ui.frame import Desk, start_work
from ui.panels import show_figure, show_table
from ui.sentences import attempt
from ui.text import counted, file_size, inert, shortened

_KEY = "clone_chosen"
_TABLE_PX = 360
_FILES = (
    (WEIGHTS, "Weights (safetensors)", "application/octet-stream"),
    (NETWORK, "Network (ONNX)", "application/octet-stream"),
    (CARD, "Model card (Markdown)", "text/markdown"),
)


def panel(desk: Desk, case: Case, runs: Sequence[CloneRun], shown: Shown | None, *, active: bool) -> Column | None:
    """Every clone in a table, their curves, and one of them in detail; its column of the results, where it has one.

    Args:
        desk: the page's.
        case: the open case.
        runs: at least one.
        shown: what the results are about; None where there are none.
        active: whether clones are being made now: then the curves stand above.
    """
    titles = run_titles(runs)
    with st.container(border=True, key="clones"):
        st.markdown(f"**{'Finished clones' if active else 'Clones'}**")
        if not active:  # else they stand above, and follow the training
            runs_overview(runs, titles, active=False)
            with st.expander("How they were trained", icon=":material/show_chart:", key="clone_curves_box",
                             expanded=shown is None):  # fmt: skip
                curves(desk.case_id, runs)
        run = _choose(runs, titles)
        _facts(run, active=active)
        with st.container(horizontal=True, vertical_alignment="center", key="clone_actions"):
            _downloads(desk, case, run)
            if not active:
                _going_on(desk, case, run)
                _remove_button(desk, case, run.id, titles[run.id])
        column = next((one for one in shown.comparison.columns if one.run.id == run.id), None) if shown else None
        if shown and column:
            _astray(desk, shown.comparison, column)
    return column


def damaged(desk: Desk, case: Case, reasons: dict[str, str]) -> None:
    """Records that cannot be read, each with the way to be rid of it; the others stay usable."""
    for run_id, reason in reasons.items():
        if not _is_run_id(run_id):
            st.warning(f"{RUNS}/{inert(shortened(run_id, 60))} cannot be the folder of a clone: none has such a name. "
                       "Remove it by hand.", icon=":material/warning:")  # fmt: skip
            continue
        with st.container(horizontal=True, vertical_alignment="center", key=f"clone_damaged_{run_id}"):
            st.warning(f"{inert(shortened(run_id, 60))}: {inert(shortened(reason, 300))}", icon=":material/warning:")
            _remove_button(desk, case, run_id, f"the damaged clone {shortened(run_id, 40)}")


def _is_run_id(name: str) -> bool:
    try:
        run_folder(name)
    except CaseError:
        return False
    return True


# Parts


def _choose(runs: Sequence[CloneRun], titles: dict[str, str]) -> CloneRun:
    by_id = {run.id: run for run in reversed(runs)}
    if st.session_state.get(_KEY) not in by_id:
        found = [run.id for run in runs if run.finished and run.source.kind is SourceKind.FOUND]
        begun = [run.id for run in runs if run.history]
        st.session_state[_KEY] = (found or begun or list(by_id))[-1]
    chosen = st.selectbox("One clone in detail", list(by_id), key=_KEY, filter_mode="contains", width=420,
                          format_func=lambda one: titles.get(one, one))  # fmt: skip
    return by_id[chosen or runs[-1].id]


def _facts(run: CloneRun, *, active: bool) -> None:
    facts = [
        state_of(run, active=active),
        f"{counted(run.drawn.n_rows, 'image')}, {counted(run.n_sent, 'query', 'queries')} sent for it",
        f"{run.training.arch}, {len(run.history):,} of {counted(planned_epochs(run.training), 'epoch')}",
    ]
    if run.best_agreement is not None:
        facts.append(f"kept epoch {run.best_epoch:,}: {percent(run.best_agreement)} agreement held out")
    if run.circumstances:
        facts.append(", ".join(f"{key} {value}" for key, value in list(run.circumstances.items())[:4]))
    st.text(" · ".join(shortened(str(fact), 160) for fact in facts))
    if run.stopped_early:
        st.caption(inert(shortened(run.stopped_early, 300)))


def _downloads(desk: Desk, case: Case, run: CloneRun) -> None:
    for name, title, kind in _FILES:
        path = case.path(f"{run_folder(run.id)}/{name}")
        size = _size(path)
        if not run.finished or size is None:
            continue
        download(title, reading(path), f"{desk.case_id}-{run.id}-{name}", kind,
                 key=f"clone_file_{name.replace('.', '_')}",
                 help=f"{file_size(size)}, SHA-256 {inert(run.files.get(name, 'not recorded'))}")  # fmt: skip


def _size(path: Path) -> int | None:
    """In bytes; None where there is no such file, or none any more."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def reading(path: Path) -> Callable[[], bytes]:
    """How a file is read once somebody asks for it; by then it may be gone."""

    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise CaseError(
                f"{path.name} of this clone cannot be read ({error.strerror}). Draw the page anew."
            ) from error

    return read


def _going_on(desk: Desk, case: Case, run: CloneRun) -> None:
    """What can be done with a clone whose training was stopped; it is tested as was wanted last."""
    if run.finished:
        return
    last = last_request(case)
    evaluation = last.evaluation if last else ""
    trained = run.stage == "trained"
    if st.button("Test and export it" if trained else "Go on training", key="clone_go_on", icon=":material/play_arrow:",
                 help="Its training is over." if trained else "Goes on after the last finished epoch."):  # fmt: skip
        start_work(desk, "clone-go-on", runs=[run.id], evaluation=evaluation, by=desk.by)
    if run.best_epoch and not trained and st.button(
        "Keep the best so far", key="clone_keep_best", icon=":material/flag:",
        help=f"Ends its training here: the weights of epoch {run.best_epoch:,} are tested and exported.",
    ):  # fmt: skip
        start_work(desk, "clone-finish", run=run.id, evaluation=evaluation, by=desk.by)


def _remove_button(desk: Desk, case: Case, run_id: str, title: str) -> None:
    with st.popover("Remove", icon=":material/delete:", type="tertiary", key=f"clone_remove_{run_id}"):
        st.text(f"Remove {title}?")
        st.caption("Its weights, its curves and its tests go. The suspect's answers stay, so that training it again "
                   "costs no query. The audit log notes it.")  # fmt: skip
        if st.button("Remove it", key=f"clone_remove_yes_{run_id}", type="primary") and attempt(
            lambda: _remove(desk, case, run_id)
        ):
            st.rerun()


def _remove(desk: Desk, case: Case, run_id: str) -> None:
    with Lab(case, desk.places.cache, by=desk.by) as lab:
        remove_clone(lab, run_id)


def _astray(desk: Desk, comparison: Comparison, column: Column) -> None:
    """Where a clone answers otherwise than the suspect."""
    st.markdown("**Where it goes astray**")
    names = comparison.names
    if len(names) > MAX_CONFUSION:
        st.caption(f"The suspect has {len(names):,} classes; which of them the clone confuses is shown for at most "
                   f"{MAX_CONFUSION:,}.")  # fmt: skip
        return
    pairs, n_pairs = worst_pairs(column.evaluation.confusion())
    st.caption(f"On {inert(shortened(comparison.set_name, 80))}: what the suspect says, and what the clone says of the "
               f"same pictures. {comparison.about_names}".rstrip())  # fmt: skip
    if len(names) <= MAX_MATRIX:
        show_figure(draw_confusion(comparison, column, f"{desk.case_id} {column.run.id}"), "clone_confusion",
                    "Of the pictures that the suspect puts in a class, the share that the clone puts in each class",
                    f"{desk.case_id}-{column.run.id}-confusion")  # fmt: skip
    if not pairs:
        st.text("Nowhere: it answers like the suspect to every picture.")
        return
    config_of = st.column_config
    show_table(pairs_table(pairs, names), "clone_pairs", {
        "The suspect says": config_of.TextColumn(),
        "The clone says": config_of.TextColumn(),
        "Pictures": config_of.NumberColumn(format="localized", width="small"),
        "Share": config_of.ProgressColumn("Of the class", min_value=0.0, max_value=100.0, format="%.0f %%",
                                          width="small", help="Of the pictures that the suspect puts in its class"),
    }, most_px=_TABLE_PX, alt="The pairs of classes that the clone confuses, the most frequent first")  # fmt: skip
    if n_pairs > len(pairs):
        st.caption(f"The most frequent {len(pairs):,} of {n_pairs:,} pairs.")
