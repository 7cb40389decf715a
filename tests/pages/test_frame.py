"""What every page has around it."""

import subprocess
import sys
from dataclasses import replace

import case_factory
import pytest
from conftest import REPOSITORY, principal_axes_for_umap
from opening import PAGES, open_app, open_page
from reading import as_markdown
from streamlit.testing.v1 import AppTest

from fdcore.case.casebook import Casebook
from fdcore.case.claims import write_claims
from fdcore.words.claims import Claims
from fdcore.work.compare_words import check_words
from ui.case.cards import continue_in_words, continues_at


def test_there_is_a_page_for_each_step_and_each_place_beside_them():
    """The pages' files are the steps, in order, and the pages beside them."""
    from ui.steps import PLACES, STEPS

    assert [step.path for step in STEPS[1:]] == [f"pages/{page}.py" for page in PAGES]
    beside = {path.name for path in (REPOSITORY / "pages").glob("*.py")} - {f"{page}.py" for page in PAGES}
    assert {f"pages/{name}" for name in beside} == {place.path for place in PLACES}


@pytest.mark.parametrize("page", PAGES)
def test_without_a_case_every_page_says_what_to_do(cases, page):
    """One sentence and one button."""
    at = open_page(page)
    assert "No case is open" in at.subheader[0].value
    assert at.button(key="empty_action").label == "Choose a case"


@pytest.mark.parametrize("case", ["../etc", "<script>alert(1)</script>", "a" * 300])
def test_a_link_to_no_case_is_a_sentence(cases, case):
    """Whatever the link says, nothing outside the folder is opened and nothing breaks."""
    at = open_page(PAGES[4], case=case)
    assert "There is no case" in at.error[0].value


def test_a_damaged_case_is_a_sentence(cases):
    """The frame, which is that of every page, says what is wrong."""
    (cases / "broken").mkdir()
    (cases / "broken" / "case.json").write_text("{")
    at = open_page(PAGES[0], case="broken")
    assert "cannot be read" in at.error[0].value
    assert "damaged" in at.text[-1].value


@pytest.mark.parametrize("page", [page for page in PAGES if page[0] > "2"])
def test_damaged_tables_are_a_sentence(cases, page):
    """On every page that concludes something from them."""
    case_factory.damaged(cases / "broken", "corpus.parquet")
    at = open_page(page, case="broken")
    assert any("damaged" in error.value for error in at.error)


def test_a_step_is_ticked_once_it_is_done(cases):
    """Nothing in an empty case; in a concluded one everything but words and clones, where its work continues."""
    case_factory.finished(cases / "one")
    Casebook(cases).create("Empty")
    ticked = {
        case: [link.proto.label for link in open_app(case=case).get("page_link") if "check_circle" in link.proto.icon]
        for case in ("empty", "one")
    }
    assert ticked["empty"] == []
    assert {"Overview", "5 Selection", "8 Report"} <= set(ticked["one"])
    assert [continues_at(Casebook(cases).card(case)) for case in ticked] == ["Suspect", "Verification"]
    done = replace(Casebook(cases).card("one"), words_checked=True, cloned=True)
    assert (continues_at(done), continue_in_words(done)) == ("Report", "Open the report")


def test_a_new_case_leads_to_the_first_missing_step(cases):
    """Selection on an empty case sends to Suspect."""
    from fdcore.case.casebook import Casebook

    case_id = Casebook(cases).create("New")
    at = open_page(PAGES[4], case=case_id)
    assert at.button(key="empty_action").label == "Go to Suspect"


def test_a_hostile_title_is_only_text(cases):
    """A case's title is shown as it is, and nothing in it is read as Markdown."""
    from fdcore.case.casebook import Casebook

    case_id = Casebook(cases).create("![x](http://evil/x.png) **b**")
    at = open_page(PAGES[0], case=case_id)
    assert "![x](http" not in as_markdown(at)


