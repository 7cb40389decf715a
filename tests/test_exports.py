"""The public surface is what it says: nothing public by accident, everything described and typed."""

import inspect
import json
import subprocess
import sys
from dataclasses import fields, is_dataclass

import pytest
from conftest import REPOSITORY

import fdcore

PUBLIC = {
    "Case", "CaseError", "CorpusError", "EvidenceError", "FdError", "Findings", "RefusedError", "Settings",
    "SettingsError", "StorageError", "Suspect", "SuspectError", "__version__", "investigate", "open_corpus",
    "open_suspect", "weigh",
}  # fmt: skip
THINGS = {name: getattr(fdcore, name) for name in sorted(PUBLIC - {"__version__"})}
CLASSES = {name: thing for name, thing in THINGS.items() if inspect.isclass(thing)}
FUNCTIONS = {name: thing for name, thing in THINGS.items() if not inspect.isclass(thing)} | {
    "from_callable": fdcore.Suspect.from_callable
}
METHODS = {
    f"{name}.{key}": getattr(value, "__func__", getattr(value, "fget", None) or getattr(value, "func", value))
    for name, kind in CLASSES.items()
    for key, value in vars(kind).items()
    if not key.startswith("_") and (callable(value) or hasattr(value, "fget") or hasattr(value, "func"))
}


def test_nothing_is_public_by_accident():
    """In a fresh interpreter the package holds the public names and its own modules, no other name."""
    code = (
        "import fdcore, json, sys; from types import ModuleType;"
        "names = [n for n, v in vars(fdcore).items() if not n.startswith('_') and not isinstance(v, ModuleType)];"
        "heavy = [m for m in ('numpy', 'torch', 'pandas', 'plotly', 'PIL') if m in sys.modules];"
        "print(json.dumps([names, dir(fdcore), heavy]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    names, listed, heavy = json.loads(result.stdout)
    assert set(names) <= PUBLIC
    assert set(listed) == set(fdcore.__all__) == PUBLIC
    assert heavy == []


def test_an_unknown_name_is_an_attribute_error():
    """A typing error looks as it does everywhere else in Python."""
    with pytest.raises(AttributeError, match="investigation"):
        fdcore.investigation  # noqa: B018


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_a_public_function_is_described_and_typed(name):
    """Each parameter has its annotation and its line in the docstring."""
    signature, text = inspect.signature(FUNCTIONS[name]), inspect.getdoc(FUNCTIONS[name]) or ""
    assert signature.return_annotation is not signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty, parameter
        assert f"    {parameter.name}: " in text, parameter


@pytest.mark.parametrize("name", CLASSES)
def test_every_field_of_a_public_class_is_described(name):
    """A class has a docstring; a record's says what each field is."""
    kind = CLASSES[name]
    text = inspect.getdoc(kind) or ""
    assert text
    assert not text.startswith(f"{name}("), "the text that dataclasses make up"
    for field in fields(kind) if is_dataclass(kind) else ():
        assert field.name in text, field.name


@pytest.mark.parametrize("name", METHODS)
def test_every_public_method_is_described_and_typed(name):
    """Methods and properties have a docstring, and annotations on all they take and give."""
    signature = inspect.signature(METHODS[name])
    assert inspect.getdoc(METHODS[name])
    assert signature.return_annotation is not signature.empty
    for parameter in list(signature.parameters.values()):
        assert parameter.name in ("self", "cls") or parameter.annotation is not parameter.empty, parameter
