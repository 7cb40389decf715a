"""Treemaps of the corpus and of what was found."""

from fdcore.report.figures.corpus import FoundClass, corpus_treemap, domain_treemap, prune_tree
from fdcore.report.figures.treemap import Tree

IMAGE = "<img src=x onerror=alert(1)>"
# root > {animal > {cat, dog}, plant}; animal has images of its own, rock has none.
IDS = ["r", "a", "c", "d", "p", "k"]
LABELS = ["root", "animal", "cat", IMAGE, "plant", "rock"]
PARENTS = [None, "r", "a", "a", "r", "r"]
VALUES = [0, 5, 10, 20, 1, 0]


def check_sums(tree: Tree) -> None:
    """Every group holds what its children hold; parents come first."""
    seen: set[str] = set()
    for node, parent in zip(tree.ids, tree.parents, strict=True):
        assert parent == "" or parent in seen
        seen.add(node)
        below = [v for v, p in zip(tree.values, tree.parents, strict=True) if p == node]
        assert not below or sum(below) == tree.values[tree.ids.index(node)]


def test_a_groups_own_images_get_a_tile_and_empty_nodes_none() -> None:
    """No value is lost, and nothing is drawn of nothing."""
    tree = prune_tree(IDS, labels=LABELS, parents=PARENTS, values=VALUES)
    found = dict(zip(tree.labels, tree.values, strict=True))
    assert found == {"root": 36, "animal": 35, "animal itself": 5, "cat": 10, IMAGE: 20, "plant": 1}
    check_sums(tree)


def test_small_nodes_are_folded_below_their_parents() -> None:
    """Of many children the largest stay; the others are counted in one."""
    n = 500
    ids = ["r", *(f"n{i}" for i in range(n))]
    tree = prune_tree(ids, labels=ids, parents=[None, *["r"] * n], values=[0, *range(1, n + 1)], max_nodes=11)
    assert tree.labels[1] == "other (490)"
    assert tree.values[:2] == (500 * 501 // 2, 490 * 491 // 2)
    assert sorted(tree.values[2:]) == list(range(491, 501))
    check_sums(tree)


def test_chains_above_and_inside_are_left_out() -> None:
    """A group with one child and nothing of its own would only be a frame."""
    tree = prune_tree("abcde", labels="abcde", parents=[None, "a", "b", "b", "d"], values=[0, 0, 1, 0, 2])
    assert tree.ids == ("b", "c", "e")
    assert tree.parents == ("", "b", "b")


def test_several_roots_get_one_above_them_and_repeated_rows_count_once() -> None:
    """A node with several parents stands under the first."""
    tree = prune_tree(["a", "b", "a"], labels=["x", "y", "x"], parents=[None, "gone", "b"], values=[2, 3, 2])
    assert dict(zip(tree.ids, tree.parents, strict=True)) == {"all": "", "a": "all", "b": "all"}
    assert tree.values[0] == 5


def test_the_corpus_map_tells_images_and_shares_and_shows_names_inertly() -> None:
    """Areas are totals; ids stand in the hover only."""
    treemap = corpus_treemap(IDS, labels=LABELS, parents=PARENTS, values=VALUES).data[0]
    at = treemap.ids.index("d")
    assert treemap.labels[at] == "&lt;img src=x onerror=alert(1)&gt;"
    assert treemap.hovertext[at] == "<b>&lt;img src=x onerror=alert(1)&gt;</b><br>d<br>20 images (55.6% of the corpus)"
    assert treemap.text[treemap.ids.index("p")] == "1 image"
    assert treemap.branchvalues == "total"
    assert "%{id}" not in treemap.hovertemplate


def test_large_branches_have_colours_of_their_own() -> None:
    """A branch's nodes share its colour; what stands above is grey."""
    treemap = corpus_treemap(IDS, labels=LABELS, parents=PARENTS, values=VALUES).data[0]
    color = dict(zip(treemap.ids, treemap.marker.colors, strict=True))
    assert len({color["c"], color["d"], color["p"], color["r"]}) == 4
    assert color["r"] == color["a"]


def test_a_corpus_of_21000_leaves_is_drawn_small() -> None:
    """No message to the browser above 5 MB."""
    groups = [f"g{i}" for i in range(1000)]
    leaves = [f"n{i}" for i in range(21_000)]
    ids = ["r", *groups, *leaves]
    parents = [None, *["r"] * 1000, *(groups[i % 1000] for i in range(21_000))]
    figure = corpus_treemap(ids, labels=["x" * 80] * len(ids), parents=parents, values=[0] * 1001 + [50] * 21_000)
    assert figure.data[0].values[0] == 50 * 21_000
    assert len(figure.to_json()) < 2e6


def test_an_empty_corpus_says_so() -> None:
    """An empty figure is a sentence."""
    assert corpus_treemap([], labels=[], parents=[], values=[]).layout.annotations[0].text.startswith("The corpus has")
    assert not corpus_treemap(["a"], labels=["a"], parents=[None], values=[0]).data


FOUND = [FoundClass(1, "a", f"cat, {IMAGE}"), FoundClass(9, "c", "Persian cat"), FoundClass(2, "p", "daisy")]


def test_found_classes_stand_at_their_common_ancestor() -> None:
    """The area is the number of classes; the hover lists them with their leaves."""
    treemap = domain_treemap(FOUND, ids=IDS, labels=LABELS, parents=PARENTS).data[0]
    rows = {label: (v, t) for label, v, t in zip(treemap.labels, treemap.values, treemap.text, strict=True)}
    assert rows == {
        "root": (3, "3 classes"), "animal": (2, "2 classes"), "animal itself": (1, "class 1"),
        "cat": (1, "class 9"), "plant": (1, "class 2"),
    }  # fmt: skip
    assert treemap.hovertext[treemap.labels.index("animal itself")] == (
        "<b>animal itself</b><br>1 class<br>Class 1: cat, &lt;img src=x onerror=alert(1)&gt;"
    )


def test_a_thousand_classes_at_one_node_are_listed_in_part() -> None:
    """A hover stays on the screen."""
    found = [FoundClass(i, "c", "cat") for i in range(1000)]
    treemap = domain_treemap(found, ids=IDS, labels=LABELS, parents=PARENTS).data[0]
    assert treemap.text == ("classes 0, 1, 2, 3, 4, 5, …",)
    assert treemap.hovertext[0].endswith("<br>and 992 classes more")


def test_nothing_found_is_told() -> None:
    """Not found is an answer."""
    figure = domain_treemap([], ids=[], labels=[], parents=[])
    assert figure.layout.annotations[0].text == "No class was found in this corpus."
