"""Hierarchies: nodes, what is above and below them, how people find them, and which files are refused."""

from pathlib import Path

import numpy as np
import pytest
from raising import raises

from fdcore.corpus.hierarchy import USUAL_DEPTH, Hierarchy, read_hierarchy
from fdcore.errors import CorpusError

# entity has two kinds, thing and being; a bird dog is a bird (oddly) and a dog; there are two cranes.
ROWS = [
    ("entity", (), ("entity",)),
    ("thing", ("entity",), ("thing", "object")),
    ("being", ("entity",), ("being", "living thing")),
    ("bird", ("being",), ("bird",)),
    ("dog", ("being",), ("dog", "domestic dog", "Canis familiaris")),
    ("crane.bird", ("bird",), ("crane",)),
    ("crane.tool", ("thing",), ("crane", "lifting_crane")),
    ("bird dog", ("dog", "bird"), ("bird dog",)),
    ("hot dog", ("thing",), ("hotdog", "hot dog")),
]


@pytest.fixture
def tree() -> Hierarchy:
    return Hierarchy.from_rows(ROWS)


def write(folder: Path, content: str | bytes, name: str = "hierarchy.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_node_knows_its_names_and_neighbours(tree: Hierarchy) -> None:
    """A node has a label, all synonyms, its parents in the given order and its children sorted."""
    assert tree.label("dog") == "dog"
    assert tree.synonyms("dog") == ("dog", "domestic dog", "Canis familiaris")
    assert tree.parents("bird dog") == ("dog", "bird")
    assert tree.children("bird") == ("bird dog", "crane.bird")
    assert tree.roots == ("entity",)
    assert len(tree) == len(ROWS)
    assert "dog" in tree
    assert "cat" not in tree


def test_ids_do_not_depend_on_the_order_of_the_rows(tree: Hierarchy) -> None:
    """Rows in another order make the same hierarchy, with ids sorted."""
    other = Hierarchy.from_rows(reversed(ROWS))
    assert other.ids == tree.ids == tuple(sorted(row[0] for row in ROWS))
    assert all(other.parents(node) == tree.parents(node) for node in tree.ids)


def test_ancestors_follow_every_parent(tree: Hierarchy) -> None:
    """A node with two parents has the ancestors of both, and is not its own."""
    assert tree.ancestors("bird dog") == {"dog", "bird", "being", "entity"}
    assert tree.descendants("being") == {"bird", "dog", "crane.bird", "bird dog"}
    assert tree.descendants("hot dog") == frozenset()


def test_edges_list_every_link(tree: Hierarchy) -> None:
    """edges() has one int32 pair of positions for each parent of each node."""
    child, parent = tree.edges()
    assert child.dtype == parent.dtype == np.int32
    pairs = {(tree.ids[c], tree.ids[p]) for c, p in zip(child, parent, strict=True)}
    assert pairs == {(row[0], above) for row in ROWS for above in row[1]}


def test_an_unknown_id_names_close_ones(tree: Hierarchy) -> None:
    """An unknown id is a CorpusError that offers ids spelled alike."""
    with raises(CorpusError, "unknown node", "'crane.brid'", "crane.bird (crane, a kind of bird)"):
        tree.index("crane.brid")


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        (["dog", "dog"], "dog"), (["dog", "being"], "being"), (["dog", "bird"], "being"),
        (["bird dog", "crane.bird"], "bird"), (["crane.bird", "crane.tool", "dog"], "entity"),
    ],
)  # fmt: skip
def test_lowest_common_ancestor(tree: Hierarchy, nodes: list[str], expected: str) -> None:
    """The lowest common ancestor is inclusive, and takes the nearest parent of a node that has several."""
    assert tree.lowest_common_ancestor(nodes) == expected


def test_lowest_common_ancestor_prefers_the_more_specific_of_two() -> None:
    """Of two lowest common ancestors the one with fewer descendants is taken, then the smaller id."""
    rows = [("top", (), ()), ("wide", ("top",), ()), ("slim", ("top",), ())]
    rows += [("a", ("wide", "slim"), ()), ("b", ("wide", "slim"), ())]
    assert Hierarchy.from_rows(rows).lowest_common_ancestor(["a", "b"]) == "slim"  # equal: the smaller id
    with_extra = Hierarchy.from_rows([*rows, ("c", ("slim",), ())])
    assert with_extra.lowest_common_ancestor(["a", "b"]) == "wide"


