"""The form for training clones: sources, transfer sets, cost and the start button."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.clones import last_request
from fdcore.case.intake import read_test_query
from fdcore.cloning.architectures import default_arch
from fdcore.cloning.run import CloneRun, TransferFacts
from fdcore.cloning.schedule import jacobian_queries, planned_images
from fdcore.cloning.settings import CloneRequest, Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.errors import FdError
from fdcore.method.findings import Findings
from fdcore.records import to_plain
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.work.clones.testing import MAX_TESTED
from ui import cached
from ui.clone.settings import choose_settings, images_per_second, offered_networks
from ui.clone.sources import choose_sources, choose_test
from ui.clone.tables import plausible_seconds, source_title, transfer_table, uneven
from ui.frame import Desk, start_work
from ui.panels import show_numbers, show_table
from ui.sentences import fragment
from ui.text import counted, duration, inert, shortened

MAX_NOTES = 6  # sentences about one source
_TABLE_PX = 350
_GPU = Path("/dev/nvidiactl")


class Given(NamedTuple):
    """The transfer sets and their cost."""

    drawn: Mapping[Source, TransferFacts]  # of each source of the corpus
    refused: Mapping[Source, str]  # why a source gives nothing
    n_queries: int  # at most, before training
    budget_left: int | None  # None for no limit


def draw(desk: Desk, case: Case, findings: Findings, runs: Sequence[CloneRun]) -> None:
    """Draw the form, which updates on every change; `findings` are the saved ones."""

    @fragment()
    def form() -> None:
        st.caption(
            "One clone is trained for each source, one after the other, with the same settings. It learns the "
            "suspect's answers, not the labels that come with the images."
        )
        found = any(len(one.filtered.kept) for one in findings.classes)
        sources = choose_sources(desk, found=found)
        last = last_request(case)
        evaluation = choose_test(desk, last.evaluation if last else "")
        room = st.container()
        transfer, training = _settings(desk, case, findings)
        given = _look(desk, case, sources, transfer, evaluation)
        with room:
            _cost(case, findings, runs, sources, given, transfer, training)
            _start(desk, sources, transfer, training, evaluation, given)
        _transfer_sets(findings, sources, given)

    form()


# Parts


def _settings(desk: Desk, case: Case, findings: Findings) -> tuple[TransferSettings, TrainingSettings]:
    spec = suspect.preprocessing if (suspect := case.facts().suspect) else PreprocessSpec()
    networks = offered_networks(spec, default_arch(spec, _GPU.exists()))
    n_missing = sum(one.selection.winner is None for one in findings.classes)
    return choose_settings(desk.case_id, networks, last_request(case), n_not_found=n_missing)


def _look(desk: Desk, case: Case, sources: Sequence[Source], transfer: TransferSettings, evaluation: str) -> Given:
    """Draw the transfer set of each source; if one source gives nothing, the others are still shown."""
    drawn: dict[Source, TransferFacts] = {}
    refused: dict[Source, str] = {}
    n_queries, left, n_tested = 0, None, MAX_TESTED if evaluation else 0
    for source in sources:
        try:
            request = CloneRequest((source,), transfer, evaluation=evaluation)
            cost = cached.clone_cost(case, request)
        except FdError as error:
            refused[source] = str(error)
            continue
        if source.kind is not SourceKind.FOLDER:  # a folder is drawn after its queries
            drawn[source] = cost.drawn[source.name]
        n_queries, left = n_queries + cost.n_queries - n_tested, cost.budget_left
    return Given(drawn, refused, n_queries + n_tested, left)


def _cost(
    case: Case, findings: Findings, runs: Sequence[CloneRun], sources: Sequence[Source], given: Given,
    transfer: TransferSettings, training: TrainingSettings,
) -> None:  # fmt: skip
    """The cost, shown before anything is sent."""
    usable = [one for one in sources if one not in given.refused]
    n_images = sum(given.drawn[one].n_rows if one in given.drawn else transfer.total for one in usable)
    seconds = _seconds(case, runs, training, n_images, given.n_queries)
    left = "no limit" if given.budget_left is None else f"{given.budget_left:,}"
    show_numbers(
        "clone_cost",
        ("Clones", f"{len(usable):,}"),
        ("Images in total", f"{n_images:,}", "Rows of all transfer sets, views included."),
        ("Queries to send", f"{'up to ' if given.n_queries else ''}{given.n_queries:,}",
         "Images of the corpus were answered during scoring and are not sent again; only those of folders and rounds "
         "of augmentation are."),
        ("Budget left", left, "Queries that this case may still send."),
        ("Time", "not known yet" if seconds is None else f"about {duration(seconds)}",
         "Estimated from the speed of earlier clones in this case. Without any, the time left is shown after the first "
         "epoch."),
    )  # fmt: skip
    n_scored = counted(n_scoring_answers(findings), "answer")
    st.caption(f"The finding itself cost {n_scored} of the suspect, during scoring. Clones from the found images rest "
               "on all of them; a clone from random images needs one for each of its images.")  # fmt: skip
    if training.jacobian_rounds:
        more = jacobian_queries(training, round(n_images * (1 - training.held_out)))
        st.caption(f"Augmentation ({counted(training.jacobian_rounds, 'round')}) sends up to {more:,} more queries.")


def n_scoring_answers(findings: Findings) -> int:
    """Answers of the suspect that the finding rests on: its cost before any clone."""
    return int((findings.scored.answers >= 0).sum())


def _seconds(
    case: Case, runs: Sequence[CloneRun], training: TrainingSettings, n_images: int, n_queries: int
) -> float | None:
    per_s, tested = images_per_second(runs, training), read_test_query(case)
    if not per_s:  # no clone yet, or a record without images
        return None
    querying = n_queries / tested.pictures_per_s if tested and tested.pictures_per_s > 0 else 0.0
    n_training = round(n_images * (1 - training.held_out))
    return plausible_seconds(planned_images(training, n_training) / per_s + querying)


def _transfer_sets(findings: Findings, sources: Sequence[Source], given: Given) -> None:
    """The images that each source of the corpus gives each class."""
    for source in sources:
        if reason := given.refused.get(source):
            st.warning(f"{inert(source_title(source))}: {inert(reason)}", icon=":material/warning:")
    shown = {source_title(one): given.drawn[one] for one in sources if one in given.drawn}
    if not shown:
        return
    names = [one.name.label if one.name else "not found" for one in findings.classes]
    table, column = transfer_table(shown, names), st.column_config
    with st.container(key="transfer_sets"):
        st.markdown("**What each source gives**")
        show_table(table, "transfer_table", {
            "Class": column.TextColumn(width="medium", help="The suspect's class and its finding"),
            **{title: column.NumberColumn(format="localized", width="small") for title in shown},
            **{f"{title}: made of": column.TextColumn(width="medium") for title in shown},
        }, most_px=_TABLE_PX, alt="How many images each source gives for each class")  # fmt: skip
        if caveat := uneven(shown):
            st.caption(caveat)
        for title, facts in shown.items():
            _notes(title, facts.notes)
        if any(one.kind is SourceKind.FOLDER for one in sources):
            st.caption("The images that a folder gives each class are known after the suspect has answered them.")


def _notes(title: str, notes: Sequence[str]) -> None:
    """What is missing, filled or left out, one line each."""
    if notes:
        more = len(notes) - MAX_NOTES
        lines = [shortened(note, 300) for note in notes[:MAX_NOTES]] + ([f"and {more:,} more"] if more > 0 else [])
        st.caption(f"**{inert(title)}**\n" + "\n".join(f"- {inert(line)}" for line in lines))


def _start(
    desk: Desk, sources: Sequence[Source], transfer: TransferSettings, training: TrainingSettings, evaluation: str,
    given: Given,
) -> None:  # fmt: skip
    usable = tuple(one for one in sources if one not in given.refused)
    reason = _refusal(desk, usable, given)
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if reason:
            st.caption(reason, width="content")
        label = f"Train {counted(len(usable), 'clone')}" if usable else "Train"
        if st.button(label, type="primary", key="clone_start", icon=":material/model_training:", disabled=bool(reason)):
            request = CloneRequest(usable, transfer, training, evaluation)
            start_work(desk, "clone", request=to_plain(request), by=desk.by)


def _refusal(desk: Desk, usable: Sequence[Source], given: Given) -> str:
    """Why nothing can be started now; empty where it can."""
    if desk.busy:
        return "Work is in progress in this case. Wait until it has ended."
    if not usable:
        return "Choose at least one source with images to train on."
    if given.budget_left == 0 and given.n_queries:
        return "The budget is used up, so images from folders cannot be sent. Raise it on the Leaf scores page."
    return ""
