"""The Verification page: known label sets, claims, word vectors, Table 4 and the maps, in every state of a case."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import case_factory
import numpy as np
import pytest
import tiny_world
from conftest import principal_axes_for_umap
from opening import open_case
from reading import as_markdown, figures_by_key, metric, said, table

from fdcore.case.case import Case
from fdcore.case.claims import read_claims, write_claims
from fdcore.case.conclusions import lock_class
from fdcore.case.gaps import add_gap
from fdcore.case.layout import BESIDE, WORD_VECTORS, WORDS
from fdcore.case.layout import CLAIMS as CLAIMS_FILE
from fdcore.jobs import JobQueue
from fdcore.method.selection import Choice
from fdcore.verdict.gap import Gap, Split
from fdcore.words.agreement import Agreement
from fdcore.words.claims import FROM_SUSPECT, Claims
from fdcore.words.label_sets import LabelSet, label_set, label_sets
from fdcore.words.similarity import ClassSimilarity, NearestTokens
from fdcore.work.compare_words import case_vectors, check_words, choose_vectors, chosen_vectors
from ui.verification.tables import agreement_table, conclusion, headline, hints, known_leaves

PAGE = "6_Verification"
HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) :material/home: $x$ **bold** " + "w" * 80
CLAIMS = Claims({0: "airplane", 1: "cat", 2: "piano", 3: "gribbleflop"}, "the README")
GLOVE = "airplane 1 0 0\nairliner 0.8 0.6 0\nwarplane 0.6 0.8 0\ncat 0 0 2\npiano 0 3 1\nconvertible 2 1 0\n"

pytestmark = pytest.mark.usefixtures("quick_umap")


@pytest.fixture
def cases(cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of cases, and one for word vectors."""
    (tmp_path / "vectors").mkdir()
    monkeypatch.setenv("FDCORE_VECTORS", str(tmp_path / "vectors"))
    return cases


@pytest.fixture
def claimed(finished: Case) -> Case:
    write_claims(finished.folder, CLAIMS)
    return finished


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case whose claims were compared and whose maps were drawn; to be copied."""
    folder = tmp_path_factory.mktemp("compared")
    write_claims(case_factory.finished(folder / "colours"), CLAIMS)
    with principal_axes_for_umap():
        check_words(folder / "colours", None, cache=folder / "cache")
    return folder / "colours"


@pytest.fixture
def mapped(cases: Path, compared: Path) -> Case:
    """A copy of that case."""
    return Case.open(shutil.copytree(compared, cases / "colours"))


@pytest.fixture
def glove(cases: Path) -> Path:
    path = cases.parent / "vectors" / "six.txt"
    path.write_text(GLOVE)
    return path


@pytest.fixture
def cache(cases: Path) -> Path:
    return cases.parent / "cache"


# Without claims


def test_known_label_sets_come_first_while_nothing_is_claimed(finished: Case) -> None:
    """They need nothing from the analyst; every set of the suspect's size, or one fewer, is in the table."""
    at = open_case(PAGE, finished)
    assert metric(at, "Claims compared") == "0 of 4"
    assert [tab.label for tab in at.tabs][:2] == ["Known label sets", "Claims"]
    sets = table(at, "Known set")
    fitting = [one for one in label_sets() if len(one) in (3, 4)]
    assert len(sets) == sum(2 if len(one) == 3 else 1 for one in fitting)
    assert "No known label set agrees in class order" in said(at)
    assert "agreement_matrix" in figures_by_key(at)
    assert "similarity_bars" not in figures_by_key(at)


def test_no_known_set_of_the_size_is_told_with_the_nearest(cases: Path) -> None:
    """And the page goes on without."""
    odd = Case.open(case_factory.big(cases / "odd", 33, 40, images_per_leaf=4, n_views=2, analysed=False))
    at = open_case(PAGE, odd)
    assert metric(at, "Known label set") == "none fits"
    text = said(at)
    assert "No known label set has 33 classes, or one fewer" in text
    assert "30 (" in text
    assert "37 (" in text


