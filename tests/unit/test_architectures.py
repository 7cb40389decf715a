"""Networks by name, and finding the one that a file's tensors fit."""

import math
import re
import time
from collections import OrderedDict
from collections.abc import Iterator
from random import Random

import pytest
import torch
from raising import raises
from torch import Tensor, nn

from fdcore.errors import SettingsError, SuspectError
from fdcore.suspect.architectures import fitting, index, plain, registry
from fdcore.suspect.architectures.registry import build, skeleton_shapes, small_names

PUBLISHED_WEIGHTS = {"resnet20": 0.27e6, "resnet32": 0.46e6, "resnet44": 0.66e6, "resnet56": 0.85e6, "resnet110": 1.7e6}


def state(name: str, n_classes: int, channels: int = 3) -> dict[str, Tensor]:
    """The tensors of a network, without storage."""
    shapes = skeleton_shapes(name, n_classes, channels=channels)
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["resnet20", "resnet32-b", "dla-simple", "googlenet-32", "lenet"])
def test_small_networks_map_colour_pictures_to_class_scores(name: str) -> None:
    """Every small network maps 32x32 colour pictures to one score for each class."""
    assert build(name, 7)(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize("name", ["lenet-28", "lenet-28-padded"])
def test_lenet_for_digits_takes_grey_28(name: str) -> None:
    """The LeNets for digits take grey pictures of 28x28."""
    assert build(name, 10, channels=1)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(("name", "expected"), PUBLISHED_WEIGHTS.items())
def test_residual_networks_have_the_published_number_of_weights(name: str, expected: float) -> None:
    """The residual networks have as many weights as the paper that introduced them says (He et al., table 6)."""
    shapes = skeleton_shapes(name, 10)
    n_weights = sum(math.prod(shape) for key, shape in shapes.items() if "running" not in key)
    assert n_weights == pytest.approx(expected, rel=0.03)


def test_option_a_shortcut_pads_half_before_and_half_behind() -> None:
    """An option-A shortcut takes every second pixel and puts the old channels in the middle of the new ones."""
    block = build("resnet20", 10).get_submodule("layer2.0.shortcut")
    x = torch.arange(16 * 4 * 4, dtype=torch.float32).reshape(1, 16, 4, 4)
    out = block(x)
    assert out.shape == (1, 32, 2, 2)
    assert torch.equal(out[:, 8:24], x[:, :, ::2, ::2])
    assert out[:, :8].abs().sum() == out[:, 24:].abs().sum() == 0


def test_names_cover_the_three_families_and_build_downloads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small, torchvision's and timm's names are registered, and building one asks the network for nothing."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a connection was opened"))
    names = registry.names()
    assert {"resnet20", "torchvision/resnet18", "timm/mobilenetv3_small_050"} <= set(names)
    assert len(names) > 1000
    assert build("timm/mobilenetv3_small_050", 5)(torch.zeros(2, 3, 64, 64)).shape == (2, 5)
    assert build("torchvision/squeezenet1_1", 4, channels=1)(torch.zeros(2, 1, 64, 64)).shape == (2, 4)


def test_unknown_name_offers_similar_ones() -> None:
    """An unknown architecture is refused with similar names."""
    with raises(SuspectError, "unknown architecture", "torchvision/resnet18, timm/resnet18"):
        build("resnet18", 10)
    with raises(SuspectError, "unknown architecture", "resnet20"):
        build("resent20", 10)
    with raises(SettingsError, "too few classes"):
        build("resnet20", 1)


@pytest.mark.parametrize(
    "name", [*small_names(), "torchvision/resnet18", "torchvision/regnet_y_400mf", "timm/vit_tiny_patch16_224"]
)
def test_the_shipped_table_describes_the_networks_as_they_are(name: str) -> None:
    """The table agrees with the networks that are built; if not, run scripts/build_architectures.py."""
    row = index.entries()[name]
    shapes = skeleton_shapes(name, 17)
    assert index.describe(name, shapes, head=row.head, stem=row.stem, default=row.input) == row


