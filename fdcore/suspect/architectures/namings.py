"""Every way to read the names in a file as those of a network, and the tensors that are no part of any network."""

import re
from collections import Counter
from collections.abc import Collection

from fdcore.suspect.architectures.index import Shapes

Naming = dict[str, str]  # the name a network might use -> the key in the file

WRAPPERS = {"module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
MAX_PREFIXES = 6
ALIASES = (
    (re.compile(r"\.downsample\."), ".shortcut."),
    (re.compile(r"\b(norm|conv)\.([12])\."), r"\1\2."),  # DenseNets before torchvision 0.3
)
TRAINING = """
    criterion criterions loss losses lossfn optim optimizer optimiser optimizers scheduler ema projector projection proj
    predictor contrastive queue metric metrics acc accuracy auroc f1 confmat center centers centre prototypes memory
    bank arcface margin temperature discriminator buffer buffers
"""  # words in the names of what serves training only
TRAINING_WORDS = frozenset(TRAINING.split())
OPTIMISER = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg")


def namings(shapes: Shapes) -> list[Naming]:
    """The file's own names first, then without wrappers, then without one prefix after another, each with aliases.

    Args:
        shapes: key -> shape of a file's tensors.

    Returns:
        Each without the auxiliary heads that serve training only.
    """
    bases = _bases(shapes)
    every = [naming for base in bases for naming in (base, *(_aliased(base, alias) for alias in ALIASES))]
    unambiguous = {tuple(naming): naming for naming in every if len(naming) == len(shapes)}
    return [{k: v for k, v in naming.items() if not k.startswith(AUXILIARY)} for naming in unambiguous.values()]


def inner_names(shapes: Collection[str], *, shared_by_all: bool = False) -> Naming:
    """The names without wrappers and without every prefix that most, or all, of them carry."""
    return _bases(shapes, shared_by_all)[-1]


def _bases(keys: Collection[str], shared_by_all: bool = False) -> list[Naming]:
    """The own names, then without wrappers, then without one prefix after another; no two tensors get one name."""
    bases = [{key: key for key in keys}]
    unwrapped = {_without_wrappers(key): key for key in keys}
    if len(unwrapped) == len(bases[0]):
        bases.append(unwrapped)
    for _ in range(MAX_PREFIXES):
        prefix = _common_prefix(bases[-1], shared_by_all)
        inner = {key.removeprefix(prefix): file_key for key, file_key in bases[-1].items()}
        if not prefix or len(inner) < len(bases[0]):
            break
        bases.append(inner)
    return bases


def _without_wrappers(key: str) -> str:
    parts = key.split(".")
    return ".".join([part for part in parts[:-1] if part not in WRAPPERS] + parts[-1:])


def _common_prefix(naming: Naming, shared_by_all: bool) -> str:
    """The first part of most names, with its dot; what stands beside a network's module keeps its name."""
    [(first, n)] = Counter(_first(key) for key in naming if "." in key).most_common(1) or [("", 0)]
    return f"{first}." if (n == len(naming) > 0 if shared_by_all else 2 * n > len(naming)) else ""


def _aliased(naming: Naming, alias: tuple[re.Pattern[str], str]) -> Naming:
    old, new = alias
    return {old.sub(new, key): file_key for key, file_key in naming.items()}


def serves_training(key: str) -> bool:
    """Whether a name says that its tensor serves training only."""
    words = re.split(r"_|(?<=[a-z])(?=[A-Z])", _first(key))
    return any(word.lower() in TRAINING_WORDS for word in words) or key.rpartition(".")[2] in OPTIMISER


def passengers(left_over: Collection[str], network: Collection[str], naming: Naming, shapes: Shapes) -> tuple[str, ...]:
    """Those of the names left over by a complete network that can be no layer of it.

    That is what serves training by its name, and vectors and numbers in a module of their own beside the network's,
    unless they might be a normalisation.

    Args:
        left_over: names that the network lacks.
        network: names that it has.
        naming, shapes: of the file.
    """
    roots = {_first(naming[key]) for key in network}
    beside: dict[str, list[str]] = {}
    for key in left_over:
        if len(roots) == 1 and _first(naming[key]) not in roots:
            beside.setdefault(_first(naming[key]), []).append(key)
    harmless = {
        key
        for keys in beside.values()
        for key in keys
        if all(len(shapes[naming[k]]) <= 1 and "running" not in k for k in keys)
    }
    return tuple(key for key in left_over if key in harmless or serves_training(key))


def _first(key: str) -> str:
    return key.partition(".")[0]
