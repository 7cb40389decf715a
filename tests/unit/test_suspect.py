"""The black box and what it expects at its input."""

import numpy as np
import pytest
from raising import raises
from torchvision.transforms.functional import normalize, to_tensor

from fdcore.errors import SettingsError, SuspectError
from fdcore.records import from_plain, to_plain
from fdcore.suspect.preprocess import PRESETS, PreprocessSpec, with_preset
from fdcore.suspect.suspect import CallableSuspect, Suspect, hard_labels

SPEC = PreprocessSpec(height=4, width=5)


def suspect(function, n_classes: int = 3, batch_size: int = 4) -> CallableSuspect:
    return CallableSuspect(function, n_classes=n_classes, spec=SPEC, fingerprint="f" * 64, batch_size=batch_size)


def pictures(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 4, 5, 3), dtype=np.uint8)


def test_labels_come_in_order_and_in_batches():
    """Pictures are sent at most a batch at a time, and answers keep their order."""
    sizes = []

    def answer(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return batch[:, 0, 0, 0] % 3

    asked = pictures(10)
    assert suspect(answer).labels(asked).tolist() == (asked[:, 0, 0, 0] % 3).tolist()
    assert sizes == [4, 4, 2]
    assert suspect(answer).labels(asked[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("answer", "key", "value"),
    [
        (lambda p: np.zeros(len(p) + 1, int), "wrong number of labels", (3,)),
        (lambda p: np.zeros((len(p), 2)), "wrong number of labels", (2, 2)),
        (lambda p: np.full(len(p), 3), "unknown class", "class 3"),
        (lambda p: np.full(len(p), -1), "unknown class", "class -1"),
        (lambda p: np.full(len(p), np.nan), "not class numbers", "float64"),
        (lambda p: np.array(["cat"] * len(p)), "not class numbers", "<U3"),
    ],
)
def test_an_answer_that_is_not_a_class_is_refused(answer, key, value):
    """Wrong shape, range or type is refused before anything is recorded."""
    with raises(SuspectError, key, value):
        suspect(answer).labels(pictures(2))


@pytest.mark.parametrize("wrong", [pictures(2).astype(np.float32), pictures(2)[:, :3], pictures(2)[..., :1]])
def test_pictures_of_another_shape_or_type_are_refused(wrong):
    """The suspect takes uint8 at its input size and nothing else."""
    with raises(SuspectError, "wrong pictures", wrong.dtype, wrong.shape[1:]):
        suspect(lambda p: np.zeros(len(p), int)).labels(wrong)


def test_soft_outputs_are_reduced_and_nan_is_noticed():
    """The arg max is all that leaves; a NaN or infinity stops the run."""
    assert hard_labels(np.array([[0.1, 0.9], [3.0, -1.0]])).tolist() == [1, 0]
    for bad in (np.nan, np.inf):
        with raises(SuspectError, "not finite", "1 of 2"):
            hard_labels(np.array([[0.1, 0.9], [bad, 0.0]]))


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_presets_agree_with_torchvision(preset):
    """pixel * scale + shift is ToTensor and Normalize, on the preset's value range."""
    spec = with_preset(SPEC, preset)
    scale, shift = spec.affine()
    picture = pictures(1)[0]
    low, high = spec.value_range
    expected = normalize(to_tensor(picture) * (high - low) + low, spec.mean, spec.std).permute(1, 2, 0).numpy()
    assert np.allclose(picture * scale + shift, expected, atol=1e-5, rtol=1e-5)


def test_a_spec_survives_json_and_refuses_nonsense():
    """A spec comes back equal from its dictionary; impossible ones are refused."""
    spec = with_preset(PreprocessSpec(channels=1, mean=(0.0,), std=(1.0,)), "mnist")
    assert from_plain(PreprocessSpec, to_plain(spec) | {"mean": list(spec.mean)}, what="it") == spec
    for wrong in ({"channels": 2}, {"height": 0}, {"std": (0.0, 1.0, 1.0)}, {"mean": (0.5,)}, {"mean": (np.nan,) * 3}):
        with pytest.raises(SettingsError):
            PreprocessSpec(**wrong)


def test_a_function_that_returns_scores_says_how_many_classes_there_are():
    """One black picture shows the number of scores; afterwards only the arg max is used."""
    seen = []

    def scores(batch: np.ndarray) -> np.ndarray:
        seen.append(len(batch))
        return np.stack([batch[:, 0, 0, 0], np.full(len(batch), 127), np.zeros(len(batch))], axis=1)

    black_box = Suspect.from_callable(scores, input_size=(4, 5))
    assert (black_box.n_classes, seen) == (3, [1])
    asked = pictures(10)
    assert black_box.labels(asked).tolist() == np.where(asked[:, 0, 0, 0] >= 127, 0, 1).tolist()


def test_a_function_that_returns_labels_needs_the_number_of_classes():
    """Labels do not say how many classes there are; the message asks for what is missing."""
    with raises(SettingsError, "number of classes needed", "(1,)"):
        Suspect.from_callable(lambda p: np.zeros(len(p), int), input_size=4)


def test_functions_of_another_name_size_or_number_of_classes_are_other_suspects():
    """The fingerprint holds all that is known about a function, so that a case does not mix their answers."""

    def one(batch: np.ndarray) -> np.ndarray:
        return np.zeros(len(batch), int)

    first = {"input_size": 4, "n_classes": 2}
    others = ({}, {"input_size": 5}, {"n_classes": 3}, {"name": "another"})
    made = [Suspect.from_callable(one, **(first | other)).fingerprint for other in others]
    assert len(set(made)) == 4
    assert made[0] == Suspect.from_callable(one, **first).fingerprint