@pytest.mark.parametrize("n_classes", [2, 43])
@pytest.mark.parametrize("name", ["resnet20", "resnet56", "resnet32-b", "dla-simple", "googlenet-32"])
def test_a_state_dict_finds_its_own_architecture(name: str, n_classes: int) -> None:
    """A small network's tensors fit only that network, for any number of classes."""
    assert fitting.fitting(state(name, n_classes)) == [name]
    assert fitting.fitting(state(name, n_classes, channels=1)) == [name]


def test_published_libraries_are_found_with_another_head() -> None:
    """A fine-tuned torchvision network is found among torchvision's and timm's."""
    assert fitting.fitting(state("torchvision/regnet_y_400mf", 5)) == ["torchvision/regnet_y_400mf"]
    assert fitting.fitting(state("timm/convnext_tiny", 3)) == ["timm/convnext_tiny"]
    assert "torchvision/resnet18" in fitting.fitting(state("torchvision/resnet18", 7))


@pytest.mark.parametrize(
    "prefix", ["module.", "model.", "_orig_mod.", "module._orig_mod.model.", "student.", "my.own.wrapper.net."]
)
def test_wrappers_prefixes_are_seen_through(prefix: str) -> None:
    """A prefix that a wrapper put before every key does not hide the network."""
    prefixed = {prefix + key: value for key, value in state("resnet20", 10).items()}
    fit = fitting.compare("resnet20", fitting.shapes_of(prefixed))
    assert fit.exact
    assert fit.keys["conv1.weight"] == f"{prefix}conv1.weight"


def test_wrappers_inside_names_are_seen_through() -> None:
    """A part that was wrapped on its own, for several GPUs or by the compiler, does not hide the network."""
    for name in ("module", "_orig_mod", "_fsdp_wrapped_module"):
        wrapped = {
            key.replace("features.", f"features.{name}."): value
            for key, value in state("torchvision/squeezenet1_1", 5).items()
        }
        assert "torchvision/squeezenet1_1" in fitting.fitting(wrapped)


def test_old_names_of_densenets_are_known() -> None:
    """Files written before torchvision 0.3 call a layer norm.1 that is called norm1 today."""
    today = state("torchvision/densenet121", 5)
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", key): value for key, value in today.items()}
    assert old.keys() != today.keys()
    assert "torchvision/densenet121" in fitting.fitting(old)


@pytest.mark.parametrize(
    ("prefix", "extra", "shape"),
    [
        ("model.", "criterion.weight", (10,)),
        ("model.", "class_balance", (10,)),
        ("", "loss_fn.pos_weight", (10,)),
        ("encoder.", "projector.0.weight", (128, 64)),
        ("model.", "train_acc.total", (1,)),
        ("", "conv1.weight.exp_avg", (16, 3, 3, 3)),
    ],
)
def test_passengers_are_left_out_and_named(prefix: str, extra: str, shape: tuple[int, ...]) -> None:
    """What is no layer of a complete network is left out, with a note."""
    tensors = {prefix + key: value for key, value in state("resnet20", 10).items()}
    tensors[extra] = torch.empty(shape, device="meta")
    assert fitting.fitting(tensors) == ["resnet20"]
    fit = fitting.compare("resnet20", fitting.shapes_of(tensors))
    assert (fit.passengers, fit.exact) == ((extra,), True)
    assert any(extra in note for note in fit.notes)


@pytest.mark.parametrize(
    "extra",
    [
        {"attention.weight": (5, 5)},  # a layer that the network lacks
        {"classifier.weight": (5, 10), "classifier.bias": (5,)},  # a layer behind it
        {"bn.weight": (64,), "bn.bias": (64,), "bn.running_mean": (64,), "bn.running_var": (64,)},
    ],
)
def test_layers_are_no_passengers(extra: dict[str, tuple[int, ...]]) -> None:
    """A network with a further layer, inside or beside it, is another network."""
    tensors = {f"model.{key}": value for key, value in state("resnet20", 10).items()}
    tensors |= {key: torch.empty(shape, device="meta") for key, shape in extra.items()}
    assert fitting.fitting(tensors) == []