def test_no_common_ancestor_between_components_or_of_nothing(tree: Hierarchy) -> None:
    """Nodes of different components have no common ancestor; no nodes at all is an error."""
    two = tree.with_children([("moon", None, "moon")])
    assert two.lowest_common_ancestor(["moon", "dog"]) is None
    with raises(CorpusError, "no nodes"):
        tree.lowest_common_ancestor([])


def test_path_to_root_is_a_shortest_one() -> None:
    """The path goes from the node to a root by the fewest links."""
    rows = [("r", (), ()), ("a", ("r",), ()), ("b", ("a",), ()), ("leaf", ("b", "a"), ())]
    tree = Hierarchy.from_rows(rows)
    assert tree.path_to_root("leaf") == ("leaf", "a", "r")
    assert tree.path_to_root("r") == ("r",)


def test_search_ranks_equal_then_words_then_prefixes(tree: Hierarchy) -> None:
    """An equal name comes before a whole word, a whole word before the start of one, that before any place."""
    assert tree.search("dog") == ("dog", "bird dog", "hot dog")
    more = tree.with_children([("x1", "thing", "dogma"), ("x2", "thing", "underdog"), ("x3", "thing", "dog-ear")])
    assert more.search("dog") == ("dog", "bird dog", "hot dog", "x3", "x1", "x2")
    assert more.search("dog", limit=2) == ("dog", "bird dog")


def test_search_puts_the_richer_of_two_namesakes_first(tree: Hierarchy) -> None:
    """Among nodes of one name the one with more descendants comes first."""
    more = tree.with_children([("tower crane", "crane.tool", "tower crane")])
    assert tree.search("crane")[:2] == ("crane.bird", "crane.tool")
    assert more.search("crane")[:2] == ("crane.tool", "crane.bird")


@pytest.mark.parametrize("words", ["DOMESTIC dog", " domestic   dog ", "domestic_dog", "canis FAMILIARIS"])
def test_search_ignores_case_spaces_and_underscores(tree: Hierarchy, words: str) -> None:
    """Case, repeated spaces and underscores do not matter, and synonyms count as names."""
    assert tree.search(words)[0] == "dog"


def test_search_finds_ids_and_nothing_for_nothing(tree: Hierarchy) -> None:
    """An id finds its node; an empty query, or a word that is nowhere, finds nothing."""
    assert tree.search("crane.tool") == ("crane.tool",)
    assert tree.search("") == tree.search("  _ ") == tree.search("zebra") == ()


@pytest.mark.parametrize(
    "label", ["<script>alert(1)</script>", "=cmd()", "a(b[c*", "\u202eevil", "é\u0301", "x" * 10_000, "\\d+"]
)
def test_hostile_labels_are_just_strings(tree: Hierarchy, label: str) -> None:
    """Markup, formulas, patterns and long labels are kept as they came and can be searched for."""
    more = tree.with_children([("new", "dog", label)])
    assert more.label("new") == label
    assert more.search(label) == ("new",)
    assert more.resolve(label) == "new"


@pytest.mark.parametrize("words", ["(b[c*", "["])
def test_words_are_no_patterns(tree: Hierarchy, words: str) -> None:
    """Signs that mean something in a pattern are searched for as they stand."""
    assert tree.with_children([("new", "dog", "a(b[c*)")]).search(words) == ("new",)


def test_resolve_takes_an_id_or_an_unambiguous_name(tree: Hierarchy) -> None:
    """An id is itself; words are the one node that goes by them."""
    assert tree.resolve("crane.tool") == "crane.tool"
    assert tree.resolve("Lifting Crane") == "crane.tool"
    assert tree.resolve(" object ") == "thing"


def test_resolve_lists_the_candidates(tree: Hierarchy) -> None:
    """An ambiguous name lists the nodes with ids and what distinguishes them; an unknown one offers similar ones."""
    with raises(CorpusError, "ambiguous name", "2 nodes", "crane.bird (crane, a kind of bird); crane.tool"):
        tree.resolve("crane")
    with raises(CorpusError, "unknown name", "'domest'", "dog (dog, a kind of being)"):
        tree.resolve("domest")
    with raises(CorpusError, "unknown name", "''"):
        tree.resolve("")


