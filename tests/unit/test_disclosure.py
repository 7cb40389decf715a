"""The disclosure bundle: the other side can check and replay it, and sees what was left out."""

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import case_factory
import cryptography
import pandas as pd
import pypdf
import pytest
import tsa
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from raising import raises

from fdcore.case import layout, verify
from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.case.conclusions import lock_class
from fdcore.case.keys import KEY_VARIABLE, SigningKey, load_key, new_key
from fdcore.case.timestamps import keep_reply
from fdcore.case.verify import check, check_bundle, sha256_of
from fdcore.cli.main import main
from fdcore.disclosure.bundle import Bundle, as_case, write_bundle
from fdcore.disclosure.case_uco import case_as_jsonld
from fdcore.errors import CaseError, CorpusError
from fdcore.method.choices import Choice
from fdcore.storage import sha256_file
from fdcore.version import __version__
from fdcore.work.conclude import analyse

PICTURE_SIGNS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"data:image")
CLOCK = tsa.Authority.new()


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished case with a suspect's file, which nobody signed."""
    return case_factory.finished(tmp_path_factory.mktemp("unsigned") / "seized")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory, unsigned: Path) -> Iterator[SigningKey]:
    """A key of this module's analyst, of the kind whose signatures are usually random."""
    path = tmp_path_factory.mktemp("keys") / "analyst.pem"
    before = os.environ.get(KEY_VARIABLE)
    os.environ[KEY_VARIABLE] = str(path)
    yield new_key(path, algorithm="p256")
    os.environ[KEY_VARIABLE] = before or ""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, key: SigningKey, unsigned: Path) -> Path:
    """The same, signed and timestamped; its report has pictures."""
    folder = Path(shutil.copytree(unsigned, tmp_path_factory.mktemp("disclosure") / "seized"))
    Casebook(folder.parent).assign("seized", examiner="Ann", exhibit="7b", by="Ann")
    analyse(folder, cache=case_factory.world().cache, by="Ann")
    case = Case.open(folder)
    keep_reply(case, CLOCK.reply(bytes.fromhex(check(folder).head)))
    return folder


@pytest.fixture
def case(original: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(original, tmp_path / "seized"))


def bundle_of(folder: Path, **options: bool) -> tuple[Bundle, bytes]:
    target = io.BytesIO()
    return write_bundle(folder, target, cache=case_factory.world().cache, **options), target.getvalue()


@pytest.fixture(scope="module")
def packed(original: Path) -> tuple[Bundle, bytes]:
    return bundle_of(original)


@pytest.fixture
def unpacked(packed: tuple[Bundle, bytes], tmp_path: Path) -> Path:
    """The bundle's folder, as the other side unpacks it."""
    zipfile.ZipFile(io.BytesIO(packed[1])).extractall(tmp_path)
    return tmp_path / packed[0].name


def test_a_bundle_is_the_same_bytes_each_time_and_writes_nothing(original: Path, packed: tuple[Bundle, bytes]):
    """Signature included; no entry is added to the log."""
    before = (original / verify.LOG).read_bytes()
    assert bundle_of(original)[1] == packed[1]
    assert (original / verify.LOG).read_bytes() == before


