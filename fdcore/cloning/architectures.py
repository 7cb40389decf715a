"""The architectures offered for clones, and the default for an input; any other registered one can be named."""

from typing import NamedTuple

from fdcore.suspect.preprocess import PreprocessSpec

BAG_OF_WORDS = "bag-of-words"  # for texts
SMALL_SIDE = 64  # pixels; networks made for 32 x 32 serve up to here, larger pictures need a network that shrinks them


class Offered(NamedTuple):
    """One offered architecture."""

    name: str  # in the registry
    title: str
    small: bool  # made for pictures up to 64 x 64; the others need at least 64 x 64


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
    """The paper's GoogLeNet on a GPU, a network of a tenth of its cost elsewhere."""
    if spec.kind == "text":
        return BAG_OF_WORDS
    if max(spec.height, spec.width) <= SMALL_SIDE:
        return "googlenet-32" if gpu else "resnet20"
    return "torchvision/googlenet" if gpu else "torchvision/mobilenet_v3_small"
