"""A folder of cases."""

import io
import json
import shutil
import stat
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_world
from raising import raises

from fdcore.case.case import Case
from fdcore.case.casebook import Casebook, CaseCard, same_weights
from fdcore.case.custody import check_case
from fdcore.errors import CaseError, StorageError
from ui import cached


@pytest.fixture(scope="module")
def scored(tmp_path_factory) -> Path:
    """A finished case."""
    folder = tmp_path_factory.mktemp("world")
    tiny_world.run(tiny_world.build(folder / "corpus"), folder / "cases" / "one", folder / "cache", folder / "log")
    return folder / "cases"


@pytest.fixture
def book(tmp_path: Path) -> Casebook:
    return Casebook(tmp_path / "cases")


def exported(book: Casebook, case_id: str) -> io.BytesIO:
    target = io.BytesIO()
    book.export(case_id, target)
    target.seek(0)
    return target


def zipped(**files: bytes) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    target.seek(0)
    return target


def test_a_new_case_is_named_and_found(book):
    """Its id is made from the title and stays when the title changes."""
    case_id = book.create("Model of the  seized drive / 3", by="A. Nalyst")
    assert case_id == "model-of-the-seized-drive-3"
    book.rename(case_id, "Another title")
    assert [(card.id, card.title, card.stage) for card in book.cards()] == [(case_id, "Another title", "new")]
    assert any(entry["details"].get("by") == "A. Nalyst" for entry in book.open(case_id).audit())


def test_two_cases_may_have_one_title(book):
    """Ids differ all the same."""
    assert book.create("Same") != book.create("Same")


def test_cases_about_the_same_weights_name_each_other():
    """The sentence names the other case and its file, and no case without weights."""
    weights = {"one": "ab", "two": "ab", "three": "cd", "four": "", "five": ""}
    cards = [CaseCard(id, id.title(), 0.0, evidence=f"{id}.pt", weights=own) for id, own in weights.items()]
    assert same_weights(cards, "one") == "The suspect has the same weights as in Two (file two.pt)."
    assert [same_weights(cards, name) for name in ("three", "four", "gone")] == ["", "", ""]


@pytest.mark.parametrize("title", ["", "   ", "\x00\n"])
def test_a_case_needs_a_title(book, title):
    """Nothing is made of an empty one."""
    with raises(CaseError, "title empty"):
        book.create(title)
    assert book.ids() == []


@pytest.mark.parametrize("case_id", ["../one", "/etc", ".hidden", "", "a/b", "nothing", "a\0b", "x" * 300])
def test_an_id_from_a_link_cannot_leave_the_folder(book, case_id):
    """It is a sentence, whatever it is."""
    book.create("One")
    with raises(CaseError, "no such case", repr(case_id)):
        book.open(case_id)


def test_a_finished_case_at_a_glance(scored):
    """Found classes, answers and the domain's names are on its card."""
    card = Casebook(scored).card("one")
    assert (card.stage, card.n_found, card.n_classes) == ("found", 3, 4)
    assert card.n_answered == card.n_queries == 8 * 10 * 4
    assert card.domain == ("heavier-than-air craft", "domestic cat", "car")


