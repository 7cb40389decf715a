"""A generator of pictures that the analyst configures: a command that is run, or a folder that something else fills.

What it leaves is hostile: only regular files directly in its folder are read, never through a link, and each is kept
as it is only if it decodes. Nothing is ever downloaded by this program.
"""

import os
import shlex
import signal
import stat
import subprocess  # the analyst's own command, as a list of arguments
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from fdcore.corpus.decode import MAX_BYTES, decode_bytes, quiet_pillow
from fdcore.corpus.folder import IMAGE_SUFFIXES, image_suffix, readable_name
from fdcore.errors import CorpusError, GeneratorError, SettingsError
from fdcore.progress import Progress
from fdcore.storage import disk_errors

COMMAND_PLACEHOLDERS = ("{prompt}", "{folder}", "{count}", "{seed}")
PROMPT_FILE = "prompt.txt"
NOTHING_DRAWN = "no generated picture"  # the key of the error
_NEEDED = COMMAND_PLACEHOLDERS[:2]
_POLL_S, _LOOK_S = 0.1, 1.0
_PROBE_PX = 32
_MAX_PRINTED = 2**24  # bytes; a command that prints more is ended
_KEPT_PRINTED = 2_000  # characters, the last ones
_MAX_FILES = 10_000  # looked at in one folder
_SUFFIXES = frozenset(suffix for suffixes in IMAGE_SUFFIXES.values() for suffix in suffixes)


@dataclass(frozen=True)
class Order:
    """What a generator is asked for.

    Attributes:
        count: pictures.
        timeout_s: seconds that it may take.
    """

    prompt: str
    count: int
    seed: int
    timeout_s: float


class Picture(NamedTuple):
    """A picture that a generator made: the bytes of its file, its extension and its hex SHA-256."""

    content: bytes
    suffix: str
    sha256: str


class Made(NamedTuple):
    """What a generator made.

    Attributes:
        refused: (file name, printable, and why it is not used) of what else lay in the folder.
        printed: the end of what it printed, with `{folder}` for its folder.
    """

    pictures: tuple[Picture, ...]
    refused: tuple[tuple[str, str], ...]
    printed: str = ""


def parse_command(text: str) -> tuple[str, ...]:
    """A command template as the list of its arguments; quotes count as in a shell, nothing else does.

    Raises:
        SettingsError: a quote is not closed, or {prompt} or {folder} is missing.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise SettingsError(f"The command {text!r} cannot be read: {error}.", key="generator command") from error
    missing = [name for name in _NEEDED if not any(name in word for word in words[1:])]
    if missing:
        raise SettingsError(
            f"The command {text!r} lacks {' and '.join(missing)}. Give a program and its arguments, with {{prompt}} "
            "for what to draw and {folder} for where; {count} and {seed} may stand in it too.",
            key="generator command",
        )
    return words


def run_command(command: Sequence[str], order: Order, *, known: Collection[str], progress: Progress) -> Made:
    """Run a generator in a folder of its own and take the pictures that it leaves there.

    The command runs without a shell, as a process group that is killed when it ends, when its time is over, and when
    the listener raises.

    Args:
        command: the arguments, with placeholders.
        order: what they stand for.
        known: hex SHA-256 of pictures that there are already; the same again is refused.
        progress: a listener, called several times a second with the pictures so far.

    Raises:
        GeneratorError: it cannot be started, fails, takes too long or leaves no usable picture.
    """
    with tempfile.TemporaryDirectory(prefix="fdcore-generator-", ignore_cleanup_errors=True) as place:
        folder, log = Path(place) / "pictures", Path(place) / "printed"
        folder.mkdir()
        values = (order.prompt, str(folder), str(order.count), str(order.seed))
        with _held(folder) as descriptor, log.open("w+b") as printed:
            why = _run([_filled(word, values) for word in command], printed, order, descriptor, progress)
            said = _end_of(printed).replace(str(folder), "{folder}").replace(place, "{folder}/..")
            if why:
                raise GeneratorError(
                    f"The generator {command[0]} {why}. {_said(said)}", said, key="generator failed"
                )  # fmt: skip
            return _usable(_collected(descriptor, order.count, known), said)


def watch_folder(folder: Path, order: Order, *, known: Collection[str], progress: Progress) -> Made:
    """Write what to draw into `prompt.txt` of a folder, and wait until the folder holds the pictures.

    A picture that cannot be decoded yet is waited for. When the time is over, the pictures that are there count.

    Args:
        folder: made if it does not exist; filled by something else.
        order, known, progress: as for `run_command`.

    Raises:
        GeneratorError: the time is over and the folder holds no usable picture.
        CorpusError: the folder is a link or no folder.
        StorageError: it cannot be written.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _held(folder) as descriptor:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with open(PROMPT_FILE, "w", opener=lambda name, _: os.open(name, flags, 0o644, dir_fd=descriptor)) as file:
                file.write(f"{order.prompt}\n")
            deadline = time.monotonic() + order.timeout_s
            while True:
                made = _collected(descriptor, order.count, known)
                if len(made.pictures) >= order.count or time.monotonic() >= deadline:
                    return _usable(made, "")
                progress(_stage(order), len(made.pictures), order.count)
                time.sleep(_LOOK_S)


