"""An answer must survive its own removal: what is found once its leaves and their relatives are taken away."""

from dataclasses import replace

import case_factory
import numpy as np
import pytest

from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored
from fdcore.method.findings import Scored, weigh
from fdcore.method.removal import look_again
from fdcore.method.scores import Scores
from fdcore.method.selection import SelectionSettings
from fdcore.work.conclude import agrees_with_files, analyse

SETTINGS = SelectionSettings(evidence=0.3, tau=0.2, relative=0.0)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    return load_scored(Case.open(case_factory.finished(tmp_path_factory.mktemp("removal") / "case")))


def with_shares(scored: Scored, shares: dict[str, float]) -> Scored:
    """The same corpus with a suspect of two classes: 0 gets these shares of the named leaves, 1 everything else."""
    nodes, asked = scored.scores.nodes, 100
    hits = np.zeros((2, len(nodes)), np.int32)
    for node, share in shares.items():
        hits[0, nodes.index(node)] = round(asked * share)
    hits[1] = asked - hits[0]
    full = np.full(len(nodes), asked)
    return replace(scored, scores=Scores(nodes, hits, full, full, design_effect=1.0))


def far_apart(scored: Scored) -> tuple[str, str]:
    """Two leaves that eta does not call related."""
    nodes = scored.scores.nodes
    among = scored.distances(np.arange(len(nodes)))
    first, second = np.unravel_index(np.where(np.isfinite(among), among, 0).argmax(), among.shape)
    assert among[first, second] > SETTINGS.eta
    return nodes[first], nodes[second]


def test_an_answer_that_stands_alone_leaves_nothing(scored):
    """One leaf answers, and no other."""
    one, _ = far_apart(scored)
    alone = with_shares(scored, {one: 0.9})
    rest = look_again(alone, weigh(alone, SETTINGS).classes[0].selection, SETTINGS)
    assert rest is not None
    assert rest.winner is None
    assert "nothing is found" in rest.in_words


def test_what_else_the_class_answers_remains(scored):
    """An unrelated leaf with half the score is the answer once the better one is gone; its index is the corpus's."""
    one, other = far_apart(scored)
    two = with_shares(scored, {one: 0.9, other: 0.45})
    selection = weigh(two, SETTINGS).classes[0].selection
    assert [two.scores.nodes[leaf] for leaf in selection.winner.members] == [one]
    rest = look_again(two, selection, SETTINGS)
    assert rest is not None
    assert rest.winner is not None
    assert [two.scores.nodes[leaf] for leaf in rest.winner.members] == [other]
    assert rest.name.label == two.hierarchy.label(other)
    assert rest.winner.functional == pytest.approx(0.45)


def test_relatives_of_the_answer_go_with_it(scored):
    """A sibling that the answer left out is no other answer."""
    settings = replace(SETTINGS, relative=0.9)
    nodes, among = scored.scores.nodes, scored.distances(np.arange(len(scored.scores.nodes)))
    first, second = next(pair for pair in np.argwhere(among == 2).tolist())
    two = with_shares(scored, {nodes[first]: 0.9, nodes[second]: 0.45})
    rest = look_again(two, weigh(two, settings).classes[0].selection, settings)
    assert rest is not None
    assert rest.winner is None
    assert rest.n_removed >= 2


def test_where_everything_is_related_nothing_remains(scored):
    """With a very large eta the whole corpus goes with the answer."""
    one, other = far_apart(scored)
    two = with_shares(scored, {one: 0.9, other: 0.45})
    wide = replace(SETTINGS, eta=1e6)
    rest = look_again(two, weigh(two, wide).classes[0].selection, wide)
    assert rest is not None
    assert (rest.winner, rest.n_removed) == (None, len(two.scores.nodes))


def test_a_class_without_an_answer_has_nothing_to_take_away(scored):
    nothing = with_shares(scored, {})
    assert look_again(nothing, weigh(nothing, SETTINGS).classes[0].selection, SETTINGS) is None


def test_it_stands_in_the_case_and_the_report(tmp_path):
    """selection.json says it for every found class, and a case that holds it still agrees with its findings."""
    case = Case.open(case_factory.finished(tmp_path / "case"))
    findings = analyse(case.folder)
    entries = case.read_json("selection.json")["classes"]
    found = [entry for entry in entries if entry["status"] == "found"]
    assert all("without" in entry for entry in found)
    n_other = sum(entry["without"]["label"] is not None for entry in found)
    assert case.path("report.html").read_text("utf-8").count(">without it: ") == n_other
    assert agrees_with_files(case, findings)
