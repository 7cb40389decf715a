"""The folders of the dashboard's cases, evidence, corpora and word vectors, and which typed paths are allowed.

FDCORE_CASES     folder of cases (default cases/)
FDCORE_EVIDENCE  folders of suspects' files (default evidence/)
FDCORE_CORPORA   folders of image folders (default corpora/); nothing is written into folders named here
FDCORE_VECTORS   folders of word vectors (default vectors/)
FDCORE_CACHE     folder for decoded images, converted word vectors and, where FDCORE_CORPORA is set, the demo's pictures
                 (default: the user's cache)
FDCORE_GENERATOR the command that makes pictures (`fdcore.corpus.generator.parse_command`); without it none is run

Where several folders may be named, the system's path separator stands between them.
"""

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fdcore.case import layout
from fdcore.corpus.containers import is_tar
from fdcore.errors import SettingsError
from fdcore.suspect.packing import is_model_folder

MAX_LISTED = 2_000
MAX_PROBED = 3_000
_TABLES = ("*.csv", "*.json", "*/*.csv", "*/*.json")


@dataclass(frozen=True)
class Places:
    """The folders that the dashboard works in, as absolute paths.

    Attributes:
        named_corpora: folders of image folders, as the environment names them, or the default one.
        demo: where the demo corpus is drawn, with the demo's stickers beside it; never in a folder that was named.
        cache: of what can be made again.
        generator: the command that makes pictures, as a template; empty where none is named.
    """

    cases: Path
    evidence: tuple[Path, ...]
    named_corpora: tuple[Path, ...]
    demo: Path
    vectors: tuple[Path, ...]
    cache: Path
    generator: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Places":
        """The folders that the environment names, or the defaults in the working folder."""
        cache = Path(environment.get("FDCORE_CACHE") or user_cache()).absolute()
        corpora = environment.get("FDCORE_CORPORA")
        return cls(
            cases=Path(environment.get("FDCORE_CASES") or "cases").absolute(),
            evidence=_folders(environment.get("FDCORE_EVIDENCE") or "evidence"),
            named_corpora=_folders(corpora or "corpora"),
            demo=(cache / "demo-corpora" if corpora else Path("corpora").absolute()) / "demo",
            vectors=_folders(environment.get("FDCORE_VECTORS") or "vectors"),
            cache=cache,
            generator=environment.get("FDCORE_GENERATOR") or "",
        )

    @property
    def corpora(self) -> tuple[Path, ...]:
        """The folders whose image folders may be read: those that were named, and the demo's."""
        return tuple(dict.fromkeys((*self.named_corpora, self.demo.parent)))

    def watched(self, case: Path) -> Path:
        """The folder in which something else makes the pictures that a case, given by its folder, asks for."""
        return self.demo.parent / "generating" / case.name

    def corpora_of(self, case: Path) -> tuple[Path, ...]:
        """The same with the folder of the pictures that a case, given by its folder, had generated."""
        return (*self.corpora, (case / layout.GENERATED_PICTURES).parent.absolute())


def inside(roots: tuple[Path, ...], text: str) -> Path:
    """The path that a user typed or a link named, if it lies inside one of the roots.

    Args:
        roots: absolute folders.
        text: a path relative to one of them, with "/" between its parts.

    Raises:
        SettingsError: it leaves the roots (absolute, `~`, `..`, a symbolic link), or does not exist.
    """
    where = " or ".join(str(root) for root in roots)
    if text.startswith("/") and "\0" not in text and ".." not in Path(text).parts:
        own = next((root for root in roots if Path(text).is_relative_to(root)), None)
        if own is None:
            raise SettingsError(_outside(roots, Path(text)), key="path outside")
        relative = Path(text).relative_to(own).as_posix()
        raise SettingsError(f"Write the path relative to {own}: {relative}", key="path absolute")
    if not text.strip() or "\0" in text or text.startswith(("/", "~", "\\")) or ".." in Path(text).parts:
        raise SettingsError(
            f"{text!r} is not a path inside {where}. Give one relative to it, without ~ and `..`.", key="path outside"
        )
    for root in roots:
        path = root / text
        if not _exists(path):
            continue
        if not path.resolve().is_relative_to(root.resolve()) or _has_link(root, path):
            raise SettingsError(
                f"{text!r} leads out of {root} by a symbolic link. Copy the file into the folder.", key="symbolic link"
            )
        return path
    raise SettingsError(f"There is no {text!r} in {where}.", key="path missing")


def require_inside(roots: tuple[Path, ...], path: Path) -> Path:
    """An absolute path, if it lies inside one of the roots; see `inside`.

    Raises:
        SettingsError: it does not.
    """
    for root in roots:
        if path.is_relative_to(root):
            return inside((root,), path.relative_to(root).as_posix()) if path != root else path
    raise SettingsError(_outside(roots, path), key="path outside")


def list_files(roots: tuple[Path, ...]) -> list[str]:
    """The files and the models' folders below the roots, as `inside` takes them, sorted; at most `MAX_LISTED`, no
    hidden files or links.
    """
    return _listed(roots, folders=False)


def list_folders(roots: tuple[Path, ...], *, depth: int = 2) -> list[str]:
    """The folders and tar archives up to `depth` levels below the roots, as `inside` takes them, without hidden ones
    and links.
    """
    return _listed(roots, folders=True, depth=depth)


def folder_choices(roots: tuple[Path, ...]) -> list[str]:
    """Folders below the roots as `inside` takes them, those directly below a root first."""
    return list(dict.fromkeys([*list_folders(roots, depth=1), *list_folders(roots, depth=2)]))


def table_choices(roots: tuple[Path, ...]) -> list[str]:
    """CSV and JSON files in the roots and in the folders directly below, as `inside` takes them."""
    found = set()
    for root in roots:
        for pattern in _TABLES:
            for path in itertools.islice(root.glob(pattern), MAX_PROBED):
                if not path.name.startswith(".") and not path.name.endswith(".manifest.json") and path.is_file():
                    found.add(path.relative_to(root).as_posix())
    return sorted(name for name in found if _is_inside(roots, name))


def _listed(roots: tuple[Path, ...], *, folders: bool, depth: int = 6) -> list[str]:
    found: set[str] = set()
    for root in roots:
        for path in _walk(root, depth):
            if path.is_dir() == folders or (is_tar(path.name) if folders else is_model_folder(path)):
                found.add(path.relative_to(root).as_posix())
            if len(found) >= MAX_LISTED:
                return sorted(found)
    return sorted(found)


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # a folder that does not exist, or may not be read, offers nothing to choose
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        yield Path(entry.path)
        if entry.is_dir() and depth > 1:
            yield from _walk(Path(entry.path), depth - 1)


def _outside(roots: tuple[Path, ...], path: Path) -> str:
    return f"{path} lies outside the folders that this server may read: {', '.join(map(str, roots))}."


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


def _has_link(root: Path, path: Path) -> bool:
    return any(part.is_symlink() for part in (path, *path.parents) if part != root and part.is_relative_to(root))


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(Path(part).absolute() for part in text.split(os.pathsep) if part)


def user_cache() -> Path:
    """The cache folder of the system's user."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("fdcore"))


def _is_inside(roots: tuple[Path, ...], name: str) -> bool:
    try:
        inside(roots, name)
    except SettingsError:
        return False
    return True
