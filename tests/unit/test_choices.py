"""Choices: an analyst's own answers, locked by hand."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from raising import raises
from verdict_world import scored_as

from fdcore.case import tables
from fdcore.case.case import Case
from fdcore.case.conclusions import read_choices
from fdcore.case.records import CaseFacts, CorpusFacts, SuspectFacts
from fdcore.cli.printing import verdict
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CaseError, SettingsError
from fdcore.method.choices import Choice, apply_choices, leaves_needed
from fdcore.method.filtering import filter_images
from fdcore.method.findings import ClassFinding, Findings
from fdcore.method.naming import name_selection
from fdcore.method.scores import Scores
from fdcore.method.selection import MAX_BY, MAX_CHOSEN, MAX_NOTE, ClassSelection, SelectionSettings, overall, select
from fdcore.method.weaknesses import weaknesses
from fdcore.records import to_plain
from fdcore.report.page import render_report
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.verdict import overview_of, reach_verdict

# The paper's own example (Table 1): the airplane class, with distances as in its Figure 2, and a leaf below tau.
NODES = ("airliner", "wing", "warplane", "hammerhead", "alp", "glider")
DISTANCES = np.array([
    [0, 4, 3, 17, 13, 2], [4, 0, 4, 17, 12, 4], [3, 4, 0, 17, 13, 3], [17, 17, 17, 0, 15, 17], [13, 12, 13, 15, 0, 13],
    [2, 4, 3, 17, 13, 0],
], np.float32)  # fmt: skip
LEAVES = np.arange(6)
SETTINGS = SelectionSettings()
NOTE = "The hammerhead is a false friend: its pictures are taken from below."


def make_scores(*hits: list[int], asked: int = 100) -> Scores:
    table = np.array(hits, np.int32)
    n_queries = np.full(table.shape[1], asked)
    return Scores(NODES, table, n_queries, n_queries // 2, design_effect=1.0)


SCORES = make_scores([94, 92, 84, 97, 60, 20], [0] * 6, [0, 0, 0, 50, 0, 0])


def choice(target_class: int, *nodes: str, note: str = NOTE, by: str = "A. Nalyst", time: str = "") -> Choice:
    return Choice(target_class, nodes, note, by, time or "2026-03-01T12:00:00.000+00:00")


def lock(*choices: Choice, scores: Scores = SCORES, settings: SelectionSettings = SETTINGS):
    selections = select(scores, LEAVES, DISTANCES, settings)
    by_class = {c.target_class: c for c in choices}
    return apply_choices(selections, by_class, scores, LEAVES, DISTANCES, settings)


def names(members: tuple[int, ...]) -> list[str]:
    return [NODES[leaf] for leaf in members]


# What a choice does to a class


def test_chosen_leaves_win_and_are_measured_as_any_other_cluster():
    """L, S, objective and medoid by hand, for leaves of which one lies below tau; best score first."""
    [selection, *_] = lock(choice(0, "glider", "airliner", "warplane"))
    winner = selection.winner
    assert selection.found
    assert names(winner.members) == ["airliner", "warplane", "glider"]
    assert NODES[winner.medoid] == "airliner"
    semantic = (1 / 3 + 1 / 2 + 1 / 3) / 3
    assert winner.functional == pytest.approx((94 + 84 + 20) / 300)
    assert winner.semantic == pytest.approx(semantic)
    assert winner.objective == pytest.approx(0.7 * winner.functional + 0.3 * semantic)


def test_the_methods_own_clusters_follow_in_their_order():
    """Nothing that was found is lost, and the candidates stay what the scores say."""
    [before, *_] = select(SCORES, LEAVES, DISTANCES, SETTINGS)
    [after, *_] = lock(choice(0, "glider", "airliner"))
    assert after.clusters[1:] == before.clusters
    assert after.candidates == before.candidates
    assert after.choice == choice(0, "glider", "airliner")


def test_a_choice_that_the_method_found_too_is_moved_not_doubled():
    """The cluster comes to the front as it was measured, whatever the order of the names."""
    [before, *_] = select(SCORES, LEAVES, DISTANCES, SETTINGS)
    loser = before.clusters[-1]
    [after, *_] = lock(choice(0, *reversed(names(loser.members))))
    assert after.clusters == (loser, *before.clusters[:-1])


def test_choosing_the_winner_changes_only_that_it_is_chosen():
    """Confirming the method's answer keeps every number."""
    [before, *_] = select(SCORES, LEAVES, DISTANCES, SETTINGS)
    [after, *_] = lock(choice(0, *names(before.winner.members)))
    assert replace(after, choice=None) == before


