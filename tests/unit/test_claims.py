"""Claims: tables as people write them, damaged files, and what is kept in a case and its audit log."""

import hashlib
import json
from pathlib import Path

import case_factory
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raising import raises

from fdcore.case.case import Case
from fdcore.case.claims import read_claims, write_claims
from fdcore.case.layout import CLAIMS as FILE
from fdcore.errors import CaseError, FdError, SettingsError
from fdcore.words.claims import (
    MAX_CLAIM,
    MAX_CSV_BYTES,
    Claims,
    claims_from_csv,
    claims_from_label_set,
    claims_from_list,
    cleaned,
)
from fdcore.words.label_sets import label_set

HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) =cmd|' /C calc'!A0"


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case.open(case_factory.finished(tmp_path / "case"))


def events(case: Case, name: str) -> list[dict]:
    return [entry["details"] for entry in case.audit() if entry["event"] == name]


@pytest.mark.parametrize(
    "text",
    [
        "class,name\n0,airplane\n1,cat\n2,automobile\n",
        "name;class\nairplane;0\ncat;1\nautomobile;2\n",
        "Label\tIndex\nairplane\t0\ncat\t1\nautomobile\t2",
        "\ufeffid,colour,label\r\n2,red,automobile\r\n0,blue,airplane\r\n\r\n1,green,cat\r\n",
        "airplane\ncat\nautomobile\n\n\n",
        '"airplane"\n"  cat  "\n"auto\nmobile"',
        "claim\nairplane\ncat\nautomobile",
        "label,name\n1,cat\n0,airplane\n2,automobile",
        "idx,name\n1,cat\n0,airplane\n2,automobile",
        "ClassId,SignName\n0,airplane\n1,cat\n2,automobile",
        "class_index;class_label\n2;automobile\n0;airplane\n1;cat",
        "sep=;\r\nclass;name\r\n0;airplane\r\n1;cat\r\n2;automobile\r\n",
        '"SEP=|"\nclass|name\n0|airplane\n1|cat\n2|automobile\n',
        "sep=,\nairplane\ncat\nautomobile\n",
        "0 airplane\n1 cat\n2 automobile\n",
        "2 automobile\n\n0  airplane\n1 cat",
        "n02691156 airplane\r\nn02121620 cat\r\nn02958343 automobile\r\n",
        "n02691156\tairplane\nn02121620\tcat\nn02958343\tautomobile",
        "nr,what\n0,airplane\n1,cat\n2,automobile",
    ],
)
def test_a_table_is_read_however_it_is_written(text: str) -> None:
    """Any order of rows and columns, headings or none, commas, semicolons or tabs, numbers or a list in order."""
    claims = claims_from_csv(text.encode(), 4, source="the table")
    assert [claims.names[i].replace(" ", "") for i in range(3)] == ["airplane", "cat", "automobile"]
    assert (len(claims.names), claims.source) == (3, "the table")


def test_an_empty_line_in_a_list_is_a_class_without_a_name() -> None:
    """The names behind it keep their classes."""
    assert dict(claims_from_csv(b"airplane\n\nautomobile\n\n", 4, source="").names) == {0: "airplane", 2: "automobile"}


def test_a_word_that_begins_with_a_number_is_a_name() -> None:
    """Numbers with gaps are part of the names; a word of ImageNet's list may contain a comma."""
    assert dict(claims_from_csv(b"3 series\n5 series\n7 series", 10, source="").names)[1] == "5 series"
    named = claims_from_csv(b"n01440764 tench, Tinca tinca\nn01742172 boa constrictor", 10, source="").names
    assert dict(named) == {0: "tench, Tinca tinca", 1: "boa constrictor"}
    with raises(SettingsError, "class range", "class 2", "0 to 1"):
        claims_from_csv(b"1 cat\n2 dog", 2, source="")


def test_a_list_of_numbers_is_a_list_of_names() -> None:
    """The digits of MNIST are names, in whatever order the suspect has them."""
    assert dict(claims_from_csv(b"9\n8\n7\n", 10, source="").names) == {0: "9", 1: "8", 2: "7"}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", ("table empty",)),
        (b"0,airplane\n9,cat", ("class range", "class 9", "0 to 3")),
        (b"a\nb\nc\nd\ne", ("class range", "class 4", "0 to 3")),
        (b"0,airplane\n0,cat", ("class repeated", "class 0")),
        (b"a,b\nairplane,cat\n", ("number column",)),
        (b"1,2\ncat,dog", ("number column",)),
        (b"class,x,y\n0,cat,dog", ("name column",)),
        (b"class,name\n-1,cat", ("not a number", "'-1'")),
        (b"class,name\n99999999999999999999,cat", ("not a number",)),
        (b"class,name\n,cat", ("not a number", "''")),
        (b"\xff\xfe0\x00,\x00", ("table unreadable",)),
        (b'0,"' + b"x" * 200_000, ("table unreadable",)),
        (b"x" * (MAX_CSV_BYTES + 1), ("table size", f"{MAX_CSV_BYTES:,}")),
    ],
)
def test_a_bad_table_is_refused_with_its_fault(content: bytes, fault: tuple[str, ...]) -> None:
    """Nothing is guessed: neither which of two names counts nor which class is meant."""
    with raises(SettingsError, *fault):
        claims_from_csv(content, 4, source="the table")


