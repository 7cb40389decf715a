"""Custody: whatever is done to a case's files or log is found, with nothing but the public key."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import tiny_world
from raising import raises

from fdcore.case import layout, verify
from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.case.conclusions import lock_class
from fdcore.case.keys import KEY_VARIABLE, PASSPHRASE_VARIABLE, load_key, new_key
from fdcore.case.notes import Note, add_note
from fdcore.case.verify import check
from fdcore.cli.main import main
from fdcore.errors import CaseError
from fdcore.method.choices import Choice
from fdcore.work.conclude import WRITTEN, analyse
from fdcore.work.replay import replay

NOW = "2026-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A key of this module's analyst: whatever is logged meanwhile is signed with it."""
    path = tmp_path_factory.mktemp("keys") / "analyst.pem"
    new_key(path)
    before = os.environ.get(KEY_VARIABLE)
    os.environ[KEY_VARIABLE] = str(path)
    yield path
    os.environ[KEY_VARIABLE] = before or ""


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Path:
    """Two signed cases, "one" and "two", with a note and an answer by hand; of two seeds."""
    folder = tmp_path_factory.mktemp("custody")
    corpus = tiny_world.build(folder / "corpus")
    for name in ("one", "two"):
        case = folder / "cases" / name
        tiny_world.run(corpus, case, folder / "cache", folder / f"{name}.log")
        add_note(Case.open(case), Note("class", "0", comment=f"of {name}", by="Ann"))
        lock_class(case, Choice(0, (), f"nothing in {name}", "Ann", NOW))
        analyse(case)
    return folder / "cases"


@pytest.fixture
def one(cases: Path, tmp_path: Path) -> Path:
    """A copy of the first case."""
    return Path(shutil.copytree(cases / "one", tmp_path / "one"))


@pytest.fixture
def public(key: Path) -> bytes:
    """The analyst's public key."""
    found = load_key()
    assert found is not None
    return found.public_pem.encode()


def lines(folder: Path) -> list[bytes]:
    return (folder / verify.LOG).read_bytes().splitlines(keepends=True)


def rewritten(folder: Path, change: Callable[[list[dict]], None]) -> None:
    """Change the log's entries and compute the whole chain again, as somebody without the key can."""
    found = [json.loads(line) for line in lines(folder)]
    change(found)
    previous = verify.GENESIS
    for number, entry in enumerate(found):
        entry |= {"n": number, "previous": previous}
        entry["hash"] = previous = verify.entry_hash(entry)
    (folder / verify.LOG).write_bytes(b"".join(json.dumps(entry).encode() + b"\n" for entry in found))


def test_a_case_as_it_was_made_is_intact_and_every_file_is_bound(one: Path, public: bytes):
    """And every entry is signed by the analyst."""
    checked = check(one, [public])
    assert checked.intact, verify.in_words(checked)
    assert {file.state for file in checked.files} == {"intact"}
    ledger = {layout.LEDGER_HEADER, "ledger/answers.npy", "ledger/image_ids.npy", "ledger/sent.npy"}
    tables = {layout.SELECTION, layout.SCORES_CSV, layout.IMAGES_CSV, layout.VERDICT, layout.REPORT}
    inputs = {layout.FACTS, layout.CORPUS, layout.HIERARCHY, layout.CHOICES, layout.NOTES}
    assert ledger | tables | inputs <= {file.name for file in checked.files}
    assert checked.signers == {verify.fingerprint(public): checked.n_entries}


FILE_TAMPERINGS: dict[str, Callable[[Path, Path], object]] = {
    "one bit": lambda path, _other: path.write_bytes(
        bytes([(path.read_bytes() or b"x")[0] ^ 1]) + path.read_bytes()[1:]
    ),
    "a byte added": lambda path, _other: path.write_bytes(path.read_bytes() + b" "),
    "cut": lambda path, _other: path.write_bytes(path.read_bytes()[:-1]),
    "emptied": lambda path, _other: path.write_bytes(b""),
    "removed": lambda path, _other: path.unlink(),
    "another case's": lambda path, other: path.write_bytes(other.read_bytes()),
}


