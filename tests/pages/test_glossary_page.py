"""The glossary: every term of the method, two sentences and a drawing each."""

import re

import pytest
from opening import open_page
from reading import said

from ui.glossary.drawing import HEIGHT, WIDTH
from ui.glossary.terms import TERMS, Term

WANTED = {
    "L",
    "S",
    "tau",
    "eta",
    "alpha",
    "k",
    "medoid",
    "design effect",
    "objective",
    "leaf",
    "view",
    "grade",
    "exclusive",
}


def test_every_term_is_explained(cases):
    """Without a case too, with the keys below."""
    at = open_page("Glossary")
    assert {term.name for term in TERMS} == WANTED
    assert all(term.text in said(at) for term in TERMS)
    assert "next class" in said(at)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_has_two_sentences_and_a_drawing_within_its_field(term: Term):
    """Nothing is drawn outside its frame, and a text says what each drawing shows."""
    assert len(re.findall(r"[.”](?= [A-Z]|$)", term.text)) == 2, term.text
    assert term.alt
    for shape in term.shapes:
        xs = [value for name, value in shape.items() if name in ("x", "x1", "x2", "cx")]
        ys = [value for name, value in shape.items() if name in ("y", "y1", "y2", "cy")]
        assert all(0 <= x + shape.get("width", 0) <= WIDTH for x in xs), shape
        assert all(0 <= y + shape.get("height", 0) <= HEIGHT for y in ys), shape


def test_the_search_finds_terms_by_any_of_their_words(cases):
    """What does not fit is not shown; nothing that fits is a sentence."""
    at = open_page("Glossary")
    at.text_input(key="glossary_search").input("medoid distances").run()
    assert [term.name for term in TERMS if term.text in said(at)] == ["medoid"]
    at.text_input(key="glossary_search").input("zebra").run()
    assert "No term fits" in said(at)
