"""Which tensors can be a network's weights here, and their fingerprint; any other kind is refused with a sentence."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fdcore.errors import SuspectError
from fdcore.suspect.tensors import TensorRow

MAX_TENSORS = 20_000  # several times as many as the largest network of any library has
MAX_ELEMENTS = 4_000_000_000  # total over all tensors: 16 GB of float32
MAX_ROWS = 400  # of the table of tensors
MAX_DEPTH = 5
MAX_VISITED = 1_000_000

UNUSUAL = {
    "sparse": "only the numbers other than zero, with their places. Ask for dense weights (tensor.to_dense()).",
    "quantised": "whole numbers with a scale, which need a program of their own. "
    "Ask for the weights from before quantisation, or for an ONNX export.",
    "complex": "numbers with an imaginary part, which no known image classifier has. Ask for an ONNX export.",
    "empty": "shapes without values (PyTorch's device 'meta'). Ask for a file that was saved with the values.",
}


def refuse_unusual(content: Any, name: str) -> None:
    """Refuse weights that are sparse, quantised, complex or without values, wherever they lie in `content`.

    Raises:
        SuspectError: the message names the kind and the tensor.
    """
    for place, tensor in _tensors(content):
        kind = _unusual_kind(place, tensor)
        if kind:
            raise SuspectError(f"{name} holds {kind} weights ({place}): {UNUSUAL[kind]}", key=f"{kind} weights")


def _unusual_kind(place: str, tensor: Tensor) -> str | None:
    if tensor.is_quantized:
        return "quantised"
    if tensor.layout is not torch.strided or tensor.is_nested:
        return "sparse"
    if tensor.is_complex():
        return "complex"
    if tensor.is_meta:
        return "empty"
    packed = not tensor.is_floating_point() and tensor.dim() >= 2 and place.endswith("weight")
    return "quantised" if packed else None


def _tensors(content: Any) -> Iterator[tuple[str, Tensor]]:
    """Every tensor with the keys that lead to it; what is shared is visited once."""
    level, seen = [("", content)], {id(content)}
    for _ in range(MAX_DEPTH):
        inner = []
        for place, value in level:
            if isinstance(value, Tensor):
                yield place, value
            for key, below in _items(value):
                if id(below) not in seen and len(seen) < MAX_VISITED:
                    seen.add(id(below))
                    inner.append((f"{place}.{key}" if place else f"{key}", below))
        level = inner


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def tensor_rows(tensors: Mapping[str, Tensor]) -> tuple[TensorRow, ...]:
    """The first `MAX_ROWS` tensors in their order."""
    return tuple(_row(name, tensor) for name, tensor in list(tensors.items())[:MAX_ROWS])


def _row(name: str, tensor: Tensor) -> TensorRow:
    numbers = tensor.detach().float()
    std, mean = torch.std_mean(numbers, correction=0) if numbers.numel() else (numbers.sum(), numbers.sum())
    at_mean, at_std = (round(float(one), 6) if torch.isfinite(one) else None for one in (mean, std))
    zeros = 1 - int(numbers.count_nonzero()) / max(1, numbers.numel())
    shape = " x ".join(map(str, tensor.shape))
    return TensorRow(name, shape, str(tensor.dtype).removeprefix("torch."), at_mean, at_std, round(zeros, 4))


def fingerprint(tensors: Mapping[Any, Tensor]) -> str:
    """Hex SHA-256 over the numbers of all weights, whatever file, order and names they are stored under.

    The type and shape of each tensor count, so that weights of half precision are others. Counters do not count, which
    some files leave out.
    """
    each = sorted(_digest(tensor) for tensor in tensors.values() if tensor.is_floating_point())
    return hashlib.sha256(b"".join(each)).hexdigest()


def fingerprint_of_arrays(arrays: Iterable[npt.NDArray[Any]]) -> str:
    """The same of arrays; those of types that PyTorch does not have are left out. Empty where there is none."""
    numbers = [torch.from_numpy(np.array(one)) for one in arrays if one.dtype in ("f2", "f4", "f8")]
    return fingerprint(dict(enumerate(numbers))) if numbers else ""


def _digest(tensor: Tensor) -> bytes:
    digest = hashlib.sha256(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    digest.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.digest()


def check_number(n_tensors: int, name: str) -> None:
    """Refuse more tensors than any network has.

    Raises:
        SuspectError: there are more.
    """
    if n_tensors > MAX_TENSORS:
        raise SuspectError(
            f"{name} holds {n_tensors:,} tensors; no known network has more than {MAX_TENSORS:,}.",
            key="too many tensors",
        )


def check_sizes(tensors: Mapping[str, Tensor], name: str) -> None:
    """Refuse shapes larger than what the file stores, and more elements than fit in memory.

    Raises:
        SuspectError: a tensor, or all together, are too large.
    """
    for key, tensor in tensors.items():
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise SuspectError(
                f"The tensor {key} of {name} claims the shape {tuple(tensor.shape)}, but the file holds only "
                f"{tensor.untyped_storage().nbytes():,} bytes for it. The file is damaged or made to exhaust memory.",
                key="shape too large",
            )
    n_elements = sum(tensor.numel() for tensor in tensors.values())
    if n_elements > MAX_ELEMENTS:
        raise SuspectError(f"{name} holds {n_elements:,} numbers; at most {MAX_ELEMENTS:,} can be opened.")