def test_a_class_that_the_method_did_not_find_can_be_given_an_answer():
    """There is no candidate, yet the analyst may know better; the numbers say how weak it is."""
    selection = lock(choice(1, "wing", "airliner"))[1]
    assert names(selection.winner.members) == ["airliner", "wing"]
    assert selection.winner.functional == 0
    assert selection.candidates == ()


def test_leaves_that_were_never_asked_about_score_nothing():
    """No answer is no hit, not a division by zero."""
    selection = lock(choice(1, "wing", "airliner"), scores=make_scores([0] * 6, [0] * 6, asked=0))[1]
    assert (selection.winner.functional, selection.winner.semantic) == (0, 0)


def test_not_found_by_hand_has_no_winner_and_keeps_what_the_method_saw():
    """The answer is none, and the clusters can still be looked at."""
    [before, *_] = select(SCORES, LEAVES, DISTANCES, SETTINGS)
    [after, *_] = lock(choice(0))
    assert after.winner is None
    assert not after.found
    assert after.clusters == before.clusters


def test_other_classes_stay_as_they_were():
    """A choice is about its class alone, and none is no change at all."""
    before = select(SCORES, LEAVES, DISTANCES, SETTINGS)
    assert lock(choice(0))[1:] == before[1:]
    assert lock() == before


def test_a_choice_stands_whatever_the_settings_say():
    """Moving alpha, eta or tau moves the automatic clusters and the objective, never the locked leaves."""
    for settings in (SelectionSettings(alpha=1.0, tau=0.99), SelectionSettings(eta=0), SelectionSettings(k=2)):
        [selection, *_] = lock(choice(0, "wing", "glider"), settings=settings)
        assert names(selection.winner.members) == ["wing", "glider"]
        winner = selection.winner
        assert winner.objective == settings.alpha * winner.functional + (1 - settings.alpha) * winner.semantic


def test_the_leaves_needed_are_the_candidates_and_the_chosen():
    """With their distances alone the result is the same; with fewer it is refused."""
    assert leaves_needed(SCORES, SETTINGS, {}).tolist() == [0, 1, 2, 3, 4]
    choices = {0: choice(0, "glider", "wing")}
    scores = make_scores([94, 0, 0, 97, 0, 20])
    leaves = leaves_needed(scores, SETTINGS, choices)
    assert leaves.tolist() == [0, 1, 3, 5]
    among = DISTANCES[np.ix_(leaves, leaves)]
    selections = select(scores, leaves, among, SETTINGS)
    assert apply_choices(selections, choices, scores, leaves, among, SETTINGS) == lock(choices[0], scores=scores)
    with raises(SettingsError, "unknown distance", "glider"):
        apply_choices(selections, choices, scores, leaves[:3], among[:3, :3], SETTINGS)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [(choice(0, "airliner", "n<b>0"), ("unknown leaf", "'n<b>0'")),
     (choice(0, "\ud800"), ("unknown leaf", r"'\ud800'")), (choice(0, "x" * 999), ("unknown leaf", "'xxx")),
     (choice(3, "wing"), ("unknown class", "Class 3 ", "0 to 2")), (choice(10**30), ("unknown class", "0 to 2"))],
)  # fmt: skip
def test_leaves_and_classes_that_the_case_does_not_have_are_named(wrong, fault):
    """Both steps that use a choice name the leaf or class, briefly and in text that can be shown."""
    for use in (lock, lambda c: leaves_needed(SCORES, SETTINGS, {c.target_class: c})):
        with raises(CaseError, *fault) as caught:
            use(wrong)
        assert len(str(caught.value).encode()) < 300


# What a choice may be


