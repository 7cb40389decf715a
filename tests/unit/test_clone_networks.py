"""Clone networks: what is offered, what fits which input, normalisation inside, and batched augmentation."""

import numpy as np
import pytest
import torch
from raising import raises

from fdcore.cloning.architectures import ARCHITECTURES, default_arch
from fdcore.cloning.learner import Moves, draw_moves, move
from fdcore.cloning.networks import PRESET, build_clone, restored
from fdcore.errors import CaseError, SettingsError, SuspectError
from fdcore.suspect.architectures.registry import names
from fdcore.suspect.preprocess import PreprocessSpec, with_preset

GREY = {"mean": (0.0,), "std": (1.0,)}


def test_offered_architectures_are_registered_ones():
    """Nothing is offered that cannot be built, and the defaults are among what is offered."""
    offered = {one.name for one in ARCHITECTURES}
    assert offered <= set(names())
    sizes = [PreprocessSpec(side, side) for side in (28, 32, 48, 64, 224)]
    assert {default_arch(spec, gpu) for spec in sizes for gpu in (False, True)} <= offered


@pytest.mark.parametrize("gpu", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("side", "channels"), [(28, 1), (32, 3), (48, 3), (64, 3), (96, 1)])
def test_the_default_takes_every_usual_input(side, channels, gpu):
    """Whatever the suspect's size and channels, the default architecture answers one logit for each class."""
    normalisation = GREY if channels == 1 else {}
    spec = PreprocessSpec(side, side, channels, **normalisation)
    network = build_clone(default_arch(spec, gpu), 7, spec, seed=0).eval()
    assert network(torch.rand(2, channels, side, side)).shape == (2, 7)


def test_a_thousand_classes():
    """The number of classes is the suspect's, however many it has."""
    assert build_clone("resnet20", 1000, PreprocessSpec(), seed=0).eval()(torch.rand(1, 3, 32, 32)).shape == (1, 1000)


def test_weights_follow_from_the_seed_alone():
    """The same seed gives the same weights whatever was drawn before, and the caller's random numbers stay."""
    torch.manual_seed(1)
    one = build_clone("resnet20", 3, PreprocessSpec(), seed=5).state_dict()
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(1))
    torch.manual_seed(2)
    same, other = (build_clone("resnet20", 3, PreprocessSpec(), seed=seed).state_dict() for seed in (5, 6))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one["body.conv1.weight"], other["body.conv1.weight"])


@pytest.mark.parametrize("arch", ["resnet20", "torchvision/googlenet"])
def test_weights_of_a_training_are_restored_with_auxiliary_heads(arch):
    """Whatever the first weights were, the network answers as the one that the state was taken from."""
    spec, shown = PreprocessSpec(32, 32), torch.rand(2, 3, 32, 32)
    network = build_clone(arch, 3, spec, seed=4).eval()
    again = restored(arch, 3, spec, network.state_dict()).eval()
    assert network.state_dict().keys() == again.state_dict().keys()
    with torch.inference_mode():
        assert torch.equal(network(shown), again(shown))


@pytest.mark.parametrize(
    "change",
    [
        lambda state: {},
        lambda state: state | {"body.linear.weight": torch.zeros(9, 64)},
        lambda state: state | {"body.linear.weight": "zeros"},
        lambda state: state | {"body.linear.weight": torch.zeros(3, 64).to_sparse()},
        lambda state: state | {7: torch.zeros(1)},
        lambda state: state | {"body.more.weight": torch.zeros(1)},
        lambda state: [1, 2],
        lambda state: None,
    ],
    ids=["none", "other classes", "a text", "sparse", "a number for a name", "one more", "a list", "nothing"],
)
def test_weights_of_something_else_are_refused(change):
    """A checkpoint may come from anywhere: what does not fit the network is a sentence."""
    state = build_clone("resnet20", 3, PreprocessSpec(), seed=0).state_dict()
    with raises(CaseError, "weights unusable", "ResNet-20", "3 classes"):
        restored("resnet20", 3, PreprocessSpec(), change(dict(state)))


