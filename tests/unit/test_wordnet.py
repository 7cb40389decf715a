"""The shipped WordNet table: what is in it, how it is built, and glosses."""

import importlib.util
import lzma
import subprocess
import sys
from collections import Counter
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import networkx
import pytest
from raising import raises

from fdcore.corpus import wordnet
from fdcore.corpus.wordnet import gloss, load_wordnet, timm_info
from fdcore.errors import CorpusError

REPOSITORY = Path(__file__).resolve().parents[2]
ENTITY = "n00001740"
NOUN_FILE = """\
  1 A notice of one  
  2   
  3 and another line.  
00000001 03 n 01 thing 0 002 ~ 00000002 n 0000 ~ 00000003 n 0000 | that which is  
00000002 03 n 02 big_cat 0 cat 1 003 @ 00000001 n 0000 + 00692347 v 0101 ~ 00000004 n 0000 | felid | with a bar  
00000003 03 n 01 person 0 001 @ 00000001 n 0000 | somebody  
00000004 03 n 0a a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 j 0 002 @i 00000003 n 0000 @ 00000002 n 0000 | ten names  
00000005 03 n 01 unlisted 0 001 @ 00000001 n 0000 | not in any list  
"""


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The building script as a module."""
    spec = importlib.util.spec_from_file_location("build_wordnet", REPOSITORY / "scripts" / "build_wordnet.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listed(name: str) -> list[str]:
    """The wnids of one of timm's lists."""
    return (timm_info() / name).read_text("utf-8").split()


def test_every_listed_synset_is_there() -> None:
    """Every synset of each of timm's lists is a node, and none of them is an orphan."""
    tree = load_wordnet()
    missing = {path.name: set(listed(path.name)).difference(tree.ids) for path in timm_info().glob("*_synsets.txt")}
    assert len(missing) > 5
    assert not any(missing.values())
    assert tree.orphans == ()


def test_every_ilsvrc_leaf_reaches_entity() -> None:
    """All 1,000 leaves of ILSVRC stand under "entity", the only root."""
    tree = load_wordnet()
    leaves = listed("imagenet_synsets.txt")
    assert len(leaves) == 1000
    assert all(tree.path_to_root(leaf)[-1] == ENTITY for leaf in leaves)
    assert tree.roots == (ENTITY,)
    assert tree.label(ENTITY) == "entity"


def test_every_parent_is_kept() -> None:
    """75 of the ILSVRC leaves and their ancestors have several parents, and instances have theirs too."""
    tree = load_wordnet()
    leaves = listed("imagenet_synsets.txt")
    nodes = set(leaves).union(*map(tree.ancestors, leaves))
    assert sum(len(tree.parents(node)) > 1 for node in nodes) == 75
    assert tree.parents(tree.resolve("sun")) == ("n09444100",)  # an instance of "star"


def test_labels_are_first_lemmas_with_spaces() -> None:
    """A label is the first lemma in WordNet's order; two nodes are labelled "crane"."""
    tree = load_wordnet()
    assert tree.synonyms("n02084071") == ("dog", "domestic dog", "Canis familiaris")
    assert [tree.label(node) for node in ("n02012849", "n03126707")] == ["crane", "crane"]
    assert tree.search("dog")[0] == "n02084071"
    assert not any("_" in name or not name.strip() for node in tree.ids for name in tree.synonyms(node))


def test_subtrees_agree_with_networkx() -> None:
    """Ancestors, descendants and shortest paths up of the real table are those of networkx."""
    tree = load_wordnet()
    graph = networkx.DiGraph((parent, node) for node in tree.ids for parent in tree.parents(node))
    assert networkx.is_directed_acyclic_graph(graph)
    for node in tree.ids[::997]:
        assert tree.ancestors(node) == networkx.ancestors(graph, node)
        assert tree.descendants(node) == networkx.descendants(graph, node)
        assert len(tree.path_to_root(node)) == 1 + networkx.shortest_path_length(graph, ENTITY, node)


def test_words_of_the_interface_find_subtrees() -> None:
    """Nodes that people look for are named by what they have in common."""
    tree = load_wordnet()
    cars = [tree.resolve(words) for words in ("police van", "sports car", "beach wagon", "convertible")[:3]]
    assert tree.label(tree.lowest_common_ancestor(cars) or "") == "motor vehicle"
    with raises(CorpusError, "ambiguous name", "2 nodes"):
        tree.resolve("crane")