def test_new_nodes_leave_the_old_hierarchy_alone(tree: Hierarchy) -> None:
    """with_children gives a larger copy; new nodes may hang under new nodes, or nowhere."""
    rows = [("leaf", "maple", "a leaf"), ("maple", "being", ""), ("digit", None, "digit 1")]
    larger = tree.with_children(rows)
    assert len(tree) == len(ROWS)
    assert "maple" not in tree
    assert larger.ancestors("leaf") == {"maple", "being", "entity"}
    assert larger.label("maple") == "maple"
    assert larger.roots == ("digit", "entity")
    assert larger.parents("bird dog") == tree.parents("bird dog")


@pytest.mark.parametrize(
    ("row", "key", "value"),
    [
        (("dog", "thing", "x"), "id taken", "'dog'"),
        (("new", "dgo", "x"), "unknown node", "'dgo'"),
        (("", "dog", "x"), "empty id", ""),
        (("new", "new", "x"), "cycle", "'new' -> 'new'"),
    ],
)
def test_unfit_new_nodes_are_refused(tree: Hierarchy, row: tuple[str, str, str], key: str, value: str) -> None:
    """A taken or empty id, an unknown parent and a node under itself are errors."""
    with raises(CorpusError, key, value):
        tree.with_children([row])


def test_orphans_hang_under_a_single_root_and_are_listed() -> None:
    """A node whose parents are all unknown hangs under the root; who lost only one parent keeps the others."""
    rows = [("root", (), ()), ("kept", ("root",), ()), ("lost", ("gone",), ()), ("half", ("gone", "kept"), ())]
    tree = Hierarchy.from_rows([*rows, ("below", ("lost",), ())])
    assert tree.orphans == ("half", "lost")
    assert tree.parents("lost") == ("root",)
    assert tree.parents("half") == ("kept",)
    assert tree.path_to_root("below") == ("below", "lost", "root")
    assert tree.with_children([("new", None, "")]).orphans == ("half", "lost")


@pytest.mark.parametrize("roots", [["r1", "r2"], []])
def test_orphans_are_roots_where_there_is_no_single_root(roots: list[str]) -> None:
    """With several roots, or none, an orphan becomes a root of its own and is listed."""
    tree = Hierarchy.from_rows([*((root, (), ()) for root in roots), ("lost", ("gone",), ())])
    assert tree.parents("lost") == ()
    assert tree.roots == tuple(sorted([*roots, "lost"]))
    assert tree.orphans == ("lost",)


@pytest.mark.parametrize(
    ("rows", "key", "value"),
    [
        ([], "no nodes", ""),
        ([("", (), ())], "empty id", ""),
        ([("a", (), ()), ("a", (), ())], "repeated id", "'a'"),
        ([("r", (), ()), ("a", ("b",), ()), ("b", ("a", "r"), ())], "cycle", "' -> '"),
    ],
)
def test_broken_rows_are_refused(
    rows: list[tuple[str, tuple[str, ...], tuple[str, ...]]], key: str, value: str
) -> None:
    """No nodes, empty or repeated ids and cycles are errors that say which."""
    with raises(CorpusError, key, value):
        Hierarchy.from_rows(rows)


CSV = "id,parent,label\nroot,,everything\na,root,Ant\nb,root,Bee\nc,a,Cat\nc,b,Cat\n"
JSON = """[{"id": "root", "parent": null, "label": "everything"}, {"id": "a", "parent": "root", "label": "Ant"},
 {"id": "b", "parent": "root", "label": "Bee", "note": 3.5}, {"id": "c", "parent": "a", "label": "Cat"},
 {"id": "c", "parent": "b", "label": "Cat"}]"""


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + CSV, "\n  \n" + CSV, CSV.replace("\n", "\r\n"), CSV.replace(",", ";"), CSV.replace(",", "\t"),
        CSV.replace("\n", "\n\n,,\n"),
        'Label,extra, ID ,Parent\neverything,1,root,\nAnt,2,a,root\nBee,"x,y",b,root\nCat,,c,a\n,,c,b\n',
        "\ufeff\n" + JSON,
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["h.csv", "h.json"])
def test_files_are_read_by_content(tmp_path: Path, content: str, name: str) -> None:
    """CSV (any column order, comma, semicolon or tab, with or without BOM) and JSON give the same hierarchy."""
    tree = read_hierarchy(write(tmp_path, content, name))
    assert tree.ids == ("a", "b", "c", "root")
    assert tree.parents("c") == ("a", "b")
    assert [tree.label(node) for node in tree.ids] == ["Ant", "Bee", "Cat", "everything"]


