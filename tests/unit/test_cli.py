"""The command line: commands, exit codes and JSON."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_world
import torch
from pypdf import PdfReader

from fdcore.answers.ledger import Ledger
from fdcore.case.case import Case
from fdcore.cli.main import main
from fdcore.suspect.architectures.registry import build
from fdcore.work.investigate import run_plan
from fdcore.work.reproduce import compare


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus and a suspect's file: a LeNet with random weights, which answers something at least."""
    folder = tmp_path_factory.mktemp("cli")
    tiny_world.build(folder / "corpus")
    torch.manual_seed(0)
    torch.save(build("lenet", 4).state_dict(), folder / "suspect.pth")
    return folder


@pytest.fixture(scope="module")
def investigated(world: Path) -> Path:
    """A case that the command line made; to be copied."""
    assert investigate(world, world / "case") == 0
    return world / "case"


def investigate(world: Path, case: Path, *more: str) -> int:
    return main(
        ["investigate", str(world / "suspect.pth"), "--corpus", str(world / "corpus"), "--out", str(case),
         "--cache", str(world / "cache"), "--arch", "lenet", "--views", "2", *more]
    )  # fmt: skip


def test_the_report_is_written_as_its_ending_says(investigated, tmp_path, capsys):
    """Both hold the audit log; another ending is refused with the two that are known."""
    html, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    for out in (html, pdf):
        assert main(["report", str(investigated), "--out", str(out)]) == 0
    assert "case created" in html.read_text()
    assert "case created" in " ".join(" ".join(one.extract_text() for one in PdfReader(pdf).pages).split())
    assert main(["report", str(investigated), "--out", str(tmp_path / "report.doc")]) == 2
    assert ".pdf or .html" in capsys.readouterr().err
    case = shutil.copytree(investigated, tmp_path / "case")
    (case / "verdict.json").unlink()
    assert main(["report", str(case), "--out", str(html)]) == 6
    assert "verdict.json is missing" in capsys.readouterr().err


def test_recorded_queries_are_sent_again_and_counted(world, investigated, tmp_path, capsys):
    """The suspect answers as recorded; its answers stay, the count of sent queries grows, and the case stays intact."""
    case = shutil.copytree(investigated, tmp_path / "case")
    n_sent = Ledger.open(case / "ledger").n_sent
    assert main(["replay", str(case), "--cache", str(world / "cache"), "--ask", "20", "--json"]) == 0
    replayed = json.loads(capsys.readouterr().out)
    assert (replayed["n_asked"], replayed["n_same"], replayed["differ"]) == (20, 20, [])
    assert Ledger.open(case / "ledger").n_sent == n_sent + 20
    assert main(["show", str(case)]) == 0
    parts = f"{n_sent + 20:,} queries sent: {n_sent:,} scoring + 20 sent again for replay"
    assert f"Queries   {parts}" in capsys.readouterr().out
    assert main(["report", str(case), "--out", str(tmp_path / "report.html")]) == 0
    assert parts in (tmp_path / "report.html").read_text()
    assert main(["check", str(case)]) == 0
    assert main(["replay", str(case), "--cache", str(world / "cache"), "--ask", "100000"]) == 6


