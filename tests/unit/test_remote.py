"""Corpora behind an address; moto's server stands for S3, and those tests skip where it is not installed."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny_world
from raising import raises

from fdcore.case.case import Case
from fdcore.cli.main import main
from fdcore.corpus.corpus import folder_of, open_corpus, survey
from fdcore.corpus.remote import bring, split_node
from fdcore.errors import CorpusError, SettingsError, StorageError
from fdcore.progress import silent
from fdcore.storage import SharedFolder, file_system

SIZE = {"height": tiny_world.SIZE, "width": tiny_world.SIZE, "channels": 3}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server on this machine, and the environment that leads to it."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed (requirements-remote.txt)")
    running = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "for-tests")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, tmp_path: Path) -> "Bucket":
    return Bucket(f"bucket-{abs(hash(tmp_path))}")


class Bucket:
    """A bucket of its own for each test, written by another client than the one that is tested."""

    def __init__(self, name: str) -> None:
        import boto3

        self.name, self._client = name, boto3.client("s3")
        self._client.create_bucket(Bucket=name)

    def put(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=key, Body=content)

    def remove(self, key: str) -> None:
        self._client.delete_object(Bucket=self.name, Key=key)

    def upload(self, folder: Path, prefix: str) -> str:
        for path in sorted(folder.rglob("*.png")):
            self.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return f"s3://{self.name}/{prefix}"


def opened(address: str | Path, cache: Path) -> Any:
    return open_corpus([address], hierarchy=tiny_world.hierarchy(), cache=cache, **SIZE)


def fetched(address: str, cache: Path) -> list[tuple[int, int]]:
    """What a transfer reports."""
    steps: list[tuple[int, int]] = []
    bring(address, cache, lambda stage, done, total: steps.append((done, total)))
    return steps


def test_a_corpus_on_s3_is_the_folder_that_was_uploaded(bucket, tmp_path):
    """The same pictures in the same order under the same names; what is recorded names the address."""
    folder = tiny_world.build(tmp_path / "leaves")
    address = bucket.upload(folder, "data/leaves")
    bucket.put("data/leaves-of-others/n02690373/0.png", b"not part of it")
    there, here = opened(address, tmp_path / "cache"), opened(folder, tmp_path / "cache")
    assert there.store.fingerprint == here.store.fingerprint
    assert there.store.names == here.store.names
    assert there.folders == ("leaves",)
    assert there.sources == (f"leaves (imagenet) of {address}",)
    assert opened(address, tmp_path / "cache").store.key == there.store.key  # the mirror stays as it is


def test_only_what_changed_is_fetched_again(bucket, tmp_path):
    """New, changed and removed objects, a file that is gone from the mirror, and a transfer that was interrupted."""
    for number in range(5):
        bucket.put(f"set/cat/{number}.png", b"%d" % number)
    address, cache = f"s3://{bucket.name}/set", tmp_path / "cache"
    root = Path(bring(address, cache, silent))
    stamps = {path.name: path.stat().st_mtime_ns for path in root.rglob("*.png")}
    bucket.put("set/cat/1.png", b"x")
    bucket.put("set/dog/9.png", b"9")
    bucket.remove("set/cat/2.png")
    (root / "cat/3.png").write_bytes(b"half")
    bring(address, cache, silent)
    content = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.png")}
    assert content == {"cat/0.png": b"0", "cat/1.png": b"x", "cat/3.png": b"3", "cat/4.png": b"4", "dog/9.png": b"9"}
    assert all((root / "cat" / name).stat().st_mtime_ns == stamps[name] for name in ("0.png", "4.png"))
    assert fetched(address, cache) == [(0, 0), (5, 5)]
    (root.parent / "manifest.json").write_text("{")
    assert fetched(address, cache) == [(0, 0), (0, 5), (5, 5)]


def test_one_archive_below_a_node(bucket, tmp_path):
    """An address may be a single object, and end in @NODE."""
    import tarfile

    folder = tiny_world.build(tmp_path / "leaves")
    with tarfile.open(tmp_path / "toys.tar", "w") as archive:
        archive.add(folder / "n02690373", "planes")
    bucket.put("toys.tar", (tmp_path / "toys.tar").read_bytes())
    address = f"s3://{bucket.name}/toys.tar@n02690373"
    corpus = opened(address, tmp_path / "cache")
    assert len(corpus.store.names) == tiny_world.PER_LEAF
    assert corpus.hierarchy.parents(corpus.store.nodes[0]) == ("n02690373",)
    assert survey([address], hierarchy=tiny_world.hierarchy(), cache=tmp_path / "cache").sources[0].n_usable


@pytest.mark.parametrize("key", ["set/../../escaped", "set//double", "set/" + "n" * 300, "set/a"])
def test_a_name_that_cannot_be_a_file_is_refused(bucket, tmp_path, key):
    """Nothing is written outside the mirror, nor an object in place of a folder."""
    bucket.put("set/a/1.png", b"1")
    bucket.put(key, b"hostile")
    with raises(CorpusError, "object name"):
        bring(f"s3://{bucket.name}/set", tmp_path / "cache", silent)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"hostile"]


def test_what_is_not_there_or_does_not_answer_is_said(bucket, tmp_path, monkeypatch):
    """An empty path, a bucket that does not exist, credentials that are refused, a disk that is too small."""
    with raises(CorpusError, "no objects", bucket.name):
        bring(f"s3://{bucket.name}/nothing", tmp_path, silent)
    with raises(StorageError, "address unreachable", "no-such-bucket-x"):
        bring("s3://no-such-bucket-x/set", tmp_path, silent)
    bucket.put("set/1.png", b"1")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=0))
    with raises(StorageError, "disk full", "0.0 GiB"):
        bring(f"s3://{bucket.name}/set", tmp_path, silent)


def test_shards_are_kept_on_s3(bucket):
    """The folder of finished shards may be an address, which all machines of a cluster see."""
    folder = SharedFolder(f"s3://{bucket.name}/shards/one")
    folder.create()
    assert folder.names() == []
    assert folder.read("a.shard") is None
    folder.write("a.shard", b"answers")
    assert (folder.names(), folder.read("a.shard")) == (["a.shard"], b"answers")
    folder.remove(["a.shard", "b.shard"])
    assert folder.names() == []


@pytest.mark.slow
def test_an_investigation_of_a_corpus_on_s3(bucket, tmp_path, capsys):
    """From the command line: the case keeps the address, and the commands that repeat it name it."""
    from fdcore import demo

    address = bucket.upload(tiny_world.build(tmp_path / "leaves"), "leaves")
    case = tmp_path / "case"
    command = ["investigate", str(demo.SUSPECT_PATH), "--corpus", address, "--out", str(case), "--views", "1",
               "--cache", str(tmp_path / "cache"), "--json"]  # fmt: skip
    assert main(command) == 0, capsys.readouterr().err
    facts = Case.open(case).facts()
    assert facts.plan.corpora == facts.asking.corpora == (address,)
    assert facts.corpus.sources == (f"leaves (imagenet) of {address}",)
    assert f"--corpus {address}" in (case / "report.html").read_text()
    assert main(["corpus", address, "--cache", str(tmp_path / "cache"), "--quick", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n}\n")[2])["sources"]


# Without a server


def test_a_file_address_is_read_in_place(tmp_path):
    """file:// names a folder of this machine, which is not copied."""
    folder = tiny_world.build(tmp_path / "leaves")
    corpus = opened(f"file://{folder}", tmp_path / "cache")
    assert corpus.store.fingerprint == opened(folder, tmp_path / "cache").store.fingerprint
    assert corpus.sources == (f"leaves (imagenet) of file://{folder}",)
    assert not (tmp_path / "cache" / "remote").exists()


@pytest.mark.parametrize("address", ["http://example.org/set", "simplecache::s3://b/set", "zip://a::file:///etc"])
def test_an_address_of_another_kind_is_refused(address, tmp_path):
    """Only objects and files are read, and no chain of file systems is followed."""
    with raises(SettingsError, "unknown address", address):
        bring(address, tmp_path, silent)


def test_a_missing_package_is_named_with_the_command(monkeypatch):
    """s3fs is needed for s3:// alone."""

    def missing(_kind: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.filesystem", missing)
    with raises(SettingsError, "package missing", "pip install -r requirements-remote.txt"):
        file_system("s3://bucket/set")


def test_the_node_of_an_address_stands_in_its_last_part():
    """Credentials and folders may hold an @ as well."""
    assert split_node("s3://b/set@plant") == ("s3://b/set", "@plant")
    assert split_node("s3://b/me@home/set") == ("s3://b/me@home/set", "")
    assert folder_of("s3://b/set@plant").name == "set"
