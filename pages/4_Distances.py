"""Distances: how close a class's candidates are in the hierarchy."""

from ui import cached, frame, state
from ui.distances import panels as distance_panels
from ui.workbench.bench import open_bench
from ui.workbench.inspector import inspector

with frame.page("Distances") as desk:
    findings = cached.findings(desk.case, state.shown_settings(desk.case))
    bench = open_bench(desk, findings, findings.scored.scores.n_classes)
    with bench.middle:
        distance_panels.draw(bench)
    with bench.right:
        inspector(bench)
