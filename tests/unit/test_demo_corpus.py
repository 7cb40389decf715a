"""The demo corpus and the demo suspect: what is drawn, how it is written, and whether the story holds."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from raising import raises

from fdcore import demo
from fdcore.corpus.layouts import read_image_set
from fdcore.corpus.wordnet import load_wordnet
from fdcore.demo.stickers import CLASSES, sticker
from fdcore.errors import CorpusError, SettingsError

REPOSITORY = Path(__file__).resolve().parents[2]
N_IMAGES = 3


def drawn(n_images: int) -> np.ndarray:
    """The first pictures of every leaf, (leaves, n_images, 32, 32, 3)."""
    return np.stack([[demo.draw_picture(leaf, number=n) for n in range(n_images)] for leaf in demo.LEAVES])


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return drawn(N_IMAGES)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """The demo suspect's state dict as it lies in the file."""
    state: dict[str, torch.Tensor] = torch.load(demo.SUSPECT_PATH, weights_only=True)["state_dict"]
    return state


def test_every_leaf_is_a_node_of_the_shipped_hierarchy() -> None:
    """At least 48 different leaves, each known to the shipped hierarchy under the name it is drawn by."""
    hierarchy = load_wordnet()
    wnids = [leaf.wnid for leaf in demo.LEAVES]
    assert len(wnids) == len(set(wnids)) >= 48
    for leaf in demo.LEAVES:
        assert leaf.name in hierarchy.synonyms(leaf.wnid), f"{leaf.wnid} is {hierarchy.synonyms(leaf.wnid)}"


def test_leaves_do_not_contain_each_other() -> None:
    """No leaf stands above another one, so that every leaf is a leaf in the paper's sense."""
    hierarchy = load_wordnet()
    wnids = {leaf.wnid for leaf in demo.LEAVES}
    assert not any(hierarchy.ancestors(wnid) & wnids for wnid in wnids)


def test_a_picture_depends_on_seed_leaf_and_number_alone(pictures: np.ndarray) -> None:
    """Drawn alone or among others a picture is the same; another number, leaf or seed gives another one."""
    first, second = demo.LEAVES[3], demo.LEAVES[40]
    alone = demo.draw_picture(second, number=2)
    assert alone.shape == (32, 32, 3)
    assert alone.dtype == np.uint8
    assert np.array_equal(alone, pictures[40, 2])
    for other in (
        demo.draw_picture(second, number=5),
        demo.draw_picture(first, number=2),
        demo.draw_picture(second, number=2, seed=1),
    ):
        assert not np.array_equal(alone, other)


def test_pictures_of_a_leaf_vary_and_have_contrast(pictures: np.ndarray) -> None:
    """No two pictures of a leaf are nearly equal, and none is flat."""
    values = pictures.astype(np.float32)
    apart = np.abs(values[:, :, None] - values[:, None]).mean(axis=(3, 4, 5))
    apart[:, np.arange(N_IMAGES), np.arange(N_IMAGES)] = np.inf
    assert apart.min() > 8
    assert values.mean(axis=4).std(axis=(2, 3)).min() > 12