def test_its_own_script_checks_it_with_python_and_cryptography_alone(unpacked: Path, key: SigningKey, tmp_path: Path):
    """It names what was left out, never as intact, and says that the manifest is signed and entries are stamped."""
    packages = Path(cryptography.__file__).parents[1]
    (tmp_path / "packages").mkdir()
    for name in ("cryptography", "cffi", "pycparser", *(one.name for one in packages.glob("_cffi_backend*"))):
        if (packages / name).exists():
            (tmp_path / "packages" / name).symlink_to(packages / name)
    pem = unpacked / "keys" / f"{key.fingerprint}.pem"
    command = [sys.executable, "-S", "-s", "-P", str(unpacked / verify.SCRIPT), str(unpacked), "--key", str(pem)]
    environment = {"PYTHONPATH": str(tmp_path / "packages")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    checked = check_bundle(unpacked)
    left_out = [one.name for one in checked.files if one.state == "left out"]
    assert f"{len(left_out)} left out." in done.stdout
    assert {f"case/{name}" for name in (layout.FACTS, layout.REPORT)} < set(left_out)
    assert all(f"  left out: {name}\n" in done.stdout for name in left_out)
    assert f"The manifest, which says what was left out, is signed by {key.fingerprint}." in done.stdout
    assert "says CN=Clock" in done.stdout
    assert {one.state for one in checked.files} == {"intact", "left out"}


def test_each_file_that_is_changed_removed_or_put_in_is_named(unpacked: Path):
    """Every file of the bundle in turn, those of the case and those made for it."""
    for path in sorted(one for one in unpacked.rglob("*") if one.is_file()):
        content, name = path.read_bytes(), path.relative_to(unpacked).as_posix()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"x")
        checked = check_bundle(unpacked)
        assert not checked.intact
        assert name in {one.name for one in checked.wrong} or name in (
            "manifest.json", "manifest.dsse.json", "case/audit.jsonl"
        )  # fmt: skip
        path.unlink()
        assert check_bundle(unpacked).intact == (name == "manifest.dsse.json"), name
        path.write_bytes(content)
    (unpacked / "case" / "more.csv").write_text("forged")
    (unpacked / "more.txt").write_text("forged")
    loose = {one.name for one in check_bundle(unpacked).files if one.state == "not bound"}
    assert loose == {"case/more.csv", "more.txt"}


def _manifest(folder: Path, change: Callable[[dict], None]) -> None:
    path = folder / verify.MANIFEST
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_a_deletion_is_not_hidden_by_the_manifest(unpacked: Path, key: SigningKey):
    """The signature covers what was left out; an unsigned manifest is refused by who has the public key."""
    gone, public = f"case/{layout.IMAGES_CSV}", key.public_pem.encode()
    sha256 = sha256_of(unpacked / gone)
    (unpacked / gone).unlink()
    assert [(one.name, one.state) for one in check_bundle(unpacked).wrong] == [(gone, "missing")]

    def hide(manifest: dict) -> None:
        manifest["subject"] = [one for one in manifest["subject"] if one["name"] != gone]
        manifest["predicate"]["leftOut"].append({"name": layout.IMAGES_CSV, "sha256": sha256})

    _manifest(unpacked, hide)
    assert "signs another manifest" in check_bundle(unpacked).broken
    (unpacked / verify.ENVELOPE).unlink()
    assert "not signed by a given key" in check_bundle(unpacked, [public]).broken
    checked = check_bundle(unpacked)
    assert "not signed" in checked.manifest
    assert gone in {one.name for one in checked.files if one.state == "left out"}


def test_a_file_is_left_out_only_with_the_content_that_the_log_binds(unpacked: Path):
    """Another hash in the manifest does not excuse the lack."""
    (unpacked / verify.ENVELOPE).unlink()

    def other(manifest: dict) -> None:
        manifest["predicate"]["leftOut"] = [one | {"sha256": "0" * 64} for one in manifest["predicate"]["leftOut"]]

    _manifest(unpacked, other)
    assert {"case/case.json", "case/report.html"} <= {one.name for one in check_bundle(unpacked).wrong}


def test_a_log_whose_tail_was_cut_off_is_another_than_the_manifests(unpacked: Path):
    """The manifest names the last entry."""
    path = unpacked / "case" / verify.LOG
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert check_bundle(unpacked).broken == "the manifest is about another state of the log"


def test_it_holds_no_picture_no_suspect_and_no_folder_of_the_machine(original: Path, unpacked: Path):
    """Searched for in every file, the report as PDF included; the suspect's hash is in the manifest."""
    facts = Case.open(original).facts()
    assert facts.plan is not None
    assert facts.evidence is not None
    places = [*facts.plan.corpora, *(str(Path(one).parent) for one in facts.plan.corpora), str(original)]
    assert (original / layout.REPORT).read_bytes().count(b"data:image")
    pdf = "".join(page.extract_text() for page in pypdf.PdfReader(unpacked / "report.pdf").pages)
    for path in (one for one in unpacked.rglob("*") if one.is_file()):
        content = path.read_bytes()
        assert not any(sign in content for sign in PICTURE_SIGNS), path
        assert not any(place.encode() in content for place in places), path
        assert sha256_file(path) != facts.evidence.sha256
    assert not any(place in pdf for place in places)
    assert facts.evidence.sha256 in (unpacked / verify.MANIFEST).read_text()