def test_a_deeper_network_is_not_taken_for_the_shallower_one_that_it_contains() -> None:
    """ResNet-32 has every tensor of ResNet-20; with a passenger it is still ResNet-32."""
    tensors = {f"model.{key}": value for key, value in state("resnet32", 10).items()}
    tensors["criterion.weight"] = torch.empty(10, device="meta")
    assert fitting.fitting(tensors) == ["resnet32"]


def test_the_nearest_architectures_are_ranked_with_ties_together() -> None:
    """Unknown tensors are compared by the share that they have in common; equally near architectures are tied."""
    tensors = {**state("torchvision/vgg11", 5), "extra.weight": torch.empty(7, 7, device="meta")}
    first, *_ = fitting.closest(fitting.shapes_of(tensors))
    assert "torchvision/vgg11" in first.names
    assert (first.shared, first.total) == (22, 22)
    assert len(fitting.closest(fitting.shapes_of(tensors))) == 3


@pytest.mark.nightly
def test_fifty_networks_are_found_under_random_prefixes_with_random_heads() -> None:
    """Architectures drawn from the whole table are among those that fit, or tied with them as the nearest."""
    random = Random(0)
    names = random.sample([name for name in registry.names() if index.entries()[name].tensors], 50)
    for name in names:
        prefix = random.choice(["", "module.", "student.", "net.backbone.", "model._orig_mod."])
        tensors = {prefix + key: value for key, value in state(name, random.randint(2, 2000)).items()}
        shapes = fitting.shapes_of(tensors)
        started = time.process_time()
        assert name in fitting.closest(shapes)[0].names, name
        assert time.process_time() - started < 10  # seconds; one or two are usual
        assert name in fitting.fitting(tensors), name


@pytest.mark.parametrize("head", ["fc", "classifier", "head", "fc.1"])
def test_a_head_of_another_name_is_mapped(head: str) -> None:
    """The last linear layer may be called otherwise, when everything else fits exactly."""
    renamed = {key.replace("linear", head): value for key, value in state("resnet20", 10).items()}
    fit = fitting.compare("resnet20", fitting.shapes_of(renamed))
    assert fit.exact
    assert fit.notes == (f"its head is called {head}",)
    assert fitting.fitting(renamed) == ["resnet20"]


def test_downsample_means_shortcut() -> None:
    """Option-B networks whose projections are called downsample fit too."""
    renamed = {key.replace("shortcut", "downsample"): value for key, value in state("resnet20-b", 10).items()}
    assert fitting.fitting(renamed) == ["resnet20-b"]


def test_counters_may_be_absent_or_present() -> None:
    """Counters of batch normalisation play no part in fitting."""
    complete = build("resnet20", 10).state_dict()
    assert any(key.endswith("num_batches_tracked") for key in complete)
    assert fitting.fitting(complete) == ["resnet20"]


def test_an_extra_tensor_or_a_wrong_shape_fits_nothing_and_is_named() -> None:
    """One tensor too many or of another shape means that nothing fits; the comparison names it."""
    tensors = state("resnet20", 10)
    tensors["layer1.0.conv1.weight"] = torch.empty(16, 16, 5, 5, device="meta")
    tensors["extra.weight"] = torch.empty(4, 4, device="meta")
    del tensors["bn1.bias"]
    fit = fitting.compare("resnet20", fitting.shapes_of(tensors))
    assert fitting.fitting(tensors) == []
    assert (fit.missing, fit.unexpected) == (("bn1.bias",), ("extra.weight",))
    assert fit.misshapen == (("layer1.0.conv1.weight", (16, 16, 5, 5), (16, 16, 3, 3)),)
    assert fitting.closest(fitting.shapes_of(tensors))[0].names == ("resnet20",)


def sequential(*layers: nn.Module) -> dict[str, Tensor]:
    """A Sequential's tensors."""
    return dict(nn.Sequential(*layers).state_dict())