@pytest.mark.parametrize("how", FILE_TAMPERINGS)
def test_each_file_that_is_changed_is_named(one: Path, cases: Path, how: str):
    """Every artefact of the case in turn; a file that is equal in both cases cannot be swapped."""
    for file in check(one).files:
        path, other = one / file.name, cases / "two" / file.name
        before = path.read_bytes()
        FILE_TAMPERINGS[how](path, other)
        if path.is_file() and path.read_bytes() == before:
            continue
        wrong = check(one).wrong
        assert [(found.name, found.state) for found in wrong] == [
            (file.name, "missing" if how == "removed" else "changed")
        ]  # fmt: skip
        path.write_bytes(before)
    assert check(one).intact


def test_a_file_that_was_put_in_is_not_bound(one: Path):
    """It is named, and changes nothing about the rest."""
    (one / "selection2.csv").write_text("class,found\n")
    assert [(file.name, file.entry) for file in check(one).files if file.state == "not bound"] == [
        ("selection2.csv", None)
    ]


def exchange(found: list[bytes]) -> list[bytes]:
    return [*found[:1], found[2], found[1], *found[3:]]


LOG_TAMPERINGS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "an entry edited": lambda found: [*found[:1], found[1].replace(b'"details"', b'"Details"'), *found[2:]],
    "an entry removed": lambda found: [*found[:1], *found[2:]],
    "an entry repeated": lambda found: [*found[:2], *found[1:]],
    "two entries exchanged": exchange,
    "the first removed": lambda found: found[1:],
    "emptied": lambda found: [],
    "a line that is not an entry": lambda found: [*found, b"{}\n"],
    "a key twice": lambda found: [*found[:1], found[1].replace(b'{"n": 1,', b'{"n": 1, "n": 1,'), *found[2:]],
    "nested too deeply": lambda found: [*found, b"[" * 100_000 + b"\n"],
}


@pytest.mark.parametrize("how", LOG_TAMPERINGS)
def test_a_log_that_was_changed_is_broken(one: Path, how: str):
    """Without any key."""
    (one / verify.LOG).write_bytes(b"".join(LOG_TAMPERINGS[how](lines(one))))
    assert check(one).broken


def test_a_removed_log_is_not_begun_anew(one: Path):
    """Whatever is logged next."""
    (one / verify.LOG).unlink()
    assert check(one).broken
    with raises(CaseError, key="audit log missing"):
        Case.open(one).log("anything", {})
    assert not (one / verify.LOG).exists()


def test_nothing_is_logged_after_a_line_that_is_not_an_entry(one: Path):
    """Wherever it stands, where the files of a folder are to be bound."""
    (one / verify.LOG).write_bytes(b"".join([*lines(one)[:1], b"[]\n", *lines(one)[1:]]))
    case = Case.open(one)
    with case.changing(layout.LEDGER):
        pass
    with raises(CaseError, key="audit log changed"):
        case.log("anything", {})


def test_a_tail_that_was_cut_off_leaves_files_that_the_log_does_not_know(one: Path):
    """The conclusions were written after that entry."""
    (one / verify.LOG).write_bytes(b"".join(lines(one)[:-1]))
    assert not check(one).intact


def without_signature(found: list[dict]) -> None:
    for entry in found:
        entry.pop("signature"), entry.pop("key")


def forged(found: list[dict]) -> None:
    found[-1]["details"]["n_found"] = 1_000
    without_signature(found)


def kept_signature(found: list[dict]) -> None:
    found[-1]["details"]["n_found"] = 1_000


CHAIN_TAMPERINGS = {"forged and unsigned": forged, "unsigned": without_signature, "old signatures": kept_signature}


@pytest.mark.parametrize("how", CHAIN_TAMPERINGS)
def test_a_chain_that_was_computed_again_is_found_by_the_public_key(one: Path, public: bytes, how: str):
    """Somebody without the private key cannot sign."""
    rewritten(one, CHAIN_TAMPERINGS[how])
    assert check(one, [public]).broken


def test_another_persons_signature_is_not_the_analysts(one: Path, public: bytes, tmp_path: Path, monkeypatch):
    """The chain holds, and names who signed; with the analyst's key alone it is refused."""
    other = new_key(tmp_path / "other.pem", algorithm="p256")
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "other.pem"))
    Case.open(one).log("looked at", {})
    assert set(check(one).signers) == {verify.fingerprint(public), other.fingerprint}
    assert "is not signed by a given key" in check(one, [public]).broken
    assert check(one, [other.public_pem.encode()]).intact  # a signature covers the entries before it
    assert check(one, [public, other.public_pem.encode()]).intact


