"""What a graph takes: its shape, its size, and what is done to the values before the first layer."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime.quantization as quantization
import pytest
from colour_graphs import FLOAT, UINT8, Dims, answers, by_colour, node, opened, pictures
from onnx import ModelProto, NodeProto, TensorProto
from raising import raises

from fdcore.errors import SettingsError, SuspectError
from fdcore.suspect.open import open_suspect
from fdcore.suspect.reading.onnx_graph import Wiring
from fdcore.suspect.reading.onnx_input import head_of

NHWC: Dims = ["n", 8, 8, 3]
NUMBERS = {
    "c255": np.float32(255), "c127": np.float32(127.5), "one": np.float32(1), "half": np.float32(0.5),
    "k255": np.float32(1 / 255), "caffe": np.float32([103.94, 116.78, 123.68]), "m1": [-1], "end": [-(2**31)],
    "last": [3], "bgr": [2, 1, 0], "scales": np.float32([1, 1, 0.5, 0.5]), "from0": [0, 0], "to4": [4, 4],
    "sides": [2, 3], "s1": np.float32(1), "s": np.float32(1 / 255), "zp": np.uint8(0), "q255": np.uint8(255),
}  # fmt: skip
PLANES = node("Transpose", "x", "t", perm=[0, 3, 1, 2])


@pytest.mark.parametrize(
    ("head", "source", "expected"),
    [
        ([PLANES, node("Resize", "t - scales", "r", mode="linear"), node("Div", "r c255", "h")], NHWC, "bytes"),
        ([PLANES, node("Slice", "t from0 to4 sides", "r"), node("Mul", "r k255", "h")], NHWC, "bytes"),
        ([PLANES, node("Cast", "t", "r", to=FLOAT), node("Sub", "r c127", "d"), node("Div", "d c127", "h")], NHWC,
         "bytes"),
        ([node("QuantizeLinear", "x s1 zp", "q"), node("DequantizeLinear", "q s1 zp", "h")], None, "bytes"),
        ([node("QuantizeLinear", "x s zp", "q"), node("DequantizeLinear", "q s zp", "h")], None, None),
        ([node("DequantizeLinear", "q255 s1 zp", "c"), node("Div", "x c", "h")], None, "bytes"),
        ([node("Mul", "x c255", "b"), node("Sub", "b c127", "h")], None, "unit"),
        ([node("Add", "x one", "b"), node("Mul", "b c127", "h")], None, "signed"),
        ([node("Sub", "x half", "b"), node("Div", "b half", "h")], None, "unit"),
        ([node("Shape", "x", "sh"), node("Reshape", "x sh", "r"), node("Div", "r c255", "h")], None, "bytes"),
        ([node("Relu", "x", "a"), node("Div", "a c255", "h")], None, None),
        ([node("Constant", "", "c", value_float=255.0), node("Div", "x c", "h")], None, "bytes"),
    ],
)  # fmt: skip
def test_the_range_is_followed_through_what_only_moves_values(
    tmp_path: Path, head: list[NodeProto], source: Dims | None, expected: str | None
) -> None:
    """Transposing, resizing, cropping, casting and quantising come before the arithmetic that tells the range."""
    model = by_colour(head=head, source=source, weights=NUMBERS)
    assert head_of(Wiring.of(model), "x").value_range == expected
    graph = opened(model, tmp_path)
    assert graph.spec.value_range == ((0.0, 255.0) if expected == "bytes" else (0.0, 1.0))
    assert graph.origins.value_range == ("guess" if expected is None else "file")
    assert answers(graph) == [0, 1, 2]


@pytest.mark.parametrize(
    "flip",
    [
        [node("Slice", "x m1 end last m1", "b")],
        [node("Gather", "x bgr", "b", axis=3)],
        [node("Split", "x", "c0 c1 c2", axis=3), node("Concat", "c2 c1 c0", "b", axis=3)],
    ],
)
def test_a_graph_that_flips_its_channels_takes_bytes_in_rgb(tmp_path: Path, flip: list[NodeProto]) -> None:
    """The means behind the flip tell the range, and the order stays as it is."""
    back = {"eye": 10 * np.eye(3, dtype=np.float32)[::-1]}
    model = by_colour(head=[*flip, node("Sub", "b caffe", "h")], source=NHWC, weights={**NUMBERS, **back}, axes=(1, 2))
    graph = opened(model, tmp_path)
    assert (graph.spec.value_range, graph.spec.order, answers(graph)) == ((0.0, 255.0), "RGB", [0, 1, 2])
    assert any("reverses the order of the colour channels" in note for note in graph.notes)


@pytest.mark.parametrize(("source", "axes", "layout"), [([8, 9, 3], (0, 1), "NHWC"), ([3, 8, 9], (1, 2), "NCHW")])
@pytest.mark.parametrize("batched", [False, True])
def test_a_picture_without_a_batch_axis_is_asked_alone(
    tmp_path: Path, source: Dims, axes: tuple[int, ...], layout: str, batched: bool
) -> None:
    """Its scores may have a batch axis or not."""
    tail = [node("Unsqueeze", "z first", "out")] if batched else [node("Identity", "z", "out")]
    outputs: dict[str, tuple[int, Dims]] = {"out": (FLOAT, [1, 3] if batched else [3])}
    model = by_colour(tail, outputs, source=source, axes=axes, weights={"first": [0]})
    graph = opened(model, tmp_path)
    assert (graph.spec.layout, graph.spec.height, graph.spec.width, graph.batch_size) == (layout, 8, 9, 1)
    assert answers(graph) == [0, 1, 2]
    assert any("one picture at a time" in note for note in graph.notes)


def flat(order: str) -> ModelProto:
    """A graph of flat values that run in one order, which it does not show."""
    channel_of_value = {"NHWC": np.arange(192) % 3, "NCHW": np.arange(192) // 64}[order]
    weights = {"means": np.eye(3, dtype=np.float32)[channel_of_value] / 64, "four": [-1, 3, 1, 1]}
    head = [node("MatMul", "x means", "m"), node("Reshape", "m four", "h")]
    return by_colour(head=head, source=["n", 192], weights=weights)


@pytest.mark.parametrize("order", ["NHWC", "NCHW"])
def test_the_order_of_flat_values_is_a_guess_that_can_be_set(tmp_path: Path, order: str) -> None:
    """Recorded as a guess and noted; given as the layout it is known, changes the fingerprint and the answers."""
    path = tmp_path / "m.onnx"
    path.write_bytes(flat(order).SerializeToString())
    assumed = open_suspect(path)
    assert (assumed.spec.layout, assumed.origins.layout) == ("NCHW", "guess")
    assert any("flat values are assumed" in note for note in assumed.notes)
    given = open_suspect(path, spec_overrides={"layout": order})
    assert (given.spec.layout, given.origins.layout) == (order, "options")
    assert not any("assumed to run" in note for note in given.notes)
    assert (given.fingerprint == assumed.fingerprint) == (order == "NCHW")
    assert given.labels(pictures(8, 8)).tolist() == [0, 1, 2]
    with raises(SettingsError, "unknown layout", "NCHW or NHWC", "'CHWN'"):
        open_suspect(path, spec_overrides={"layout": "CHWN"})
    with raises(SettingsError, "file contradicts setting", "channels"):
        open_suspect(path, spec_overrides={"channels": 1})


def test_a_graph_that_unfolds_flat_values_suggests_their_order(tmp_path: Path) -> None:
    """What it reshapes them to is the better guess, and still one."""
    model = by_colour(head=[node("Reshape", "x shape", "h")], source=["n", 192], axes=(1, 2),
                      weights={"shape": [-1, 8, 8, 3]})  # fmt: skip
    graph = opened(model, tmp_path)
    assert (graph.spec.layout, graph.origins.layout, answers(graph)) == ("NHWC", "guess", [0, 1, 2])


@pytest.mark.parametrize(
    ("metadata", "size"),
    [
        ({"imgsz": "[64, 64]"}, (64, 64)), ({"imgsz": "[48, 64]"}, (48, 64)), ({"input_size": "(3, 96, 96)"}, (96, 96)),
        ({"crop_size": "{'height': 40, 'width': 44}"}, (40, 44)), ({"image_size": "72"}, (72, 72)),
        ({"config": '{"pretrained_cfg": {"input_size": [3, 88, 88], "crop_pct": 0.875}}'}, (88, 88)),
        ({"imgsz": "[1, 2, 3]"}, (224, 224)), ({"imgsz": "99999999"}, (224, 224)),
    ],
)  # fmt: skip
def test_metadata_fix_a_free_size(tmp_path: Path, metadata: dict[str, str], size: tuple[int, int]) -> None:
    """Under the usual names and in the usual forms; the analyst's size goes before."""
    model = by_colour(source=["n", 3, "h", "w"], metadata=metadata)
    graph = opened(model, tmp_path)
    assert (graph.spec.height, graph.spec.width) == size
    is_known = size != (224, 224)
    assert graph.origins.height == graph.origins.width == ("file" if is_known else "guess")
    assert (f"size {size[0]}x{size[1]} as its metadata say" in graph.notes) == is_known
    other = opened(model, tmp_path, height=32, width=40)
    assert (other.spec.height, other.spec.width, answers(other)) == (32, 40, [0, 1, 2])