def test_the_link_of_a_view_carries_case_class_and_settings(cases):
    """Colleagues see the same."""
    case_factory.finished(cases / "one")
    at = open_page(PAGES[5], case="one", alpha="0.5", eta="4")
    link = next(c.value for c in at.code if "case=one" in c.value)
    assert "alpha=0.5" in link
    assert "eta=4" in link


def test_a_damaged_list_of_jobs_is_a_sentence(cases):
    """It may be deleted without losing a finding, and the page says so."""
    case_factory.finished(cases / "one")
    (cases / ".jobs.sqlite").write_bytes(b"no database" * 1000)
    at = open_page(PAGES[4], case="one")
    assert "Delete" in at.error[0].value


def test_an_error_in_a_part_that_runs_again_is_a_sentence():
    """A fragment runs without its page; what the analyst can mend is said there all the same."""

    def page() -> None:
        from fdcore.errors import CaseError
        from ui.sentences import fragment

        @fragment()
        def part() -> None:
            raise CaseError("The case is damaged.")

        part()

    at = AppTest.from_function(page).run()
    assert at.error[0].value == r"The case is damaged\."


def test_each_of_two_cases_with_like_titles_can_be_opened(cases):
    """Titles that differ only behind where they are cut, and titles that do not differ."""
    from fdcore.case.casebook import Casebook

    book = Casebook(cases)
    long = "Seized drive 7, model.pth from the laptop of suspect"
    ids = [book.create(title) for title in (f"{long} A", f"{long} B", "Twin", "Twin")]
    opened = set()
    for place in range(len(ids)):
        at = open_page(PAGES[0], case=case_factory.planned(cases / f"start-{place}").name)
        box = at.selectbox(key="case_switch")
        option = [one for one in box.options if "Planned" not in one][place]
        box.select(option).run()
        opened.add(at.query_params["case"])
    assert opened == set(ids)


@pytest.mark.parametrize(
    ("page", "own"), [(1, {"node": "n02123045"}), (2, {"leaf": "n02123394"}), (3, {"scope": "all"}), (4, {"eta": "3"})]
)
def test_another_case_begins_with_nothing_of_the_last_one(cases, page, own):
    """A leaf, a node and settings mean nothing in another case; steps 3 to 5 open its first found class."""
    for name in ("one", "two"):
        case_factory.finished(cases / name)
    at = open_page(PAGES[page], case="one", **own, **{"class": "1"})
    box = at.selectbox(key="case_switch")
    box.select(next(option for option in box.options if "(two)" in option)).run()
    first = {"class": "0"} if page > 1 else {}
    assert {name: at.query_params[name] for name in at.query_params} == {"case": "two"} | first


_DRAWN = """
import sys
sys.path[:0] = ["tests", "tests/pages"]
from opening import PAGES, open_app, open_page
for page in PAGES:
    at = open_page(page, case="colours")
    assert not at.exception, at.exception
    print(page, len(at.get("plotly_chart")), *sorted({"torch", "umap", "gensim", "numba"} & set(sys.modules)))
"""


def test_drawing_a_finished_case_never_loads_what_only_jobs_need(cloned):
    """Networks run and maps are drawn in jobs; importing what they need takes longer than anybody waits for a page."""
    write_claims(cloned.folder, Claims({0: "airplane", 1: "cat"}, "a test"))
    with principal_axes_for_umap():
        check_words(cloned.folder, None, cache=cloned.folder.parent.parent / "cache")
    done = subprocess.run([sys.executable, "-c", _DRAWN], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    drawn = {page: (int(n_figures), loaded) for page, n_figures, *loaded in map(str.split, done.stdout.splitlines())}
    assert drawn.keys() == set(PAGES)
    assert {page: loaded for page, (_, loaded) in drawn.items() if loaded} == {}
    assert all(drawn[page][0] >= 2 for page in ("6_Verification", "7_Clone"))
