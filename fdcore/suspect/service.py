"""A suspect behind an address: pictures or texts go out one request at a time, class numbers are read from the replies.

Its file, `suspect.toml`, is written by the analyst (docs/running.md shows one). Every attempt counts as a query.
"""

import hashlib
import io
import json
import os
import time
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
import numpy as np
import requests
from PIL import Image

from fdcore.errors import RefusedError, SettingsError, SuspectError
from fdcore.suspect.preprocess import Origins, PreprocessSpec, text_spec
from fdcore.suspect.suspect import Labels, Pictures, Suspect, described_size
from fdcore.texts import as_text

HOSTS = "FDCORE_SERVICES"  # hosts that may be queried, separated by commas; "*" for all
MAX_REPLY = 1 << 20  # bytes
LONGEST_WAIT_S = 60.0
FROM_ENVIRONMENT = "env:"


@dataclass(frozen=True)
class Service:
    """The content of `suspect.toml`; see this module."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    send: Literal["png", "json", "multipart", "text", "texts"] = "png"
    key: str = ""
    answer: str = ""
    classes: tuple[str, ...] = ()
    n_classes: int | None = None
    height: int = 224
    width: int = 224
    channels: int = 3
    per_second: float = 5.0
    timeout_s: float = 30.0
    attempts: int = 5

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise SettingsError(f"The service's url must begin with http:// or https://, not {self.url!r}.")
        if not self.classes and not self.n_classes:
            raise SettingsError(
                "The service needs classes, a list of labels in class order, or n_classes.",
                key="number of classes needed",
            )
        if self.per_second <= 0 or self.timeout_s <= 0 or self.attempts < 1:
            raise SettingsError("per_second and timeout_s must be above 0, and attempts at least 1.")


def open_service(path: Path) -> Suspect:
    """A suspect from its `suspect.toml`; nothing is sent yet.

    Raises:
        SuspectError: the file is not one, or a header's variable is not set.
        RefusedError: this server may not query the host.
        SettingsError: a value is out of range.
    """
    try:
        content = path.read_bytes()
        service = msgspec.convert(tomllib.loads(content.decode()), Service)
    except (OSError, ValueError, SettingsError) as error:
        raise SuspectError(
            f"{path.name} does not describe a service ({error}).", key="service not described"
        ) from error
    host = urlsplit(service.url).hostname or ""
    allowed = os.environ.get(HOSTS, "*")
    if allowed != "*" and host not in allowed.split(","):
        raise RefusedError(
            f"{path.name} names the host {host}, which this server may not query. Its administrator lists hosts in "
            f"{HOSTS}.",
            key="host not allowed",
        )
    return ServiceSuspect(service, hashlib.sha256(content).hexdigest())


class ServiceSuspect(Suspect):
    """Sends each picture in a request of its own, never faster than the service allows."""

    def __init__(self, service: Service, sha256: str) -> None:
        self.spec = _spec(service)
        self.n_classes, self.batch_size = service.n_classes or len(service.classes), 16
        identity = json.dumps(["service", sha256, asdict(self.spec)], sort_keys=True)
        self.fingerprint = hashlib.sha256(identity.encode()).hexdigest()
        self.title = f"Service at {urlsplit(service.url).hostname}"
        self.description = f"{self.title}, {self.n_classes} classes, {described_size(self.spec)}"
        self.class_names = service.classes
        self.origins = Origins().known("options", *Origins().guessed)  # the analyst describes all of it
        self._service, self._session, self._next = service, requests.Session(), 0.0
        self._session.headers.update({name: _value(name, text) for name, text in service.headers.items()})
        self._numbers = {label: number for number, label in enumerate(service.classes)}

    def _answer(self, pictures: Pictures) -> Labels:
        return np.array([self._ask(picture) for picture in pictures], dtype=np.int64)

    def _ask(self, picture: Pictures) -> int:
        service, reason = self._service, ""
        for attempt in range(service.attempts):
            if attempt:
                self._sent_again(1)
            self._wait()
            try:
                reply = self._session.request(
                    "POST", service.url, timeout=service.timeout_s, stream=True, allow_redirects=False,
                    **_body(service, picture),
                )  # fmt: skip
                content = reply.raw.read(MAX_REPLY + 1, decode_content=True)
            except (requests.ConnectionError, requests.Timeout, OSError) as error:
                reason = f"{type(error).__name__}"
            else:
                if reply.status_code == requests.codes.ok:
                    return self._class_in(content)
                reason = f"status {reply.status_code}"
                if reply.status_code != 429 and reply.status_code < 500:
                    break
                self._next = time.monotonic() + _retry_after(reply, attempt)
                continue
            self._next = time.monotonic() + _back_off(attempt)
        raise SuspectError(
            f"The service did not answer after {attempt + 1} attempts ({reason}). What it answered before is kept; run "
            "the same command again to continue.",
            key="service failed",
        )

    def _wait(self) -> None:
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self._service.per_second

    def _class_in(self, content: bytes) -> int:
        """The class number in a reply."""
        if len(content) > MAX_REPLY:
            raise SuspectError(f"The service answered more than {MAX_REPLY:,} bytes.", key="service answers otherwise")
        try:
            value: Any = json.loads(content)
            for step in filter(None, self._service.answer.split(".")):
                value = value[int(step)] if isinstance(value, list) else value[step]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise SuspectError(
                f"The service's reply has no {self._service.answer or 'JSON'!r}: {content[:120]!r}.",
                key="service answers otherwise",
            ) from error
        if isinstance(value, list) and all(isinstance(one, int | float) for one in value) and value:
            return int(np.argmax(value))
        if isinstance(value, str) and value in self._numbers:
            return self._numbers[value]
        if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
            return int(value)
        raise SuspectError(
            f"The service answered {str(value)[:80]!r}, which is neither a class number nor one of the labels.",
            key="service answers otherwise",
        )


def _spec(service: Service) -> PreprocessSpec:
    """The input: texts where texts are sent, else pictures."""
    if service.send in ("text", "texts"):
        return text_spec()
    channels = service.channels
    return PreprocessSpec(
        service.height, service.width, channels, value_range=(0.0, 255.0), mean=(0.0,) * channels,
        std=(1.0,) * channels,
    )  # fmt: skip


def _body(service: Service, picture: Pictures) -> dict[str, Any]:
    """The arguments of a request that carry one picture (H, W, C) or text: plain, or alone in a JSON array."""
    if service.send == "text":
        return {"data": as_text(picture).encode(), "headers": {"Content-Type": "text/plain; charset=utf-8"}}
    if service.send == "texts":
        texts = [as_text(picture)]
        return {"json": {service.key: texts} if service.key else texts}
    if service.send == "json":
        return {"json": {service.key: picture.tolist()} if service.key else picture.tolist()}
    buffer = io.BytesIO()
    Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(buffer, "PNG")
    if service.send == "multipart":
        return {"files": {service.key or "file": ("picture.png", buffer.getvalue(), "image/png")}}
    return {"data": buffer.getvalue(), "headers": {"Content-Type": "image/png"}}


def _value(name: str, text: str) -> str:
    if not text.startswith(FROM_ENVIRONMENT):
        return text
    variable = text.removeprefix(FROM_ENVIRONMENT)
    if variable not in os.environ:
        raise SuspectError(
            f"The service's header {name} comes from the environment, where {variable} is not set.",
            key="variable not set",
        )
    return os.environ[variable]


def _back_off(attempt: int) -> float:
    return float(min(LONGEST_WAIT_S, 0.5 * 2**attempt))


def _retry_after(reply: requests.Response, attempt: int) -> float:
    """Seconds that the service asks to wait, within reason."""
    try:
        return min(LONGEST_WAIT_S, max(0.0, float(reply.headers["Retry-After"])))
    except (KeyError, ValueError):
        return _back_off(attempt)
