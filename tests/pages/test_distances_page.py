"""The Distances page: matrix, tree and pairs of a class's candidates."""

import case_factory
import numpy as np
from opening import open_case, open_page
from reading import as_markdown, component, components, said

from fdcore.case import tables
from fdcore.work.conclude import analyse

PAGE = "4_Distances"
HOSTILE = "![x](http://evil/x.png) <b onclick=alert(1)>bold</b> " + "long " * 16


def test_a_class_shows_its_matrix_its_tree_and_its_pairs(finished):
    """Class 0 of the small world: four leaves by colour, one of them a false friend."""
    at = open_case(PAGE, finished)
    assert "4 candidates, 2 in the answer" in said(at)
    drawn = component(at, "distances_cells")
    assert drawn["rows"] == drawn["columns"]
    assert [row[n] for n, row in enumerate(drawn["values"])] == [0] * 4
    at.segmented_control(key="distances_tab").set_value("Tree").run()
    assert len(at.get("plotly_chart")) == 1
    at.segmented_control(key="distances_tab").set_value("Pairs").run()
    table = at.dataframe[0].value
    assert len(table) == 6
    assert table["steps"].is_monotonic_increasing
    assert {"airliner", "warplane"} == {table["first"][0], table["second"][0]}
    assert "heavier" in table["ancestor"][0]


def test_the_order_is_that_of_clusters_or_of_the_hierarchy(finished):
    """Changing it keeps the leaves and takes the frames away."""
    at = open_case(PAGE, finished)
    framed = component(at, "distances_cells")
    assert framed["frames"] == [[0, 2], [2, 3], [3, 4]]
    at.segmented_control(key="order").set_value("Hierarchy").run()
    assert component(at, "distances_cells")["frames"] == []
    assert set(component(at, "distances_cells")["rows"]) == set(framed["rows"])


def test_another_class_of_the_link_is_another_neighbourhood(finished):
    """The class comes from the URL; two cats are one pair."""
    at = open_case(PAGE, finished, **{"class": "1"}, tab="Pairs")
    assert "2 candidates" in said(at)
    assert len(at.dataframe[0].value) == 1
    assert "in common: domestic cat" in said(at)


def test_nothing_found_names_the_best_leaf_and_leads_to_tau(finished):
    """Class 3 is never the suspect's answer."""
    at = open_case(PAGE, finished, **{"class": "3"})
    assert "Nothing found for class 3" in at.subheader[0].value
    assert "no view of any leaf" in at.subheader[0].value
    assert at.button(key="empty_action").label == "Change tau in Selection"


def test_the_links_tau_decides_and_is_shown(finished):
    """Settings of the URL stand above those of the case; what is out of range is told and ignored."""
    at = open_case(PAGE, finished, tau="0.99", eta="1e99")
    assert "tau = 0.99" in said(at)
    assert "eta" in at.warning[0].value


def test_all_classes_together(finished):
    """Every candidate of every class in one matrix, by the link as well."""
    at = open_case(PAGE, finished, scope="all", tab="Pairs")
    assert "8 candidates" in said(at)
    assert len(at.dataframe[0].value) == 28
    at.segmented_control(key="scope").set_value("One class").run()
    assert "4 candidates" in said(at)


def test_a_corpus_without_hierarchy_says_so(finished):
    """Every leaf a component of its own: no distances, and a sentence on how to mend it."""
    case_factory.change_hierarchy(finished.folder, lambda node, _parents, names: (node, (), names))
    at = open_case(PAGE, finished)
    assert "unrelated" in at.info[0].value
    assert "distances_cells" not in components(at)
    assert "closest pair: unrelated" in said(at)
    assert at.dataframe[0].value["steps"].isna().all()


def test_a_single_candidate_has_nothing_to_compare(finished):
    """One leaf: its place in the hierarchy and no matrix."""
    answers = np.load(finished.folder / "ledger" / "answers.npy")
    images = tables.image_table_from_parquet((finished.folder / "corpus.parquet").read_bytes())
    answers[(answers == 1) & (images.node_index[:, None] != images.nodes.index("n02123045"))] = 2
    np.save(finished.folder / "ledger" / "answers.npy", answers)
    at = open_case(PAGE, finished, **{"class": "1"})
    assert "Nothing to compare" in said(at)
    assert any("entity > " in text.value for text in at.text)
    assert "distances_cells" not in components(at)


def test_hostile_labels_are_only_text(finished):
    """Neither Streamlit's Markdown nor Plotly's markup reads them."""
    case_factory.call_everything(finished.folder, HOSTILE)
    for tab in ("Matrix", "Tree", "Pairs"):
        at = open_case(PAGE, finished, tab=tab)
        assert "![x](http" not in as_markdown(at)
        for chart in at.get("plotly_chart"):
            assert "<b onclick" not in chart.proto.spec.replace("\\u003c", "<")


def test_a_half_finished_case_shows_what_there_is(cases):
    """Candidates of what was answered so far."""
    case_factory.half_finished(cases / "half")
    at = open_page(PAGE, case="half")
    assert "closest pair" in said(at)


def test_torch_stays_out(finished):
    """The page is drawn from the case's folder alone: without its evidence, too."""
    analyse(finished.folder)
    for file in (finished.folder / "evidence").iterdir():
        file.unlink()
    open_case(PAGE, finished)
    assert finished.facts().evidence