def test_recorded_answers_that_were_changed_are_not_worked_with(one: Path):
    """Neither weighed, nor continued, nor exported; a table that was changed is written again."""
    (one / layout.SELECTION_CSV).write_text("forged")
    with raises(CaseError, key="file changed"):
        Casebook(one.parent).export("one", (one.parent / "out.zip").open("wb"))
    analyse(one)
    assert check(one).intact
    answers = one / "ledger" / "answers.npy"
    content = answers.read_bytes()
    answers.write_bytes(content[:-4] + bytes([content[-4] ^ 1]) + content[-3:])
    with raises(CaseError, key="file changed"):
        analyse(one)


def test_an_honest_entry_does_not_bind_what_somebody_else_changed(one: Path):
    """A note that is added later leaves the forged table as it is: changed."""
    (one / layout.SELECTION_CSV).write_text("forged")
    add_note(Case.open(one), Note("class", "1", comment="later"))
    assert [file.name for file in check(one).wrong] == [layout.SELECTION_CSV]


@pytest.mark.slow
def test_a_kill_between_writing_and_logging_is_unfinished_not_changed(one: Path):
    """And the next run of the same work binds everything."""
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from fdcore.case import log\nfrom fdcore.method.selection import SelectionSettings\n"
        "from fdcore.work.conclude import analyse\n"
        "log.append = lambda *given, **more: os.kill(os.getpid(), 9)\n"
        "analyse(Path(sys.argv[1]), SelectionSettings(eta=1.0))\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(one)], check=False).returncode == -9
    checked = check(one)
    assert checked.intact
    assert layout.SELECTION in {file.name for file in checked.files if file.state == "unfinished"}
    analyse(one)
    assert {file.state for file in check(one).files} == {"intact"}


def test_an_exported_case_is_checked_by_its_own_script(cases: Path, public: bytes, tmp_path: Path):
    """In a process that cannot import anything of ours; importing it again leaves the script out."""
    archive = tmp_path / "one.zip"
    with archive.open("wb") as file:
        Casebook(cases).export("one", file)
    shutil.unpack_archive(archive, tmp_path / "unpacked")
    folder, pem = tmp_path / "unpacked" / "one", tmp_path / "public.pem"
    pem.write_bytes(public)
    command = [sys.executable, "-I", str(folder / verify.SCRIPT), str(folder), "--key", str(pem)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / layout.VERDICT).write_text("{}")
    assert subprocess.run(command, capture_output=True, check=False, cwd="/").returncode == 1
    imported = Casebook(tmp_path / "cases")
    with archive.open("rb") as file:
        case_id = imported.import_(file)
    assert not (imported.root / case_id / verify.SCRIPT).exists()
    assert check(imported.root / case_id).intact


def test_a_case_that_was_changed_on_the_way_is_not_imported(cases: Path, tmp_path: Path):
    """The forged table is named."""
    shutil.copytree(cases / "one", tmp_path / "zip" / "one", ignore=shutil.ignore_patterns(".*"))
    (tmp_path / "zip" / "one" / layout.IMAGES_CSV).write_text("forged")
    archive = shutil.make_archive(str(tmp_path / "one"), "zip", tmp_path / "zip")
    with raises(CaseError, key="file changed") as refused, Path(archive).open("rb") as file:
        Casebook(tmp_path / "cases").import_(file)
    assert layout.IMAGES_CSV in str(refused.value)


def test_a_replay_makes_the_same_bytes_and_names_what_differs(one: Path, tmp_path: Path):
    """From the recorded answers alone; nothing in the case is written."""
    before = (one / verify.LOG).read_bytes()
    replayed = replay(one)
    assert (set(replayed.same), replayed.differ) == ({*WRITTEN} - {layout.REPORT}, ())
    (one / layout.SELECTION_CSV).write_text("forged")
    assert replay(one).differ == (layout.SELECTION_CSV,)
    assert not replay(one).agrees
    assert (one / verify.LOG).read_bytes() == before


