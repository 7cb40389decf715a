"""The architectures that a clone is offered, and which one suits an input; every registered one can be named."""

from typing import NamedTuple

from fdcore.suspect.preprocess import PreprocessSpec

SMALL_SIDE = 64  # pixels; networks made for 32 x 32 serve up to here, larger pictures want a network that shrinks them


class Offered(NamedTuple):
    """One architecture that is offered.

    Attributes:
        name: in the registry.
        title: for people.
        small: whether it is made for small pictures, up to 64 x 64; the others want 64 x 64 and more.
    """

    name: str
    title: str
    small: bool


ARCHITECTURES = (
    Offered("resnet20", "ResNet-20", True),
    Offered("googlenet-32", "GoogLeNet for 32x32, as in the paper", True),
    Offered("lenet", "LeNet, for 32x32 only", True),
    Offered("torchvision/resnet18", "ResNet-18", False),
    Offered("torchvision/googlenet", "GoogLeNet with auxiliary heads, as in the paper", False),
    Offered("torchvision/mobilenet_v3_small", "MobileNetV3 small", False),
    Offered("torchvision/mobilenet_v3_large", "MobileNetV3 large", False),
)


def default_arch(spec: PreprocessSpec, gpu: bool) -> str:
    """The paper's GoogLeNet where a GPU trains it, a network of a tenth of its cost elsewhere.

    Args:
        spec: the suspect's input.
        gpu: whether a GPU trains.
    """
    if max(spec.height, spec.width) <= SMALL_SIDE:
        return "googlenet-32" if gpu else "resnet20"
    return "torchvision/googlenet" if gpu else "torchvision/mobilenet_v3_small"