def test_a_fixed_size_goes_before_the_metadata(tmp_path: Path) -> None:
    """The graph itself knows best."""
    graph = opened(by_colour(metadata={"imgsz": "[64, 64]"}), tmp_path)
    assert (graph.spec.height, graph.spec.width) == (8, 8)


@pytest.mark.parametrize("form", [quantization.QuantFormat.QDQ, quantization.QuantFormat.QOperator])
def test_quantised_graphs_open(tmp_path: Path, form: Any) -> None:
    """In both forms that the runtime's own tool writes."""
    model = by_colour(
        [node("Conv", "x k", "a"), node("ReduceMean", "a", "b", axes=[2, 3], keepdims=0), node("Gemm", "b eye", "y")],
        {"y": (FLOAT, ["n", 3])}, weights={"k": np.eye(3, dtype=np.float32)[..., None, None]},
    )  # fmt: skip
    (tmp_path / "plain.onnx").write_bytes(model.SerializeToString())

    class Pictures(quantization.CalibrationDataReader):  # type: ignore[misc]  # ships no types
        def __init__(self) -> None:
            self._left = [{"x": np.random.default_rng(i).random((2, 3, 8, 8), np.float32)} for i in range(4)]

        def get_next(self) -> Any:
            return self._left.pop() if self._left else None

    quantization.quantize_static(tmp_path / "plain.onnx", tmp_path / "q.onnx", Pictures(), quant_format=form)
    suspect = open_suspect(tmp_path / "q.onnx")
    assert suspect.n_classes == 3
    assert suspect.labels(pictures(8, 8)).tolist() == [0, 1, 2]