def test_a_gloss_is_read_without_importing_torch() -> None:
    """Loading the table and reading a gloss imports neither torch nor timm; a node without one gives None."""
    code = (
        "import sys; from fdcore.corpus.wordnet import gloss, load_wordnet; load_wordnet(); "
        "print(gloss('n02084071')); sys.exit('torch' in sys.modules or 'timm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "domesticated" in done.stdout
    assert gloss("no such node") is None


def test_without_timm_a_gloss_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing timm is a CorpusError that says how to get it."""
    monkeypatch.setattr(wordnet.importlib.util, "find_spec", lambda name: None)
    with raises(CorpusError, "timm missing"):
        timm_info()


def test_the_licence_ships_with_the_table() -> None:
    """WordNet's notice ships with the table, and glosses do not."""
    data = files("fdcore.corpus").joinpath("data")
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in data.joinpath(wordnet.LICENSE_FILE).read_text()
    header, *lines = lzma.decompress(data.joinpath(wordnet.TABLE_FILE).read_bytes()).decode().splitlines()
    assert header == "wnid,parents,lemmas"
    assert len(lines) == len(load_wordnet())
    assert gloss("n02084071") not in "".join(lines)


def test_the_noun_file_is_read_by_its_format(build: ModuleType, tmp_path: Path) -> None:
    """Words are counted in hexadecimal, both kinds of hypernym are parents, and a gloss may hold a bar."""
    path = tmp_path / "data.noun"
    path.write_text(NOUN_FILE)
    notice, synsets = build.read_noun_file(path)
    assert notice == "A notice of one\n\nand another line.\n"
    assert synsets["n00000002"] == (("n00000001",), ("big cat", "cat"))
    assert synsets["n00000004"] == (("n00000003", "n00000002"), tuple("abcdefghij"))
    with pytest.raises(SystemExit, match="Not a line"):
        build.read_synset("00000002 03 n 01 cat 0 002 @ 00000001 n 0000 | one pointer is missing")


def test_a_synset_that_wordnet_lacks_is_an_orphan(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Listed synsets and their ancestors are kept; what WordNet lacks hangs under the root by timm's name."""
    (tmp_path / "data.noun").write_text(NOUN_FILE)
    (tmp_path / "some_synsets.txt").write_text("n00000004\nn99999999\n")
    (tmp_path / "imagenet_synset_to_lemma.txt").write_text("n99999999\tnew thing, novelty\n")
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(build, "timm_info", lambda: tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["build", "--noun-file", str(tmp_path / "data.noun"), "--out", str(tmp_path / "data")]
    )
    build.main()
    assert "2 listed synsets, 5 nodes, 5 links, 1 nodes with several parents, 1 orphans" in capsys.readouterr().out
    monkeypatch.setattr(wordnet, "files", lambda package: tmp_path)
    tree = load_wordnet.__wrapped__()
    assert tree.orphans == ("n99999999",)
    assert tree.parents("n99999999") == ("n00000001",)
    assert tree.synonyms("n99999999") == ("new thing", "novelty")
    assert "n00000005" not in tree


def test_the_script_writes_the_shipped_table(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs of the script write the same bytes, and they hold what is shipped."""
    if not build.NOUN_FILE.is_file():
        pytest.skip(f"{build.NOUN_FILE} is not there (Debian's package wordnet-base)")
    written = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        monkeypatch.setattr(sys, "argv", ["build", "--out", str(tmp_path / run)])
        build.main()
        written.append((tmp_path / run / wordnet.TABLE_FILE).read_bytes())
    assert written[0] == written[1]
    shipped = files("fdcore.corpus").joinpath("data", wordnet.TABLE_FILE).read_bytes()
    assert lzma.decompress(written[0]) == lzma.decompress(shipped)


@pytest.mark.real
def test_the_published_pairs_are_all_there(real_data: Path) -> None:
    """Each published parent-child pair among our nodes is ours; what we have beside is four instance links."""
    tree = load_wordnet()
    lines = (real_data / "hierarchy" / "imagenet_is_a.txt").read_text("utf-8").splitlines()
    published = {(parent, child) for parent, child in map(str.split, lines) if parent in tree and child in tree}
    ours = {(parent, node) for node in tree.ids for parent in tree.parents(node)}
    assert published <= ours
    assert sorted(tree.label(child) for _, child in ours - published) == ["Genet", "Munro", "Stoker", "sun"]
    assert len(published) == 24_046


@pytest.mark.real
def test_the_published_names_are_ours(real_data: Path) -> None:
    """The published names of every node are our synonyms, in the same order."""
    tree = load_wordnet()
    lines = (real_data / "hierarchy" / "node_names.txt").read_text("utf-8").splitlines()
    names = dict(line.split("\t") for line in lines)
    assert Counter(names[node] == ", ".join(tree.synonyms(node)) for node in tree.ids) == {True: len(tree)}