@pytest.mark.parametrize(
    ("wrong", "key", "value"),
    [({"note": ""}, "note missing", ""), ({"note": " \n\t"}, "note missing", ""),
     ({"name": "x" * 121}, "name length", "121"), ({"name": "cat", "nodes": ()}, "name of nothing", ""),
     ({"note": "x" * (MAX_NOTE + 1)}, "note length", "2,001"), ({"note": "a\x1b[31mb"}, "control characters", ""),
     ({"note": "a\ud800"}, "control characters", ""), ({"by": "a\nb"}, "control characters", ""),
     ({"by": "x" * (MAX_BY + 1)}, "author length", "201"), ({"target_class": -1}, "class range", "-1"),
     ({"nodes": ("wing", "wing")}, "leaf repeated", ""),
     ({"nodes": tuple(map(str, range(MAX_CHOSEN + 1)))}, "leaf count", "1,001"), ({"time": ""}, "time not utc", ""),
     ({"time": "noon"}, "time not utc", "noon"), ({"time": "2026-03-01T12:00:00"}, "time not utc", "12:00:00"),
     ({"time": "2026-03-01T12:00:00+01:00"}, "time not utc", "+01:00")],
)  # fmt: skip
def test_a_choice_that_could_not_be_defended_is_refused(wrong, key, value):
    """A note is required, and everything is bounded plain text with a time in UTC."""
    with raises(SettingsError, key, value):
        replace(choice(0, "wing"), **wrong)


def test_notes_may_be_long_and_have_lines():
    """The longest note, several lines, any script, and no name where nobody is signed in."""
    assert len(choice(0, note="x" * MAX_NOTE).note) == MAX_NOTE
    assert choice(0, note="Erstens: Flügel.\n\t二つ目", by="").by == ""


def test_choices_come_back_from_the_case_as_they_were(tmp_path):
    """Through real JSON, in the order of the classes."""
    case = Case.create(tmp_path / "case")
    choices = {5: choice(5), 0: choice(0, "wing", "alp", note='Ünï "quoted"\n<b>'), 2: choice(2, "alp", by="")}
    entries = [to_plain(choices[i]) for i in sorted(choices)]
    case.write_json("choices.json", {"choices": entries})
    assert read_choices(case) == choices


ENTRY = to_plain(choice(0, "wing"))


@pytest.mark.parametrize(
    "damaged",
    [{}, {"choices": ["x"]}, {"choices": [ENTRY, ENTRY]}, {"choices": [ENTRY | {"target_class": -1}]},
     {"choices": [ENTRY | {"nodes": ["wing", "wing"]}]}, {"choices": [ENTRY | {"note": ""}]},
     {"choices": [ENTRY | {"time": "yesterday"}]}],
)  # fmt: skip
def test_damaged_choices_are_a_sentence(damaged, tmp_path):
    """Whatever a case from elsewhere holds, it ends in one sentence that says how to mend it."""
    case = Case.create(tmp_path / "case")
    case.write_json("choices.json", damaged)
    with pytest.raises(CaseError, match=r"choices\.json"):
        read_choices(case)


# What is said about it


def test_a_locked_class_says_that_it_was_chosen_by_hand():
    """With an answer and without one; beside the other reasons for care, which still hold."""
    selections = lock(choice(0), choice(1, "wing"), choice(2, "hammerhead"))
    said = [weaknesses(selection, SCORES, SETTINGS) for selection in selections]
    assert said[0] == ("chosen by hand",)
    assert said[1][0] == said[2][0] == "chosen by hand"
    assert "interval reaches below tau" in said[1]
    assert "chosen by hand" not in weaknesses(select(SCORES, LEAVES, DISTANCES, SETTINGS)[0], SCORES, SETTINGS)


def test_a_choice_against_a_better_cluster_says_so():
    """Whoever reads the answer learns that the method prefers another."""
    [selection, *_] = lock(choice(0, "alp"))
    said = weaknesses(selection, SCORES, SETTINGS)
    assert "another cluster has the higher objective" in said
    assert "close runner-up" not in said


def test_the_whole_models_scores_count_what_stands():
    """A class locked to "not found" adds nothing, one locked to leaves adds theirs."""
    total = overall(lock(choice(0), choice(1, "airliner")))
    assert (total.n_found, total.n_classes) == (2, 3)
    assert total.functional == pytest.approx(0.5)


HIERARCHY = Hierarchy.from_rows([("thing", (), ("thing",)), *((node, ("thing",), (node,)) for node in NODES)])
LEAF_OF = np.repeat(LEAVES, 2).astype(np.int32)  # two images of each leaf, all put in class 0
ANSWERS = np.zeros((12, 1), np.int32)


