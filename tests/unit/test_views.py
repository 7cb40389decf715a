"""Views: pure functions of (seed, image, view)."""

import numpy as np
import pytest
from PIL import Image
from raising import raises

from fdcore.answers.views import ViewSpec, make_views
from fdcore.errors import SettingsError

STILL = ViewSpec(rotation_deg=0, translation=0, perspective=0, noise=0)


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (9, 16, 20, 3), dtype=np.uint8)


@pytest.fixture
def ids() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 2**63, 9).astype(np.uint64)


def test_view_0_is_the_image_itself(pictures, ids):
    """View 0 returns the very pixels."""
    assert np.array_equal(make_views(pictures, ids, view=0, seed=3, spec=ViewSpec()), pictures)


def test_a_view_does_not_depend_on_its_batch(pictures, ids):
    """Asked alone, reordered or together, a picture's view has the same bits."""
    together = make_views(pictures, ids, view=4, seed=3, spec=ViewSpec())
    order = np.array([5, 0, 8, 2, 7, 1, 3, 6, 4])
    assert np.array_equal(make_views(pictures[order], ids[order], view=4, seed=3, spec=ViewSpec()), together[order])
    for i in range(len(pictures)):
        alone = make_views(pictures[i : i + 1], ids[i : i + 1], view=4, seed=3, spec=ViewSpec())
        assert np.array_equal(alone[0], together[i])


def test_seed_image_and_view_each_change_the_view(pictures, ids):
    """Each of the three arguments matters."""
    base = make_views(pictures, ids, view=1, seed=0, spec=ViewSpec())
    same_pixels = np.repeat(pictures[:1], 2, axis=0)
    assert not np.array_equal(base, make_views(pictures, ids, view=2, seed=0, spec=ViewSpec()))
    assert not np.array_equal(base, make_views(pictures, ids, view=1, seed=1, spec=ViewSpec()))
    two = make_views(same_pixels, ids[:2], view=1, seed=0, spec=ViewSpec())
    assert not np.array_equal(two[0], two[1])


def test_without_any_transformation_a_view_is_the_image(pictures, ids):
    """A spec of zeros leaves the picture as it is: the warp's grid is aligned to pixel centres."""
    assert np.array_equal(make_views(pictures, ids, view=1, seed=0, spec=STILL), pictures)


def test_noise_is_uniform_within_its_bounds(ids):
    """Noise alone moves a grey picture by at most its amplitude, evenly and without bias."""
    grey = np.full((9, 32, 32, 3), 128, np.uint8)
    spec = ViewSpec(rotation_deg=0, translation=0, perspective=0, noise=0.05)
    change = make_views(grey, ids, view=1, seed=0, spec=spec).astype(int) - 128
    assert change.min() >= -13
    assert change.max() <= 13
    assert abs(change.mean()) < 0.1
    assert abs(change.std() - 255 * 0.1 / np.sqrt(12)) < 0.1


def test_rotation_matches_an_independent_implementation():
    """A rotation alone agrees with Pillow's own rotation, up to interpolation, in the picture's middle."""
    ramp = np.add.outer(np.arange(64), 2 * np.arange(64)).astype(np.uint8)[None, :, :, None]
    spec = ViewSpec(rotation_deg=30, translation=0, perspective=0, noise=0)
    ids = np.array([77], np.uint64)
    ours = make_views(ramp, ids, view=1, seed=0, spec=spec)[0, :, :, 0]
    candidates = [
        np.asarray(Image.fromarray(ramp[0, :, :, 0]).rotate(angle, Image.Resampling.BILINEAR)).astype(int)
        for angle in np.arange(-30, 30.1, 0.5)
    ]
    middle = (slice(20, 44), slice(20, 44))
    assert min(np.abs(ours[middle] - c[middle]).max() for c in candidates) <= 2


def test_a_translation_moves_both_axes_by_at_most_its_share():
    """A bright dot stays within the promised shift."""
    dots = np.zeros((50, 41, 41, 1), np.uint8)
    dots[:, 20, 20] = 255
    spec = ViewSpec(rotation_deg=0, translation=0.1, perspective=0, noise=0)
    moved = make_views(dots, np.arange(50, dtype=np.uint64), view=1, seed=0, spec=spec)[..., 0]
    at = np.array([np.unravel_index(m.argmax(), m.shape) for m in moved])
    assert np.abs(at - 20).max() <= 5
    assert (np.abs(at - 20).max(axis=0) >= 2).all()


def test_values_frozen_for_ever():
    """These pixels must never change: finished cases are re-drawn from them."""
    picture = (np.arange(8 * 8 * 3) % 251).astype(np.uint8).reshape(1, 8, 8, 3)
    view = make_views(picture, np.array([2**63 + 5], np.uint64), view=3, seed=11, spec=ViewSpec())
    assert view[0, 0, :4, 0].tolist() == FROZEN_ROW


FROZEN_ROW = [5, 7, 5, 5]


@pytest.mark.parametrize("field", ["rotation_deg", "translation", "perspective", "noise"])
def test_a_negative_amount_is_refused(field):
    """A spec outside its range is refused."""
    with raises(SettingsError, "view out of range", field):
        ViewSpec(**{field: -1})


def test_tall_pictures_have_the_promised_perspective():
    """The projection is bounded by the same terms for every picture shape: no pixel flips or goes to infinity."""
    rows = np.linspace(0, 255, 300).astype(np.uint8)
    tall = np.repeat(np.repeat(rows[:, None], 20, axis=1)[None, :, :, None], 40, axis=0)
    spec = ViewSpec(rotation_deg=0, translation=0, perspective=0.45, noise=0)
    views = make_views(tall, np.arange(40, dtype=np.uint64), view=1, seed=0, spec=spec)
    middle = views[:, 100:200, 10, 0].astype(int)
    assert (np.diff(middle, axis=1) >= 0).all()
