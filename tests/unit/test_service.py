"""Suspects behind an address: what is sent, what is read, waiting, retries, and every attempt counted."""

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raising import raises

from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.errors import RefusedError, SuspectError
from fdcore.suspect.open import open_suspect
from fdcore.texts import as_samples

Answer = Callable[[bytes, int, dict[str, str]], tuple[int, dict[str, str], bytes]]


class Model:
    """A service on this machine; `answer` gives status, headers and body for the body and number of a request."""

    def __init__(self) -> None:
        self.answer: Answer = lambda body, number, headers: (200, {}, b"0")
        self.requests: list[bytes] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                model.requests.append(body)
                status, headers, content = model.answer(body, len(model.requests), dict(self.headers))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def model() -> Iterator[Model]:
    """A service that runs while the test does."""
    service = Model()
    yield service
    service.server.shutdown()
    service.server.server_close()


def described(folder: Path, model: Model, text: str = "n_classes = 256") -> Path:
    """Its `suspect.toml`."""
    path = folder / "suspect.toml"
    path.write_text(f'url = "{model.url}"\nheight = 4\nwidth = 5\nper_second = 10000.0\n{text}\n')
    return path


def pictures(*values: int) -> np.ndarray:
    """One plain picture for each value."""
    return np.stack([np.full((4, 5, 3), value, np.uint8) for value in values])


def first_byte(content: bytes) -> int:
    """The brightness of a picture that was sent as PNG."""
    return int(np.asarray(Image.open(io.BytesIO(content)))[0, 0, 0])


def test_pictures_are_sent_as_png_and_numbers_read(tmp_path: Path, model: Model) -> None:
    """The whole body is a picture of the right size, the whole reply the class."""
    model.answer = lambda body, number, headers: (200, {}, str(first_byte(body)).encode())
    suspect = open_suspect(described(tmp_path, model))
    assert suspect.labels(pictures(7, 200, 31)).tolist() == [7, 200, 31]
    assert Image.open(io.BytesIO(model.requests[0])).size == (5, 4)
    assert "127.0.0.1" in suspect.description
    assert suspect.origins.guessed == ()


