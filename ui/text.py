"""Texts for people: hostile strings made inert, numbers, times and sizes in words."""

import re
import time

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=\"'])")
_WORD_JOINER = "\u2060"  # invisible; keeps a label from becoming a link or an icon


def inert(text: str) -> str:
    """A string as it may be passed where Streamlit reads Markdown: nothing in it is formatted, loaded or linked."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    plain = re.sub(r":(?=[a-zA-Z])", f":{_WORD_JOINER}", plain)  # else an icon: a backslash does not stop ":material/"
    plain = re.sub(r"(?i)(https?|ftp|mailto|www)(?=[.:])", rf"\1{_WORD_JOINER}", plain).replace("@", f"@{_WORD_JOINER}")
    return _MARKDOWN.sub(r"\\\1", plain)


def inert_badge(text: str) -> str:
    """`inert` for `st.badge`, which puts a backslash before square brackets itself."""
    return inert(text).replace("\\[", "[").replace("\\]", "]")


def shortened(text: str, length: int = 60) -> str:
    """A string of at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def counted(n: int, thing: str, things: str | None = None) -> str:
    """A number with its noun, such as "1 leaf" or "1,200 leaves"."""
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def file_size(n_bytes: int) -> str:
    """A size in bytes, in the unit that suits it."""
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


def since(moment: float, now: float | None = None) -> str:
    """How long ago a moment was, in words."""
    seconds = max((time.time() if now is None else now) - moment, 0)
    if seconds < 60:
        return "just now"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{counted(int(seconds // size), unit)} ago"
    return "just now"
