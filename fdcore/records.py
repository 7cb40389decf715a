"""Frozen records as plain JSON values, and back: the only place where the content of a file becomes typed."""

from pathlib import PurePath
from typing import Any, TypeVar

import msgspec

from fdcore.errors import CaseError, SettingsError

_Record = TypeVar("_Record")


def to_plain(record: object) -> Any:
    """A record (dataclass, NamedTuple, enum, or a container of them) as dictionaries, lists, texts and numbers."""
    return msgspec.to_builtins(record, str_keys=True)


def names_only(plain: Any) -> Any:
    """Plain values in which an absolute path is only the name of its file or folder, to be read by others."""
    if isinstance(plain, dict):
        return {key: names_only(value) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [names_only(value) for value in plain]
    path = PurePath(plain) if isinstance(plain, str) else None
    return path.name if path and path.is_absolute() and path.name else plain


def from_plain(kind: type[_Record], content: object, *, what: str) -> _Record:
    """The inverse of `to_plain`. Unknown keys are ignored; missing ones take the record's defaults.

    Args:
        kind: the record's type; its `__post_init__` checks what types cannot express.
        content: untrusted content.
        what: what the content is, for the message, such as "the plan in case.json".

    Raises:
        CaseError: the content is not such a record; the message says where.
    """
    try:
        return msgspec.convert(content, kind, str_keys=True)
    except (msgspec.ValidationError, SettingsError) as error:
        raise CaseError(
            f"{what[:1].upper()}{what[1:]} is damaged ({error}). Restore it from a copy.", key="record damaged"
        ) from error
