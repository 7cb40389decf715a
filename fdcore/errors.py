"""Every error that a user can cause or meet, as one small tree.

    FdError                 exit code 1; anything below, never raised itself
    ├── SettingsError       2  a parameter is out of range
    ├── SuspectError        3  the suspect cannot be opened or gives no usable answer
    │   └── RefusedError    4  the suspect's file is not safe to open, or no scanner could say that it is
    ├── CorpusError         5  the corpus has no images, an unknown node or a broken hierarchy
    │   └── GeneratorError  5  a generator of pictures failed, or left none
    ├── CaseError           6  the case folder is damaged, of another version, or belongs to another run
    │   └── EvidenceError   7  the evidence no longer has the hash taken on intake
    ├── StorageError        8  the disk is full or cannot be written
    └── ValidationError     9  this installation does not give what is known of a reference suspect

A message says what was expected, what was given, and how to fix it.
"""

from typing import Any


class FdError(Exception):
    """Root of all errors that a user can fix; a bug is never one of these.

    Attributes:
        key: identifies the message independently of its wording, such as "ledger damaged".
    """

    exit_code = 1

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class SettingsError(FdError):
    """A parameter is out of range."""

    exit_code = 2


class SuspectError(FdError):
    """The suspect cannot be opened or gives no usable answer."""

    exit_code = 3


class RefusedError(SuspectError):
    """The suspect's file is not safe to open, or no scanner could say that it is.

    Attributes:
        scan: the scanners' report (`fdcore.suspect.scan.ScanReport`); None where no scanner refused it.
    """

    exit_code = 4

    def __init__(self, message: str, scan: Any = None, *, key: str = "") -> None:
        super().__init__(message, key=key)
        self.scan = scan


class CorpusError(FdError):
    """The corpus has no images, an unknown node or a broken hierarchy."""

    exit_code = 5


class GeneratorError(CorpusError):
    """A generator of pictures failed, or left none.

    Attributes:
        printed: the end of what it printed. Untrusted text.
    """

    def __init__(self, message: str, printed: str = "", *, key: str = "") -> None:
        super().__init__(message, key=key)
        self.printed = printed


class CaseError(FdError):
    """The case folder is damaged, of another version, or belongs to another run."""

    exit_code = 6


class EvidenceError(CaseError):
    """A piece of evidence no longer has the hash that was taken on intake."""

    exit_code = 7


class StorageError(FdError):
    """The disk is full or cannot be written."""

    exit_code = 8


class ValidationError(FdError):
    """This installation does not give what is known of a reference suspect."""

    exit_code = 9
