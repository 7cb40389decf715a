"""The kinds of file that a suspect may come as, each with a sentence for people."""

from enum import Enum

from fdcore.errors import SuspectError

STATE_DICT_ADVICE = (
    "Ask for its state dict (torch.save(model.state_dict(), ...)), a safetensors file or an ONNX export."
)


class Format(Enum):
    """A kind of file; the value is a sentence about it, for people."""

    TORCH_ZIP = "A PyTorch checkpoint (zip archive with a pickle)."
    TORCH_LEGACY = "A PyTorch checkpoint in the format before version 1.6 (several pickles in a row)."
    SAFETENSORS = "A safetensors file: named tensors and nothing that could run."
    HUB = "A model's folder as timm and transformers write it: a configuration and weights as safetensors."
    HUB_PICKLED = "A model's folder as timm and transformers write it: a configuration and PyTorch checkpoints."
    ONNX = "An ONNX graph."
    TORCHSCRIPT = "A TorchScript program, which is run only in its cell."
    TORCH_EXPORT = "A graph saved by torch.export, which is run only in its cell."
    PICKLE = (
        "A bare Python pickle, which cannot be read without running its instructions. Load it where you trust it and "
        "save its weights with torch.save or as safetensors."
    )
    TAR_CHECKPOINT = (
        "A tar archive, perhaps a PyTorch checkpoint from before version 0.1. Unpack it; if it is a checkpoint, save "
        "its weights again with a newer PyTorch."
    )
    TFLITE = "A TensorFlow Lite model."
    HDF5 = "An HDF5 file, probably a Keras model."
    KERAS = "A Keras 3 archive."
    SKOPS = "A scikit-learn model as skops saves it, without a pickle."
    SAVED_MODEL = (
        "A TensorFlow SavedModel graph; its weights are in a folder beside it. Convert that folder to ONNX "
        "(python -m tf2onnx.convert --saved-model FOLDER --output model.onnx)."
    )
    TF_GRAPH = (
        "A frozen TensorFlow graph, or another protobuf file. Convert it to ONNX (python -m tf2onnx.convert "
        "--graphdef MODEL --output model.onnx)."
    )
    GGUF = "A GGUF file, which holds a language model, not an image classifier."
    NUMPY = (
        "A NumPy file of arrays without an architecture. Save the arrays as a state dict under the names that their "
        "network uses, or wrap a function that uses them as a Python callable."
    )
    TABLE = (
        "A table. Answers that were recorded elsewhere are looked up by a Python callable (docs/python.md, 'A suspect "
        "that somebody else queries')."
    )
    ARCHIVE = "A packed archive without recognisable weights. Unpack it and name the file inside."
    WEB_PAGE = (
        "A web page, which a browser or a script saved in place of a download, perhaps because a login or a "
        "confirmation was asked for. Download the model's file itself."
    )
    EMPTY = "An empty file. Copy it again from the evidence."
    UNKNOWN = (
        "A file of an unknown kind. PyTorch, safetensors, ONNX, TensorFlow Lite, Keras and skops can be opened; any "
        "other model can be wrapped as a Python callable."
    )

    @property
    def supported(self) -> bool:
        """Whether a file of this kind can be opened."""
        return self in SUPPORTED

    @property
    def runs_code(self) -> bool:
        """Whether it is a program, which no scanner can judge, so that only its cell makes it safe."""
        return self in (Format.TORCHSCRIPT, Format.TORCH_EXPORT)

    @property
    def pickled(self) -> bool:
        """Whether it holds pickles, so that it must be scanned before it is opened."""
        return self in (Format.TORCH_ZIP, Format.TORCH_LEGACY, Format.HUB_PICKLED, Format.PICKLE)


SUPPORTED = (
    Format.TORCH_ZIP, Format.TORCH_LEGACY, Format.SAFETENSORS, Format.HUB, Format.HUB_PICKLED, Format.ONNX,
    Format.TORCHSCRIPT, Format.TORCH_EXPORT, Format.TFLITE, Format.HDF5, Format.KERAS,
    Format.SKOPS,
)  # fmt: skip


def stands_for_a_model(name: str, what: str, *, key: str) -> SuspectError:
    """The error for a file that holds no model itself but says where one is."""
    return SuspectError(f"{name} cannot be opened as a suspect. It is {what}", key=key)


def damaged(name: str, reason: object) -> SuspectError:
    """The error for a file that cannot be parsed."""
    return SuspectError(
        f"{name} is damaged or incomplete ({reason}). Copy it again from the evidence.", key="suspect damaged"
    )


def require_supported(name: str, found: Format) -> None:
    """Refuse a kind of file that cannot be opened; the message names the kind and a remedy.

    Raises:
        SuspectError: the kind is not supported.
    """
    if not found.supported:
        raise SuspectError(
            f"{name} cannot be opened as a suspect. It is {found.value[0].lower()}{found.value[1:]}",
            key="unsupported format",
        )
