"""Every error that a user can cause or meet, as one small tree.

    FdError                 exit code 1; anything below, never raised itself
    ├── SettingsError       2  a parameter outside its range
    ├── SuspectError        3  the suspect cannot be opened or gives no usable answer
    │   └── RefusedError    4  the suspect's file is not safe to open, or no scanner could say that it is
    ├── CorpusError         5  no images, an unknown node, a broken hierarchy
    ├── CaseError           6  the case folder is damaged, of another version, or belongs to another run
    │   └── EvidenceError   7  the evidence no longer has the hash taken on intake
    └── StorageError        8  the disk is full or cannot be written

A message says what was expected, what came, and how to mend it, in plain sentences.
"""

from typing import Any


class FdError(Exception):
    """Root of all errors that are the user's to mend; a bug is never one of these.

    Attributes:
        key: names the message, whatever its wording, such as "ledger damaged".
    """

    exit_code = 1

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class SettingsError(FdError):
    """A parameter lies outside its range."""

    exit_code = 2


class SuspectError(FdError):
    """The suspect cannot be opened or gives no usable answer."""

    exit_code = 3


class RefusedError(SuspectError):
    """The suspect's file is not safe to open, or no scanner could say that it is.

    Attributes:
        scan: the scanners' report (`fdcore.suspect.scan.ScanReport`); None where something else refused.
    """

    exit_code = 4

    def __init__(self, message: str, scan: Any = None, *, key: str = "") -> None:
        super().__init__(message, key=key)
        self.scan = scan


class CorpusError(FdError):
    """The corpus has no images, an unknown node or a broken hierarchy."""

    exit_code = 5


class CaseError(FdError):
    """The case folder is damaged, was made by another version or belongs to another run."""

    exit_code = 6


class EvidenceError(CaseError):
    """A piece of evidence no longer has the hash that was taken on intake."""

    exit_code = 7


class StorageError(FdError):
    """The disk is full or cannot be written."""

    exit_code = 8