def agreement_of(n_classes: int, n_labels: int, *, mean: float, p_value: float, offset: int = 0) -> Agreement:
    """How a set of as many labels agrees, all classes compared."""
    known = LabelSet(
        f"set{n_labels}", f"Set of {n_labels}", "", (("x",),) * n_labels, (None,) * n_labels, None, None, 3
    )
    per_class, n_compared = np.full(n_classes, mean), min(n_classes, n_labels)
    by_node = np.zeros(n_classes, dtype=bool)
    return Agreement(known, offset, per_class, by_node, by_node, mean, p_value, n_compared, mean, ("Another set",))


def test_a_small_set_that_fits_is_not_told_as_one_that_does_not_agree() -> None:
    """A perfect match of three labels: it fits, too few classes to rule out chance; a poor one is told as before."""
    poor, fits = agreement_of(3, 3, mean=0.3, p_value=0.6), agreement_of(3, 3, mean=1.0, p_value=0.17)
    assert headline([poor, fits]).startswith("**Set of 3 fits** (1.00 over 3 classes, p = 0.17), but")
    assert agreement_table([fits])["Convincing"].tolist() == ["too few classes"]
    assert hints([fits])[0].startswith("Another set has the same names in the same order")
    assert "too few classes to rule out chance" in conclusion([], [fits])
    assert "No known label set agrees" in headline([poor])
    assert "too few" not in conclusion([], [poor])
    front = agreement_of(11, 10, mean=0.9, p_value=0.0005, offset=1)
    assert "(one class in front)" in headline([front]).replace("\\", "")
    assert "fits" not in headline([front, fits])


def test_leaves_without_a_known_word_are_told() -> None:
    """Below nine leaves in ten the page says among how many a percentile is; else it says nothing."""
    near = NearestTokens(0.5, 1.0, "a", "b")
    few, many, none = (
        ClassSimilarity(0, "a", ("n",), 0.5, one, 0.9, (), (), n) for one, n in ((near, 80), (near, 95), (None, 0))
    )
    assert known_leaves([many, none], 100) == ""
    assert known_leaves([none], 100) == ""
    assert known_leaves([few], 100).startswith("80 of 100 leaves of the corpus can be compared with a claim;")
    assert known_leaves([few, many, none], 100).startswith("80 to 95 of 100 leaves")


def test_a_known_set_becomes_claims_that_are_kept(finished: Case) -> None:
    """Filled in by one button, kept by another, read back; then the table compares them."""
    at = open_case(PAGE, finished)
    at.selectbox(key="label_set_colours").select("beans 0").run()
    at.button(key="use_set").click().run()
    assert not read_claims(finished).names, "nothing is kept before the analyst says so"
    keep = at.button(key="claims_keep")
    assert not keep.disabled
    keep.click().run()
    kept = read_claims(finished)
    assert list(kept.names.values()) == [names[0] for names in label_set("beans").names]
    assert "Beans" in kept.source
    assert table(at, "Claimed")["Claimed"].tolist() == list(kept.names.values())
    assert [e["details"]["n_claims"] for e in finished.audit() if e["event"] == "claims changed"] == [3]


def test_what_was_kept_before_can_be_brought_back(claimed: Case) -> None:
    """Undo drops what is not kept; after keeping it fills in what was kept before."""
    at = open_case(PAGE, claimed)
    at.button(key="use_set").click().run()
    at.button(key="claims_undo").click().run()
    assert at.button(key="claims_keep").disabled
    at.button(key="claims_clear").click().run()
    at.button(key="claims_keep").click().run()
    assert read_claims(claimed) == Claims()
    at.button(key="claims_undo").click().run()
    at.button(key="claims_keep").click().run()
    assert read_claims(claimed) == CLAIMS