def test_its_readme_names_every_file_and_everything_that_was_left_out(packed: tuple[Bundle, bytes], unpacked: Path):
    """With the hash of what was left out."""
    text = (unpacked / "README.md").read_text()
    names = [one.relative_to(unpacked).as_posix() for one in unpacked.rglob("*") if one.is_file()]
    rows = [line.split("`")[1] for line in text.partition("## Files")[2].splitlines() if line.startswith("| `")]
    assert len({*rows}) == len(rows) < len(names)
    for name in names:
        assert name in rows or any(row.endswith("ledger/") and fnmatch(name, f"{row}*") for row in rows), name
    assert "the same" not in text.partition("## Files")[2], "a row must be clear without the row above"
    assert packed[0].left_out
    assert all(f"`case/{one.name}`" in text and one.sha256 in text for one in packed[0].left_out)


def test_pictures_and_suspect_are_in_it_on_demand(original: Path, tmp_path: Path):
    """As they were queried and seized; only what names folders is left out then."""
    bundle, content = bundle_of(original, suspect=True, pictures=True)
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    folder = tmp_path / bundle.name
    assert check_bundle(folder).intact
    listed = pd.read_csv(folder / "pictures.csv")
    assert len(listed) > 50
    for name, sha256 in zip(listed["picture"], listed["sha256"], strict=True):
        assert sha256_file(folder / "pictures" / name) == sha256
    evidence = Case.open(original).facts().evidence
    assert evidence is not None
    assert sha256_file(folder / "case" / "evidence" / evidence.file) == evidence.sha256
    assert layout.FACTS in {one.name for one in bundle.left_out}
    assert b"data:image" in (folder / "report.html").read_bytes()


def test_a_picture_that_was_changed_since_is_not_handed_over(original: Path, tmp_path: Path):
    """Nor one that is gone."""
    case = Case.open(Path(shutil.copytree(original, tmp_path / "seized")))
    moved = tuple(str(shutil.copytree(one, tmp_path / Path(one).name)) for one in case.plan().corpora)
    case.change_plan(corpora=moved)
    bundle_of(case.folder, pictures=True)
    picture = next(Path(moved[0]).rglob("*.png"))
    picture.write_bytes(picture.read_bytes() + b" ")
    with raises(CorpusError, key="picture changed"):
        bundle_of(case.folder, pictures=True)
    picture.unlink()
    with raises(CorpusError, key="picture missing"):
        bundle_of(case.folder, pictures=True)


def test_no_bundle_is_made_of_a_case_that_was_changed(case: Path):
    """Nor of one whose tables are not what its answers give, nor of one without conclusions."""
    selection = (case / layout.SELECTION_CSV).read_bytes()
    (case / layout.SELECTION_CSV).write_text("forged")
    with raises(CaseError, key="file changed"):
        bundle_of(case)
    (case / layout.SELECTION_CSV).write_bytes(selection)
    lock_class(case, Choice(0, (), "nothing", "Ann", "2026-01-01T00:00:00+00:00"))
    with raises(CaseError, key="conclusions out of date"):
        bundle_of(case)
    new = Casebook(case.parent / "book")
    with raises(CaseError, key="no conclusions"):
        bundle_of(new.folder(new.create("New")))


def test_a_signed_case_is_not_disclosed_unsigned(case: Path, monkeypatch: pytest.MonkeyPatch):
    """Who checks with the public key could not rely on what was left out."""
    monkeypatch.setenv(KEY_VARIABLE, "")
    assert load_key() is None
    with raises(CaseError, key="bundle not signed"):
        bundle_of(case)