@given(st.binary(max_size=300), st.integers(1, 20))
def test_no_table_is_a_crash(content: bytes, n_classes: int) -> None:
    """Any bytes are either claims about classes that there are, clean and not empty, or a sentence."""
    try:
        claims = claims_from_csv(content, n_classes, source="")
    except SettingsError:
        return
    for target, name in claims.names.items():
        assert 0 <= target < n_classes
        assert name == cleaned(name)
        assert 0 < len(name) <= MAX_CLAIM


def test_claims_are_on_one_line_and_not_too_long() -> None:
    """Control characters become spaces; the rest stays as it is, markup too: it is for whoever shows it to be inert."""
    assert cleaned("  a\x00b\n\tc\u202ed ") == "a b c d"
    assert cleaned(HOSTILE) == HOSTILE
    assert len(cleaned("word " * 500)) <= MAX_CLAIM
    with raises(SettingsError, "claim length", "class 3"):
        Claims({3: "x" * (MAX_CLAIM + 1)}, "")
    with raises(SettingsError, "claim length", "class 0"):
        Claims({0: "  "}, "")


def test_a_known_label_set_becomes_claims_in_its_place() -> None:
    """With a background class in front, class i is label i - 1; a set may be longer than the suspect has classes."""
    cifar = label_set("cifar10")
    assert claims_from_label_set(cifar, 10).names[3] == "cat"
    shifted = claims_from_label_set(cifar, 11, 1)
    assert (min(shifted.names), shifted.names[4], "CIFAR-10" in shifted.source) == (1, "cat", True)
    assert len(claims_from_label_set(cifar, 4).names) == 4


def test_a_list_leaves_classes_without_a_name_out() -> None:
    assert dict(claims_from_list(["airplane", " ", "cat"], source="x").names) == {0: "airplane", 2: "cat"}


def test_what_is_kept_is_read_back_and_logged(case: Case) -> None:
    """Claims come back as they were, hostile ones too; the log says how many, from where and by whom."""
    claims = Claims({2: "automobile", 0: HOSTILE}, "the README")
    write_claims(case.folder, claims, by="A. Nalyst")
    assert read_claims(case) == Claims({0: HOSTILE, 2: "automobile"}, "the README")
    sha256 = hashlib.sha256(case.path("claims.json").read_bytes()).hexdigest()
    logged = {"n_claims": 2, "source": "the README", "sha256": sha256, "by": "A. Nalyst"}
    assert events(case, "claims changed") == [logged]
    write_claims(case.folder, claims, by="A. Nalyst")
    assert len(events(case, "claims changed")) == 1
    write_claims(case.folder, Claims())
    assert read_claims(case) == Claims()
    assert events(case, "claims changed")[-1]["n_claims"] == 0


def test_claims_that_a_colleague_changed_are_not_replaced_unseen(case: Case) -> None:
    """What was entered on top of older claims is refused, and the newer ones stay."""
    mine, theirs = Claims({0: "airplane"}, "me"), Claims({0: "zebra"}, "a colleague")
    write_claims(case.folder, theirs)
    with raises(CaseError, "claims changed"):
        write_claims(case.folder, mine, expected=Claims())
    assert read_claims(case) == theirs
    write_claims(case.folder, mine, expected=theirs)
    assert read_claims(case) == mine


def test_a_case_without_claims_has_none(case: Case) -> None:
    assert read_claims(case) == Claims()
    write_claims(case.folder, Claims())
    assert not case.has(FILE)


def test_claims_about_other_classes_are_refused(case: Case) -> None:
    """And nothing is written."""
    with raises(SettingsError, "class out of range", 4, "0 to 3"):
        write_claims(case.folder, Claims({4: "cat"}, ""))
    assert not case.has(FILE)


DAMAGED = [
    "{", '{"names": [1, 2], "source": ""}', '{"names": {"-1": "cat"}, "source": ""}',
    '{"names": {"' + "9" * 5000 + '": "cat"}, "source": ""}', "[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_claims_are_a_sentence_and_can_be_replaced(case: Case, content: str) -> None:
    """A case may come from anywhere; entering claims again mends it."""
    case.path(FILE).write_text(content)
    with pytest.raises(CaseError, match=FILE):
        read_claims(case)
    write_claims(case.folder, Claims({0: "airplane"}, "by hand"))
    assert read_claims(case) == Claims({0: "airplane"}, "by hand")


def test_a_case_that_is_in_use_keeps_its_claims(case: Case) -> None:
    """While a run holds the case's lock, nothing is written."""
    write_claims(case.folder, Claims({0: "airplane"}, ""))
    with case.exclusively(), pytest.raises(FdError):
        write_claims(case.folder, Claims({0: "cat"}, ""))
    assert json.loads(case.path(FILE).read_text())["names"] == {"0": "airplane"}