def test_plain_network_reads_pooling_from_the_gaps_in_the_numbering() -> None:
    """In a Sequential, the numbers of two convolutions show whether there is pooling between them."""
    conv, relu, pool = nn.Conv2d, nn.ReLU, nn.MaxPool2d
    unpooled = sequential(
        conv(3, 8, 3, padding=1), relu(), conv(8, 8, 3, padding=1), relu(), pool(2), conv(8, 16, 3, padding=1), relu(),
        pool(2), nn.Flatten(), nn.Linear(16 * 64, 5),
    )  # fmt: skip
    assert plain.readings(fitting.shapes_of(unpooled))[0].name == "plain-cnn:same:pool=011@32"


def test_a_number_behind_letters_is_a_name_and_no_place() -> None:
    """Layers called c1, c3 and c5 have pooling between them, although a Sequential with these numbers had none."""
    shapes = {
        "c1.weight": (6, 3, 5, 5), "c3.weight": (16, 6, 5, 5), "c5.weight": (120, 16, 5, 5),
        "f6.weight": (84, 120), "output.weight": (10, 84),
    }  # fmt: skip
    assert plain.readings(shapes)[0].name == "plain-cnn:valid:pool=110@32"


@pytest.mark.parametrize(
    ("side", "features", "name"),
    [
        (150, 8 * 37 * 37, "plain-cnn:same:pool=11@150"),
        (96, 8 * 24 * 24, "plain-cnn:same:pool=11@96"),
        (52, 8 * 26 * 26, "plain-cnn:same:pool=10@52"),
    ],
)
def test_plain_network_of_an_unusual_size(side: int, features: int, name: str) -> None:
    """A size that is not among the usual ones is among the readings, and can be named."""
    shapes = {"a.weight": (8, 3, 3, 3), "b.weight": (8, 8, 3, 3), "c.weight": (5, features)}
    assert plain.choose(plain.readings(shapes), f"plain-cnn:same@{side}").name == name


def test_what_shapes_cannot_show_is_assumed() -> None:
    """Activation, padding, kind of pooling and other readings are recorded as data."""
    shapes = {"a.weight": (8, 3, 3, 3), "b.weight": (8, 8, 3, 3), "c.weight": (5, 8 * 8 * 8)}
    first, *others = plain.readings(shapes)
    made = {assumption.what: assumption for assumption in first.assumptions(others)}
    assert made.keys() == {"activation", "padding", "pooling", "reading"}
    assert made["activation"].value == "ReLU"
    assert made["reading"].others == tuple(other.name for other in others)


def test_plain_network_deduces_padding_and_size_from_the_features() -> None:
    """The number of features that enter the first linear layer leaves few readings, the usual size first."""
    digits = OrderedDict(
        {
            "a.weight": torch.empty(32, 1, 3, 3), "a.bias": torch.empty(32), "b.weight": torch.empty(64, 32, 3, 3),
            "b.bias": torch.empty(64), "c.weight": torch.empty(128, 9216), "c.bias": torch.empty(128),
            "d.weight": torch.empty(10, 128), "d.bias": torch.empty(10),
        }
    )  # fmt: skip
    found = plain.readings(fitting.shapes_of(digits))
    assert [reading.name for reading in found][:2] == ["plain-cnn:valid:pool=01@28", "plain-cnn:same:pool=11@48"]
    assert (found[0].channels, found[0].n_outputs) == (1, 10)


def test_plain_network_computes_what_the_original_computes() -> None:
    """The network that is rebuilt from shapes answers exactly as the one that was saved."""
    original = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 64, 20), nn.ReLU(), nn.Linear(20, 4),
    )  # fmt: skip
    tensors = original.state_dict()
    reading = plain.readings(fitting.shapes_of(tensors))[0]
    rebuilt = plain.PlainNetwork(reading)
    rebuilt.load_state_dict({key: tensors[file_key] for key, file_key in reading.names().items()})
    x = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(original(x), rebuilt(x), atol=1e-6)