def test_an_unsigned_case_gives_an_unsigned_bundle(unsigned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It says so, and its check too."""
    monkeypatch.setenv(KEY_VARIABLE, "")
    bundle, content = bundle_of(unsigned)
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    checked = check_bundle(tmp_path / bundle.name)
    assert checked.intact
    assert (bundle.key, checked.signers) == ("", {})
    assert "not signed" in checked.manifest
    assert "Nobody signed this bundle" in (tmp_path / bundle.name / "README.md").read_text()


def test_a_case_of_an_earlier_version_says_which_files_its_log_does_not_bind(tmp_path: Path, monkeypatch):
    """Left out or not: the manifest vouches for them, and the check does not call them intact."""
    monkeypatch.setenv(KEY_VARIABLE, "")
    book = Casebook(tmp_path / "cases")
    with (Path(__file__).parents[1] / "data" / "old-case.zip").open("rb") as file:
        folder = book.folder(book.import_(file))
    analyse(folder)
    bundle, content = bundle_of(folder)
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    checked = check_bundle(tmp_path / bundle.name)
    states = {one.name: (one.state, one.entry is None) for one in checked.files}
    clone = next(one.name for one in bundle.left_out if one.name.startswith("cloning/runs/"))
    assert states[f"case/{clone}"] == ("left out", True)
    assert states["case/ledger/ledger.json"] == ("not bound", True)
    assert states[f"case/{layout.SELECTION}"] == ("intact", False)
    assert f"  left out: case/{clone}, which the log does not bind\n" in verify.in_words(checked)
    (tmp_path / bundle.name / "case" / "ledger" / "ledger.json").write_text("{}")
    assert [one.name for one in check_bundle(tmp_path / bundle.name).wrong] == ["case/ledger/ledger.json"]


def test_the_manifest_is_an_in_toto_statement_in_a_dsse_envelope(unpacked: Path, key: SigningKey):
    """Verified here as the specifications say, without our own code."""
    envelope = json.loads((unpacked / verify.ENVELOPE).read_bytes())
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"]
    assert kind == "application/vnd.in-toto+json"
    covered = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    public = load_pem_public_key(key.public_pem.encode())
    [signature] = envelope["signatures"]
    public.verify(base64.b64decode(signature["sig"]), covered, ECDSA(SHA256()))
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    files = {path.relative_to(unpacked).as_posix(): sha256_file(path) for path in unpacked.rglob("*") if path.is_file()}
    expected = {name: one for name, one in files.items() if not name.startswith("manifest.")}
    assert {one["name"]: one["digest"]["sha256"] for one in statement["subject"]} == expected
    predicate = statement["predicate"]
    assert predicate["log"]["head"] == check(unpacked / "case").head
    assert predicate["case"] == {"title": "Colours", "examiner": "Ann", "exhibit": "7b",
                                 "created": predicate["case"]["created"]}  # fmt: skip
    assert predicate["finding"]["headline"]


def test_a_bundle_is_replayed(unpacked: Path, capsys):
    """The same tables from the recorded answers; not from forged ones."""
    assert main(["replay", str(unpacked)]) == 0
    assert layout.SELECTION_CSV in capsys.readouterr().out
    assert main(["check", str(unpacked)]) == 0
    (unpacked / "case" / layout.SELECTION_CSV).write_text("forged")
    assert main(["replay", str(unpacked)]) == 6
    assert main(["check", str(unpacked)]) == 6
    (unpacked / "settings.json").unlink()
    with raises(CaseError, key="bundle not whole"), as_case(unpacked):
        pass


def test_the_lock_file_is_what_the_case_recorded(case: Path, tmp_path: Path):
    """Not what is installed where the bundle is made; what differed when the suspect was queried is named."""
    recorded = Case.open(case).read_json(layout.VERSIONS)
    assert recorded["asked"] == recorded["analysed"]
    packages = recorded["analysed"]["packages"]
    assert {"numpy", "torch", "cryptography"} <= set(packages)
    analysed = recorded["analysed"] | {"packages": packages | {"numpy": "1.99"}}
    opened = Case.open(case)
    opened.write_json(layout.VERSIONS, recorded | {"analysed": analysed})
    opened.log("analysed", {})
    with zipfile.ZipFile(io.BytesIO(bundle_of(case)[1])) as archive:
        lock = archive.read("seized-disclosure/requirements.lock").decode().splitlines()
    assert f"fdcore {__version__}, Python " in lock[0]
    assert "numpy==1.99" in lock
    assert f"#   numpy=={packages['numpy']}" in lock
    assert f"torch=={packages['torch']}" in lock


def test_the_log_names_no_folder(case: Path, tmp_path: Path):
    """Where the plan is changed; what earlier versions logged is named, and kept out of the report."""
    opened = Case.open(case)
    opened.change_plan(corpora=(str(tmp_path / "exhibit room" / "flowers"),))
    *_, last = opened.audit()
    assert last["details"]["corpora"] == ["flowers"]
    opened.log("corpora surveyed", {"corpora": [str(tmp_path / "exhibit room" / "flowers")]})
    bundle, content = bundle_of(case)
    assert bundle.with_folders == (last["n"] + 1,)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        named = [one for one in archive.namelist() if b"exhibit room" in archive.read(one)]
        assert f"Entry {last['n'] + 1} of the log names folders" in archive.read(f"{bundle.name}/README.md").decode()
    assert named == [f"{bundle.name}/case/audit.jsonl"]


def test_the_command_writes_the_bundle_the_case_or_its_actions(case: Path, tmp_path: Path, monkeypatch, capsys):
    """And says what was left out; it refuses options that have no meaning."""
    monkeypatch.chdir(tmp_path)
    cache = str(case_factory.world().cache)
    assert main(["export", str(case), "--disclosure", "--cache", cache]) == 0
    assert "the suspect's file, which may be evidence under seal" in capsys.readouterr().out
    assert main(["export", str(case)]) == 0
    assert main(["export", str(case), "--case-uco", "--out", "actions.jsonld"]) == 0
    assert main(["export", str(case), "--pictures"]) == 2
    assert {"seized-disclosure.zip", "seized.zip", "actions.jsonld"} <= {path.name for path in tmp_path.iterdir()}
    with zipfile.ZipFile("seized-disclosure.zip") as archive:
        assert json.loads(archive.read("seized-disclosure/case-uco.jsonld")) == json.loads(
            Path("actions.jsonld").read_bytes()
        )


def test_the_actions_name_who_did_what_when_and_with_which_result(original: Path):
    """One for each entry of the log; the same identifiers each time; each file with its hash."""
    case = Case.open(original)
    graph = {node["@id"]: node for node in case_as_jsonld(case)["@graph"]}
    assert case_as_jsonld(case)["@graph"] == list(graph.values())
    actions = [node for node in graph.values() if node["@type"].endswith(":InvestigativeAction")]
    assert [one["uco-core:name"] for one in actions] == [entry["event"] for entry in case.audit()]
    last = next(one for one in reversed(actions) if one["uco-core:name"] == "analysed")
    assert graph[last["uco-action:performer"]["@id"]]["uco-core:name"] == "Ann"
    assert graph[last["uco-action:instrument"]["@id"]]["uco-tool:version"] == __version__
    results = [graph[one["@id"]] for one in graph[last["uco-action:result"]["@id"]]["uco-core:object"]]
    [table] = [one for one in results if one["uco-core:name"] == layout.SELECTION_CSV]
    [content] = [graph[one["@id"]] for one in table["uco-core:hasFacet"] if "ContentDataFacet" in one["@id"]]
    found = graph[content["uco-observable:hash"]["@id"]]["uco-types:hashValue"]["@value"]
    assert found == sha256_file(original / layout.SELECTION_CSV)


@pytest.mark.slow
def test_the_actions_conform_to_the_ontology(original: Path, tmp_path: Path):
    """CASE's own validator, warnings included, objects only to the property that is misspelled here."""
    from case_utils.case_validate import validate

    plain = case_as_jsonld(Case.open(original))
    hashes = [node for node in plain["@graph"] if node["@type"] == "uco-types:Hash"]
    hashes[0]["uco-types:hashValued"] = hashes[0].pop("uco-types:hashValue")
    (tmp_path / "actions.jsonld").write_text(json.dumps(plain))
    with warnings.catch_warnings(action="ignore"):
        found = validate(str(tmp_path / "actions.jsonld"), inference="none")
    assert [str(concept).rpartition("/")[2] for concept in found.undefined_concepts] == ["hashValued"]
    assert "Results (1)" in found.text, found.text
    assert f"Focus Node: {hashes[0]['@id']}" in found.text
