"""The scanners; each runs in a cell of its own (`fdcore.suspect.scan`). None executes a pickle: they read opcodes.

Every state dict names a few ordinary globals: the ordered dictionary, the storage types, the functions that rebuild a
tensor from a storage. Those of sparse and quantised tensors run no program either; the reader refuses them later, with
the true reason. Both public scanners warn of some of them. picklescan --strict treats every global outside its
own list as dangerous, and that list lacks `torch._utils._rebuild_tensor` (weights written by PyTorch 0.3 and older) and
NumPy's scalars. fickling treats any import outside the standard library as "likely unsafe". A warning therefore counts
only if it concerns something that is not in `ORDINARY`; the rest of either analysis is taken as it is.
"""

import pickletools
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from fdcore.suspect.formats import Format
from fdcore.suspect.reading.archives import SuspiciousArchiveError, check, zip_pickles
from fdcore.suspect.reading.identify import TORCH_LEGACY_START
from fdcore.suspect.scan import Finding

N_LEGACY_PICKLES = 5  # magic number, protocol, system, the object, the storages' keys
MAX_OPCODES = 20_000_000

STORAGES = (
    "Float Double Half BFloat16 Long Int Short Char Byte Bool ComplexFloat ComplexDouble "
    "QInt8 QUInt8 QInt32 QUInt4x2 QUInt2x4"
)
DTYPES = (
    "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool complex64 complex128 "
    "float8_e4m3fn float8_e5m2 qint8 quint8 qint32 quint4x2 quint2x4"
)
SCHEMES = "per_tensor_affine per_channel_affine per_tensor_symmetric per_channel_symmetric"  # of quantised tensors
REBUILDS = "tensor tensor_v2 tensor_v3 parameter sparse_tensor qtensor meta_tensor_no_storage"
ORDINARY = frozenset(
    {("collections", "OrderedDict"), ("collections", "Counter")}  # a learning rate's schedule keeps a Counter
    | {("torch", "Size"), ("torch", "device"), ("torch.storage", "UntypedStorage")}
    | {("torch", f"{name}Storage") for name in STORAGES.split()}
    | {("torch", name) for name in (*DTYPES.split(), *SCHEMES.split())}
    | {("torch._utils", f"_rebuild_{name}") for name in REBUILDS.split()}
    | {("torch.serialization", "_get_layout")}  # of sparse tensors
    | {(f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("scalar", "_reconstruct")}
    | {("numpy", "dtype"), ("numpy", "ndarray")}
    | {("_codecs", "encode")}  # how protocol 2 writes the bytes of a NumPy scalar
)
STRINGS = frozenset(
    ["SHORT_BINUNICODE", "UNICODE", "BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"]
)
PUTS, GETS = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}), frozenset({"GET", "BINGET", "LONG_BINGET"})
EXTENSIONS = frozenset({"EXT1", "EXT2", "EXT4"})
UNKNOWN = ("?", "?")


def scan_opcodes(file: BinaryIO, kind: str) -> Finding:
    """List every global that the pickles name; any that is not ordinary is dangerous."""
    found = {pair for stream in pickle_streams(file, kind) for pair in named_globals(BytesIO(stream))}
    strange = _sorted_names(found - ORDINARY)
    if strange:
        return Finding("opcodes", "dangerous", f"its pickles name {', '.join(strange)}", strange)
    return Finding("opcodes", "clean", f"its pickles name only {len(found)} ordinary globals")


def scan_picklescan(file: BinaryIO, kind: str) -> Finding:
    """Run picklescan in strict mode, with its own parser of the file."""
    from picklescan import scanner

    scan = scanner.scan_pickle_bytes if kind == "PICKLE" else scanner.scan_pytorch
    result = scan(file, "file", strict=True)
    flagged = {(g.module, g.name) for g in result.globals if g.safety is scanner.SafetyLevel.Dangerous}
    strange = _sorted_names(flagged - ORDINARY)
    if strange:
        return Finding("picklescan", "dangerous", f"picklescan --strict warns of {', '.join(strange)}", strange)
    if result.scan_err or result.scanned_files == 0:
        return Finding("picklescan", "inconclusive", "picklescan could not read the file to its end")
    return Finding("picklescan", "clean", "picklescan --strict found nothing beyond ordinary globals")


def _sorted_names(pairs: set[tuple[str, str]]) -> tuple[str, ...]:
    """The most informative names first: the author's own program, then the rest of Python, then PyTorch's modules."""
    order = sorted(pairs, key=lambda pair: (pair[0] != "__main__", pair[0].startswith("torch"), pair))
    return tuple(f"{module}.{name}" for module, name in order)


def scan_fickling(file: BinaryIO, kind: str) -> Finding:
    """Run fickling's complete analysis on every pickle in the file."""
    from fickling.analysis import check_safety
    from fickling.fickle import Pickled

    warnings: dict[str, None] = {}
    for stream in pickle_streams(file, kind):
        pickled = Pickled.load(BytesIO(stream), fail_on_decode_error=False)
        for result in check_safety(pickled).results:
            if not result and not _is_ordinary_warning(result.trigger or ""):
                warnings[str(result)] = None
    if warnings:
        return Finding("fickling", "dangerous", "fickling: " + " | ".join(list(warnings)[:8]))
    return Finding("fickling", "clean", "fickling found nothing beyond ordinary globals")


