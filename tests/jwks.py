"""An identity provider on loopback: a discovery document, a JWKS that can change, and tokens it signs."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT = "3n4b5urk1ft4fl3mg5e62d9ado"
USER = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk(kid: str, key: PrivateKey, **more: str) -> dict[str, Any]:
    """A public key as Cognito writes it."""
    if isinstance(key, rsa.RSAPrivateKey):
        told: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        told = dict(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True))
    told.pop("key_ops", None)
    return {**told, "kid": kid, "use": "sig", "alg": algorithm(key), **more}


def algorithm(key: PrivateKey) -> str:
    return "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"


def id_claims(issuer: str, now: float, **other: Any) -> dict[str, Any]:
    """What an id token of Cognito says."""
    return {
        "sub": USER,
        "iss": issuer,
        "aud": CLIENT,
        "token_use": "id",
        "jti": "7a1d",
        "iat": int(now),
        "exp": int(now) + 3600,
        "email": "Ann@Example.org",
        "email_verified": True,
        "given_name": "Ann",
        "family_name": "Lee",
        "cognito:username": "ann",
        **other,
    }


def access_claims(issuer: str, now: float, **other: Any) -> dict[str, Any]:
    """What an access token of Cognito says: no `aud`, and no e-mail."""
    told = {"sub": USER, "iss": issuer, "client_id": CLIENT, "token_use": "access", "jti": "9c2e", "username": "ann"}
    return {**told, "iat": int(now), "exp": int(now) + 3600, **other}


@dataclass
class IdentityServer:
    """The provider; its `keys` may be changed while it runs, and `down` has it answer with nothing but errors."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    described: dict[str, str] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.described = {"issuer": self.url, "jwks_uri": f"{self.url}/.well-known/jwks.json"}
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    provider: IdentityServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.provider.asked.append(self.path)
        pages = {
            "/.well-known/openid-configuration": self.provider.described,
            "/.well-known/jwks.json": {"keys": self.provider.keys},
        }
        body = json.dumps(pages.get(self.path, {})).encode()
        self.send_response(503 if self.provider.down or self.path not in pages else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