def test_a_table_of_claims_is_read(finished: Case) -> None:
    """CSV in, claims kept, the file's name as their source."""
    at = open_case(PAGE, finished)
    at.segmented_control(key="claims_way").set_value("CSV file").run()
    at.file_uploader(key="claims_csv_colours").upload("seller.csv", b"class,name\n1,cat\n0,airplane\n").run()
    assert "2 claims read" in said(at)
    at.button(key="fill_csv").click().run()
    at.button(key="claims_keep").click().run()
    assert read_claims(finished) == Claims({0: "airplane", 1: "cat"}, "the table seller.csv")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"class,name\n9,cat\n", "class 9"), (b"class,name\n0,\n", "contains no names")],
)
def test_a_bad_table_is_a_sentence_and_changes_nothing(claimed: Case, content: bytes, sentence: str) -> None:
    """What is kept and what is being entered stay as they are."""
    at = open_case(PAGE, claimed)
    at.toggle(key="claims_open").set_value(True).run()
    at.segmented_control(key="claims_way").set_value("CSV file").run()
    at.file_uploader(key="claims_csv_colours").upload("bad.csv", content).run()
    assert sentence in said(at)
    assert "fill_csv" not in [button.key for button in at.button]
    assert read_claims(claimed) == CLAIMS


def test_the_files_own_words_are_offered_and_marked_only_where_it_tells_some(finished: Case) -> None:
    """Names that the suspect's file tells are hostile strings from whoever made it."""
    assert "The file's own names" not in open_case(PAGE, finished).segmented_control(key="claims_way").options
    suspect = finished.facts().suspect
    finished.record(suspect=replace(suspect, class_names=("airplane", HOSTILE, "car", "x")))
    at = open_case(PAGE, finished)
    at.segmented_control(key="claims_way").set_value("The file's own names").run()
    assert "nothing proves that they are right" in said(at)
    at.button(key="fill_own").click().run()
    at.button(key="claims_keep").click().run()
    assert read_claims(finished) == Claims({0: "airplane", 1: HOSTILE, 2: "car", 3: "x"}, FROM_SUSPECT)


def test_names_from_a_file_beside_the_suspect_are_offered_with_their_source(finished: Case) -> None:
    """They become claims only when somebody fills them in and saves them."""
    beside = Claims({0: "airplane", 1: HOSTILE}, "a file beside the suspect, labels.txt")
    finished.write_json(BESIDE, {"names": beside.names, "source": beside.source})
    at = open_case(PAGE, finished)
    at.segmented_control(key="claims_way").set_value("A file beside it").run()
    assert "From a file beside the suspect, labels.txt" in said(at)
    assert read_claims(finished) == Claims()
    at.button(key="fill_beside").click().run()
    at.button(key="claims_keep").click().run()
    assert read_claims(finished) == beside


# With claims


def test_table_4_says_how_the_words_agree(claimed: Case) -> None:
    """A row for each claim: agreement, nearest words, what was not found and what has no vector."""
    at = open_case(PAGE, claimed)
    rows = table(at, "Claimed")
    assert rows["Class"].tolist() == [0, 1, 2, 3]
    assert rows["Found"].tolist()[1] == "tabby, Persian cat"
    assert rows["Nearest words"].tolist()[1] == "cat / cat"
    assert rows["Cosine"].tolist()[1] == 1
    assert rows["Verdict"].tolist()[2:] == ["does not agree", "not found"]
    assert np.isnan(rows["Cosine"].tolist()[3])
    assert metric(at, "Claims compared") == "3 of 4"
    text = said(at)
    assert "Nothing was found for class 3" in text
    assert "gribbleflop" in text
    assert "4 of 4 classes. Source: the README" in text


