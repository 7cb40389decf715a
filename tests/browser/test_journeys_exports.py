"""Taken away from every page: CSV that says what the engine says, figures as pages that need nothing else."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from browser.driver import download, key, open_page
from browser.journey import complete, conclusions, tiny_server
from browser.server import Server
from playwright.sync_api import Page

from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored
from fdcore.case.intake import read_survey, read_test_query
from fdcore.method.findings import Findings

CASE = "complete"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("exports")
    with tiny_server(folder / "server") as running:
        complete(folder / CASE)
        running.add_case(folder / CASE)
        yield running


@pytest.fixture
def case(server: Server) -> Case:
    return Case.open(server.cases / CASE)


@pytest.fixture
def findings(server: Server) -> Findings:
    return conclusions(server, CASE)


class Taken:
    """What a page's Export menu gave: tables by title, figures by title."""

    def __init__(self, page: Page, server: Server, name: str, **params: object) -> None:
        open_page(page, server, name, case=CASE, **params)
        menu = key(page, "export").last
        menu.get_by_role("button", name="Export").click()
        body = page.get_by_test_id("stPopoverBody")
        body.get_by_test_id("stDownloadButton").first.wait_for()
        page.wait_for_timeout(300)  # the others follow
        self.tables: dict[str, pd.DataFrame] = {}
        self.figures: dict[str, str] = {}
        for offer in body.get_by_test_id("stDownloadButton").all():
            title = offer.inner_text().strip().splitlines()[-1]
            content = download(page, offer.locator("button")).decode()
            if title.endswith("(CSV)"):
                self.tables[title.removesuffix(" (CSV)")] = pd.read_csv(io.StringIO(content), keep_default_na=False)
            else:
                self.figures[title.removesuffix(" (HTML)")] = content
        for title, content in self.figures.items():
            require_whole_figure(content, title)


def require_whole_figure(content: str, title: str) -> None:
    """A page with its figure and its program, which loads nothing."""
    assert content.lstrip().lower().startswith("<!doctype html"), title
    assert "Plotly.newPlot" in content, title
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?https?:", content) == [], title


def test_the_case_page(server: Server, page: Page, findings: Findings):
    """One row for each class, with what was found and its scores."""
    taken = Taken(page, server, "")
    rows = taken.tables["Class by class"]
    assert rows["Class"].tolist() == [0, 1, 2, 3]
    assert rows["Found"].tolist() == [f.name.label if f.name else "not found" for f in findings.classes]
    for text, finding in zip(rows["L"], findings.classes, strict=True):
        assert (float(text) if text != "" else None) == pytest.approx(winner_value(finding, "functional"))
    assert list(taken.figures) == ["What the suspect seems to recognise"]


def winner_value(finding, name: str) -> float | None:
    winner = finding.selection.winner
    return getattr(winner, name) if winner else None


def test_the_suspect_page(server: Server, page: Page, case: Case):
    """The pictures of the test query with their answers, and what the input goes through."""
    taken = Taken(page, server, "Suspect")
    query = read_test_query(case)
    assert query is not None
    assert taken.tables["Test query"]["class"].tolist() == list(query.labels)
    assert "12 x 12 pixels" in taken.tables["Input"]["Value"].tolist()
    assert len(taken.figures) == 1


def test_the_corpus_page(server: Server, page: Page, case: Case):
    """All leaves with their numbers of files, and the problems, of which there are none."""
    taken = Taken(page, server, "Corpus")
    survey = read_survey(case)
    assert survey is not None
    leaves = taken.tables["Leaves"]
    by_node = dict(zip(leaves["node"], leaves["files"], strict=True))
    assert by_node == dict(survey.n_files)
    assert taken.tables["Problems"].empty
    assert len(taken.figures) == 1


def test_the_leaf_scores_page(server: Server, page: Page, case: Case):
    """Every class and leaf with its score and interval."""
    taken = Taken(page, server, "Leaf_scores", class_=0)
    scores = load_scored(case).scores
    rows = taken.tables["All scores"]
    assert len(rows) == scores.functional.size
    ranking = taken.tables["Ranking for class 0"]
    column = next(name for name in ranking if name.lower() in ("l", "functional", "score", "functional_score"))
    assert np.allclose(ranking[column].to_numpy(float), -np.sort(-scores.functional[0]), atol=1e-6)
    assert len(taken.figures) == 2


def test_the_distances_page(server: Server, page: Page, findings: Findings):
    """The matrix of the candidates, symmetric and in whole steps, and its pairs."""
    taken = Taken(page, server, "Distances", class_=0)
    candidates = findings.classes[0].selection.candidates
    matrix = taken.tables["Distances"].iloc[:, -len(candidates) :].to_numpy(float)
    assert matrix.shape == (len(candidates), len(candidates))
    assert np.array_equal(matrix, matrix.T)
    expected = findings.scored.distances(np.sort(np.asarray(candidates)))
    assert np.array_equal(np.sort(matrix, axis=None), np.sort(expected, axis=None))
    assert len(taken.tables["Pairs"]) == len(candidates) * (len(candidates) - 1) // 2
    assert set(taken.figures) == {"Heatmap", "Tree"}


def test_the_selection_page(server: Server, page: Page, findings: Findings):
    """The clusters of the class as they were weighed, all classes, and the stability map."""
    taken = Taken(page, server, "Selection", class_=0, eta=0)
    found = conclusions(server, CASE, eta=0.0).classes[0].selection
    clusters = taken.tables["Clusters of this class"]
    assert np.allclose(clusters["Objective"].to_numpy(float), [c.objective for c in found.clusters])
    assert clusters["answer"].tolist().count("yes") == 1
    assert len(taken.tables["All classes"]) == len(findings.classes)
    assert {"eta", "alpha", "answer"} <= set(taken.tables["Stability map"])
    assert {"Stability map", "Clusters", "Images before and after"} == set(taken.figures)


def test_the_verification_page(server: Server, page: Page, findings: Findings):
    """The words of every selected leaf."""
    taken = Taken(page, server, "Verification")
    rows = taken.tables["Words of the finding"]
    text = rows.to_csv()
    winners = [f.selection.winner for f in findings.classes if f.selection.winner]
    for winner in winners:
        assert [node for node in winner.members if findings.scored.scores.nodes[node] not in text] == []


def test_the_clone_page(server: Server, page: Page, findings: Findings):
    """The images that a clone would learn from: as many as stayed after filtering."""
    taken = Taken(page, server, "Clone")
    n_kept = sum(len(f.filtered.kept) for f in findings.classes)
    images = taken.tables["Found images"]
    assert int((images["kept"].astype(str) == "True").sum()) == n_kept
    assert list(taken.figures) == ["Kept images"]


def test_the_report_page(server: Server, page: Page, case: Case, findings: Findings):
    """Verdict and audit log by the menu; every file of the case, and the report, by its own button."""
    taken = Taken(page, server, "Report")
    assert len(taken.tables["Verdict"]) == len(findings.classes)
    assert len(taken.tables["Audit log"]) == len(list(case.audit()))
    page.keyboard.press("Escape")
    for name in ("scores.csv", "selection.csv", "images.csv"):
        stem, _, ending = name.partition(".")
        content = download(page, key(page, f"download_{stem}_{ending}").locator("button"))
        assert content == case.path(name).read_bytes()
    report = download(page, key(page, "download_report").locator("button")).decode()
    assert "<script" not in report.lower()
    bundle = download(page, key(page, "download_bundle").locator("button"))
    assert bundle[:2] == b"PK"
