"""The suspect as every later stage sees it: pictures in, class numbers out."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.errors import SettingsError, SuspectError
from fdcore.records import to_plain
from fdcore.suspect.cell.cell import CellReport
from fdcore.suspect.preprocess import Assumption, Origins, PreprocessSpec, text_spec
from fdcore.suspect.runtimes import RuntimeTrial
from fdcore.suspect.scan import ScanReport
from fdcore.texts import WIDTH, Kind, as_texts

Pictures = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Predict = Callable[[Any], npt.ArrayLike]  # of pictures (N, H, W, C), or of a list of N texts


class Suspect(ABC):
    """A black box that answers hard labels only (paper section 3).

    A new kind of suspect (another format, a service) is a subclass with these attributes and one method, `_answer`.

    Attributes:
        fingerprint: hex SHA-256 over the file and everything that changes an answer.
        spec: the input it expects.
        batch_size: how many pictures are sent at once; answers do not depend on it.
        description: one line for people.
        title: the architecture, for people; empty where there is none.
        notes: remarks from opening the file, for people.
        origins: how its input, architecture and number of classes are known.
        scan: what the scanners reported about its file; None without a file.
        format: the kind of its file, a name of `fdcore.suspect.formats.Format`; empty without a file.
        cell: how the process that reads and runs it is closed; None where it runs in this process.
        class_names: as its file names the classes, a claim; empty if it does not.
        assumptions: what its file does not show and could change answers.
        trial: which runtime answers and how the others did; None where there is no choice or it was not made yet.
        weights: hex SHA-256 over the numbers of its weights, the same in any file that holds them as tensors of the
            same shapes; empty for a TensorFlow Lite model or a service.
    """

    fingerprint: str
    n_classes: int
    spec: PreprocessSpec
    batch_size: int = 256
    description: str = ""
    title: str = ""
    notes: tuple[str, ...] = ()
    origins: Origins = Origins()
    scan: ScanReport | None = None
    format: str = ""
    cell: CellReport | None = None
    class_names: tuple[str, ...] = ()
    _n_expected: int = 0
    _sent_again: Callable[[int], None] = staticmethod(lambda n_pictures: None)
    assumptions: tuple[Assumption, ...] = ()
    weights: str = ""
    trial: RuntimeTrial | None = None

    def labels(self, pictures: Pictures) -> Labels:
        """Query the class of each picture.

        Args:
            pictures: (N, height, width, channels) uint8, RGB or grey, at the suspect's input size.

        Returns:
            (N,) int64, each in 0..n_classes-1.

        Raises:
            SuspectError: the suspect fails, or an answer is not a class number.
        """
        expected = (self.spec.height, self.spec.width, self.spec.channels)
        if pictures.dtype != np.uint8 or pictures.shape[1:] != expected:
            raise SuspectError(
                f"The suspect takes uint8 pictures of shape {expected}, but received {pictures.dtype} pictures of "
                f"shape {pictures.shape[1:]}.",
                key="wrong pictures",
            )
        starts = range(0, len(pictures), self.batch_size)
        parts = [self._answer_checked(pictures[start : start + self.batch_size]) for start in starts]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def expect(self, n_queries: int) -> None:
        """Hear about how many queries are to come, so that it may prepare for them; answers do not depend on it."""
        self._n_expected = n_queries

    def recall(self, trial: RuntimeTrial) -> None:  # noqa: B027 - a suspect without a choice ignores it
        """Hear what an earlier trial of runtimes found about this suspect, so that it need not be repeated."""

    def count_repeats(self, count: Callable[[int], None]) -> None:
        """Have `count` called with the number of pictures that are sent once more after a failure, before they are."""
        self._sent_again = count

    @staticmethod
    def from_callable(
        predict: "Predict",
        *,
        input_size: int | tuple[int, int] | None = None,
        kind: Kind = "picture",
        n_classes: int | None = None,
        channels: int = 3,
        batch_size: int = 256,
        name: str | None = None,
    ) -> "Suspect":
        """Wrap a Python function as a suspect.

        Args:
            predict: takes pictures (N, height, width, channels) uint8, or a list of N texts, and returns class numbers
                (N,), or scores (N, n_classes), of which only the arg max is used.
            input_size: side of the pictures in pixels, or their height and width; of texts, the most bytes of UTF-8
                that are sent, by default `fdcore.texts.WIDTH`.
            kind: "picture", or "text" for a function that takes texts.
            n_classes: None if `predict` returns scores: it is sent one black picture or empty text, which no budget
                counts, and its scores are counted.
            channels: 3 for RGB, 1 for grey.
            batch_size: the most pictures in one call.
            name: None for the function's own name. The answers kept in a case belong to the name, the size and the
                number of classes, so give a changed function another name.

        Raises:
            SettingsError: a size is out of range, or the number of classes is needed.
        """
        spec = spec_given(kind, input_size, channels)
        function = of_texts(predict) if kind == "text" else predict
        if n_classes is None:
            scores = np.shape(function(np.zeros((1, spec.height, spec.width, spec.channels), np.uint8)))
            if len(scores) != 2:
                raise SettingsError(
                    f"The function answered one {kind} with an array of shape {scores}, which does not show how many "
                    "classes there are. Give n_classes, or return scores (N, n_classes).",
                    key="number of classes needed",
                )
            n_classes = scores[1]
        name = name or getattr(predict, "__qualname__", type(predict).__qualname__)
        identity = json.dumps(["callable", name, n_classes, to_plain(spec)])
        return CallableSuspect(
            function, n_classes=n_classes, spec=spec, fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
            batch_size=batch_size, description=f"{name}, {n_classes} classes, {described_size(spec)}",
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Suspect: {self.description}>"

    @abstractmethod
    def _answer(self, pictures: Pictures) -> Labels:
        """The labels of at most `batch_size` pictures."""

    def _answer_checked(self, pictures: Pictures) -> Labels:
        labels = self._answer(pictures)
        if labels.shape != (len(pictures),):
            raise SuspectError(
                f"The suspect gave labels of shape {labels.shape} for {len(pictures)} pictures; one label per picture "
                "was expected.",
                key="wrong number of labels",
            )
        wrong = labels[(labels < 0) | (labels >= self.n_classes)]
        if len(wrong):
            raise SuspectError(
                f"The suspect answered class {wrong[0]}, but its classes are 0 to {self.n_classes - 1}.",
                key="unknown class",
            )
        return labels


def spec_given(kind: Kind, size: int | tuple[int, int] | None, channels: int) -> PreprocessSpec:
    """The input of a function, as the caller gives it."""
    if kind == "text":
        if isinstance(size, tuple):
            raise SettingsError(f"input_size of texts is a number of bytes, not {size}.", key="size of texts")
        return text_spec(size or WIDTH)
    if kind != "picture" or size is None:
        raise SettingsError(
            'Give input_size, the side of the pictures in pixels, or kind="text" for a function that takes texts.',
            key="size needed",
        )
    height, width = (size, size) if isinstance(size, int) else size
    spec = PreprocessSpec(height, width, channels, mean=(0.0,) * channels, std=(1.0,) * channels)
    if spec.kind == "text":
        raise SettingsError(
            "Grey pictures of one row are how texts are held. Give the function pictures of several rows.",
            key="picture of one row",
        )
    return spec


def of_texts(predict: Callable[[list[str]], npt.ArrayLike]) -> Callable[[Pictures], npt.ArrayLike]:
    """A function of texts as one of samples (N, 1, width, 1)."""
    return lambda samples: predict(as_texts(samples))


def described_size(spec: PreprocessSpec) -> str:
    """Such as "32x32 colour" for people; of texts, the most bytes."""
    if spec.kind == "text":
        return f"texts of at most {spec.width:,} bytes"
    return f"{spec.height}x{spec.width}"


PIXELS_AT_ONCE = 1 << 20  # so that the activations of a batch stay within hundreds of megabytes


def batch_size_for(spec: PreprocessSpec) -> int:
    """How many pictures to send at once: a power of two from 4 to 256, 256 at 32 x 32."""
    n = max(4, min(256, PIXELS_AT_ONCE // (spec.height * spec.width)))
    return 1 << (n.bit_length() - 1)


def filled(pictures: Pictures, batch_size: int) -> Pictures:
    """Repeat the last of N >= 1 pictures up to a full batch, so that every query has the same shape.

    The padding is not counted as queries: it never leaves this process, and its answers are never read.
    """
    missing = batch_size - len(pictures)
    return np.concatenate([pictures, np.repeat(pictures[-1:], missing, axis=0)]) if missing > 0 else pictures


def hard_labels(scores: npt.NDArray[np.floating[Any]]) -> Labels:
    """Reduce soft outputs (N, n_classes) to labels (N,).

    Raises:
        SuspectError: an output is NaN or infinite, so that its arg max means nothing.
    """
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).any(axis=1).sum())
        raise SuspectError(
            f"The suspect answered NaN or infinity for {bad} of {len(scores)} pictures. "
            "Its weights are damaged or the preprocessing is wrong (value range, mean, std).",
            key="not finite",
        )
    labels: Labels = scores.argmax(axis=1).astype(np.int64)
    return labels


class CallableSuspect(Suspect):
    """A Python function that takes pictures (N, H, W, C) uint8 and returns labels (N,) or scores (N, n_classes)."""

    def __init__(
        self,
        function: Predict,
        *,
        n_classes: int,
        spec: PreprocessSpec,
        fingerprint: str,
        batch_size: int = 256,
        description: str = "a Python callable",
    ) -> None:
        self._function = function
        self.n_classes, self.spec, self.fingerprint = n_classes, spec, fingerprint
        self.batch_size, self.description = batch_size, description
        self.origins = Origins().known("options", *Origins().guessed)  # whoever wraps a function specifies all of it

    def _answer(self, pictures: Pictures) -> Labels:
        answer = np.asarray(self._function(pictures))
        if answer.ndim == 2 and answer.shape[1] == self.n_classes:
            return hard_labels(answer)
        whole = np.issubdtype(answer.dtype, np.floating) and np.isfinite(answer).all() and (answer % 1 == 0).all()
        if not np.issubdtype(answer.dtype, np.integer) and not whole:
            raise SuspectError(
                f"The suspect answered {answer.dtype} values that are not class numbers.", key="not class numbers"
            )
        return answer.astype(np.int64)