def test_the_headline_says_what_weakens_it_and_leaves_out_answers_chosen_by_hand(
    claimed: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One box holds how many agree, that the vectors come from the hierarchy, and what the whole means."""
    lock_class(claimed.folder, Choice(0, ("n02690373",), "as claimed", "", "2026-01-01T00:00:00+00:00"))
    monkeypatch.setattr("ui.cached.verdict", lambda case, settings: SimpleNamespace(outcome="undecided"))
    at = open_case(PAGE, claimed)
    box = at.warning[0].value
    assert "1 of 2 claims agree with what was found, 1 does not; 1 class is left out because its answer was" in box
    assert "The vectors were made from the hierarchy itself, so this proves little: load others." in box
    assert "The verdict over all classes is undecided" in box
    assert table(at, "Claimed")["Verdict"].tolist()[:2] == ["chosen by hand", "agrees"]
    assert metric(at, "Claims compared") == "2 of 4"
    assert "chosen by hand" in next(one.delta for one in at.metric if one.label == "Claims compared")
    bars = figures_by_key(at)["similarity_bars"]
    assert len(bars["layout"]["yaxis"]["ticktext"]) == 2
    assert "Not drawn and not counted: class 0" in said(at)


def test_a_bar_is_the_paler_the_less_similar_the_words_are(claimed: Case) -> None:
    """A weak similarity that agrees all the same does not look like the same word."""
    shades = sorted(
        (similarity, opacity)
        for bars in figures_by_key(open_case(PAGE, claimed))["similarity_bars"]["data"] if bars["type"] == "bar"
        for similarity, opacity in zip(bars["x"], bars["marker"]["opacity"], strict=True) if similarity is not None
    )  # fmt: skip
    assert len({similarity for similarity, _ in shades}) > 1
    assert [opacity for _, opacity in shades] == sorted(opacity for _, opacity in shades)
    assert shades[-1] == (1, 1)
    assert shades[0][1] < shades[-1][1]


def test_the_settings_come_from_the_link(claimed: Case) -> None:
    """At eta 0 each leaf is a group of its own, so that less is compared with the claim."""
    assert table(open_case(PAGE, claimed), "Claimed")["Found"].tolist()[1] == "tabby, Persian cat"
    assert table(open_case(PAGE, claimed, eta="0"), "Claimed")["Found"].tolist()[1] in ("tabby", "Persian cat")


def test_hostile_claims_are_inert(finished: Case) -> None:
    """They stand in cells, figures and plain text, never where Markdown or HTML is read."""
    write_claims(finished.folder, Claims(dict.fromkeys(range(4), HOSTILE[:200]), HOSTILE[:200]))
    check_words(finished.folder, None, cache=finished.folder.parent.parent / "cache")
    at = open_case(PAGE, finished)
    shown = as_markdown(at)
    assert "<script>" not in shown
    assert "![x](" not in shown
    assert ":material/home:" not in shown
    for figure in figures_by_key(at).values():
        assert "<script>" not in json.dumps(figure).replace("\\u003c", "<")


def test_a_thousand_classes_are_drawn_in_pages(cases: Path) -> None:
    """A histogram first, bars in pages, and one editor for all."""
    case = Case.open(case_factory.big(cases / "big", 1000, 300, images_per_leaf=4, n_views=2, analysed=False))
    write_claims(case.folder, Claims({i: f"thing {i}" for i in range(1000)}, "x" * 80))
    at = open_case(PAGE, case)
    figures = figures_by_key(at)
    assert "similarity_histogram" in figures
    names = figures["similarity_bars"]["layout"]["yaxis"]["ticktext"]
    assert 0 < len(names) <= 40
    assert len(table(at, "Claimed")) == 1000
    assert "1,000 of 1,000 classes" in said(at)


# Word vectors


def test_the_built_in_vectors_are_marked_and_the_folder_is_named(finished: Case) -> None:
    at = open_case(PAGE, finished)
    text = said(at)
    assert "Not independent of the hierarchy" in text
    assert "made from the same hierarchy" in text
    assert str(finished.folder.parent.parent / "vectors") in [one.value for one in at.text]


def test_a_file_is_prepared_by_a_job_while_the_page_stays_usable(
    claimed: Case, glove: Path, cache: Path, idle_workers: None
) -> None:
    """Chosen, then prepared; until then the built-in vectors compare, afterwards the file does."""
    at = open_case(PAGE, claimed)
    at.selectbox(key="vectors_choice").select("file:six.txt").run()
    assert chosen_vectors(claimed) == glove
    assert "must be prepared once" in said(at)
    assert "31,0" in said(at), "the built-in vectors are in use"
    at.button(key="prepare_vectors").click().run()
    job = JobQueue(claimed.folder.parent).latest("colours")
    assert (job.kind, job.params["vectors"], job.params["cache"]) == ("vectors", str(glove), str(cache))
    assert len(table(at, "Claimed")) == 4
    assert "job_pause" in [button.key for button in at.button]
    case_vectors(claimed, glove, cache)
    at = open_case(PAGE, claimed)
    text = said(at)
    assert "must be prepared" not in text
    assert "6 words" in text
    assert "Independent of the hierarchy" in text
    assert "six" in text


def test_vectors_outside_the_folders_are_refused(claimed: Case, tmp_path: Path, cache: Path) -> None:
    """An imported case may name any path: the kept vectors are used instead, or the built-in ones."""
    secret = tmp_path / "secret.txt"
    secret.write_text(GLOVE)
    choose_vectors(claimed, secret)
    at = open_case(PAGE, claimed)
    assert "lies outside the folders that this server may read" in said(at)
    assert "built-in vectors are used instead" in said(at)
    check_words(claimed.folder, secret, cache=cache)
    at = open_case(PAGE, claimed)
    assert "vectors kept in this case are used instead" in said(at)
    assert "kept in this case" in said(at)


def test_vectors_that_are_gone_or_damaged_are_a_sentence(claimed: Case, glove: Path, cache: Path) -> None:
    choose_vectors(claimed, glove)
    glove.unlink()
    assert any("There is no" in warning.value for warning in open_case(PAGE, claimed).warning)
    choose_vectors(claimed, claimed.path(WORD_VECTORS))
    claimed.write(WORD_VECTORS, b"no archive")
    at = open_case(PAGE, claimed)
    assert "built-in vectors are used instead" in said(at)
    assert len(table(at, "Claimed")) == 4


# Maps


def test_the_maps_are_drawn_by_a_job(claimed: Case, idle_workers: None, cache: Path) -> None:
    """One primary button hands everything to a process of its own."""
    at = open_case(PAGE, claimed)
    button = at.button(key="draw_maps")
    assert button.label == "Compare and draw the maps"
    button.click().run()
    job = JobQueue(claimed.folder.parent).latest("colours")
    assert (job.kind, job.params["vectors"], job.params["cache"]) == ("words", "", str(cache))
    assert at.button(key="draw_maps").disabled


def test_stored_maps_are_shown_until_something_else_is_looked_at(mapped: Case, glove: Path, cache: Path) -> None:
    """By method and class; a notice says what they are about that is no longer looked at."""
    at = open_case(PAGE, mapped)
    assert "word_map" in figures_by_key(at)
    assert not [warning for warning in at.warning if "The maps show" in warning.value]
    at.segmented_control(key="map_method").set_value("umap").run()
    write_claims(mapped.folder, Claims({0: "boat"}, ""))
    case_vectors(mapped, glove, cache)
    choose_vectors(mapped, glove)
    notice = open_case(PAGE, mapped, eta="0").warning[-1].value
    for part in ("other settings", "other claims", "other word vectors", "Save yours on the Selection page"):
        assert part in notice


def test_maps_of_other_findings_are_told(mapped: Case) -> None:
    """A class that was locked since is another finding with the same settings."""
    lock = {"target_class": 1, "nodes": [], "note": "no", "by": "", "time": "2026-01-01T00:00:00+00:00"}
    (mapped.folder / "choices.json").write_text(json.dumps({"choices": [lock]}))
    assert "other findings" in open_case(PAGE, mapped).warning[-1].value


# Other states


def test_a_half_finished_case_is_compared_with_what_there_is(cases: Path) -> None:
    case = Case.open(case_factory.half_finished(cases / "half"))
    write_claims(case.folder, CLAIMS)
    at = open_case(PAGE, case)
    assert len(table(at, "Claimed")) == 4
    assert any("Preliminary" in warning.value for warning in at.warning)


def test_nothing_found_leads_to_tau(finished: Case) -> None:
    """An empty finding is an empty state with one action; claims can be entered all the same."""
    locks = [{"target_class": i, "nodes": [], "note": "no", "by": "", "time": "2026-01-01T00:00:00+00:00"}
             for i in range(4)]  # fmt: skip
    (finished.folder / "choices.json").write_text(json.dumps({"choices": locks}))
    at = open_case(PAGE, finished)
    assert at.button(key="empty_action").label == "Change the settings in Selection"
    assert at.button(key="claims_keep").disabled


def test_damaged_claims_are_a_sentence_and_can_be_replaced(finished: Case) -> None:
    """The rest of the page is drawn, and keeping new claims mends it."""
    finished.path(CLAIMS_FILE).write_text('{"names": {"9": "cat"}, "source": ""}')
    at = open_case(PAGE, finished)
    assert "Saving new claims replaces them" in said(at)
    assert at.error
    assert "agreement_matrix" in figures_by_key(at)
    at.button(key="use_set").click().run()
    at.button(key="claims_keep").click().run()
    assert not at.error
    assert read_claims(finished).names


@pytest.mark.parametrize("change", ["cut", "places"])
def test_damaged_maps_are_a_sentence(mapped: Case, change: str) -> None:
    """The comparison stays, and the maps can be drawn again."""
    words = mapped.read_json(WORDS)
    words["map"]["maps"]["umap"]["coordinates"].pop()
    mapped.path(WORDS).write_text(json.dumps(words)[: 200 if change == "cut" else None])
    at = open_case(PAGE, mapped)
    assert at.error
    assert "word_map" not in figures_by_key(at)
    assert not at.button(key="draw_maps").disabled
    assert len(table(at, "Claimed")) == 4


# The words themselves


def test_the_words_of_every_class_are_listed(finished: Case) -> None:
    """Labels, synonyms and WordNet's definitions, of the leaves and of what they have in common."""
    at = open_case(PAGE, finished)
    assert metric(at, "Classes with words") == "3 of 4"
    words = table(at, "gloss")
    cats = words[words["class"].str.startswith("Class 1")]
    assert cats["role"].tolist() == ["in common", "selected leaf", "selected leaf"]
    assert cats["label"].tolist()[0] == "domestic cat"
    assert "house cat" in cats["synonyms"].tolist()[0]
    assert all(cats["gloss"])


@pytest.mark.usefixtures("idle_workers")
def test_two_splits_are_compared_by_a_job(finished: Case) -> None:
    """Both must be chosen; the folders' absolute paths and the number of pictures go to the job."""
    at = open_case(PAGE, finished)
    assert at.button(key="split_go").disabled
    at.selectbox(key="split_train").set_value("tiny").run()
    at.selectbox(key="split_test").set_value("tiny").run()
    assert at.button(key="split_go").disabled
    at.selectbox(key="split_test").set_value(f"tiny/{next(iter(tiny_world.LEAVES))}").run()
    at.number_input(key="split_most").set_value(500).run()
    assert "1,000 queries" in as_markdown(at)
    at.button(key="split_go").click().run()
    job = JobQueue(finished.folder.parent).latest("colours")
    assert job.kind == "gap"
    assert job.params["train"] == str(case_factory.world().corpora / "tiny")
    assert job.params["most"] == 500


def test_a_gap_is_shown_before_later_comparisons_without_one(finished: Case) -> None:
    """Names are texts; a damaged record is a sentence, and the form stays."""
    seen = Gap(Split("a/train", 100, 99), Split("a/<b>test", 100, 80), 10, 1, 0.0001, time="2026-01-01T00:00:00+00:00")
    add_gap(finished, seen)
    add_gap(finished, replace(seen, train=Split("other", 90, 45), p_value=0.6, time="2026-01-02T00:00:00+00:00"))
    finished.log("splits compared", {})
    at = open_case(PAGE, finished)
    assert any("a/train" in box.value and "gap of" in box.value for box in at.success)
    assert "<b>" not in as_markdown(at)
    assert table(at, "Outcome")["Outcome"].tolist() == ["seen", "no sign"]
    assert "1 picture" in as_markdown(at)
    assert any("pictures of a/train: +19.0 points" in text.value for text in open_case("8_Report", finished).text)
    finished.path("gaps.json").write_text("[]")
    at = open_case(PAGE, finished)
    assert at.error
    assert at.button(key="split_go")
