"""A model by its id on the Hugging Face hub: its configuration and weights are downloaded into a model's folder.

Only here does fdcore reach out for a suspect, only when it is given such an id, and without the user's token.
"""

import os
import re
from pathlib import Path

from fdcore.errors import SuspectError
from fdcore.progress import Progress, silent
from fdcore.storage import disk_errors
from fdcore.suspect.packing import KEPT, WEIGHTS

PREFIX = "hf:"
_ID = re.compile(r"(?P<id>[\w.-]{1,96}/[\w.-]{1,96})(@(?P<revision>[\w./-]{1,96}))?")
_MAX_BYTES = 20 * 2**30
_BY_HAND = "Without a network, copy the model's folder to this machine and give that."


def bring(suspect: str | Path, cache: Path, progress: Progress = silent) -> Path:
    """The path of a suspect: `hf:OWNER/NAME` or `hf:OWNER/NAME@REVISION` is downloaded first, all else stays as it is.

    The folder's name holds the commit, so that the evidence says where it comes from.

    Raises:
        SuspectError: the id is malformed or unknown, the model is too large, or the hub cannot be reached.
        StorageError: the disk is full, or the cache cannot be written.
    """
    text = str(suspect)
    if not text.startswith(PREFIX):
        return Path(suspect)
    found = _ID.fullmatch(text.removeprefix(PREFIX))
    if not found or ".." in text:
        raise SuspectError(f"{text[:200]!r} is not the id of a model; an example is hf:google/vit-base.", key="hub id")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.errors import HTTPError as NetworkError  # type: ignore[attr-defined]

    progress(f"Downloading {found['id']}", 0, 1)
    try:
        hub = HfApi(os.environ.get("HF_ENDPOINT"), token=False, library_name="fdcore")
        model = hub.model_info(found["id"], revision=found["revision"], files_metadata=True)
        files = {one.rfilename: one.size or 0 for one in model.siblings or () if "/" not in one.rfilename}
        weights = next((names for kind in WEIGHTS if (names := [*filter(kind.fullmatch, files)])), [])
        names = [name for name in files if name.endswith(KEPT) or name in weights]
        if not weights:
            raise SuspectError(f"{text} has no weights beside its configuration.", key="no weights")
        if (size := sum(files[name] for name in names)) > _MAX_BYTES:
            raise SuspectError(f"{text} has {size:,} bytes, more than {_MAX_BYTES:,}.", key="hub size")
        folder = cache / "hub" / f"{found['id'].replace('/', '--')}@{str(model.sha)[:12]}"
        with disk_errors(folder):
            for name in names:
                hub.hf_hub_download(found["id"], name, revision=model.sha, local_dir=folder)
    except HfHubHTTPError as error:
        status = f"answered {error.response.status_code}" if error.response is not None else "gave no answer"
        raise SuspectError(f"{text} cannot be downloaded: the hub {status}.", key="hub refused") from error
    except (ConnectionError, LocalEntryNotFoundError, NetworkError) as error:
        wrong = f"{text} cannot be downloaded: the hub cannot be reached ({type(error).__name__})."
        raise SuspectError(f"{wrong} {_BY_HAND}", key="no network") from error
    progress(f"Downloading {found['id']}", 1, 1)
    return folder