@pytest.mark.nightly
def test_leaves_can_be_told_apart_from_their_pixels() -> None:
    """At quarter size the nearest other picture is of the same leaf over fifteen times as often as by chance."""
    small = drawn(6).reshape(len(demo.LEAVES), 6, 8, 4, 8, 4, 3).mean(axis=(3, 5)).reshape(-1, 192)
    leaf = np.repeat(np.arange(len(demo.LEAVES)), 6)
    apart = ((small[:, None] - small[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (leaf[apart.argmin(axis=1)] == leaf).mean() > 15 / len(demo.LEAVES)


def test_the_corpus_is_written_once_in_imagenets_layout(tmp_path: Path) -> None:
    """Every leaf gets its folder of 32x32 PNGs, readable as a corpus; a second call touches nothing."""
    folder = tmp_path / "below" / "corpus"
    heard: list[tuple[int, int]] = []
    demo.build_demo_corpus(folder, images_per_leaf=2, progress=lambda _, done, total: heard.append((done, total)))
    assert heard[-1] == (2 * len(demo.LEAVES), 2 * len(demo.LEAVES))
    found = read_image_set(folder, hierarchy=load_wordnet())
    assert found.layout == "imagenet"
    assert not found.problems
    assert not found.new_nodes
    assert sorted({file.node for file in found.files}) == sorted(leaf.wnid for leaf in demo.LEAVES)
    assert len(found.files) == 2 * len(demo.LEAVES)
    written = np.asarray(Image.open(folder / demo.LEAVES[0].wnid / "0001.png"))
    assert np.array_equal(written, demo.draw_picture(demo.LEAVES[0], number=1))
    before = {file.path: file.path.stat().st_mtime_ns for file in found.files}
    demo.build_demo_corpus(folder, images_per_leaf=2)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert sorted(path.name for path in folder.parent.iterdir()) == ["corpus", "corpus.manifest.json"]


def test_a_corpus_with_another_seed_or_a_gap_is_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A different seed replaces the pictures; a missing picture comes back."""
    monkeypatch.setattr("fdcore.demo.build.LEAVES", demo.LEAVES[:2])
    folder = tmp_path / "corpus"
    picture = folder / demo.LEAVES[1].wnid / "0002.png"
    demo.build_demo_corpus(folder, images_per_leaf=3)
    first = picture.read_bytes()
    demo.build_demo_corpus(folder, images_per_leaf=3, seed=1)
    assert picture.read_bytes() != first
    picture.unlink()
    demo.build_demo_corpus(folder, images_per_leaf=3)
    assert picture.read_bytes() == first


def test_somebody_elses_folder_is_never_replaced(tmp_path: Path) -> None:
    """A folder with other content is refused and stays as it is."""
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with raises(CorpusError, "not a demo", tmp_path):
        demo.build_demo_corpus(tmp_path, images_per_leaf=1)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize(("images_per_leaf", "seed"), [(0, 0), (1, -1)])
def test_impossible_numbers_are_refused(tmp_path: Path, images_per_leaf: int, seed: int) -> None:
    """No images or a negative seed is an error that says what is needed."""
    with raises(SettingsError, "demo out of range", images_per_leaf, seed):
        demo.build_demo_corpus(tmp_path / "corpus", images_per_leaf=images_per_leaf, seed=seed)


def test_the_suspects_file_is_small_and_tells_nothing(weights: dict[str, torch.Tensor]) -> None:
    """At most 1 MB, half precision, prefixed keys, and no class name outside the numbers."""
    assert demo.SUSPECT_PATH.stat().st_size <= 1_000_000
    assert demo.SUSPECT_PATH == REPOSITORY / "fdcore" / "demo" / "suspect.pt"
    assert all(key.startswith("module.") for key in weights)
    assert {value.dtype for value in weights.values() if value.is_floating_point()} == {torch.float16}
    archive = zipfile.ZipFile(io.BytesIO(demo.SUSPECT_PATH.read_bytes()))
    texts = [archive.read(name).lower() for name in archive.namelist() if "/data/" not in name]
    for truth in demo.TRUTH:
        assert not any(word.encode() in text for word in truth.name.split() for text in texts)


def test_the_stickers_are_in_the_order_of_the_suspects_outputs() -> None:
    """What the training script draws for a class is what the class is called."""
    names = [target.drawing.__name__ for target in CLASSES]
    assert [truth.name for truth in demo.TRUTH] == names
    picture = sticker(CLASSES[0], np.random.default_rng(0))
    assert picture.shape == (32, 32, 3)


def test_pictures_to_test_clones_on_are_drawn_once(tmp_path: Path) -> None:
    """A folder for each class, the same pictures every time; a second call draws nothing, another number all anew."""
    folder = tmp_path / "stickers"
    demo.build_demo_stickers(folder, per_class=2)
    assert sorted(path.name for path in folder.iterdir()) == sorted(truth.name for truth in demo.TRUTH)
    first = {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*.png")}
    assert len(first) == len(set(first.values())) == 2 * len(demo.TRUTH)
    stamp = folder.stat().st_ino
    demo.build_demo_stickers(folder, per_class=2)
    assert folder.stat().st_ino == stamp
    demo.build_demo_stickers(folder, per_class=1)
    again = {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*.png")}
    assert again == {path: content for path, content in first.items() if path.name == "0000.png"}


def test_stickers_never_take_the_place_of_other_files(tmp_path: Path) -> None:
    """A folder that holds something else is left alone."""
    (tmp_path / "mine.txt").write_text("keep")
    with raises(CorpusError, "not a demo", tmp_path):
        demo.build_demo_stickers(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "keep"