def test_a_damaged_case_does_not_hide_the_others(scored, tmp_path):
    """It is listed with what is wrong."""
    book = Casebook(tmp_path)
    book.create("Good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "case.json").write_text("{")
    stages = {card.id: card.stage for card in book.cards()}
    assert stages == {"good": "new", "bad": "damaged"}


def test_archiving_deletes_nothing(book):
    """An archived case can be brought back."""
    case_id = book.create("One")
    book.archive(case_id)
    assert book.card(case_id).archived
    book.archive(case_id, False)
    assert not book.card(case_id).archived


def test_a_copy_is_a_case_of_its_own(scored):
    """Answers are copied; what happens to one does not touch the other."""
    book = Casebook(scored)
    copy = book.duplicate("one")
    book.rename(copy, "Changed")
    assert book.card("one").title != "Changed"
    assert book.card(copy).n_found == 3
    assert [entry["event"] for entry in book.open(copy).audit()][-2:] == ["case duplicated", "case named"]


def test_a_case_travels_as_one_file(scored, book):
    """Export and import give the same findings and an intact audit log."""
    case_id = book.import_(exported(Casebook(scored), "one"), by="B")
    assert book.card(case_id).domain == Casebook(scored).card("one").domain
    original = Case.open(scored / "one").read_json("selection.json")
    assert book.open(case_id).read_json("selection.json") == original
    assert [entry["event"] for entry in book.open(case_id).audit()][-1] == "case imported"


def test_a_changed_audit_log_is_refused(book):
    """And nothing of the file stays."""
    case_id = book.create("One")
    book.open(case_id).log("something", {})
    log = book.root / case_id / "audit.jsonl"
    log.write_text(log.read_text().replace("something", "nothing"))
    with raises(CaseError, "audit log changed", "audit.jsonl"):
        book.import_(exported(book, case_id))
    assert book.ids() == [case_id]
    assert not list(book.root.glob(".arriving*"))


LINK = zipfile.ZipInfo("case/link")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "case/../../evil", "case/.ssh/key", "evil", "case\\..\\evil", "a/x", LINK],
)  # fmt: skip
def test_a_hostile_zip_is_refused(book, name):
    """No member leaves the case's folder, hides, stands beside it, or is a link, which could lead anywhere."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("case/case.json", json.dumps({"format": 1}))
        archive.writestr(name, b"/etc/passwd")
    target.seek(0)
    with raises(CaseError, "not an exported case"):
        book.import_(target)
    assert book.ids() == []
    assert not list(book.root.parent.rglob("evil"))


def test_what_is_no_zip_is_a_sentence(book):
    """Neither is a ZIP without a case."""
    for content in (b"", b"PK\x03\x04 rubbish", b"x" * 1000):
        with raises(CaseError, "not an exported case"):
            book.import_(io.BytesIO(content))
    with raises(CaseError, "not an exported case", "case.json"):
        book.import_(zipped(case__other=b"x"))


def test_a_bomb_is_not_unpacked(book, monkeypatch):
    """The limits count what it unpacks to, in all and beside its size; files and folders; and the room there is."""
    with raises(CaseError, "import too large", "80 MB"):
        book.import_(zipped(case__x=b"0" * 80_000_000))
    monkeypatch.setattr("fdcore.case.unpacking.MAX_FILES", 50)
    with raises(CaseError, "import too large", "50 files"):
        book.import_(zipped(**{f"case__{n}__x": b"0" for n in range(30)}))
    monkeypatch.setattr("fdcore.case.unpacking.MAX_BYTES", 1000)
    with raises(CaseError, "import too large"):
        book.import_(zipped(case__x=b"0" * 5000))
    monkeypatch.undo()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=64 << 20))
    with raises(StorageError, "disk full", "0 MB; 67 MB are free"):
        book.import_(zipped(case__x=b"0" * 5000))
    assert list(book.root.glob("*")) == []


@pytest.mark.parametrize("other", ["Case.json", "case.json", "case.json.", "\uff43ase.json", "sub/../case.json"])
def test_two_files_that_a_disk_may_take_for_one_are_refused(book, other):
    """One of them would be checked and the other read."""
    case_id = book.create("One")
    content = exported(book, case_id)
    with zipfile.ZipFile(content, "a") as archive, warnings.catch_warnings(action="ignore"):
        archive.writestr(f"{case_id}/{other}", b"{}")
    content.seek(0)
    with raises(CaseError, "not an exported case" if ".." in other else "names alike"):
        book.import_(content)


def test_the_report_of_the_sender_is_set_aside(scored, book):
    """It is a page that a browser would open as this program's; the case stays intact without it."""
    case = book.open(book.import_(exported(Casebook(scored), "one")))
    (aside,) = list(case.audit())[-1]["details"]["set_aside"]
    assert not case.has("report.html")
    assert case.path(aside).read_bytes() == (scored / "one" / "report.html").read_bytes()
    assert check_case(case).intact
    again = book.open(book.import_(exported(book, case.folder.name)))
    assert again.has(aside)
    assert check_case(again).intact


def tampered(book: Casebook, case_id: str, **files: bytes) -> io.BytesIO:
    """An exported case in which some files were replaced; "__" stands for "/"."""
    target = io.BytesIO()
    changed = {name.replace("__", "/").replace("_json", ".json"): content for name, content in files.items()}
    with zipfile.ZipFile(exported(book, case_id)) as source, zipfile.ZipFile(target, "w") as archive:
        for member in source.namelist():
            name = member.partition("/")[2]
            archive.writestr(member, changed.pop(name, None) or source.read(member))
        for name, content in changed.items():
            archive.writestr(f"{case_id}/{name}", content)
    target.seek(0)
    return target


@pytest.mark.parametrize(
    ("extra", "key"),
    [(', "x": NaN', "file damaged"), (', "x": 1e999', "file damaged"), (', "x": "\\ud800"', "file damaged"),
     (', "asking": 3', "record damaged")],
)  # fmt: skip
def test_a_crafted_case_does_not_keep_the_permission(book, extra, key):
    """What cannot be cleaned is not taken in: a case that allows an unscanned suspect never stands in the folder."""
    case_id = book.create("One")
    facts = {**book.open(case_id).read_json("case.json"), "plan": {"suspect": {"allow_unscanned": True}}}
    crafted = json.dumps(facts)[:-1] + extra + "}"
    with raises(CaseError, key, "case.json"):
        book.import_(tampered(book, case_id, case_json=crafted.encode()))
    assert book.ids() == [case_id]
    assert not list(book.root.glob(".arriving*"))


