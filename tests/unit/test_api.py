"""The Python door: the same findings in memory as in a case, and objects that show themselves."""

from pathlib import Path

import numpy as np
import pytest
import tiny_world
from raising import raises

import fdcore

SETTINGS = fdcore.Settings(n_views=2)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_world.build(tmp_path_factory.mktemp("tiny") / "pictures")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def suspect() -> fdcore.Suspect:
    return fdcore.Suspect.from_callable(tiny_world.classify, input_size=tiny_world.SIZE, n_classes=tiny_world.N_CLASSES)


@pytest.fixture(scope="module")
def findings(suspect: fdcore.Suspect, pictures: Path, cache: Path) -> fdcore.Findings:
    return fdcore.investigate(suspect, pictures, settings=SETTINGS, cache=cache)


def test_a_case_holds_what_is_found_in_memory(findings, suspect, pictures, cache, tmp_path):
    """Both ways share their steps; a second call sends nothing, and the case opens by its path."""
    for _ in range(2):
        kept = fdcore.investigate(suspect, [pictures], settings=SETTINGS, cache=cache, case=tmp_path / "case")
        assert kept.to_frame().equals(findings.to_frame())
        assert kept.scored.n_sent == findings.scored.n_sent == 160
    assert repr(kept.verdict) == repr(findings.verdict)
    again = fdcore.Findings.of(fdcore.Case.open(str(tmp_path / "case")))
    assert list(map(repr, again)) == list(map(repr, findings))


def test_an_open_corpus_gives_the_same_as_its_folder(findings, suspect, pictures, cache):
    """A corpus may be shown to several suspects."""
    corpus = fdcore.open_corpus(pictures, input_size=tiny_world.SIZE, cache=cache)
    assert repr(corpus) == "<Corpus: 80 images of 8 leaves, from pictures (imagenet)>"
    assert fdcore.investigate(suspect, corpus, settings=SETTINGS).to_frame().equals(findings.to_frame())


def test_findings_show_themselves(findings):
    """A table for all, a line for one, a frame, figures."""
    assert repr(findings).startswith("3 of 4 classes found, 160 queries sent\n")
    assert findings[1].leaves == {"n02123045": "tabby", "n02123394": "Persian cat"}
    assert repr(findings[1]).startswith("<class 1: domestic cat; L 1.00 (0.")
    assert repr(findings[3]) == "<class 3: not found>"
    assert len(findings[1].images) == findings.to_frame().loc[1, "images"] == 20
    assert np.isnan(findings.to_frame().loc[3, "functional"])
    assert "domestic cat" in repr(findings.verdict)
    assert len(findings.plot().data[0].z) == len(findings) == 4
    assert list(findings.plot(1).data[0].x)[:2] == [1.0, 1.0]


def test_weighing_again_asks_nothing(findings):
    """eta 0 keeps every leaf apart; what was sent stays the same."""
    single = fdcore.weigh(findings.scored, eta=0)
    assert [len(finding.leaves) for finding in single] == [1, 1, 1, 0]
    assert single.scored.n_sent == findings.scored.n_sent
    with pytest.raises(fdcore.SettingsError, match="alpha"):
        fdcore.weigh(findings.scored, alpha=0)


def test_a_class_that_does_not_exist_is_a_settings_error(findings):
    """The message says which classes there are."""
    with raises(fdcore.SettingsError, "class out of range", 4, "0 to 3"):
        findings[4]


def test_a_budget_holds_without_a_case(suspect, pictures, cache):
    """A budget below one image of each leaf is refused; a larger one ends the run early."""
    with raises(fdcore.SettingsError, "budget too small", "at least 8"):
        fdcore.investigate(suspect, pictures, settings=fdcore.Settings(budget=7), cache=cache)
    found = fdcore.investigate(suspect, pictures, settings=fdcore.Settings(n_views=2, budget=100), cache=cache)
    assert (found.scored.n_sent, found.scored.complete) == (100, False)


def test_a_case_wants_folders(suspect, pictures, cache, tmp_path):
    """A case keeps where its images came from, which an open corpus does not say."""
    corpus = fdcore.open_corpus(pictures, input_size=tiny_world.SIZE, cache=cache)
    with raises(fdcore.SettingsError, "case of a corpus"):
        fdcore.investigate(suspect, corpus, case=tmp_path / "case")
