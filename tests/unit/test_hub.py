"""A suspect by its id on the Hugging Face hub; a server on this machine stands for the hub."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from raising import raises

from fdcore.case.case import Case
from fdcore.cli.main import main
from fdcore.errors import StorageError, SuspectError
from fdcore.suspect.hub import bring

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {"config.json": b'{"architecture": "resnet10t"}', "model.safetensors": b"weights", "modeling.py": b"no",
         "pytorch_model.bin": b"no", "photo.png": b"no"}  # fmt: skip


class Hub:
    """What the hub's server answers about one model, and what it was asked."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.sizes = {name: len(content) for name, content in FILES.items()}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                hub.requests.append(self.path)
                headers, status = {"X-Repo-Commit": COMMIT}, 200
                if self.path.startswith("/api/models/me/net"):
                    files = [{"rfilename": name, "size": size} for name, size in hub.sizes.items()]
                    content = json.dumps({"id": "me/net", "sha": COMMIT, "siblings": files}).encode()
                elif (name := self.path.rpartition("/")[2]) in FILES and COMMIT in self.path:
                    content, headers["ETag"] = FILES[name], f'"{name}"'
                else:
                    content, status, headers["X-Error-Code"] = b"", 404, "RepoNotFound"
                self.send_response(status)
                for key, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that runs while the test does."""
    service = Hub()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{service.server.server_port}")
    yield service
    service.server.shutdown()
    service.server.server_close()


def test_configuration_and_weights_are_downloaded_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    """No program, no picture, no second copy of the weights; the folder's name holds the commit."""
    folder = bring("hf:me/net", tmp_path)
    assert folder.name == f"me--net@{COMMIT[:12]}"
    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert kept == {name: FILES[name] for name in ("config.json", "model.safetensors")}


def test_the_commit_is_kept_with_the_evidence(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The weights here are rubbish, so that the command says so, in a case that says where they come from."""
    out = tmp_path / "case"
    told = main(["investigate", "hf:me/net", "--corpus", str(tmp_path), "--out", str(out), "--cache", str(tmp_path)])
    facts = Case.open(out).facts().evidence
    assert told == 3
    assert facts is not None
    assert facts.name == f"me--net@{COMMIT[:12]}.zip"
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["hf:", "hf:net", "hf:me/../net", "hf:a/b/c", "hf:http://me/net", f"hf:me/{'n' * 99}"])
def test_what_is_not_an_id_is_a_sentence(name: str, tmp_path: Path) -> None:
    """Nothing is sent for it."""
    with raises(SuspectError, "hub id"):
        bring(name, tmp_path)


def test_an_unknown_model_is_a_sentence(hub: Hub, tmp_path: Path) -> None:
    """As is one that its owner keeps private: the hub says the same of both."""
    with raises(SuspectError, "hub refused"):
        bring("hf:me/other", tmp_path)


def test_a_model_too_large_is_not_downloaded(hub: Hub, tmp_path: Path) -> None:
    """By the sizes that the hub gives, before the first file."""
    hub.sizes["model.safetensors"] = 2**40
    with raises(SuspectError, "hub size"):
        bring("hf:me/net", tmp_path)
    assert not any("resolve" in path for path in hub.requests)


def test_a_model_without_weights_is_a_sentence(hub: Hub, tmp_path: Path) -> None:
    """Such as one that only publishes a program."""
    hub.sizes = {"config.json": 10, "modeling.py": 2}
    with raises(SuspectError, "no weights"):
        bring("hf:me/net", tmp_path)


def test_no_network_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what to do instead."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with raises(SuspectError, "no network", "copy the model's folder"):
        bring("hf:me/net", tmp_path)


def test_a_disk_that_cannot_be_written_is_not_called_a_missing_network(hub: Hub, tmp_path: Path) -> None:
    """Here a file stands where the cache's folder should be."""
    (tmp_path / "cache").write_bytes(b"")
    with raises(StorageError, "path unwritable"):
        bring("hf:me/net", tmp_path / "cache")


def test_other_suspects_stay_as_they_are(tmp_path: Path) -> None:
    """A path is a path, whether it exists or not."""
    assert bring(tmp_path / "x.onnx", tmp_path) == tmp_path / "x.onnx"
