"""Taken away from every page: CSV that says what the engine says, figures as pages that need nothing else."""

import io
import re
import zipfile

import numpy as np
import pandas as pd
from browser.driver import download, idle, key, open_page
from browser.journey import conclusions, tab
from browser.server import Server
from playwright.sync_api import Page
from pypdf import PdfReader

from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored
from fdcore.case.intake import read_survey, read_test_query


class Taken:
    """What a page's Export menu gave: tables by title, figures by title."""

    def __init__(self, page: Page, server: Server, name: str, **params: object) -> None:
        open_page(page, server, name, **params)
        menu = key(page, "export").last
        menu.get_by_role("button", name="Export").click()
        body = page.get_by_test_id("stPopoverBody")
        body.get_by_test_id("stDownloadButton").first.wait_for()
        idle(page)  # the others follow
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


def test_what_is_taken_from_each_step_is_what_the_case_holds(server: Server, page: Page, case_id: str):
    """Found names, answers to the test query, files of each leaf, scores, the words of each answer, images kept."""
    case, findings = Case.open(server.cases / case_id), conclusions(server, case_id)
    found = Taken(page, server, "", case=case_id).tables["Class by class"]
    assert found["Found"].tolist() == [f.name.label if f.name else "not found" for f in findings.classes]
    query, survey = read_test_query(case), read_survey(case)
    assert query is not None
    assert survey is not None
    asked = Taken(page, server, "Suspect", case=case_id).tables
    assert asked["Test query"]["class"].tolist() == list(query.labels)
    assert "12 x 12 pixels" in asked["Input"]["Value"].tolist()
    corpus = Taken(page, server, "Corpus", case=case_id).tables
    assert dict(zip(corpus["Leaves"]["node"], corpus["Leaves"]["files"], strict=True)) == dict(survey.n_files)
    assert corpus["Problems"].empty
    scores = Taken(page, server, "Leaf_scores", case=case_id, class_=0).tables
    functional = load_scored(case).scores.functional
    assert len(scores["All scores"]) == functional.size
    ranked = scores["Ranking for class 0"]["L"].to_numpy(float)
    assert np.allclose(ranked, -np.sort(-functional[0]), atol=1e-6)
    words = Taken(page, server, "Verification", case=case_id).tables["Words of the finding"].to_csv()
    nodes = [findings.scored.scores.nodes[j] for f in findings.classes if f.selection.winner
             for j in f.selection.winner.members]  # fmt: skip
    assert [node for node in nodes if node not in words] == []
    images = Taken(page, server, "Clone", case=case_id).tables["Found images"]
    n_kept = sum(len(f.filtered.kept) for f in findings.classes)
    assert int((images["kept"].astype(str) == "True").sum()) == n_kept
    assert "missing ScriptRunContext" not in server.log_text()


def test_distances_and_clusters_are_taken_as_they_are_shown(server: Server, page: Page, case_id: str):
    """The matrix of the candidates, symmetric and in whole steps, and its pairs; the clusters at the link's eta."""
    findings = conclusions(server, case_id)
    taken = Taken(page, server, "Distances", case=case_id, class_=0)
    candidates = findings.classes[0].selection.candidates
    matrix = taken.tables["Distances"].iloc[:, -len(candidates) :].to_numpy(float)
    assert np.array_equal(matrix, matrix.T)
    expected = findings.scored.distances(np.sort(np.asarray(candidates)))
    assert np.array_equal(np.sort(matrix, axis=None), np.sort(expected, axis=None))
    assert len(taken.tables["Pairs"]) == len(candidates) * (len(candidates) - 1) // 2
    assert set(taken.figures) == {"Heatmap", "Tree"}
    taken = Taken(page, server, "Selection", case=case_id, class_=0, eta=0)
    found = conclusions(server, case_id, eta=0.0).classes[0].selection
    clusters = taken.tables["Clusters of this class"]
    assert np.allclose(clusters["Objective"].to_numpy(float), [c.objective for c in found.clusters])
    assert clusters["answer"].tolist().count("yes") == 1
    assert len(taken.tables["All classes"]) == len(findings.classes)
    assert {"Stability map", "Clusters", "Images before and after"} == set(taken.figures)


def test_the_report_page_gives_every_file(server: Server, page: Page, case_id: str):
    """Verdict and audit log by the menu; every file of the case, and the report, by its own button."""
    case = Case.open(server.cases / case_id)
    taken = Taken(page, server, "Report", case=case_id)
    assert len(taken.tables["Verdict"]) == 4
    assert len(taken.tables["Audit log"]) == len(list(case.audit()))
    page.keyboard.press("Escape")
    tab(page, "Files")
    for name in ("scores.csv", "selection.csv", "images.csv"):
        stem, _, ending = name.partition(".")
        content = download(page, key(page, f"download_{stem}_{ending}").locator("button"))
        assert content == case.path(name).read_bytes()
    assert b"<script" not in download(page, key(page, "download_report").locator("button")).lower()
    pdf = PdfReader(io.BytesIO(download(page, key(page, "download_pdf").locator("button"))))
    assert "page 1 of" in pdf.pages[0].extract_text()
    assert download(page, key(page, "download_bundle").locator("button"))[:2] == b"PK"
    with zipfile.ZipFile(
        io.BytesIO(download(page, key(page, "download_disclosure").locator("button").first))
    ) as archive:
        assert f"{case_id}-disclosure/verify.py" in archive.namelist()