def test_json_ids_may_be_numbers(tmp_path: Path) -> None:
    """Whole numbers in JSON are ids as they are written, however long."""
    long_id = "9" * 5000
    content = f'[{{"id": 1, "parent": null, "label": 7}}, {{"id": {long_id}, "parent": "1", "label": ""}}]'
    tree = read_hierarchy(write(tmp_path, content))
    assert tree.parents(long_id) == ("1",)
    assert tree.label("1") == "7"


@pytest.mark.parametrize(
    ("content", "key", "values"),
    [
        ("", "empty table", []),
        (" \n\ufeff ", "missing columns", []),
        ("id,parent,label\n", "no nodes", []),
        ("id,parent\na,\n", "missing columns", ["Line 1:", "label", "'id, parent'"]),
        ("\n\na,b\n", "missing columns", ["Line 3:", "id, parent, label"]),
        ("id,parent,label\nr,,R\n,r,x\n", "empty id", ["line 3"]),
        ("id,parent,label\nr,,R\na,r,one\na,r,two\n", "two labels", ["'a'", "'one' in line 3", "'two' in line 4"]),
        ("\n\nid,parent,label\nr,,R\na,a,x\n", "own parent", ["'a' in line 5"]),
        ("id,parent,label\nr,,R\n\na,a,x\n", "own parent", ["'a' in line 4"]),
        ("id,parent,label\nr,,R\na,b,x\nb,a,y\n", "cycle", ["' -> '"]),
        ('id,parent,label\nr,,"' + "x" * 200_000 + '"\n', "not csv", ["Line 2:", "field larger"]),
        (b"id,parent,label\nr,,\xe9t\xe9\n", "not text", ["byte 19"]),
        ("id,parent,label\nr,,R\n".encode("utf-16"), "not text", []),
        ('[{"id": "a"}]', "missing columns", ["Entry 1", "parent, label"]),
        ('[{"id": "a", "parent": "", "label": ""}, 3]', "missing columns", ["Entry 2", "id, parent, label"]),
        ('[{"id": true, "parent": "", "label": ""}]', "not text", ["Entry 1:"]),
        ('[{"id": "a", "parent": ["b"], "label": ""}]', "not text", ["Entry 1:"]),
        ('[{"id": "a", "parent": "a", "label": ""}]', "own parent", ["'a' in entry 1"]),
        ('{"id": "a"}', "not a list", ["dict"]),
        ('[{"id": "a",\n', "not json", ["Line 2:"]),
        ("[" * 100_000, "not a list", []),
    ],
)
def test_broken_files_say_where(tmp_path: Path, content: str | bytes, key: str, values: list[str]) -> None:
    """A file that is not such a table is a CorpusError with the file's name and the line or entry."""
    path = write(tmp_path, content)
    with raises(CorpusError, key, path, *values):
        read_hierarchy(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """A path with no file, or a folder, is a CorpusError."""
    with raises(CorpusError, "hierarchy unreadable", "nothing.csv"):
        read_hierarchy(tmp_path / "nothing.csv")
    with raises(CorpusError, "hierarchy unreadable", tmp_path):
        read_hierarchy(tmp_path)


def test_new_nodes_make_the_hierarchy_that_all_rows_together_make() -> None:
    """Ids before, between and after the old ones; parents among old and new ones."""
    old = [("b", (), ("root",)), ("d", ("b",), ("dog",)), ("f", ("b", "d"), ("fox", "reynard"))]
    new = [("e", "f", "ermine"), ("a", "e", ""), ("g", None, "other root"), ("c", "d", "collie")]
    larger = Hierarchy.from_rows(old).with_children(new)
    rows = [(node, (parent,) if parent else (), (label,)) for node, parent, label in new]
    whole = Hierarchy.from_rows([*old, *rows])
    assert larger.ids == whole.ids == tuple("abcdefg")
    assert [larger.parents(node) for node in larger.ids] == [whole.parents(node) for node in whole.ids]
    assert [larger.synonyms(node) for node in larger.ids] == [whole.synonyms(node) for node in whole.ids]


def test_a_chain_is_no_cycle_however_long_and_a_cycle_is_found_below_it() -> None:
    chain = [(f"n{i:03}", (f"n{i - 1:03}",) if i else (), ()) for i in range(3 * USUAL_DEPTH)]
    assert len(Hierarchy.from_rows(chain).ancestors(chain[-1][0])) == 3 * USUAL_DEPTH - 1
    with raises(CorpusError, "cycle", "'x'", "'y'"):
        Hierarchy.from_rows([*chain, ("x", ("y", chain[-1][0]), ()), ("y", ("x",), ())])
