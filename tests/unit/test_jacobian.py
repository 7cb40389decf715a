"""Jacobian-based augmentation: where pictures move, which are taken, and what is kept of a round."""

import io
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
import torch
from torch import nn

from fdcore.cloning.jacobian import Round, choose_rows, moved, read_round, remove_rounds, save_round
from fdcore.cloning.networks import CloneNetwork, build_clone
from fdcore.suspect.preprocess import PreprocessSpec

CPU = torch.device("cpu")
SHAPE = (4, 4, 3)


def linear_clone(weights: np.ndarray) -> CloneNetwork:
    """A clone whose logits are weighted sums of the pixels, (n_classes, C * H * W): its gradient is its weights."""
    body = nn.Sequential(nn.Flatten(), nn.Linear(weights.shape[1], len(weights), bias=False))
    body[1].weight.data = torch.from_numpy(weights.astype(np.float32))
    return CloneNetwork(body, "linear", len(weights))


def test_pictures_move_along_the_sign_of_their_own_labels_gradient():
    """For a linear clone the gradient is known: each value goes up or down by the step, and stays within 0..255."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(5, 48))
    weights[:, 7] = 0  # what nothing depends on stays where it is
    pictures = rng.integers(0, 256, (20, *SHAPE), dtype=np.uint8)
    labels = rng.integers(0, 5, 20)
    given = moved(linear_clone(weights), pictures, labels, step=0.1, device=CPU, batch_size=7)
    signs = np.sign(weights[labels]).reshape(20, 3, 4, 4).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(given, np.clip(pictures + 26 * signs, 0, 255).astype(np.uint8))  # 0.1 * 255 = 25.5


def test_the_smallest_step_is_one_grey_level():
    """A step below one level would give the same pictures again, each a query for nothing."""
    pictures = np.full((1, *SHAPE), 100, dtype=np.uint8)
    given = moved(linear_clone(np.ones((2, 48))), pictures, np.array([1]), step=0.0001, device=CPU, batch_size=1)
    assert (given == 101).all()


def test_a_real_clone_moves_to_where_its_own_answer_is_stronger():
    """A small step along the gradient's sign raises the label's logit, and leaves the clone's weights alone."""
    spec = PreprocessSpec(16, 16)
    network = build_clone("resnet20", 3, spec, seed=0).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    pictures = np.random.default_rng(0).integers(50, 200, (8, 16, 16, 3), dtype=np.uint8)
    labels = np.arange(8) % 3
    given = moved(network.train(), pictures, labels, step=1 / 255, device=CPU, batch_size=4)

    def logits(shown: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            out = network.eval()(torch.from_numpy(shown).permute(0, 3, 1, 2).float() / 255)
        return out[torch.arange(8), torch.from_numpy(labels)].numpy()

    assert (logits(given) > logits(pictures)).all()
    assert np.abs(given.astype(int) - pictures).max() == 1
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_round_adds_at_most_what_the_set_had_at_first():
    """The first round takes every row, later ones as many at random: the set grows by addition, never by doubling."""
    np.testing.assert_array_equal(choose_rows(50, 50, seed=0, number=1), np.arange(50))
    second = choose_rows(100, 50, seed=0, number=2)
    assert len(set(second.tolist())) == 50
    assert second.max() >= 50  # moved pictures are moved further too
    np.testing.assert_array_equal(second, choose_rows(100, 50, seed=0, number=2))
    assert second.tolist() != choose_rows(100, 50, seed=1, number=2).tolist()


def test_a_round_is_kept_with_and_without_answers(tmp_path):
    """Pictures are stored before they are asked, labels once they are there, and nothing else reads as a round."""
    pictures = np.random.default_rng(0).integers(0, 256, (3, *SHAPE), dtype=np.uint8)
    save_round(tmp_path, 1, "f" * 64, Round(pictures, None))
    found = read_round(tmp_path, 1, "f" * 64, SHAPE, 5)
    assert found.labels is None
    save_round(tmp_path, 1, "f" * 64, Round(pictures, np.array([0, 4, 2], dtype=np.int32)))
    found = read_round(tmp_path, 1, "f" * 64, SHAPE, 5)
    np.testing.assert_array_equal(found.pictures, pictures)
    np.testing.assert_array_equal(found.labels, [0, 4, 2])
    assert read_round(tmp_path, 2, "f" * 64, SHAPE, 5) is None
    remove_rounds(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fingerprint", "shape", "n_classes"),
    [("e" * 64, SHAPE, 5), ("f" * 64, (5, 4, 3), 5), ("f" * 64, SHAPE, 4)],
    ids=["another training", "another size", "a label beyond the classes"],
)
def test_a_round_of_something_else_is_none(tmp_path, fingerprint, shape, n_classes):
    """A round is read only by the training that left it."""
    pictures = np.zeros((3, *SHAPE), dtype=np.uint8)
    save_round(tmp_path, 1, "f" * 64, Round(pictures, np.array([0, 4, 2], dtype=np.int32)))
    assert read_round(tmp_path, 1, fingerprint, shape, n_classes) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and nothing more", b"noise"])
def test_a_damaged_round_is_none(tmp_path, content):
    """What is no NPZ counts as not there."""
    (tmp_path / "round-1.npz").write_bytes(content)
    assert read_round(tmp_path, 1, "f" * 64, SHAPE, 5) is None


def npy_head(shape: str, descr: str = "|u1") -> bytes:
    """The beginning of an array file that says that shape, with nothing behind it."""
    said = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(said).to_bytes(2, "little") + said


def array_file(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


RIGHT = {"fingerprint": array_file(np.array("f" * 64)), "pictures": array_file(np.zeros((3, *SHAPE), np.uint8))}
WRONG = {
    "a huge shape": {"pictures": npy_head("(1000000, 4, 4, 3)")},
    "a shape below 0": {"pictures": npy_head("(-3, 4, 4, 3)")},
    "no shape": {"pictures": npy_head("()")},
    "a shape of texts": {"pictures": npy_head("('3', 4, 4, 3)")},
    "another type": {"pictures": array_file(np.zeros((3, *SHAPE), np.float64))},
    "no type": {"pictures": npy_head("(3, 4, 4, 3)", "huge")},
    "no picture": {"pictures": array_file(np.zeros((0, *SHAPE), np.uint8))},
    "a type that is no Python": {"pictures": npy_head("(3, 4, 4, 3)", "(,)f8")},
    "a head that does not end": {"pictures": npy_head("(" * 500)},
    "a head of noise": {"pictures": b"\x93NUMPY\x01\x00\xff\xff'"},
    "another version": {"pictures": b"\x93NUMPY\x09\x00" + npy_head("(3, 4, 4, 3)")[8:]},
    "too few bytes": {"pictures": RIGHT["pictures"][:-9]},
    "no array": {"pictures": b"pictures"},
    "a fingerprint of numbers": {"fingerprint": array_file(np.zeros(3))},
    "a huge fingerprint": {"fingerprint": npy_head("(1000000,)", "<U64")},
    "huge labels": {"labels": npy_head("(9000000,)", "<i4")},
    "labels that do not belong": {"labels": array_file(np.zeros(2, np.int32))},
    "one array more": {"more": array_file(np.zeros(3))},
}


def write_npz(path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def most_allocated(folder) -> int:
    """Bytes that reading a round that is none takes at most."""
    tracemalloc.start()
    try:
        assert read_round(folder, 1, "f" * 64, SHAPE, 5) is None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("members", WRONG.values(), ids=WRONG)
def test_a_crafted_round_is_none(tmp_path, members):
    """Whatever an NPZ holds instead counts as not there, and nothing that it only claims is allocated."""
    path = tmp_path / "round-1.npz"
    write_npz(path, RIGHT)
    assert read_round(tmp_path, 1, "f" * 64, SHAPE, 5) is not None
    write_npz(path, RIGHT | members)
    assert most_allocated(tmp_path) < 1_000_000


@pytest.mark.parametrize("name", ["pictures", "fingerprint", "labels"])
def test_a_round_that_would_burst_is_none(tmp_path, name):
    """Rounds are stored as they are; what is packed small to unpack large is no round."""
    bomb = {
        "pictures": np.zeros((1_000_000, *SHAPE), np.uint8),
        "fingerprint": np.array("f" * 64),
        "labels": np.zeros(3, np.int32),
    }
    write_npz(tmp_path / "round-1.npz", RIGHT | {name: array_file(bomb[name])}, zipfile.ZIP_DEFLATED)
    assert most_allocated(tmp_path) < 1_000_000


@pytest.mark.parametrize("error", [zlib.error(), MemoryError(), TypeError(), EOFError(), zipfile.BadZipFile()])
def test_a_round_that_breaks_while_it_is_read_is_none(tmp_path, monkeypatch, error):
    """Damage that shows only in the middle is damage too."""
    write_npz(tmp_path / "round-1.npz", RIGHT)

    def breaks(*args, **options):
        raise error

    monkeypatch.setattr(np, "load", breaks)
    assert read_round(tmp_path, 1, "f" * 64, SHAPE, 5) is None


def test_a_round_with_a_changed_byte_is_whole_or_none(tmp_path):
    """Wherever a byte is wrong, reading gives a round of the right shape or nothing, and raises nothing."""
    write_npz(tmp_path / "round-1.npz", RIGHT | {"labels": array_file(np.array([0, 4, 2], np.int32))})
    whole = (tmp_path / "round-1.npz").read_bytes()
    for place in range(0, len(whole), 13):
        changed = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        (tmp_path / "round-1.npz").write_bytes(changed)
        found = read_round(tmp_path, 1, "f" * 64, SHAPE, 5)
        assert found is None or (found.pictures.shape == (3, *SHAPE) and not found.pictures.any()), place


def test_a_plain_array_is_no_round(tmp_path):
    """NumPy reads a single array from a file of any name."""
    (tmp_path / "round-1.npz").write_bytes(RIGHT["pictures"])
    assert read_round(tmp_path, 1, "f" * 64, SHAPE, 5) is None


def test_pickled_arrays_are_not_loaded(tmp_path):
    """An array of objects would need a pickle; it counts as damage."""
    np.savez(tmp_path / "round-1.npz", fingerprint=np.array("f" * 64), pictures=np.array([object()], dtype=object))
    assert read_round(tmp_path, 1, "f" * 64, SHAPE, 5) is None
