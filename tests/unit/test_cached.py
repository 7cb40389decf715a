"""What the dashboard keeps, and when it makes it anew."""

import threading
from dataclasses import dataclass

from fdcore.case.case import Case
from ui.cached import cached


@dataclass(frozen=True)
class _Settings:
    alpha: float


def _counting(*files, entries=4):
    calls = []

    @cached(*files, entries=entries)
    def kept(case, settings=_Settings(1.0), *, extra=0, make=None):
        calls.append((settings, extra))
        return object()

    return kept, calls


def _case(folder):
    folder.mkdir()
    (folder / "case.json").write_text("{}")
    return Case(folder)


def test_a_result_is_kept_until_a_file_it_reads_changes(tmp_path):
    """Other files of the case may change; of a pattern, a file that is added counts too."""
    kept, calls = _counting("answers.txt", "runs/*/run.json")
    case = _case(tmp_path / "one")
    first = kept(case)
    (case.folder / "else.txt").write_text("noise")
    assert kept(Case(case.folder)) is first
    (case.folder / "answers.txt").write_text("a")
    assert kept(case) is not first
    (case.folder / "runs" / "r1").mkdir(parents=True)
    (case.folder / "runs" / "r1" / "run.json").write_text("{}")
    kept(case)
    assert len(calls) == 3


def test_each_argument_and_each_case_has_a_result_of_its_own(tmp_path):
    """Only how a result is made is no part of what it depends on."""
    kept, calls = _counting("case.json", entries=8)
    one, two = _case(tmp_path / "one"), _case(tmp_path / "two")
    results = [kept(one), kept(two), kept(one, _Settings(0.5)), kept(one, extra=1)]
    assert len(set(map(id, results))) == 4
    assert kept(one, _Settings(0.5)) is results[2]
    assert kept(one, make=lambda: 1) is kept(one, make=lambda: 2)
    assert len(calls) == 5


def test_a_path_stands_for_the_file_it_leads_to(tmp_path):
    """The same path with other content is another file."""
    reads = []

    @cached(entries=4)
    def read(path):
        reads.append(path)
        return path.read_text()

    file = tmp_path / "table.csv"
    for content in ("one", "three"):
        file.write_text(content)
        assert read(file) == read(file) == content
    assert len(reads) == 2


def test_functions_do_not_share_their_results_and_keep_no_more_than_they_may():
    """The wrapper is the same code for all; the least used results go first."""
    calls = []

    @cached(entries=2)
    def double(number):
        calls.append(number)
        return 2 * number

    @cached(entries=2)
    def triple(number):
        return 3 * number

    assert (double(1), triple(1)) == (2, 3)
    for number in (2, 3, 1):
        double(number)
    assert calls == [1, 2, 3, 1]
    double.forget(1)
    assert double(1) == 2
    assert calls[-2:] == [1, 1]


def test_two_sessions_make_a_result_once():
    """The second waits for the first."""
    calls, begun, go_on = [], threading.Event(), threading.Event()

    @cached(entries=2)
    def slow(number):
        calls.append(number)
        begun.set()
        go_on.wait(5)
        return object()

    found = []
    sessions = [threading.Thread(target=lambda: found.append(slow(1))) for _ in range(2)]
    sessions[0].start()
    begun.wait(5)
    sessions[1].start()
    go_on.set()
    for session in sessions:
        session.join(5)
    assert len(calls) == 1
    assert found[0] is found[1]
