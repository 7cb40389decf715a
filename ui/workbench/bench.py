"""The workbench: the frame of the steps that look at one class. Classes at the left, the step in the middle, and at the
right the inspector, which shows what is behind any mark that was clicked.
"""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fdcore.case.case import Case
from fdcore.method.findings import ClassFinding, Findings, Scored
from fdcore.method.selection import SelectionSettings
from ui import cached, state
from ui.class_names import class_name
from ui.frame import Desk
from ui.workbench.classes import choose_class

_CSS = Path(__file__).with_name("bench.css")


@dataclass(frozen=True)
class Bench:
    """One class of a case on the workbench. What a slider changes is read anew each time.

    Attributes:
        middle, right: where the step and the inspector are drawn.
    """

    desk: Desk
    case: Case
    target_class: int
    middle: DeltaGenerator
    right: DeltaGenerator

    @property
    def scored(self) -> Scored:
        """The answers."""
        return cached.scored(self.case)

    @property
    def settings(self) -> SelectionSettings:
        """The settings shown."""
        return state.shown_settings(self.case)

    @property
    def found(self) -> ClassFinding:
        """The class's finding with these settings."""
        return cached.class_finding(self.case, self.settings, self.target_class)

    def class_name(self, number: int) -> str:
        """A class's number and what was found for it. Not inert."""
        name = cached.class_finding(self.case, self.settings, number).name
        return class_name(number, name.label if name else None, 40)


def open_bench(desk: Desk, findings: Findings | None, n_classes: int) -> Bench:
    """Draw the frame and the list of classes; `findings` is None while answers still arrive."""
    st.html(_CSS)
    with st.container(key="bench_box"), st.container(key="bench"):
        left, middle = st.container(key="bench_list"), st.container(key="bench_middle")
        right = st.container(key="bench_inspector", border=True)
    with left:
        target_class = choose_class(desk.case, findings, n_classes)
    return Bench(desk, desk.case, target_class, middle, right)
