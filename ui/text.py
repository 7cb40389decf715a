"""Texts for people: hostile strings made inert, numbers, times and sizes in words."""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

Identity = TypeVar("Identity", bound=str | tuple[str, ...])

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=\"'])")
_LONGEST_IDS = 60  # characters of the ids behind a text that is not the only one
_WORD_JOINER = "\u2060"  # invisible; keeps a label from becoming a link or an icon


def inert(text: str) -> str:
    """A string made safe where Streamlit reads Markdown: nothing in it is formatted, loaded or linked."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    plain = re.sub(r":(?=[a-zA-Z])", f":{_WORD_JOINER}", plain)  # else an icon: a backslash does not stop ":material/"
    plain = re.sub(r"(?i)(https?|ftp|mailto|www)(?=[.:])", rf"\1{_WORD_JOINER}", plain).replace("@", f"@{_WORD_JOINER}")
    return _MARKDOWN.sub(r"\\\1", plain)


def plain(text: str) -> str:
    """A string for where nothing is markup, such as a canvas: on one line, without invisible characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def inert_badge(text: str) -> str:
    """`inert` for `st.badge`, which puts a backslash before square brackets itself."""
    return inert(text).replace("\\[", "[").replace("\\]", "]")


def listed(words: Sequence[str], limit: int) -> str:
    """The first words and how many more there are. Not inert."""
    more = f" and {len(words) - limit:,} more" if len(words) > limit else ""
    return ", ".join(shortened(word, 40) for word in words[:limit]) + more


def shortened(text: str, length: int = 60) -> str:
    """A string of at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def distinct_texts(texts: Mapping[Identity, str]) -> dict[Identity, str]:
    """Distinct texts for a choice's options, by id or ids: the browser sends back the text, not the option.

    A shared text gets its option's ids appended and, if that is not enough, a number. Call it after any shortening.
    """
    shared = Counter(texts.values())
    distinct: dict[Identity, str] = {}
    taken = {text for text, n in shared.items() if n == 1}
    for identity, text in texts.items():
        if shared[text] > 1:
            ids = identity if isinstance(identity, str) else ", ".join(identity)
            text = _numbered(f"{text} ({shortened(ids, _LONGEST_IDS)})", taken)
            taken.add(text)
        distinct[identity] = text
    return distinct


def _numbered(text: str, taken: set[str]) -> str:
    """The text, with the first free number appended if it is taken."""
    if text not in taken:
        return text
    number = 2
    while f"{text} {number}" in taken:
        number += 1
    return f"{text} {number}"


def shortest(value: float) -> str:
    """A number's shortest text that reads back as exactly this number, such as "7" or "0.1234567"."""
    return repr(float(value)).removesuffix(".0")


def counted(n: int, thing: str, things: str | None = None) -> str:
    """A number with its noun, such as "1 leaf" or "1,200 leaves"."""
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def file_size(n_bytes: int) -> str:
    """A size in bytes, in a suitable unit."""
    size = float(n_bytes)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def duration(seconds: float) -> str:
    """A duration such as "40 s", "3 min 20 s" or "2 h 5 min"."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment_in_words(iso: str) -> str:
    """How long ago a moment in ISO 8601 was, in words; the text itself if it is none."""
    try:
        return since(datetime.fromisoformat(iso).timestamp())
    except ValueError:
        return iso


def roughly(seconds: float) -> str:
    """A duration in one unit, such as "40 s", "4 min" or "3 h"."""
    for size, unit in ((5400, "h"), (90, "min")):
        if seconds >= size:
            return f"{round(seconds / (3600 if unit == 'h' else 60))} {unit}"
    return f"{max(round(seconds), 0)} s"


def since(moment: float, now: float | None = None) -> str:
    """How long ago a moment was, in words."""
    seconds = max((time.time() if now is None else now) - moment, 0)
    if seconds < 60:
        return "just now"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{counted(int(seconds // size), unit)} ago"
    return "just now"