def _is_ordinary_warning(trigger: str) -> bool:
    """Whether fickling warns of an ordinary import, a call of one, or the filling of a dictionary.

    fickling also reports values of a plain dictionary as unused variables, so a value returned by an ordinary call
    is not suspicious either.
    """
    if trigger in {f"from {module} import {name}" for module, name in ORDINARY}:
        return True
    unused = re.match(r"_var\d+: ", trigger)
    code = trigger[unused.end() :] if unused else trigger
    called = re.match(r"(\w+)\(", code)
    if called:
        return called[1] in {name for _, name in ORDINARY}
    filled = re.match(r"_var\d+\.(update|__setstate__)\(", code)
    return filled is not None or (unused is not None and "(" not in code)


def pickle_streams(file: BinaryIO, kind: str) -> Iterator[bytes]:
    """The bytes of each pickle in a file of this kind (a name of `formats.Format`).

    Raises:
        SuspiciousArchiveError: two readers could read an archive differently, or it unpacks to far more than its size.
        ValueError: a pickle is damaged.
    """
    if kind == "TORCH_ZIP":
        yield from zip_pickles(file)
        return
    for _ in range(N_LEGACY_PICKLES if kind == "TORCH_LEGACY" else 1):
        start = file.tell()
        end = start + 1 + max(position or 0 for _, _, position in _opcodes(file)) - start
        file.seek(start)
        yield file.read(end - start)


def _opcodes(stream: BinaryIO) -> Iterator[tuple[pickletools.OpcodeInfo, object, int | None]]:
    """The opcodes of one pickle; ValueError if it is damaged, or longer than that of any state dict."""
    for n_read, opcode in enumerate(pickletools.genops(stream)):
        if n_read > MAX_OPCODES:
            raise ValueError(f"more than {MAX_OPCODES:,} opcodes")
        yield opcode


def named_globals(stream: BinaryIO) -> set[tuple[str, str]]:
    """Every (module, name) that a pickle imports; ("?", "?") for names that are computed instead of written out.

    A name taken from the stack counts as written out only if the two preceding opcodes pushed strings, directly or
    from the memo. That is how every pickler writes it.
    """
    found: set[tuple[str, str]] = set()
    memo: dict[int, str | None] = {}
    pushed: list[str | None] = []  # the strings pushed since the last opcode of another kind
    for opcode, argument, _ in _opcodes(stream):
        if opcode.name in STRINGS:
            pushed.append(str(argument))
        elif opcode.name in GETS:
            pushed.append(memo.get(int(str(argument))))
        elif opcode.name in PUTS:
            key = len(memo) if opcode.name == "MEMOIZE" else int(str(argument))
            memo[key] = pushed[-1] if pushed else None
        else:
            found.update(_imported(opcode.name, argument, pushed))
            pushed.clear()
    return found


def _imported(opcode: str, argument: object, pushed: list[str | None]) -> set[tuple[str, str]]:
    if opcode in ("GLOBAL", "INST"):
        module, _, name = str(argument).partition(" ")
        return {(module, name)}
    if opcode == "STACK_GLOBAL":
        module_name = pushed[-2:]
        if len(module_name) == 2 and module_name[0] is not None and module_name[1] is not None:
            return {(module_name[0], module_name[1])}
        return {UNKNOWN}
    return {UNKNOWN} if opcode in EXTENSIONS else set()


def _checkpoints(file: BinaryIO, kind: str) -> Iterator[tuple[BinaryIO, str]]:
    """The checkpoints in a file with the kind of each: itself, or the weights of a model's folder."""
    if kind != Format.HUB_PICKLED.name:
        yield file, kind
        return
    check(file)
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.endswith(".bin"):
                content = archive.read(name)
                yield BytesIO(content), checkpoint_kind(content).name


def checkpoint_kind(content: bytes) -> Format:
    """Which of the three forms of a pickled checkpoint this is, by its beginning."""
    if content.startswith(b"PK"):
        return Format.TORCH_ZIP
    return Format.TORCH_LEGACY if content.startswith(TORCH_LEGACY_START) else Format.PICKLE


WORST_LAST = ("clean", "inconclusive", "dangerous")
SCANNERS = {"opcodes": scan_opcodes, "picklescan": scan_picklescan, "fickling": scan_fickling}


def run(name: str, kind: str, path: Path) -> Finding:
    """One scanner's finding; a scanner that is missing or cannot read the file is inconclusive."""
    try:
        with path.open("rb") as file:
            findings = [SCANNERS[name](*part) for part in _checkpoints(file, kind)]
        return max(findings, key=lambda finding: WORST_LAST.index(finding.verdict))
    except SuspiciousArchiveError as error:
        return Finding(name, "dangerous", str(error))
    except ImportError as error:
        return Finding(name, "inconclusive", f"{name} is not installed ({error})")
    except MemoryError:
        return Finding(name, "inconclusive", f"{name} needed more memory than it may use")
    except (ValueError, EOFError, KeyError, IndexError, RecursionError, OverflowError, zipfile.BadZipFile) as error:
        return Finding(name, "inconclusive", f"{name} could not read the file ({type(error).__name__}: {error})")
