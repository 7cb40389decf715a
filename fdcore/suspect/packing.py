"""A model that is a folder, as Hugging Face and timm write it, becomes one file that can be hashed, kept and opened."""

import os
import re
import tempfile
import zipfile
from pathlib import Path

from fdcore.errors import SuspectError
from fdcore.suspect.cell.evidence import Evidence

CONFIG = "config.json"
KEPT = (".json", ".txt")  # configuration and names; not a program, not a picture
WEIGHTS = (re.compile(r".*\.safetensors"), re.compile(r"pytorch_model.*\.bin"))  # the first kind that there is
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same folder always becomes the same bytes


def is_model_folder(path: Path) -> bool:
    """Whether this is a folder with the configuration of a model."""
    return path.is_dir() and (path / CONFIG).is_file()


def pack(folder: Path, target: Path) -> Path:
    """Write a model's folder as an uncompressed archive: the same files always become the same bytes.

    Links are followed only to regular files, as in the cache of Hugging Face's own library.

    Raises:
        SuspectError: a file cannot be read.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
        weights = next((found for kind in WEIGHTS if (found := [*filter(kind.fullmatch, names)])), [])
        names = [name for name in names if name.endswith(KEPT) or name in weights]
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name in names:
                member = zipfile.ZipInfo(name, _WHEN)
                with (folder / name).open("rb") as source, archive.open(member, "w", force_zip64=True) as copy:
                    while part := source.read(1 << 20):
                        copy.write(part)
    except OSError as error:
        raise SuspectError(
            f"The model's folder {folder.name} cannot be read: {error.strerror}.", key="suspect unreadable"
        ) from error
    return target


def take(path: Path) -> Evidence:
    """Copies of a file's bytes, or of a model's folder as one archive.

    Raises:
        SuspectError: it cannot be read.
    """
    if not is_model_folder(path):
        return Evidence.take(path)
    with tempfile.TemporaryDirectory() as place:
        return Evidence.take(pack(path, Path(place) / f"{path.name}.zip"))
