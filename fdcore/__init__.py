"""fdcore: what was an undocumented image classifier trained to recognise?

    suspect = fdcore.open_suspect("seized.onnx")
    findings = fdcore.investigate(suspect, ["tiny-imagenet/val"])

docs/python.md shows the rest; to read the code, start at `fdcore.work.investigate`. Each name is imported on first
use, so that `import fdcore` loads no other package.
"""

import typing as _typing
from importlib import import_module as _import_module

from fdcore.errors import (
    CaseError,
    CorpusError,
    EvidenceError,
    FdError,
    RefusedError,
    SettingsError,
    StorageError,
    SuspectError,
)
from fdcore.version import __version__

if _typing.TYPE_CHECKING:
    from fdcore.api import investigate, open_corpus, weigh
    from fdcore.case.case import Case
    from fdcore.case.plan import Settings
    from fdcore.notebook import Findings
    from fdcore.suspect.open import open_suspect
    from fdcore.suspect.suspect import Suspect

_HOMES = {
    "Case": "case.case", "Findings": "notebook", "Settings": "case.plan", "Suspect": "suspect.suspect",
    "investigate": "api", "open_corpus": "api", "open_suspect": "suspect.open", "weigh": "api",
}  # fmt: skip

__all__ = [
    "Case", "CaseError", "CorpusError", "EvidenceError", "FdError", "Findings", "RefusedError", "Settings",
    "SettingsError", "StorageError", "Suspect", "SuspectError", "__version__", "investigate", "open_corpus",
    "open_suspect", "weigh",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'fdcore' has no attribute {name!r}")
    return getattr(_import_module(f"fdcore.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
