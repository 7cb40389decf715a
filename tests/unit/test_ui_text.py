"""Texts for people, hostile ones among them."""

import pytest

from ui.text import counted, distinct_texts, duration, file_size, inert, inert_badge, listed, shortened, shortest, since


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](http://evil/x.png)", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))",
        "**bold** _it_ `code` # head", ":material/delete: :red[x] $x^2$", "| a | b |",
    ],
)  # fmt: skip
def test_no_markdown_survives(hostile):
    """Every sign that Markdown reads has a backslash before it, and the words stay."""
    made = inert(hostile)
    bare = made.replace("\\", "").replace("\u2060", "")
    assert bare == hostile
    for sign in "![]()<>*_`#$|:":
        assert made.count(f"\\{sign}") == hostile.count(sign)


def test_no_link_is_made_of_an_address():
    """An invisible sign stands where a browser's reader would see an address."""
    for text in ("http://evil.example", "HTTPS://evil.example", "www.evil.example", "a@evil.example"):
        assert "\u2060" in inert(text)


def test_control_characters_are_shown_as_such():
    """Nothing turns the direction of the text or starts a new line."""
    assert inert("a\n\u202eb\x00") == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


def test_long_texts_are_cut_with_a_sign():
    """At most so many characters."""
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"


def test_a_list_that_is_cut_says_by_how_many():
    """Up to the limit every word stands there."""
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a" * 41, *"bcd"], 2) == f"{'a' * 39}…, b and 2 more"
    assert listed([], 2) == ""


def test_numbers_are_words():
    """Counts, durations, sizes and times as people say them."""
    assert (counted(1, "leaf", "leaves"), counted(1200, "leaf", "leaves")) == ("1 leaf", "1,200 leaves")
    assert [duration(s) for s in (0.2, 59.4, 200, 7500)] == ["0 s", "59 s", "3 min 20 s", "2 h 5 min"]
    assert [file_size(n) for n in (0, 999, 1500, 2_500_000, 3_210_000_000)] == [
        "0 bytes", "999 bytes", "1.5 kB", "2.5 MB", "3.2 GB",
    ]  # fmt: skip
    assert [since(100, 100 + s) for s in (5, 60, 7200, 200_000)] == [
        "just now",
        "1 minute ago",
        "2 hours ago",
        "2 days ago",
    ]


def test_a_badge_escapes_square_brackets_itself():
    """Two backslashes would let the bracket through."""
    assert inert_badge("[a](b)") == r"[a]\(b\)"


def test_equal_texts_get_their_ids():
    """Only those that are not the only ones; several ids are listed."""
    assert distinct_texts({"a": "crane", "b": "crane", "c": "tabby"}) == {
        "a": "crane (a)",
        "b": "crane (b)",
        "c": "tabby",
    }
    assert distinct_texts({("a", "b"): "x", ("c",): "x"}) == {("a", "b"): "x (a, b)", ("c",): "x (c)"}


@pytest.mark.parametrize(
    "texts",
    [
        {"a": "x", "b": "x", "c": "x (a)"},
        {"c": "x (a)", "d": "x (a) 2", "a": "x", "b": "x"},
        {"y" * 100 + "1": "x", "y" * 100 + "2": "x", "y" * 100 + "3": "x"},
        {"": "", " ": "", "()": ""},
    ],
)
def test_no_names_make_two_texts_equal(texts):
    """Whatever things are called, each option has a text of its own."""
    distinct = distinct_texts(texts)
    assert list(distinct) == list(texts)
    assert len(set(distinct.values())) == len(texts)


@pytest.mark.parametrize(
    ("value", "text"), [(7.0, "7"), (7, "7"), (0.7, "0.7"), (0.1234567, "0.1234567"), (1e-7, "1e-07"), (1e22, "1e+22")]
)
def test_a_number_is_as_short_as_it_can_be_and_no_shorter(value, text):
    """It reads back as the same number."""
    assert shortest(value) == text
    assert float(shortest(value)) == value
    assert float(shortest(1 / 3)) == 1 / 3
