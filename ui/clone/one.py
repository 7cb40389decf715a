"""One clone in detail: its facts, its confusions, its files, and the buttons that resume, keep or remove it."""

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
    """Draw the table of clones, their curves, and one in detail; returns its column of the results, if it has one.

    Args:
        desk: the page's.
        case: the open case.
        runs: at least one.
        shown: the results; None if there are none.
        active: whether clones are being trained now; table and curves are then drawn above.
    """
    titles = run_titles(runs)
    with st.container(border=True, key="clones"):
        st.markdown(f"**{'Finished clones' if active else 'Clones'}**")
        if not active:  # otherwise they are drawn above and follow the training
            runs_overview(runs, titles, active=False)
            with st.expander("Training curves", icon=":material/show_chart:", key="clone_curves_box",
                             expanded=shown is None):  # fmt: skip
                curves(desk.case_id, runs)
        run = _choose(runs, titles)
        _facts(run, active=active)
        with st.container(horizontal=True, vertical_alignment="center", key="clone_actions"):
            _downloads(desk, case, run)
            if not active:
                _resume_buttons(desk, case, run)
                _remove_button(desk, case, run.id, titles[run.id])
        column = next((one for one in shown.comparison.columns if one.run.id == run.id), None) if shown else None
        if shown and column:
            _confusions(desk, shown.comparison, column)
    return column


def damaged(desk: Desk, case: Case, reasons: dict[str, str]) -> None:
    """Records that cannot be read, each with a button to remove it; the others stay usable."""
    for run_id, reason in reasons.items():
        try:
            run_folder(run_id)
        except CaseError:
            st.warning(f"{RUNS}/{inert(shortened(run_id, 60))} cannot be the folder of a clone, because its name is "
                       "not valid. Remove it manually.", icon=":material/warning:")  # fmt: skip
            continue
        with st.container(horizontal=True, vertical_alignment="center", key=f"clone_damaged_{run_id}"):
            st.warning(f"{inert(shortened(run_id, 60))}: {inert(shortened(reason, 300))}", icon=":material/warning:")
            _remove_button(desk, case, run_id, f"the damaged clone {shortened(run_id, 40)}")


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
        facts.append(f"kept epoch {run.best_epoch:,}: {percent(run.best_agreement)} held-out agreement")
    if run.circumstances:
        facts.append(", ".join(f"{key} {value}" for key, value in list(run.circumstances.items())[:4]))
    st.text(" · ".join(shortened(str(fact), 160) for fact in facts))
    st.caption(run.diagnosis)
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
    """In bytes; None if there is no such file."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def reading(path: Path) -> Callable[[], bytes]:
    """A function that reads a file on download; by then it may be missing."""

    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise CaseError(
                f"{path.name} of this clone cannot be read ({error.strerror}). Reload the page.", key="file unreadable"
            ) from error

    return read


def _resume_buttons(desk: Desk, case: Case, run: CloneRun) -> None:
    """Buttons for a clone whose training was stopped; it is tested on the set of the last request."""
    if run.finished:
        return
    last = last_request(case)
    evaluation = last.evaluation if last else ""
    trained = run.stage == "trained"
    if st.button("Test and export" if trained else "Resume training", key="clone_go_on", icon=":material/play_arrow:",
                 help="Its training is over." if trained else "Resumes after the last finished epoch."):  # fmt: skip
        start_work(desk, "clone-go-on", runs=[run.id], evaluation=evaluation, by=desk.by)
    if run.best_epoch and not trained and st.button(
        "Keep the best so far", key="clone_keep_best", icon=":material/flag:",
        help=f"Ends the training now: the weights of epoch {run.best_epoch:,} are tested and exported.",
    ):  # fmt: skip
        start_work(desk, "clone-finish", run=run.id, evaluation=evaluation, by=desk.by)


def _remove_button(desk: Desk, case: Case, run_id: str, title: str) -> None:
    with st.popover("Remove", icon=":material/delete:", type="tertiary", key=f"clone_remove_{run_id}"):
        st.text(f"Remove {title}?")
        st.caption("Its weights, curves and tests are deleted. The suspect's answers stay, so training it again costs "
                   "no queries. The removal is recorded in the audit log.")  # fmt: skip
        if st.button("Remove clone", key=f"clone_remove_yes_{run_id}", type="primary") and attempt(
            lambda: _remove(desk, case, run_id)
        ):
            st.rerun()


def _remove(desk: Desk, case: Case, run_id: str) -> None:
    with Lab(case, desk.places.cache, by=desk.by) as lab:
        remove_clone(lab, run_id)


def _confusions(desk: Desk, comparison: Comparison, column: Column) -> None:
    """Where a clone and the suspect differ."""
    st.markdown("**Where it differs from the suspect**")
    names = comparison.names
    if len(names) > MAX_CONFUSION:
        st.caption(f"The suspect has {len(names):,} classes; confused classes are shown for at most "
                   f"{MAX_CONFUSION:,}.")  # fmt: skip
        return
    pairs, n_pairs = worst_pairs(column.evaluation.confusion())
    st.caption(f"Answers of the suspect and of the clone to the same pictures: "
               f"{inert(shortened(comparison.set_name, 80))}. {comparison.about_names}".rstrip())  # fmt: skip
    if len(names) <= MAX_MATRIX:
        show_figure(draw_confusion(comparison, column, f"{desk.case_id} {column.run.id}"), "clone_confusion",
                    "Of the pictures that the suspect puts in a class, the share that the clone puts in each class",
                    f"{desk.case_id}-{column.run.id}-confusion")  # fmt: skip
    if not pairs:
        st.text("Nowhere: it agrees with the suspect on every picture.")
        return
    config_of = st.column_config
    show_table(pairs_table(pairs, names), "clone_pairs", {
        "The suspect says": config_of.TextColumn(),
        "The clone says": config_of.TextColumn(),
        "Pictures": config_of.NumberColumn(format="localized", width="small"),
        "Share": config_of.ProgressColumn("Of the class", min_value=0.0, max_value=100.0, format="%.0f %%",
                                          width="small", help="Of the pictures that the suspect puts in this class"),
    }, most_px=_TABLE_PX, alt="The pairs of classes that the clone confuses, the most frequent first")  # fmt: skip
    if n_pairs > len(pairs):
        st.caption(f"The {len(pairs):,} most frequent of {n_pairs:,} pairs.")