def test_plain_network_choices_follow_the_name() -> None:
    """A partial name takes the likeliest reading that agrees with it; an impossible one lists what there is."""
    shapes = {
        "conv1.weight": (32, 3, 3, 3), "conv2.weight": (64, 32, 3, 3), "conv3.weight": (64, 64, 3, 3),
        "fc1.weight": (512, 1024), "fc2.weight": (10, 512),
    }  # fmt: skip
    found = plain.readings(shapes)
    assert plain.choose(found, "plain-cnn").name == "plain-cnn:same:pool=111@32"
    assert plain.choose(found, "plain-cnn:valid").name == "plain-cnn:valid:pool=110@32"
    assert plain.choose(found, "plain-cnn@48").name == "plain-cnn:valid:pool=111@48"
    with raises(SuspectError, "architecture does not fit", "plain-cnn:same:pool=111@32"):
        plain.choose(found, "plain-cnn:same@28")
    with raises(SuspectError, "malformed plain name", "plain-cnn:reflect"):
        plain.choose(found, "plain-cnn:reflect")


@pytest.mark.parametrize(
    "shapes",
    [
        {"a": (8, 3, 3, 3), "b": (8,), "c": (8,), "d": (10, 512)},  # batch normalisation
        {"a": (10, 100), "b": (8, 3, 3, 3)},  # a linear layer first
        {"a": (8, 3, 3, 3), "b": (10, 77)},  # features that no size gives
        {"a": (8, 3, 3, 3), "b": (8, 4, 3, 3), "c": (10, 512)},  # channels that do not chain
        {"a": (8, 3, 3, 3)},
        {},
    ],
)
def test_other_networks_are_no_plain_ones(shapes: dict[str, tuple[int, ...]]) -> None:
    """Tensors of any other shape of network have no plain reading."""
    assert plain.readings(shapes) == []


def test_a_perceptron_is_a_plain_network_without_convolutions() -> None:
    """Linear layers alone are read too, with grey or colour inputs by the number of features."""
    found = plain.readings({"0.weight": (100, 784), "0.bias": (100,), "2.weight": (10, 100), "2.bias": (10,)})
    assert [(reading.name, reading.channels) for reading in found] == [("plain-cnn@28", 1)]
    assert [reading.name for reading in plain.readings({"a": (10, 3 * 100 * 100)})] == ["plain-cnn@100"]
    assert plain.PlainNetwork(found[0])(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("order", ["beside", "behind", "sequential"])
def test_plain_networks_with_batch_normalisation_are_read(order: str) -> None:
    """Normalisations beside their convolutions, listed after all of them, or in a Sequential: the same answers."""
    torch.manual_seed(3)
    convolutions = [torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Conv2d(8, 16, 3, padding=1)]
    norms, linear = [torch.nn.BatchNorm2d(8), torch.nn.BatchNorm2d(16)], torch.nn.Linear(16 * 8 * 8, 5)
    for norm in norms:
        norm.running_mean.uniform_(-0.2, 0.2)
        norm.running_var.uniform_(0.5, 1.5)
    relu, pool = torch.nn.ReLU(), torch.nn.MaxPool2d(2)
    network = torch.nn.Sequential(
        convolutions[0], norms[0], relu, pool, convolutions[1], norms[1], relu, pool, torch.nn.Flatten(), linear
    ).eval()
    named = {
        "beside": {"c1": convolutions[0], "n1": norms[0], "c2": convolutions[1], "n2": norms[1], "f": linear},
        "behind": {"c1": convolutions[0], "c2": convolutions[1], "n1": norms[0], "n2": norms[1], "f": linear},
        "sequential": {"features": network[:8], "f": linear},
    }[order]
    state = torch.nn.ModuleDict(named).state_dict()
    found = plain.readings({key: tuple(value.shape) for key, value in state.items()})
    reading = plain.choose(found, "plain-cnn:same:pool=11@32")
    rebuilt = plain.PlainNetwork(reading)
    rebuilt.load_state_dict({key: state[name] for key, name in reading.names().items()}, strict=False)
    pictures = torch.rand(4, 3, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(rebuilt.eval()(pictures), network(pictures), atol=1e-5)
    assert "batch normalisation" in {one.what for one in reading.assumptions([])}