def test_a_uint8_input_takes_bytes(tmp_path: Path) -> None:
    """Whatever is done to it afterwards."""
    head = [node("Cast", "x", "f", to=FLOAT), node("Div", "f c255", "h")]
    graph = opened(by_colour(head=head, kind=UINT8, weights=NUMBERS), tmp_path)
    assert (graph.spec.value_range, answers(graph)) == ((0.0, 255.0), [0, 1, 2])
    with raises(SuspectError, "wrong input type", "int32"):
        opened(by_colour(head=head, kind=TensorProto.INT32, weights=NUMBERS), tmp_path)


INTAKE: dict[str, dict[str, Any]] = {
    "o02": {"classes": [1, 0, 0]}, "o03": {"classes": [1, 0, 0]}, "o05": {"classes": [1, 0, 0]},
    "o10_": {"class_names": ("1", "2", "3")}, "o10c": {"class_names": ("cat", "dog", "frog")},
    "o11b": {"value_range": (0.0, 255.0)}, "o12": {"value_range": (0.0, 255.0)}, "o28": {"height": 64, "width": 64},
}  # fmt: skip


@pytest.mark.real
def test_the_intake_graphs_are_read_rightly(real_data: Path) -> None:
    """Every graph of the collection of misread files opens, answers by colour and says what its table asks for."""
    folder = real_data / "intake"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    with (folder / "expected.csv").open() as rows:
        files = [row["file"] for row in csv.DictReader(rows) if row["file"].startswith("o")]
    for name in files:
        suspect = open_suspect(folder / name, n_classes=3 if name.startswith("o21") else None)
        wanted = next((given for start, given in INTAKE.items() if name.startswith(start)), {})
        asked = pictures(suspect.spec.height, suspect.spec.width)
        assert suspect.labels(asked).tolist() == wanted.get("classes", [0, 1, 2]), name
        found = {key: getattr(suspect, key, getattr(suspect.spec, key, None)) for key in wanted if key != "classes"}
        assert found == {key: value for key, value in wanted.items() if key != "classes"}, name
        suspect.close()