def test_findings_are_reproduced_with_another_seed(world, investigated, tmp_path, capsys):
    """In a case beside the first, whose log has the counts; the same seed is refused, a known answer not sent again."""
    case = shutil.copytree(investigated, tmp_path / "case")
    again = ["reproduce", str(case), "--cache", str(world / "cache")]
    assert main([*again, "--seed", "0"]) == 2
    assert not (tmp_path / "case-seed-0").exists()
    assert main([*again, "--seed", "7", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["classes"]) == 4
    assert found["n_agree"] == sum(row["common"] is not None and row["common"] >= 0.5 for row in found["classes"])
    made = Case.open(tmp_path / "case-seed-7")
    assert (made.plan().settings.seed, made.plan().suspect) == (7, Case.open(case).plan().suspect)
    assert list(Case.open(case).audit())[-1]["details"]["n_agree"] == found["n_agree"]
    for folder in (case, made.folder):
        assert main(["check", str(folder)]) == 0
    n_sent = Ledger.open(made.folder / "ledger").n_sent
    assert main([*again, "--seed", "7"]) == 0
    assert "common leaves" in capsys.readouterr().out
    assert Ledger.open(made.folder / "ledger").n_sent == n_sent


def test_what_both_found_is_compared_over_the_leaves_that_both_corpora_have():
    """Half of the leaves suffice; two that found nothing agree; answers in leaves of one corpus cannot be compared."""

    def findings(nodes, *answers):
        winners = [SimpleNamespace(members=[nodes.index(one) for one in answer], functional=0.5) for answer in answers]
        classes = [
            SimpleNamespace(
                name=SimpleNamespace(label="x"), selection=SimpleNamespace(winner=winner if answer else None)
            )
            for winner, answer in zip(winners, answers, strict=True)
        ]
        return SimpleNamespace(scored=SimpleNamespace(scores=SimpleNamespace(nodes=nodes)), classes=classes)

    rows = compare(findings("abcd", "ab", "", "c", "d"), findings("abce", "abc", "", "", "e"))
    assert [row.common for row in rows] == [pytest.approx(2 / 3), 1.0, 0.0, None]
    assert [row.agrees for row in rows] == [True, True, False, False]


def test_investigate_then_select_then_show(world, tmp_path, capsys):
    """The three commands agree on one case, as text and as JSON."""
    case = tmp_path / "case"
    assert investigate(world, case, "--tau", "0.01") == 0
    text = capsys.readouterr().out
    assert "lenet" in text.lower()
    assert json.loads((case / "case.json").read_text())["suspect"]["scan"]["verdict"] == "clean"
    assert "report.html" in text
    assert "value range, mean, std" in text
    assert "normalisation guessed" in (case / "report.html").read_text()
    options = ["--eta", "50", "--tau", "0.01", "--k", "2", "--json", "--cache", str(world / "cache")]
    assert main(["select", str(case), *options]) == 0
    selected = json.loads(capsys.readouterr().out)
    assert (selected["settings"]["eta"], selected["settings"]["k"], selected["settings"]["tau"]) == (50, 2, 0.01)
    assert main(["show", str(case), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == selected["classes"]
    assert main(["select", str(case), "--k", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["k"] is None
    shutil.copytree(case, tmp_path / "beside")
    assert main(["show", str(tmp_path / "beside")]) == 0
    assert "the same weights as in suspect.pth (file suspect.pth)" in capsys.readouterr().out


def test_a_case_made_here_is_continued_from_its_plan(world, tmp_path, capsys):
    """The dashboard runs the plan that the command line left behind; nothing is queried twice, no guess is reported."""
    case = tmp_path / "case"
    assert investigate(world, case, "--tau", "0.01", "--preprocess", "unit") == 0
    assert "value range" not in capsys.readouterr().out
    before = json.loads((case / "selection.json").read_text())
    findings = run_plan(case, cache=world / "cache")
    assert findings.scored.n_sent == before["n_sent"]
    assert json.loads((case / "selection.json").read_text())["classes"] == before["classes"]


def test_progress_is_quiet_without_a_terminal(world, tmp_path, capsys):
    """Nothing but the result is printed where nobody watches."""
    assert investigate(world, tmp_path / "case", "--json") == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert json.loads(output.out)["n_sent"] == 160


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--alpha", "1.5"], 2, "alpha"),
        (["--tau", "0"], 2, "tau"),
        (["--views", "0"], 2, "views"),
        (["--budget", "3"], 2, "at least 8"),
        (["--preprocess", "none"], 2, "preset"),
        (["--mean", "a,b"], 2, "--mean"),
        (["--noise", "7"], 2, "noise"),
        (["--arch", "no-such-net"], 3, "No architecture"),
        (["--arch", "resnet20"], 3, "lenet"),
        (["--corpus", "/nowhere"], 5, "/nowhere"),
        (["--hierarchy", "/nowhere.csv"], 5, "nowhere.csv"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_sentence_and_its_exit_code(world, tmp_path, capsys, options, code, words):
    """Each mistake says what came and how to mend it, with the documented exit code and no traceback."""
    assert investigate(world, tmp_path / "case", *options) == code
    errors = capsys.readouterr().err
    assert errors.startswith("fdcore: ")
    assert words in errors
    assert "Traceback" not in errors
    assert (tmp_path / "case").exists() == (code == 3)  # only a suspect that could not be opened leaves something


def test_a_mistake_leaves_a_case_that_was_there_before(world, investigated, tmp_path):
    """A folder that cannot be read removes neither an earlier case nor an empty folder; a missing file makes none."""
    case = shutil.copytree(investigated, tmp_path / "case")
    assert investigate(world, case, "--corpus", "/nowhere") == 5
    assert (case / "selection.json").is_file()
    (tmp_path / "empty").mkdir()
    assert investigate(world, tmp_path / "empty", "--corpus", "/nowhere") == 5
    assert (tmp_path / "empty").is_dir()
    missing = ["investigate", str(tmp_path / "none.pth"), "--corpus", str(world / "corpus"), "--out"]
    assert main([*missing, str(tmp_path / "made")]) == 3
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_closes_the_pipe_ends_the_command_quietly(investigated, options):
    """`fdcore show CASE | head` prints no traceback, whether the output is text or JSON."""
    command = [sys.executable, "-m", "fdcore", "show", str(investigated), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_a_refused_file_stays_in_the_case_as_evidence(world, tmp_path, capsys):
    """A pickled program is refused with exit code 4, kept as evidence, and the refusal is in the audit log."""
    evil = tmp_path / "evil.pth"
    marker = tmp_path / "executed"

    class Payload:
        def __reduce__(self):
            return (Path.touch, (marker,))

    torch.save({"state_dict": Payload()}, evil)
    case = tmp_path / "case"
    code = main(
        ["investigate", str(evil), "--corpus", str(world / "corpus"), "--out", str(case), "--cache", str(tmp_path)]
    )
    assert code == 4
    assert not marker.exists()
    assert "refused" in capsys.readouterr().err
    assert (case / "evidence" / "evil.pth").read_bytes() == evil.read_bytes()
    events = [json.loads(line)["event"] for line in (case / "audit.jsonl").read_text().splitlines()]
    assert events == ["case created", "evidence taken", "suspect not opened"]


def test_a_missing_case_and_a_foreign_version(world, tmp_path, capsys):
    """Showing nothing, or a case of another version, is exit code 6."""
    assert main(["show", str(tmp_path / "none")]) == 6
    (tmp_path / "case.json").write_text('{"format": 99}')
    assert main(["show", str(tmp_path)]) == 6
    assert "format 99" in capsys.readouterr().err


def test_errors_are_json_where_json_was_asked_for(tmp_path, capsys):
    """With --json an error is an object with one sentence."""
    assert main(["show", str(tmp_path / "none"), "--json"]) == 6
    assert str(tmp_path / "none") in json.loads(capsys.readouterr().err)["error"]


def test_tree_finds_nodes_by_word(capsys):
    """Words find nodes with their way up and what hangs below; two cranes are two nodes."""
    assert main(["tree", "crane"]) == 0
    text = capsys.readouterr().out
    assert "n02012849" in text
    assert "n03126707" in text
    assert main(["tree", "sports", "car", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["nodes"][0]
    assert (first["id"], first["path"][-1]["label"]) == ("n04285008", "entity")
    assert main(["tree", "no such thing at all"]) == 0
    assert "'no such thing at all'" in capsys.readouterr().out


def test_corpus_says_what_is_in_a_folder(world, tmp_path, capsys):
    """Counts by node, and problems with their reasons."""
    (world / "corpus" / "n02690373" / "broken.png").write_bytes(b"")
    try:
        assert main(["corpus", str(world / "corpus"), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert sum(found["sources"][0]["n_files"].values()) == 81
        assert [p["used"] for p in found["problems"]] == [False]
        assert main(["corpus", str(world / "corpus")]) == 0
        assert "8 nodes" in capsys.readouterr().out
    finally:
        (world / "corpus" / "n02690373" / "broken.png").unlink()


def test_leaves_that_are_only_numbered_are_said(world, tmp_path, capsys):
    """By `corpus`, and under the verdict where such leaves are found; what has a word for a name is not counted."""
    for number, folder in enumerate(sorted((world / "corpus").iterdir())):
        shutil.copytree(folder, tmp_path / "shoes" / ("sandal" if number == 0 else str(number)))
    assert main(["corpus", str(tmp_path / "shoes")]) == 0
    assert "7 leaves have only a number for a name (shoes/1, shoes/2, shoes/3, ...)" in capsys.readouterr().out
    world = shutil.copytree(world, tmp_path / "world", ignore=lambda *_: ["case", "corpus", "cache"])
    shutil.move(tmp_path / "shoes", world / "corpus")
    assert investigate(world, tmp_path / "case", "--paper-rule") == 0
    found = json.loads((tmp_path / "case" / "selection.json").read_text())["classes"]
    numbered = {label for one in found for label in one["labels"] if label.isdecimal()}
    assert f"{len(numbered)} lea" in capsys.readouterr().out.partition("only a number for a name")[0].splitlines()[-1]


def test_usage_errors_exit_with_2(capsys):
    """argparse's own errors keep the documented code."""
    with pytest.raises(SystemExit) as stop:
        main(["investigate"])
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("selection.json", '{"classes": [{}], "overall": {}, "settings": {}}'),
        ("case.json", '{"format": 1, "selection": {"alpha": "x", "evil": 2}}'),
        ("audit.jsonl", "garbage\n"),
        ("ledger/answers.npy", "short"),
        ("ledger/ledger.json", "[]"),
    ],
)
def test_a_case_that_somebody_tampered_with_is_a_sentence(investigated, tmp_path, capsys, file, content):
    """Whatever file of a case is damaged, `show` and `select` never end in a traceback."""
    case = Path(shutil.copytree(investigated, tmp_path / "case"))
    (case / file).write_text(content)
    codes = {main(["show", str(case)]), main(["select", str(case)])}
    assert codes <= {0, 6}
    assert 6 in codes
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("option", ["suspect", "--corpus", "--out", "--hierarchy", "--cache"])
def test_a_path_that_cannot_be_looked_at_is_a_sentence(world, tmp_path, capsys, option):
    """A name that is too long, wherever a path is given, is a mistake of usage; nothing is made."""
    given = {"suspect": world / "suspect.pth", "--corpus": world / "corpus", "--out": tmp_path / "case",
             "--cache": tmp_path / "cache"} | {option: tmp_path / ("x" * 300)}  # fmt: skip
    suspect, *options = given.pop("suspect"), *(str(part) for pair in given.items() for part in pair)
    assert main(["investigate", str(suspect), *options]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("fdcore: ")
    assert "File name too long" in errors
    assert not (tmp_path / "case").exists()


def test_claims_that_cannot_be_read_are_a_sentence(investigated, tmp_path, capsys):
    """The file is named, and why it cannot be read."""
    assert main(["verify", str(investigated), "--claims", str(tmp_path)]) == 2
    assert f"{tmp_path} cannot be read: Is a directory" in capsys.readouterr().err


def test_an_error_of_the_system_that_nobody_expected_stays_loud(investigated, monkeypatch):
    """A file that the program itself cannot find is a bug with a traceback, not a full disk."""

    def lost(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "of our own")

    monkeypatch.setattr("fdcore.work.conclude.analyse", lost)
    with pytest.raises(FileNotFoundError, match="of our own"):
        main(["select", str(investigated)])


def test_what_is_no_file_is_no_suspect(world, tmp_path, capsys):
    """A folder without answers and a named pipe are refused with a sentence; nothing hangs."""
    os.mkfifo(tmp_path / "pipe")
    for suspect in (world / "corpus", tmp_path / "pipe", tmp_path / "nothing"):
        options = ["--corpus", str(world / "corpus"), "--cache", str(tmp_path / "cache")]
        assert main(["investigate", str(suspect), "--out", str(tmp_path / f"case-{suspect.name}"), *options]) == 3
    assert main(["investigate", str(world / "suspect.pth"), "--out", "/proc/none", *options]) == 8


def test_the_number_of_classes_can_be_given(world, tmp_path, capsys):
    """It is checked where the file says it, and kept in the plan and with what was asked."""
    assert investigate(world, tmp_path / "wrong", "--n-classes", "5") == 3
    assert "4 classes, not 5" in capsys.readouterr().err
    assert investigate(world, tmp_path / "case", "--n-classes", "4", "--tau", "0.01") == 0
    facts = json.loads((tmp_path / "case" / "case.json").read_text())
    assert facts["plan"]["suspect"]["n_classes"] == facts["asking"]["n_classes"] == 4


def test_the_runtime_can_be_named(world, tmp_path, capsys):
    """It computes the answers, is shown with the case, and is part of the command that makes the findings again."""
    assert investigate(world, tmp_path / "case", "--runtime", "tensorflow") == 2
    assert "tensorflow" in capsys.readouterr().err
    assert investigate(world, tmp_path / "case", "--runtime", "onnxruntime", "--tau", "0.01") == 0
    assert "ONNX Runtime, as set" in capsys.readouterr().out
    assert main(["show", str(tmp_path / "case"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["runtime"]["chosen"], shown["asking"]["runtime"]) == ("onnxruntime", "onnxruntime")
    assert "--runtime=onnxruntime" in (tmp_path / "case" / "report.html").read_text()
    assert investigate(world, tmp_path / "eager", "--runtime", "eager", "--tau", "0.01") == 0
    answers = [Ledger.open(tmp_path / name / "ledger").answers for name in ("case", "eager")]
    assert np.array_equal(*answers)
