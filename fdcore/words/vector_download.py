"""Word vectors by name, from the collection that gensim's downloader offers.

The downloader itself is not used: for each entry it fetches a Python file (`__init__.py`) with the data and puts its
folder on the import path, so that anyone who can change the collection can run code here. Only two addresses are taken
from gensim: the published list (names, sizes, checksums) and the location of the `.gz` files. The list's MD5 checksums
detect a damaged download; HTTPS protects against a forged one, and the file is read like any untrusted file
(`vector_reading`).
"""

import hashlib
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from fdcore.errors import SettingsError
from fdcore.progress import Progress, silent
from fdcore.storage import only_one, whole_file

Opener = Callable[[str], BinaryIO]  # the content at an address; raises OSError where there is none

MAX_DOWNLOAD_BYTES = 8 * 2**30
MAX_PARTS = 10
_MAX_LIST_BYTES = 10 * 2**20
_TIMEOUT_S = 30.0
_BLOCK_BYTES = 2**20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BY_HAND = "Without a network, copy a file of word vectors to this machine and choose that file."


class Offer(NamedTuple):
    """Word vectors that can be downloaded.

    Attributes:
        name: such as "glove-wiki-gigaword-100".
        about: what they were trained on.
        n_bytes: of the download; 0 where the list does not state it.
        checksums: MD5 of each part, hexadecimal, in order.
    """

    name: str
    about: str
    n_bytes: int
    checksums: tuple[str, ...]


def open_https(address: str) -> BinaryIO:
    """The content at an HTTPS address."""
    if not address.startswith("https://"):
        raise OSError(f"{address} is not an HTTPS address")
    return urllib.request.urlopen(address, timeout=_TIMEOUT_S)  # type: ignore[no-any-return]  # noqa: S310  # HTTPS only


def list_vectors(opener: Opener = open_https) -> tuple[Offer, ...]:
    """The word vectors of the collection, by name.

    Raises:
        SettingsError: there is no network, or the list has an unknown format.
    """
    from gensim.downloader import DATA_LIST_URL

    with _network("The list of word vectors"), opener(DATA_LIST_URL) as answer:
        content = answer.read(_MAX_LIST_BYTES)
    try:
        models = json.loads(content)["models"].items()
        offers = [_read_offer(name, entry) for name, entry in models if _NAME.fullmatch(name)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        wrong = f"The list of word vectors has an unknown format ({error})."
        raise SettingsError(f"{wrong} {_BY_HAND}", key="list unreadable") from error
    return tuple(sorted(offer for offer in offers if offer.checksums))


def download_vectors(name: str, folder: Path, progress: Progress = silent, *, opener: Opener = open_https) -> Path:
    """Download word vectors by their name in gensim's collection; `vectors.open_vectors` opens the file.

    Args:
        name: such as "glove-wiki-gigaword-100" or "word2vec-google-news-300".
        folder: where the file `<name>.gz` is kept; a file that already exists was checked when it was downloaded.
        progress: receives the number of bytes downloaded.
        opener: opens an address.

    Raises:
        SettingsError: no vectors have this name, there is no network, or the download is damaged.
        StorageError: the folder is full or cannot be written.
    """
    if not _NAME.fullmatch(name):
        wrong = f"{name[:100]!r} is not a name of word vectors"
        raise SettingsError(f"{wrong}; an example is 'glove-wiki-gigaword-100'.", key="vectors name")
    place = folder / f"{name}.gz"
    with only_one(folder / f".{name}.lock"):
        if not place.is_file():
            _download(_choose(name, list_vectors(opener)), place, progress, opener)
    return place


def _choose(name: str, offers: tuple[Offer, ...]) -> Offer:
    by_name = {offer.name: offer for offer in offers}
    if name not in by_name:
        known = ", ".join(by_name) or "none"
        raise SettingsError(f"No word vectors have the name {name!r}; available: {known}.", key="vectors unknown")
    return by_name[name]


def _download(offer: Offer, place: Path, progress: Progress, opener: Opener) -> None:
    """Fetch all parts into one file, which gets its name only when every checksum is right."""
    with whole_file(place) as out:
        for address, checksum in _parts(offer):
            _fetch(address, checksum, out, offer, progress, opener)


def _parts(offer: Offer) -> Iterator[tuple[str, str]]:
    from gensim.downloader import DOWNLOAD_BASE_URL

    for number, checksum in enumerate(offer.checksums):
        ending = f"_0{number}" if len(offer.checksums) > 1 else ""
        yield f"{DOWNLOAD_BASE_URL}/{offer.name}/{offer.name}.gz{ending}", checksum


def _fetch(address: str, checksum: str, out: BinaryIO, offer: Offer, progress: Progress, opener: Opener) -> None:
    digest = hashlib.md5(usedforsecurity=False)  # the list has nothing better; it detects damage, not forgery
    for block in _blocks(address, f"The word vectors {offer.name}", opener):
        digest.update(block)
        out.write(block)
        if out.tell() > MAX_DOWNLOAD_BYTES:
            size = f"{MAX_DOWNLOAD_BYTES:,} bytes"
            raise SettingsError(f"The word vectors {offer.name} are larger than {size}.", key="download size")
        progress("Downloading word vectors", out.tell(), max(offer.n_bytes, out.tell()))
    if digest.hexdigest() != checksum:
        wrong = f"The download of the word vectors {offer.name} is damaged (wrong checksum)"
        raise SettingsError(f"{wrong}. Download them again.", key="download damaged")


def _blocks(address: str, what: str, opener: Opener) -> Iterator[bytes]:
    """The content at an address; a disk error of whoever writes the blocks is not taken for one of the network."""
    with _network(what), opener(address) as answer:
        while block := answer.read(_BLOCK_BYTES):
            yield block


@contextmanager
def _network(what: str) -> Iterator[None]:
    """Turn a network error into one clear sentence."""
    try:
        yield
    except urllib.error.HTTPError as error:
        wrong = f"{what} cannot be downloaded: the server answered {error.code}."
        raise SettingsError(f"{wrong} {_BY_HAND}", key="server refused") from error
    except (OSError, http.client.HTTPException) as error:
        wrong = f"{what} cannot be downloaded: there is no network ({getattr(error, 'reason', None) or error})."
        raise SettingsError(f"{wrong} {_BY_HAND}", key="no network") from error


def _read_offer(name: str, entry: Mapping[str, Any]) -> Offer:
    n_parts = int(entry.get("parts", 1))
    keys = ["checksum"] if n_parts == 1 else [f"checksum-{part}" for part in range(min(n_parts, MAX_PARTS))]
    checksums = tuple(str(entry.get(key, "")) for key in keys)
    good = all(re.fullmatch(r"[0-9a-f]{32}", checksum) for checksum in checksums)
    about = entry.get("base_dataset") or entry.get("description") or ""
    return Offer(name, str(about), max(0, int(entry.get("file_size") or 0)), checksums if good else ())