def test_labels_are_found_in_nested_replies(tmp_path: Path, model: Model) -> None:
    """Keys and positions lead to a label, a class by its place in the list; headers come from the environment."""
    seen: list[str] = []

    def answer(body: bytes, number: int, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        seen.append(headers["X-Token"])
        return 200, {}, json.dumps({"predictions": [{"label": "dog"}]}).encode()

    model.answer = answer
    text = 'classes = ["cat", "dog"]\nanswer = "predictions.0.label"\nheaders = { X-Token = "env:FDCORE_TEST_TOKEN" }'
    with raises(SuspectError, "variable not set", "FDCORE_TEST_TOKEN"):
        open_suspect(described(tmp_path, model, text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FDCORE_TEST_TOKEN", "secret")
        suspect = open_suspect(described(tmp_path, model, text))
    assert suspect.labels(pictures(1)).tolist() == [1]
    assert suspect.class_names == ("cat", "dog")
    assert seen == ["secret"]
    assert "secret" not in suspect.description


@pytest.mark.parametrize("send", ["json", "multipart"])
def test_other_ways_to_send(tmp_path: Path, model: Model, send: str) -> None:
    """Nested lists under a key, or a form's file."""
    model.answer = lambda body, number, headers: (200, {}, b"[0.1, 0.7, 0.2]")
    suspect = open_suspect(described(tmp_path, model, f'n_classes = 3\nsend = "{send}"\nkey = "image"'))
    assert suspect.labels(pictures(9)).tolist() == [1]
    if send == "json":
        assert np.shape(json.loads(model.requests[0])["image"]) == (4, 5, 3)
    else:
        assert b'name="image"' in model.requests[0]
        assert base64.b64decode("iVBORw0KGgo=") in model.requests[0]


def test_failures_are_tried_again_and_every_attempt_counts(tmp_path: Path, model: Model) -> None:
    """Two refusals before an answer are three queries, in the ledger too."""
    model.answer = lambda body, number, headers: (503, {"Retry-After": "0"}, b"") if number < 3 else (200, {}, b"5")
    suspect = open_suspect(described(tmp_path, model))
    header = LedgerHeader(suspect.fingerprint, 256, suspect.spec, "c", 0, ViewSpec(), 2, 1)
    ledger = Ledger.in_memory(header, np.arange(2, dtype=np.uint64))
    assert ledger.ask(suspect, np.arange(2), 0, pictures(1, 2)).tolist() == [5, 5]
    assert ledger.n_sent == len(model.requests) == 4


def test_a_service_that_stays_away_ends_in_a_sentence(tmp_path: Path, model: Model) -> None:
    """After the last attempt, and at once where trying again cannot help."""
    model.answer = lambda body, number, headers: (429, {"Retry-After": "0"}, b"")
    with raises(SuspectError, "service failed", "2 attempts", "429"):
        open_suspect(described(tmp_path, model, "n_classes = 2\nattempts = 2")).labels(pictures(1))
    model.answer = lambda body, number, headers: (401, {}, b"")
    with raises(SuspectError, "service failed", "1 attempts", "401"):
        open_suspect(described(tmp_path, model)).labels(pictures(1))


@pytest.mark.parametrize("reply", [b"no json", b'{"a": 1}', b'"horse"', b"1.5", b"[" * 100_000, b"9" * 2_000_000])
def test_replies_that_are_no_class_end_in_a_sentence(tmp_path: Path, model: Model, reply: bytes) -> None:
    """Whatever comes back is a class, or an error that shows it."""
    model.answer = lambda body, number, headers: (200, {}, reply)
    with raises(SuspectError, "service answers otherwise"):
        open_suspect(described(tmp_path, model)).labels(pictures(1))


def test_a_redirect_is_not_followed(tmp_path: Path, model: Model) -> None:
    """The pictures go to the address that the analyst named, and nowhere else."""
    model.answer = lambda body, number, headers: (307, {"Location": "http://127.0.0.1:1/"}, b"")
    with raises(SuspectError, "service failed", "307"):
        open_suspect(described(tmp_path, model)).labels(pictures(1))


def test_a_server_queries_only_the_hosts_it_may(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """An administrator's list decides."""
    monkeypatch.setenv("FDCORE_SERVICES", "models.example.org")
    with raises(RefusedError, "host not allowed", "127.0.0.1"):
        open_suspect(described(tmp_path, model))


@pytest.mark.parametrize("text", ["url = 3", "nonsense", 'url = "ftp://x"', 'url = "http://x"', "height = 'a'"])
def test_a_file_that_describes_no_service_is_refused(tmp_path: Path, text: str) -> None:
    """A value of the wrong kind, or one that is missing."""
    path = tmp_path / "suspect.toml"
    path.write_text(text)
    with pytest.raises(SuspectError):
        open_suspect(path)


@pytest.mark.parametrize("send", ["text", "texts"])
def test_texts_are_sent_as_they_are_or_in_a_json_array(tmp_path: Path, model: Model, send: str) -> None:
    """A service of texts gets UTF-8 of any script, and its reply is read like any other."""
    model.answer = lambda body, number, headers: (200, {}, json.dumps({"label": ["b", "a"][number % 2]}).encode())
    suspect = open_suspect(described(tmp_path, model, f'send = "{send}"\nanswer = "label"\nclasses = ["a", "b"]'))
    assert suspect.labels(as_samples(["a bird", "טקסט"])).tolist() == [0, 1]
    sent = [body.decode() if send == "text" else json.loads(body) for body in model.requests]
    assert sent == (["a bird", "טקסט"] if send == "text" else [["a bird"], ["טקסט"]])
    assert "texts of at most" in suspect.description