def test_the_command_says_what_is_wrong_and_fails(one: Path, public: bytes, tmp_path: Path, capsys):
    """0 where nothing was changed, 6 otherwise."""
    (tmp_path / "public.pem").write_bytes(public)
    assert main(["check", str(one), "--key", str(tmp_path / "public.pem")]) == 0
    (tmp_path / "public.pem").write_bytes(public + b"Fingerprint and what else `fdcore key show` prints")
    assert main(["check", str(one), "--key", str(tmp_path / "public.pem")]) == 0
    assert "Signed by" in capsys.readouterr().out
    (one / layout.SCORES_CSV).write_text("forged")
    assert main(["check", str(one)]) == 6
    assert "scores.csv" in capsys.readouterr().out
    assert main(["check", str(one), "--key", str(tmp_path / "nothing.pem")]) == 6
    (tmp_path / "nothing.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----")
    assert main(["check", str(one), "--key", str(tmp_path / "nothing.pem")]) == 6
    assert "holds no public key where one is expected" in capsys.readouterr().err
    capsys.readouterr()
    assert main(["check", str(one), "--json"]) == 6
    found = json.loads(capsys.readouterr().out)
    assert [file["name"] for file in found["files"] if file["state"] == "changed"] == [layout.SCORES_CSV]
    assert layout.SCORES_CSV in found["error"]


def test_a_key_beside_another_in_one_text_signs_for_neither(one: Path, public: bytes, tmp_path: Path):
    """Who rewrites the log cannot put the analyst's key beside his own; a file of two keys is refused."""
    own = new_key(tmp_path / "own.pem")
    lines = [json.loads(line) for line in (one / verify.LOG).read_bytes().splitlines()]
    for both in (own.public_pem + public.decode(), public.decode() + own.public_pem):
        previous, written = verify.GENESIS, []
        for entry in lines:
            entry |= {"previous": previous, "key": both}
            previous = entry["hash"] = verify.entry_hash(entry)
            entry["signature"] = base64.b64encode(own.sign(bytes.fromhex(previous))).decode()
            written.append(json.dumps(entry))
        (one / verify.LOG).write_text("\n".join(written) + "\n")
        assert check(one, [public]).broken
    (tmp_path / "two.pem").write_text(both)
    assert main(["check", str(one), "--key", str(tmp_path / "two.pem")]) == 6


def test_a_clock_that_was_set_back_is_told(one: Path, monkeypatch):
    """The chain gives the order whatever the clock says; the entry that is dated before its predecessor is named."""
    case = Case.open(one)
    n_before = check(one).n_entries

    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2001, 1, 1, tzinfo=tz)

    monkeypatch.setattr("fdcore.case.log.datetime", Earlier)
    case.log("noted", {})
    monkeypatch.undo()
    case.log("noted", {})
    checked = check(one)
    assert (checked.intact, checked.set_back) == (True, (n_before,))
    assert f"set back before entry {n_before}" in verify.in_words(checked)


def test_an_artefact_is_removed_by_the_log_or_is_missing(one: Path):
    """What `Case.remove` took away is bound as removed; a removal that was cut short is unfinished."""
    case = Case.open(one)
    case.remove(layout.REPORT)
    assert {file.name: file.state for file in check(one).files}[layout.REPORT] == "unfinished"
    case.log("report removed", {})
    assert layout.REPORT not in {file.name for file in check(one).files}
    (one / layout.VERDICT).unlink()
    assert [file.name for file in check(one).wrong] == [layout.VERDICT]


def test_a_key_is_made_once_and_read_with_its_passphrase(tmp_path: Path, monkeypatch, capsys):
    """Only its owner may read the file; without a key nothing is signed."""
    path = tmp_path / "key.pem"
    monkeypatch.setenv(KEY_VARIABLE, str(path))
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "open sesame")
    assert main(["key", "show"]) == 6
    assert main(["key", "new", "--algorithm", "p256"]) == 0
    assert "PUBLIC KEY" in capsys.readouterr().out
    assert path.stat().st_mode & 0o077 == 0
    assert main(["key", "new"]) == 6
    assert main(["key", "show"]) == 0
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "wrong")
    with raises(CaseError, key="key unreadable"):
        load_key()
    monkeypatch.setenv(KEY_VARIABLE, "")
    assert load_key() is None