# The command


def _filled(word: str, values: Sequence[str]) -> str:
    """One argument with its placeholders filled in, each once, so that no prompt is read as a placeholder."""
    for name, value in zip(COMMAND_PLACEHOLDERS, values, strict=True):
        head, found, tail = word.partition(name)
        if found:
            return f"{_filled(head, values)}{value}{_filled(tail, values)}"
    return word


def _run(arguments: Sequence[str], printed: IO[bytes], order: Order, descriptor: int, progress: Progress) -> str:
    """Run the command to its end; why it failed, "" if it did not."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the analyst's own command, without a shell
            arguments, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        return f"cannot be started ({getattr(error, 'strerror', None) or error})"
    deadline = time.monotonic() + order.timeout_s
    try:
        # It is not reaped before its group is killed, so that the group's number is still its own.
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() >= deadline:
                return f"was ended after {order.timeout_s:g} seconds"
            if os.fstat(printed.fileno()).st_size > _MAX_PRINTED:
                return f"was ended because it printed more than {_MAX_PRINTED:,} bytes"
            progress(_stage(order), min(len(os.listdir(descriptor)), order.count), order.count)
            time.sleep(_POLL_S)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return f"ended with exit status {process.returncode}" if process.returncode else ""


def _stage(order: Order) -> str:
    return f"Generating “{order.prompt[:60]}”"


def _end_of(printed: IO[bytes]) -> str:
    printed.seek(max(os.fstat(printed.fileno()).st_size - 4 * _KEPT_PRINTED, 0))
    text = printed.read().decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)[-_KEPT_PRINTED:].strip()


def _said(printed: str) -> str:
    last = printed.splitlines()[-1][:300] if printed else ""
    return f"It printed last: {last}" if last else "It printed nothing. Run it by hand to see why."


# What it leaves


@contextmanager
def _held(folder: Path) -> Iterator[int]:
    """A descriptor of a folder, through which its files are read even if its name is given to a link."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except NotADirectoryError as error:
        raise CorpusError(f"{folder} is a link or no folder; give a folder.", key="not a folder") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _names(descriptor: int) -> list[str]:
    return [name for name in sorted(os.listdir(descriptor)) if name != PROMPT_FILE][:_MAX_FILES]


def _collected(descriptor: int, count: int, known: Collection[str]) -> Made:
    """At most `count` pictures in the order of their names, and why everything else is not used."""
    pictures: dict[str, Picture] = {}
    refused: list[tuple[str, str]] = []
    with quiet_pillow():
        for name in _names(descriptor):
            picture = "more than was asked for" if len(pictures) == count else _read(descriptor, name)
            if isinstance(picture, Picture) and (picture.sha256 in known or picture.sha256 in pictures):
                picture = "duplicate"
            if isinstance(picture, Picture):
                pictures[picture.sha256] = picture
            else:
                refused.append((readable_name(name), picture))
    return Made(tuple(pictures.values()), tuple(refused))


def _read(descriptor: int, name: str) -> Picture | str:
    """A picture, or why a file is none."""
    suffix = image_suffix(name)
    if name.startswith(".") or suffix not in _SUFFIXES:
        return "not called like a picture"
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(name, "rb", opener=lambda path, _: os.open(path, flags, dir_fd=descriptor)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return "not a regular file"
            if status.st_size > MAX_BYTES:
                return "too large"
            content = file.read(MAX_BYTES + 1)[:MAX_BYTES]
    except OSError as error:
        return "symbolic link" if os.path.islink(f"/proc/self/fd/{descriptor}/{name}") else str(error.strerror)
    decoded = decode_bytes(content, name, height=_PROBE_PX, width=_PROBE_PX, channels=3)
    return decoded.notes[0].reason if decoded.pixels is None else Picture(content, suffix, decoded.sha256.hex())


def _usable(made: Made, printed: str) -> Made:
    if not made.pictures:
        left = ", ".join(f"{name}: {why}" for name, why in made.refused[:5]) or "nothing"
        raise GeneratorError(
            f"The generator left no usable picture in its folder (it left {left}). {_said(printed)}",
            printed, key=NOTHING_DRAWN,
        )  # fmt: skip
    return made._replace(printed=printed)