def test_the_body_gets_its_input_as_the_named_preset_says():
    """A picture in 0..1 reaches the body as the preset that the exports name would bring it there."""
    network = build_clone("resnet20", 3, PreprocessSpec(), seed=0).eval()
    picture = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    scale, shift = with_preset(PreprocessSpec(), PRESET).affine()
    prepared = torch.from_numpy((picture * scale + shift).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network.body(prepared)
        given = network(torch.from_numpy(picture).permute(0, 3, 1, 2).float() / 255)
    torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("arch", ["lenet", "torchvision/alexnet", "torchvision/inception_v3", "torchvision/vit_b_16"])
def test_an_architecture_that_does_not_take_the_size_is_refused(arch):
    """A size that a network cannot take is a sentence before training, not a crash in it."""
    with raises(SettingsError, "wrong picture size", "20 x 20", "resnet20"):
        build_clone(arch, 5, PreprocessSpec(20, 20), seed=0)


def test_unknown_architectures_are_refused():
    """A name that is not registered is answered with similar ones."""
    with pytest.raises(SuspectError, match="No architecture is called"):
        build_clone("resnet21", 5, PreprocessSpec(), seed=0)


def test_googlenet_trains_with_auxiliary_heads_and_is_asked_without():
    """torchvision's GoogLeNet answers three times in training, once afterwards, and its weights are the plain one's."""
    network = build_clone("torchvision/googlenet", 4, PreprocessSpec(64, 64), seed=0)
    assert [tuple(out.shape) for out in network.train().outputs(torch.rand(2, 3, 64, 64))] == [(2, 4)] * 3
    assert len(network.eval().outputs(torch.rand(2, 3, 64, 64))) == 1
    assert not any(key.startswith("aux") for key in network.weights())


def reflected(values: np.ndarray, shift: int, axis: int) -> np.ndarray:
    """NumPy's own padding as an oracle: pad by reflection, then take the window."""
    widths = [(abs(shift), abs(shift)) if i == axis else (0, 0) for i in range(values.ndim)]
    padded = np.pad(values, widths, mode="reflect")
    return np.take(padded, range(abs(shift) - shift, abs(shift) - shift + values.shape[axis]), axis=axis)


def test_pictures_move_as_numpy_moves_them_one_by_one():
    """A batch moved at once is each picture shifted with reflected edges and then mirrored on its own."""
    pictures = np.random.default_rng(1).integers(0, 256, (50, 17, 24, 3), dtype=np.uint8)
    moves = draw_moves(50, 17, 24, mirror=True, generator=torch.Generator().manual_seed(3))
    given = move(torch.from_numpy(pictures), moves).numpy()
    for i, picture in enumerate(pictures):
        expected = reflected(reflected(picture, int(moves.down[i]), 0), int(moves.right[i]), 1)
        expected = expected[:, ::-1] if moves.mirrored[i] else expected
        np.testing.assert_array_equal(given[i], expected)
    assert set(moves.down.tolist()) == {-2, -1, 0, 1, 2}
    assert set(moves.right.tolist()) == {-3, -2, -1, 0, 1, 2, 3}
    assert 10 < moves.mirrored.sum() < 40


def test_grey_pictures_are_not_mirrored():
    """Digits and letters are shifted only: a mirror makes something else of them."""
    moves = draw_moves(100, 28, 28, mirror=False, generator=torch.Generator().manual_seed(0))
    assert not moves.mirrored.any()
    assert moves.down.abs().max() == 3


def test_tiny_pictures_survive_augmentation():
    """A picture of one pixel has nowhere to go."""
    one = torch.full((3, 1, 1, 1), 7, dtype=torch.uint8)
    moves = draw_moves(3, 1, 1, mirror=True, generator=torch.Generator().manual_seed(0))
    assert torch.equal(move(one, moves), one)
    still = Moves(torch.zeros(1).long(), torch.zeros(1).long(), torch.zeros(1).bool())
    assert torch.equal(move(one[:1], still), one[:1])
