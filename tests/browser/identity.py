"""A small OpenID Connect provider on this machine: whoever comes is signed in under one name."""

import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "fdcore"


class IdentityProvider:
    """The provider; `url` once started. It answers discovery, authorization (at once), token and keys."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.nonces: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.post(self)

            def log_message(self, *_arguments: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self.server.shutdown()

    def secrets(self, app_url: str) -> str:
        """What the dashboard's secrets.toml says about it."""
        return (
            f'[auth]\nredirect_uri = "{app_url}/oauth2callback"\ncookie_secret = "for tests only"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "secret"\n'
            f'server_metadata_url = "{self.url}/.well-known/openid-configuration"\n'
        )

    def get(self, request: BaseHTTPRequestHandler) -> None:
        """Discovery, keys, and the page where people would sign in."""
        path = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(path.query))
        if path.path == "/authorize":
            self.nonces["code"] = query.get("nonce", "")
            answer = urllib.parse.urlencode({"code": "code", "state": query["state"]})
            request.send_response(302)
            request.send_header("Location", f"{query['redirect_uri']}?{answer}")
            request.end_headers()
        elif path.path == "/keys":
            _send(request, {"keys": [self.key.as_dict(private=False)]})
        else:
            _send(
                request,
                {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "jwks_uri": f"{self.url}/keys",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                },
            )

    def post(self, request: BaseHTTPRequestHandler) -> None:
        """The token for a code."""
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "name": self.name, "iat": now, "exp": now + 600,
                  "nonce": self.nonces.get("code", "")}  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        _send(request, {"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token})


def _send(request: BaseHTTPRequestHandler, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
