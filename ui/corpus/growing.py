"""Generating pictures of a node, and of what lies below it where scores rise, as a job."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from fdcore.case.case import Case
from fdcore.case.generated import read_generated
from fdcore.case.places import require_inside
from fdcore.case.plan import Plan
from fdcore.case.spending import budget_left
from fdcore.corpus.generated import prompt_of
from fdcore.corpus.generator import parse_command
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import FdError
from fdcore.jobs import State
from fdcore.work.grow import MAX_COUNT, GrowRequest
from ui import cached, job_panel
from ui.frame import Desk, start_work
from ui.panels import show_table
from ui.sentences import fragment, show_error
from ui.text import inert, shortened
from ui.tree_picker import tree_picker

_COMMAND, _FOLDER = "A command of this server", "Something else, in a folder"


def draw(desk: Desk, plan: Plan) -> None:
    """The panel, once the case has a suspect to query."""
    if not desk.case.facts().evidence or desk.case.facts().kind == "text":
        return
    job = desk.newest_job("grow")
    paused = job is not None and job.state is State.PAUSED  # what ended otherwise has a notice
    with st.expander("Generate pictures", key="growing_box", icon=":material/brush:",
                     expanded=paused or bool(job and job.active)):  # fmt: skip
        if job and job.active:
            job_panel.follow(desk.jobs, lambda: desk.newest_job("grow"), "growing_now")
        elif job and paused:
            then = "Every picture and answer is kept; resuming generates and queries only what is missing."
            job_panel.stopped(desk.jobs, job, "Generating pictures", then, "growing_stopped")
        else:
            _form(desk, plan)
        _generated(desk.case)


@fragment()
def _form(desk: Desk, plan: Plan) -> None:
    st.caption(
        "Pictures of a node are generated and the suspect is queried with them; then those of the nodes below the one "
        "that scores best, until the score stops rising. They get leaves of their own, marked wherever they are shown."
    )
    try:
        hierarchy = cached.hierarchy(plan.hierarchy and require_inside(desk.places.corpora, Path(plan.hierarchy)))
        watches = _source(desk)
        node = tree_picker("Node of the first pictures", hierarchy, key="grow_node")
        request = _settings(desk, plan, hierarchy, node)
    except FdError as error:
        show_error(error)
        return
    if st.button("Generate and query", key="grow", icon=":material/brush:", type="primary",
                 disabled=node is None or desk.busy):  # fmt: skip
        start_work(desk, "grow", request=request, watch=watches)


def _source(desk: Desk) -> bool:
    """Who makes the pictures; returns whether a folder is watched."""
    command = desk.places.generator
    options = [_COMMAND, _FOLDER] if command else [_FOLDER]
    watches = st.segmented_control("Generator", options, default=options[0], required=True, key="grow_by") == _FOLDER
    if watches:
        st.code(str(desk.places.watched(desk.case.folder)), language=None)
        st.caption("In it, each leaf gets a folder with a prompt.txt; put the pictures beside it." + (
            "" if command else " FDCORE_GENERATOR names a command that this server may run instead."))  # fmt: skip
    else:
        parse_command(command)
        st.code(command, language=None)
    return watches


def _settings(desk: Desk, plan: Plan, hierarchy: Hierarchy, node: str | None) -> dict[str, Any]:
    """The fields of a `GrowRequest` but its generator, with what they mean."""
    wide, *narrow = st.columns((4, 1, 1, 1, 1))
    template = wide.text_input("Prompt", "a photo of a {name}", key="grow_prompt", max_chars=500,
                               help="{name} is the node's name, {gloss} its definition")  # fmt: skip
    count = narrow[0].number_input("Pictures", 1, MAX_COUNT, 20, key="grow_count")
    rounds = narrow[1].number_input("Rounds", 1, 24, 4, key="grow_rounds")
    most = max(desk.case.facts().n_classes - 1, 0)
    target = narrow[2].number_input("Class", 0, most or None, None, key="grow_class", placeholder="any", help="Its "
                                    "score leads. Empty: the class that the first pictures are put in.")  # fmt: skip
    seed = narrow[3].number_input("Seed", 0, 2**31 - 1, 0, key="grow_seed")
    request: dict[str, Any] = {"below": node or "", "template": template, "count": count, "max_rounds": rounds,
                               "seed": seed, "target_class": target}  # fmt: skip
    GrowRequest(**request, watch="any")
    if node:
        st.text(f"First prompt: {shortened(prompt_of(template, hierarchy, node), 200)}")
    left = budget_left(desk.case)
    budget = "" if left is None else f"; the budget leaves {left:,}"
    st.caption(f"{count * plan.settings.n_views:,} queries for each node{budget}.")
    return request


def _generated(case: Case) -> None:
    """What was generated so far."""
    sets = read_generated(case)
    if not sets:
        return
    column = st.column_config
    show_table(
        pd.DataFrame({
            "round": [one.round for one in sets], "label": [shortened(one.label, 60) for one in sets],
            "prompt": [shortened(one.prompt, 200) for one in sets], "pictures": [len(one.pictures) for one in sets],
            "refused": [len(one.refused) for one in sets], "seed": [one.seed for one in sets],
        }),
        "generated",
        {"round": column.NumberColumn("Round", width="small"), "label": column.TextColumn("Made of"),
         "prompt": column.TextColumn("Prompt", width="large"),
         "pictures": column.NumberColumn("Pictures", width="small"),
         "refused": column.NumberColumn("Refused", width="small", help="Files that were no usable pictures"),
         "seed": column.NumberColumn("Seed", width="small")},
    )  # fmt: skip
    last = sets[-1]
    if last.printed:
        st.caption(f"Printed last: {inert(shortened(last.printed.splitlines()[-1], 200))}")
