"""Names of the classes in a file beside the suspect's: a claim of whoever left it there, which is only offered."""

from contextlib import suppress
from pathlib import Path

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.errors import SettingsError
from fdcore.records import to_plain
from fdcore.words.claims import MAX_CSV_BYTES, claims_from_csv

NAMES = ("{0.name}.labels.txt", "{0.stem}.labels.txt", "{0.stem}.txt", "labels.txt", "classes.txt", "class_names.txt")


def keep_names_beside(case: Case, suspect: Path, n_classes: int) -> None:
    """Keep the names of the first file beside the suspect's, or in its folder, that names every class."""
    folder = suspect if suspect.is_dir() else suspect.parent
    if folder.resolve().is_relative_to(case.folder.resolve()):  # the case's own copy
        return
    for path in (folder / name.format(suspect) for name in NAMES):
        with suppress(OSError, SettingsError, ValueError):
            if path == suspect or path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_CSV_BYTES:
                continue
            claims = claims_from_csv(path.read_bytes(), n_classes, source=f"a file beside the suspect, {path.name}")
            if len(claims.names) == n_classes:
                case.write_json(layout.BESIDE, to_plain(claims))
                case.log("names beside the suspect", {"file": path.name, "n_names": n_classes})
                return