def test_the_permission_is_taken_back_before_the_case_arrives(book, monkeypatch):
    """An import that is cut short leaves no case that has it."""
    case_id = book.create("One")
    book.open(case_id).record(plan={"suspect": {"allow_unscanned": True}})
    book.open(case_id).log("plan changed", {})
    content = exported(book, case_id)
    seen = []

    def cut_short(_book, arrived, _title):
        seen.append(Case.open(arrived).facts().plan.suspect.allow_unscanned)
        raise KeyboardInterrupt

    monkeypatch.setattr(Casebook, "_move_in", cut_short)
    with pytest.raises(KeyboardInterrupt):
        book.import_(content)
    assert seen == [False]


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"overall": {"n_found": 1e999, "n_classes": 4}, "classes": []}',
                                     b'{"classes": 3}'])  # fmt: skip
def test_one_bad_case_does_not_take_the_others_down(book, content):
    """Its card says that it is damaged, and it is not let in from elsewhere."""
    good, bad = book.create("Good"), book.create("Bad")
    (book.root / bad / "selection.json").write_bytes(content)
    assert {card.id: card.stage for card in book.cards()} == {good: "new", bad: "damaged"}
    with raises(CaseError, "case not imported"):
        book.import_(tampered(book, good, selection_json=content))
    assert book.ids() == [bad, good]


def test_a_nested_ledger_header_is_damage(scored, tmp_path):
    """Neither does a ledger."""
    book = Casebook(tmp_path)
    shutil.copytree(scored / "one", tmp_path / "one")
    (tmp_path / "one" / "ledger" / "ledger.json").write_text("[" * 100_000)
    assert "damaged" in book.card("one").problem


def test_a_zip_with_a_broken_stream_is_a_sentence(book):
    """Bytes changed inside a compressed file."""
    case_id = book.create("One")
    book.open(case_id).write("notes", b"a note " * 10_000)
    book.open(case_id).log("noted", {})
    content = bytearray(exported(book, case_id).getvalue())
    start = content.index(b"notes") + len(b"notes")
    content[start : start + 40] = b"\xff" * 40
    with raises(CaseError, "not an exported case"):
        book.import_(io.BytesIO(bytes(content)))


@pytest.mark.parametrize("names", [("notes", "notes/y"), ("notes/y", "notes"), ("notes", "notes/y/z"), ("n" * 300,)])
def test_a_zip_whose_names_no_folder_can_hold_is_a_sentence(book, names):
    """A name that is a file and a folder at once, or too long."""
    case_id = book.create("One")
    with raises(CaseError, "not an exported case"):
        book.import_(tampered(book, case_id, **dict.fromkeys(names, b"x")))
    assert book.ids() == [case_id]


def test_an_id_is_never_given_twice(book):
    """Jobs of a removed case stay in the list; a new case must not be taken for it."""
    first = book.create("Same")
    shutil.rmtree(book.root / first)
    second = book.create("Same")
    assert second != first
    third = book.import_(exported(book, second))
    shutil.rmtree(book.root / third)
    assert len({first, second, third, book.duplicate(second), book.create("Same")}) == 5


def test_a_case_that_came_by_hand_keeps_its_id_too(book):
    """What lies in the folder when a case is added was given, whoever gave it."""
    Case.create(book.root / "by-hand")
    book.create("Other")
    shutil.rmtree(book.root / "by-hand")
    assert book.create("By hand") == "by-hand-2"


# What pages keep of it


def test_a_card_with_a_problem_is_not_kept(book, monkeypatch):
    """A fault that passes, such as a folder that cannot be read for a moment, is gone at the next look."""
    case_id = book.create("One")

    def fail(_case):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Case, "facts", fail)
        assert cached.card(book, case_id).problem
    assert not cached.card(book, case_id).problem


def test_a_hierarchy_is_read_again_when_its_file_changes(tmp_path):
    """Its path alone does not say what is in it."""
    file = tmp_path / "tree.csv"
    for leaf in ("cat", "giraffe"):
        file.write_text(f"id,parent,label\nroot,,root\n{leaf},root,{leaf}\n")
        assert leaf in cached.hierarchy(file).ids


def test_more_cases_than_a_screen_holds_are_kept(tmp_path, monkeypatch):
    """Each look at 600 cases reads every card once, not each time."""
    book, looks = Casebook(tmp_path), []

    def look(_book, case_id):
        looks.append(case_id)
        return CaseCard(case_id, case_id, 0.0)

    monkeypatch.setattr(Casebook, "card", look)
    for number in range(600):
        (tmp_path / f"c{number}").mkdir()
        (tmp_path / f"c{number}" / "case.json").write_text("{}")
    for _ in range(2):
        assert len(cached.cards(book)) == 600
    assert len(looks) == 600
