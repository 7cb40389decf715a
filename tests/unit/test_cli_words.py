"""The command line: what all classes together mean, and whether the words agree."""

import json
from pathlib import Path

import case_factory
import pytest

from fdcore.case.case import Case
from fdcore.case.claims import read_claims, write_claims
from fdcore.case.conclusions import load_scored, lock_class, read_choices, selection_settings, unlock_class
from fdcore.cli.main import main
from fdcore.method.findings import weigh
from fdcore.method.selection import Choice
from fdcore.words.claims import Claims
from fdcore.words.comparison import compare
from fdcore.words.conclusion import PROVES_LITTLE, claims_in_words
from fdcore.words.vectors import builtin_vectors
from fdcore.work.conclude import analyse

pytestmark = pytest.mark.usefixtures("quick_umap")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished case of the tiny world: four classes, three found."""
    return case_factory.finished(tmp_path_factory.mktemp("words") / "case")


def test_the_verdict_is_printed_as_text_and_as_json(case, capsys):
    """Both say the same, and what speaks against it is part of both."""
    assert main(["verdict", str(case)]) == 0
    text = capsys.readouterr().out
    assert main(["verdict", str(case), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["headline"] in text
    assert found["n_found"] == 3
    assert found["weak_points"]
    assert all(point["what"] in text for point in found["weak_points"])
    assert json.loads((case / "verdict.json").read_text())["headline"] == found["headline"]


def test_verify_compares_claims_and_writes_table_maps_and_vectors(case, capsys):
    """Table 4 is printed, kept with the case, and stands in the report."""
    claims = ["--claim", "0=airplane", "--claim", "2=qqqzz"]
    command = ["verify", str(case), *claims, "--cache", str(case.parent / "cache")]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "airplane" in text
    assert "1 of 1 claim agrees with what was found. " in text
    assert PROVES_LITTLE in text
    words = json.loads((case / "verification" / "words.json").read_text())
    rows = {row["target_class"]: row for row in words["similarity"]}
    assert rows[0]["nearest"]["cosine"] > 0.5
    assert rows[2]["nearest"] is None
    assert rows[2]["unknown_claim"] == ["qqqzz"]
    assert set(words["map"]["maps"]) == {"tsne", "umap"}
    assert len(words["map"]["maps"]["tsne"]["coordinates"]) == len(words["map"]["points"])
    assert (case / "verification" / "word_vectors.npz").stat().st_size > 0
    report = (case / "report.html").read_text()
    assert "Do the words agree?" in report
    assert "qqqzz" in report
    assert "<strong>1 of 1 claim agrees with what was found.</strong>" in report
    assert PROVES_LITTLE in report
    events = [json.loads(line)["event"] for line in (case / "audit.jsonl").read_text().splitlines()]
    assert events[-3:] == ["claims changed", "words compared", "analysed"]


def test_claims_stay_until_others_are_given(case, capsys, tmp_path):
    """A table replaces them; without any option those of the case are compared again."""
    table = tmp_path / "claims.csv"
    table.write_text("class;name\n0;aeroplane\n1;cat\n")
    cache = str(case.parent / "cache")
    assert main(["verify", str(case), "--claims", str(table), "--json", "--cache", cache]) == 0
    assert json.loads(capsys.readouterr().out)["claims"]["names"] == {"0": "aeroplane", "1": "cat"}
    assert main(["verify", str(case), "--json", "--cache", cache]) == 0
    assert json.loads(capsys.readouterr().out)["claims"]["names"] == {"0": "aeroplane", "1": "cat"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--claim", "airplane"], "0=airplane"),
        (["--claim", "9=airplane"], "classes 0 to 3"),
        (["--label-set", "no-such-set"], "no-such-set"),
        (["--from-suspect"], "--claim or --label-set"),
        (["--vectors", "/nowhere/glove.txt"], "/nowhere/glove.txt"),
    ],
)
def test_wrong_input_is_a_sentence(case, capsys, options, words):
    """Exit code 2, the sentence names what came, and the case stays as it was."""
    before = (case / "case.json").read_bytes()
    assert main(["verify", str(case), *options]) == 2
    assert words in capsys.readouterr().err
    assert (case / "case.json").read_bytes() == before


def test_the_report_tells_todays_findings_and_never_older_claims(case, capsys):
    """A class that is locked since is compared anew; claims that were changed since are not shown as compared."""
    cache = str(case.parent / "cache")
    assert main(["verify", str(case), "--claim", "0=airplane", "--cache", cache]) == 0
    scored = load_scored(Case.open(case))
    other = next(node for node in scored.scores.nodes if "cat" in scored.hierarchy.label(node))
    lock_class(case, Choice(0, (other,), "for the test", "", "2026-01-01T00:00:00+00:00"))
    analyse(case)
    report = (case / "report.html").read_text()
    rows = compare(weigh(scored, selection_settings(Case.open(case)), read_choices(Case.open(case))),
                   read_claims(Case.open(case)), builtin_vectors()).rows  # fmt: skip
    assert f'<td class="words">{rows[0].nearest.claim_token} ' in report
    assert "<td>chosen by hand</td>" in report
    assert f"<strong>{claims_in_words(rows)}</strong>" in report
    capsys.readouterr()
    assert main(["verify", str(case), "--json", "--cache", cache]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["conclusion"] == claims_in_words(rows)
    assert told["similarity"][0]["judgement"] == "chosen by hand"
    write_claims(case, Claims({0: "zebra"}, "another note"))
    analyse(case)
    report = (case / "report.html").read_text()
    assert "The claims were changed since they were last compared" in report
    assert "zebra" not in report
    unlock_class(case, 0)
    analyse(case)


def test_vectors_of_the_case_that_are_damaged_leave_the_rest_of_the_report(case, capsys):
    """A crafted file costs its own section only."""
    assert main(["verify", str(case), "--claim", "0=airplane", "--cache", str(case.parent / "cache")]) == 0
    kept = case / "verification" / "word_vectors.npz"
    content = kept.read_bytes()
    kept.write_bytes(content[: len(content) // 2])
    analyse(case)
    assert "cannot be read" in (case / "report.html").read_text()
    kept.write_bytes(content)


def test_a_label_set_of_another_size_is_refused(case, capsys):
    """Four classes are not a thousand."""
    assert main(["verify", str(case), "--label-set", "imagenet1k"]) == 2
    assert "1,000 classes, but the suspect has 4" in capsys.readouterr().err
