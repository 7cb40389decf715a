"""Word vectors by name: the list, whole and parted files, a missing network and damage. The network is a false one."""

import gzip
import hashlib
import io
import json
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from gensim import downloader
from raising import raises

from fdcore.errors import SettingsError, StorageError
from fdcore.words.vector_download import download_vectors, list_vectors, open_https
from fdcore.words.vectors import open_vectors

CONTENT = gzip.compress(b"2 3\ncat 1 2 3\ndog 4 5 6\n", mtime=0)
BASE = downloader.DOWNLOAD_BASE_URL


def md5(content: bytes) -> str:
    """The checksum that the list publishes."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def listed(**models: Mapping[str, object]) -> bytes:
    """The published list."""
    return json.dumps({"corpora": {"text8": {"checksum": md5(b"")}}, "models": models}).encode()


class Network:
    """Addresses and what stands there; remembers what was asked for."""

    def __init__(self, **models: Mapping[str, object]) -> None:
        self.pages = {downloader.DATA_LIST_URL: listed(**models)}
        self.asked: list[str] = []

    def __call__(self, address: str) -> BinaryIO:
        """The content at an address."""
        self.asked.append(address)
        if address not in self.pages:
            raise urllib.error.HTTPError(address, 404, "Not Found", None, None)  # type: ignore[arg-type]
        return io.BytesIO(self.pages[address])


@pytest.fixture
def network() -> Network:
    """Two models: one in a single file, one in two parts."""
    halves = CONTENT[:20], CONTENT[20:]
    net = Network(
        small={"checksum": md5(CONTENT), "file_size": len(CONTENT), "parts": 1, "base_dataset": "pets"},
        parted={"checksum-0": md5(halves[0]), "checksum-1": md5(halves[1]), "parts": 2, "description": "in two"},
    )
    net.pages |= {f"{BASE}/small/small.gz": CONTENT}
    net.pages |= {f"{BASE}/parted/parted.gz_0{i}": half for i, half in enumerate(halves)}
    return net


@pytest.mark.parametrize("name", ["small", "parted"])
def test_a_named_file_is_fetched_checked_and_opened(tmp_path: Path, network: Network, name: str) -> None:
    """The parts are joined and open as word vectors; no code is fetched, and a second call asks nothing."""
    heard: list[int] = []
    path = download_vectors(name, tmp_path / "new", lambda stage, done, total: heard.append(done), opener=network)
    assert path.read_bytes() == CONTENT
    assert heard[-1] == len(CONTENT)
    np.testing.assert_array_equal(open_vectors(path, tmp_path / "cache").vectors(["dog"]), [[4, 5, 6]])
    assert not [address for address in network.asked if address.endswith(".py")]
    n_asked = len(network.asked)
    assert download_vectors(name, tmp_path / "new", opener=network) == path
    assert len(network.asked) == n_asked


def test_the_list_names_what_can_be_had(network: Network) -> None:
    """Models come by name with what they are; an entry without checksums or with a strange name is left out."""
    network.pages[downloader.DATA_LIST_URL] = listed(
        b={"checksum": "0" * 32, "file_size": 7, "description": "about b"},
        a={"checksum": "1" * 32, "base_dataset": "about a"},
        unchecked={"description": "no checksum"},
        **{"../up": {"checksum": "2" * 32}},
    )
    offers = list_vectors(network)
    assert [(offer.name, offer.about, offer.n_bytes) for offer in offers] == [("a", "about a", 0), ("b", "about b", 7)]


def test_a_missing_network_is_reported(tmp_path: Path) -> None:
    """With the network's own reason."""

    def no_network(address: str) -> BinaryIO:
        raise urllib.error.URLError("Name or service not known")

    with raises(SettingsError, "no network", "Name or service not known"):
        download_vectors("small", tmp_path, opener=no_network)


def test_a_connection_that_breaks_leaves_nothing(tmp_path: Path, network: Network) -> None:
    """A download that stops in the middle leaves no file that looks complete."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError("connection reset")

    def opener(address: str) -> BinaryIO:
        return Broken() if address.endswith(".gz") else network(address)

    with raises(SettingsError, "no network", "connection reset"):
        download_vectors("small", tmp_path, opener=opener)
    assert [path.name for path in tmp_path.iterdir()] == [".small.lock"]


@pytest.mark.parametrize("name", ["small", "parted"])
def test_a_damaged_file_is_refused(tmp_path: Path, network: Network, name: str) -> None:
    """A file whose checksum is another is not kept."""
    address = next(address for address in network.pages if f"/{name}/" in address)
    network.pages[address] += b"!"
    with raises(SettingsError, "download damaged", name):
        download_vectors(name, tmp_path, opener=network)
    assert not list(tmp_path.glob("*.gz"))


@pytest.mark.parametrize(
    ("name", "fault"),
    [("unknown", ("vectors unknown", "parted, small")), ("text8", ("vectors unknown",)),
     ("../etc/passwd", ("vectors name",)), ("", ("vectors name",))],
)  # fmt: skip
def test_an_unknown_name_is_refused(tmp_path: Path, network: Network, name: str, fault: tuple[str, ...]) -> None:
    """The message lists the available names; a path is not a name."""
    with raises(SettingsError, *fault, repr(name)):
        download_vectors(name, tmp_path, opener=network)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"models": 5}', b'{"models": {"a": 1}}'])
def test_a_list_of_another_kind_is_refused(network: Network, content: bytes) -> None:
    """A captive portal's page, or a list in a future format, is an error and not a crash."""
    network.pages[downloader.DATA_LIST_URL] = content
    with raises(SettingsError, "list unreadable"):
        list_vectors(network)


def test_a_file_that_is_gone_is_reported(tmp_path: Path, network: Network) -> None:
    """The server's answer is named."""
    del network.pages[f"{BASE}/small/small.gz"]
    with raises(SettingsError, "server refused", "404"):
        download_vectors("small", tmp_path, opener=network)


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, network: Network) -> None:
    """An error of the disk is not taken for one of the network."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        download_vectors("small", tmp_path / "file" / "folder", opener=network)


def test_only_https_is_opened() -> None:
    """A list cannot lead to a file of this machine."""
    with pytest.raises(OSError, match="not an HTTPS"):
        open_https("file:///etc/passwd")