def findings_of(selections: tuple[ClassSelection, ...]) -> list[ClassFinding]:
    return [
        ClassFinding(
            selection,
            filtered,
            name_selection(HIERARCHY, names(selection.winner.members), NODES) if selection.winner else None,
            weaknesses(selection, SCORES, SETTINGS),
        )
        for selection, filtered in zip(selections, filter_images(selections, ANSWERS, LEAF_OF), strict=True)
    ]


HOSTILE = "=1+1\n<script>alert(1)</script>"
LOCKED = (choice(0), choice(1, "wing", "glider", note=HOSTILE, by="@SUM(A1)"))


def test_filtering_looks_at_the_chosen_leaves():
    """No image of a class locked to "not found" is kept; else those of the chosen leaves."""
    nothing, chosen, _ = findings_of(lock(choice(0), choice(2, "alp")))[:1] + findings_of(lock(choice(0, "glider")))[:2]
    assert len(nothing.filtered.kept) == len(nothing.filtered.dropped) == 0
    assert chosen.filtered.kept.tolist() == [10, 11]


def test_the_json_tells_who_locked_what_and_why():
    """A locked class has its note, the others null; "not found" by hand has no nodes but keeps its clusters."""
    nothing, chosen, untouched = tables.selection_to_json(findings_of(lock(*LOCKED)), SCORES, HIERARCHY)
    assert nothing["status"] == "not_found"
    assert nothing["nodes"] == nothing["labels"] == []
    assert nothing["functional_score"] is None
    assert len(nothing["clusters"]) == len(select(SCORES, LEAVES, DISTANCES, SETTINGS)[0].clusters)
    assert nothing["locked"] == {"note": NOTE, "by": "A. Nalyst", "time": "2026-03-01T12:00:00.000+00:00"}
    assert (chosen["status"], chosen["nodes"]) == ("found", ["wing", "glider"])
    assert chosen["locked"]["note"] == HOSTILE
    assert untouched["locked"] is None


def test_the_table_tells_it_too_and_no_spreadsheet_computes_it():
    """Two columns at the end, empty where nothing was locked."""
    content = tables.selection_to_csv(
        tables.selection_rows(findings_of(lock(*LOCKED)), SCORES, HIERARCHY, "meaningful")
    )
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert list(rows[0])[-2:] == ["locked_by", "note"]
    assert (rows[0]["status"], rows[0]["nodes"], rows[0]["locked_by"], rows[0]["note"]) == (
        "not_found", "", "A. Nalyst", NOTE,
    )  # fmt: skip
    assert (rows[1]["locked_by"], rows[1]["note"]) == ("'@SUM(A1)", f"'{HOSTILE}")
    assert (rows[2]["locked_by"], rows[2]["note"]) == ("", "")


def make_report(*choices: Choice) -> str:
    findings = findings_of(lock(*choices))
    suspect = SuspectFacts("a network", "f", 3, PreprocessSpec(32, 32))
    facts = CaseFacts(suspect=suspect, corpus=CorpusFacts(("c",), "f", n_leaves=6, n_images=12))
    head = {"n_sent": 12, "complete": True, "design_effect": 1.0, "fdcore": "0", "rows_left_out": 0}
    head["settings"] = vars(SETTINGS)
    classes = tables.selection_to_json(findings, SCORES, HIERARCHY)
    total = vars(overall(tuple(finding.selection for finding in findings)))
    printed = verdict(facts, head | {"classes": classes, "overall": total}, {}, "12 queries sent")
    assert "chosen by hand" in printed or not choices
    reached = reach_verdict(findings, SCORES, HIERARCHY)
    scored = scored_as(SCORES, HIERARCHY, answers=ANSWERS, leaf_of=LEAF_OF)
    whole = Findings(scored, SETTINGS, tuple(findings), overall(tuple(finding.selection for finding in findings)))
    return render_report(facts, head, classes, whole, None, verdict=reached, overview=overview_of(whole, reached))


def test_the_report_lists_what_was_chosen_by_hand():
    """Who, when and why, escaped; a class locked to "not found" is not said to have missed tau."""
    page = make_report(*LOCKED)
    assert "Answers chosen by hand" in page
    assert NOTE in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "No picture of the corpus" not in page
    assert "nearest:" not in page
    assert "not signed in" in make_report(choice(0, by=""))


def test_a_report_without_choices_does_not_speak_of_them():
    """The section appears only where it has something to say."""
    page = make_report()
    assert "chosen by hand" not in page
    assert "No picture of the corpus is put in this class" in page
