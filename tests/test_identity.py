"""Who signed in: tokens as Cognito makes them, keys that change, and tokens that want to be taken for such."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from corpus.errors import Unauthenticated, Unavailable
from footnote.identity import AGAIN_SECONDS, KEPT_SECONDS, LEEWAY_SECONDS, Verifier, fetched
from footnote.settings import IdentityProvider
from tests.fakes import Clock
from tests.jwks import (
    CLIENT,
    USER,
    IdentityServer,
    PrivateKey,
    access_claims,
    algorithm,
    ec_key,
    id_claims,
    jwk,
    rsa_key,
)
from tests.services.scripted import Reply, scripted

RSA, OTHER, SHORT, EC = rsa_key(), rsa_key(), rsa_key(1024), ec_key()
ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12Cd34E"


def part(told: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


def signed(told: dict[str, Any], key: PrivateKey = RSA, kid: str | None = "one", **headers: Any) -> str:
    named = {} if kid is None else {"kid": kid}
    return jwt.encode(told, key, algorithm(key), {**named, **headers})


@dataclass
class Provider:
    """A provider without a socket: what lies at its addresses, and what was asked for."""

    clock: Clock
    keys: list[dict[str, Any]]
    down: bool = False
    asked: int = 0

    def fetch(self, url: str) -> bytes:
        self.asked += 1
        if self.down:
            raise Unavailable(f"{url} does not answer.")
        return json.dumps({"keys": self.keys}).encode()

    def verifier(self) -> Verifier:
        return Verifier(IdentityProvider(ISSUER, (CLIENT, "cli"), "https://keys"), self.clock, self.fetch)


@pytest.fixture
def provider() -> Provider:
    return Provider(Clock(), [jwk("one", RSA), jwk("two", EC)])


def refused(verifier: Verifier, token: str) -> str:
    """Why a token is refused: a sentence that says nothing of it, nor does its traceback."""
    with pytest.raises(Unauthenticated) as caught:
        verifier.claims(token)
    shown = "".join(traceback.format_exception(caught.value, limit=0))
    assert USER not in shown
    assert "example.org" not in shown.lower()
    assert len(token) < 20 or token not in shown
    return caught.value.message


@pytest.mark.parametrize(("key", "kid"), [(RSA, "one"), (EC, "two")], ids=["RS256", "ES256"])
def test_an_id_token(provider: Provider, key: PrivateKey, kid: str) -> None:
    """What the provider says of a person is taken from a token it signed, and not shown by accident."""
    now = provider.clock()
    claims = provider.verifier().claims(signed(id_claims(ISSUER, now), key, kid))

    assert (claims.user_id, claims.email, claims.email_verified) == (USER, "Ann@Example.org", True)
    assert (claims.first_name, claims.last_name, claims.username, claims.provider) == ("Ann", "Lee", "ann", "COGNITO")
    assert claims.expires == int(now) + 3600 + LEEWAY_SECONDS
    assert "Ann" not in repr(claims)


def test_an_access_token(provider: Provider) -> None:
    """An access token has no audience: it names the application, and nothing of the person but the name."""
    claims = provider.verifier().claims(signed(access_claims(ISSUER, provider.clock())))

    assert (claims.user_id, claims.username, claims.email, claims.email_verified) == (USER, "ann", "", False)


def test_whose_token_it_is(provider: Provider) -> None:
    """Two tokens have two names, also without an id; whoever signed in elsewhere is said to; a sub becomes an id."""
    verifier, now = provider.verifier(), provider.clock()

    def of(**other: Any) -> Any:
        return verifier.claims(signed({**id_claims(ISSUER, now), **other}))

    assert len({of().token, of(jti="other").token, of(jti="").token, of(jti="", iat=now - 1).token}) == 4
    assert of(identities=[{"providerName": "Google", "userId": "1"}]).provider == "Google"
    assert of(sub="auth0|12/../x").user_id == hashlib.sha256(b"auth0|12/../x").hexdigest()
    assert of(email="a@b.example\r\nX: y", given_name=["x"], family_name="x" * 400).email == ""
    assert of(aud=["other", "cli"]).user_id == USER
    assert of(email_verified="true").email_verified
    assert not of(email_verified="yes").email_verified


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "another"}, "another application"),
        ({"aud": []}, "another application"),
        ({"aud": None}, "another application"),
        ({"aud": None, "client_id": CLIENT}, "another application"),
        ({"aud": "another", "client_id": CLIENT, "token_use": "access"}, "another application"),
        ({"aud": {CLIENT: 1}}, "another application"),
        ({"token_use": "refresh"}, "another use"),
        (
            {"token_use": None, "typ": "Logout", "events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
            "use",
        ),
        ({"exp": 0}, "expired"),
        ({"exp": -LEEWAY_SECONDS}, "expired"),
        ({"exp": None}, "until when"),
        ({"exp": "tomorrow"}, "until when"),
        ({"exp": True}, "until when"),
        ({"exp": float("inf")}, "until when"),
        ({"exp": float("nan")}, "until when"),
        ({"exp": 10**400}, "until when"),
        ({"iat": None}, "until when"),
        ({"iat": 3600}, "not hold yet"),
        ({"nbf": LEEWAY_SECONDS + 1}, "not hold yet"),
        ({"sub": ""}, "of whom"),
        ({"sub": 7}, "of whom"),
    ],
)
def test_a_token_that_is_not_for_us_now(provider: Provider, other: dict[str, Any], why: str) -> None:
    """A genuine token of another issuer, for another application or of another time is refused."""
    now = provider.clock()
    told = {**id_claims(ISSUER, now), **other}
    for name in {"exp", "iat", "nbf"} & set(other):
        if type(other[name]) is int and abs(other[name]) < 10**6 and other[name]:
            told[name] = int(now) + other[name]
    token = jwt.PyJWS().encode(
        json.dumps({k: v for k, v in told.items() if v is not None}).encode(), RSA, "RS256", {"kid": "one"}
    )

    assert why in refused(provider.verifier(), token)


def test_clocks_that_differ(provider: Provider) -> None:
    """A minute between the provider's clock and ours does no harm; a second more does."""
    verifier, token = provider.verifier(), signed(id_claims(ISSUER, provider.clock() + LEEWAY_SECONDS))
    assert verifier.claims(token).user_id == USER
    provider.clock.sleep(3600 + 2 * LEEWAY_SECONDS - 1)
    assert verifier.claims(token).user_id == USER
    provider.clock.sleep(1)
    assert "expired" in refused(verifier, token)


def forged(now: float) -> Iterator[tuple[str, str]]:
    told = id_claims(ISSUER, now)
    genuine = signed(told)
    head, body, signature = genuine.split(".")
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    modulus = RSA.public_key().public_numbers().n.to_bytes(256, "big")
    for alg in ("none", "None", "NONE", ""):
        yield f"alg {alg!r}", f"{part({'alg': alg, 'kid': 'one'})}.{body}."
        yield f"alg {alg!r}, signed", f"{part({'alg': alg, 'kid': 'one'})}.{body}.{signature}"
    for secret in (pem, pem.strip(), modulus):
        asked = f"{part({'alg': 'HS256', 'kid': 'one'})}.{body}"
        mac = base64.urlsafe_b64encode(hmac.new(secret, asked.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
        yield "HS256 with the public key", f"{asked}.{mac}"
    yield "another key under a known id", signed(told, OTHER)
    yield "the other kind of key", signed(told, EC, "one")
    yield "the other key's id", signed(told, RSA, "two")
    yield "RS512 with the right key", jwt.encode(told, RSA, "RS512", {"kid": "one"})
    yield "PS256 with the right key", jwt.encode(told, RSA, "PS256", {"kid": "one"})
    yield "its own key", signed(told, OTHER, "mine", jwk=jwk("mine", OTHER))
    yield (
        "its own key's address",
        signed(told, OTHER, "mine", jku="https://evil.example/jwks.json", x5u="https://evil.example"),
    )
    yield "without a key's id", signed(told, kid=None)
    for kid in ("../one", "/etc/passwd", "one\x00", "one' OR 1=1", "https://evil.example/jwks.json", "", "x" * 9000):
        yield f"kid {kid[:20]!r}", signed(told, OTHER, kid)
    for odd in (["one"], {"one": 1}, 1, None, True):
        yield f"kid {odd!r}", f"{part({'alg': 'RS256', 'kid': odd})}.{body}.{signature}"
    yield "critical extension", f"{part({'alg': 'RS256', 'kid': 'one', 'crit': ['x'], 'x': 1})}.{body}.{signature}"
    yield "another body", f"{head}.{part({**told, 'sub': 'bob'})}.{signature}"
    yield "no signature", f"{head}.{body}."
    yield "a piece of one", f"{head}.{body}"
    yield "JWE", f"{head}.{body}.{signature}.{body}.{signature}"
    yield "deep", f"{part({'alg': 'RS256'})[:-2]}.{base64.urlsafe_b64encode(b'[' * 9000).decode()}.{signature}"
    yield "a list", jwt.PyJWS().encode(b"[1]", RSA, "RS256", {"kid": "one"})
    yield "no JSON", jwt.PyJWS().encode(b"\xff{", RSA, "RS256", {"kid": "one"})
    for nothing in ("", ".", "..", "...", "Bearer", "é.é.é", "\ud800.a.b", "a" * 20_000):
        yield f"{nothing[:8]!a}", nothing


@pytest.mark.filterwarnings("ignore:The HMAC key")
def test_hostile_tokens(provider: Provider) -> None:
    """No token is believed that the provider did not sign with one of its keys, in the way that key is meant for."""
    verifier = provider.verifier()
    assert verifier.claims(signed(id_claims(ISSUER, provider.clock()))).user_id == USER
    believed = []
    for what, token in forged(provider.clock()):
        try:
            verifier.claims(token)
            believed.append(what)
        except Unauthenticated:
            assert refused(verifier, token)
    assert believed == []


@pytest.mark.filterwarnings("ignore:The RSA key")
@pytest.mark.parametrize(
    "key",
    [
        jwk("bad", SHORT),
        jwk("bad", OTHER, use="enc"),
        jwk("bad", OTHER, alg="RS512"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "bad", "alg": "HS256"},
        {"kty": "RSA", "n": "AQ", "e": "AQAB", "kid": "bad"},
        {"kty": "RSA", "n": 7, "e": None, "kid": "bad"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "bad"},
        {"kid": ["bad"]},
        "bad",
    ],
)
def test_keys_that_are_none_of_ours(provider: Provider, key: Any) -> None:
    """A short key, one for something else, or nonsense among the keys is passed over, and the others are taken."""
    provider.keys.insert(0, key)
    verifier, body = provider.verifier(), json.dumps(id_claims(ISSUER, provider.clock())).encode()

    assert verifier.claims(signed(id_claims(ISSUER, provider.clock()))).user_id == USER
    for private in (OTHER, SHORT, EC):
        token = jwt.PyJWS().encode(body, private, algorithm(private), {"kid": "bad"})
        assert "not signed" in refused(verifier, token)


def test_a_private_key_among_the_keys(provider: Provider) -> None:
    """Of a key only what is public is taken."""
    told: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(OTHER, as_dict=True)
    provider.keys.append({**told, "kid": "three"})

    assert provider.verifier().claims(signed(id_claims(ISSUER, provider.clock()), OTHER, "three")).user_id == USER


def test_keys_change(provider: Provider) -> None:
    """A new key is known as soon as a token bears it, but the keys are not fetched twice in half a minute."""
    verifier = provider.verifier()
    for _ in range(3):
        verifier.claims(signed(id_claims(ISSUER, provider.clock())))
    assert provider.asked == 1

    provider.keys.append(jwk("three", OTHER))
    fresh = signed(id_claims(ISSUER, provider.clock()), OTHER, "three")
    for _ in range(3):
        assert "not signed" in refused(verifier, fresh)
    assert provider.asked == 1
    provider.clock.sleep(AGAIN_SECONDS)
    assert verifier.claims(fresh).user_id == USER
    for n in range(50):
        refused(verifier, signed(id_claims(ISSUER, provider.clock()), OTHER, f"made up {n}"))
    assert provider.asked == 2


def test_a_key_is_withdrawn(provider: Provider) -> None:
    """A key that the provider withdrew opens nothing after an hour; while it cannot be asked, the known ones do."""
    verifier = provider.verifier()
    verifier.claims(signed(id_claims(ISSUER, provider.clock())))
    provider.clock.sleep(KEPT_SECONDS)
    provider.down = True
    assert verifier.claims(signed(id_claims(ISSUER, provider.clock()))).user_id == USER

    provider.down, provider.keys = False, [jwk("two", EC)]
    provider.clock.sleep(AGAIN_SECONDS)
    assert "not signed" in refused(verifier, signed(id_claims(ISSUER, provider.clock())))


def test_a_provider_that_is_away(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    """While nobody can know whether a token is genuine, trying again later is what helps; the log says why."""
    caplog.set_level(logging.DEBUG)
    verifier, token = provider.verifier(), signed(id_claims(ISSUER, provider.clock()))
    provider.down = True
    for _ in range(3):
        with pytest.raises(Unavailable, match="keys of the identity provider"):
            verifier.claims(token)
    assert provider.asked == 1
    provider.clock.sleep(AGAIN_SECONDS)
    provider.down = False
    assert verifier.claims(token).user_id == USER

    said = "".join(str(vars(one)) for one in caplog.records)
    assert "cannot be read" in said
    assert USER not in said
    assert "xample.org" not in said


def test_a_reply_that_is_no_jwks(provider: Provider) -> None:
    """Keys that are no JSON object are as good as none."""
    for reply in (b"", b"<html>", b"[1]", b"\xff", b"[" * 100_000):
        known = IdentityProvider(ISSUER, (CLIENT,), "https://keys")
        verifier = Verifier(known, provider.clock, {"https://keys": reply}.__getitem__)
        with pytest.raises(Unavailable):
            verifier.claims(signed(id_claims(ISSUER, provider.clock())))


@pytest.mark.service
def test_over_a_socket() -> None:
    """The provider's own description says where its keys lie; one that names another issuer is not believed."""
    clock = Clock()
    with IdentityServer([jwk("one", RSA)]) as server:
        known = IdentityProvider(server.url, (CLIENT,))
        verifier = Verifier(known, clock)
        assert verifier.claims(signed(id_claims(server.url, clock()))).user_id == USER
        assert server.asked == ["/.well-known/openid-configuration", "/.well-known/jwks.json"]
        named = Verifier(replace(known, jwks_url=f"{server.url}/.well-known/jwks.json"), clock)
        assert named.claims(signed(id_claims(server.url, clock()))).user_id == USER
        server.described["issuer"] = "https://evil.example"
        with pytest.raises(Unavailable):
            Verifier(known, clock).claims(signed(id_claims(server.url, clock())))
        server.down = True
        with pytest.raises(Unavailable, match="does not answer"):
            fetched(server.url + "/.well-known/jwks.json")


def test_a_description_that_leads_nowhere(provider: Provider) -> None:
    """An address for the keys that is none is as good as no keys: nothing of it is a failure of ours."""
    for url in ("https://[", "https://keys:many/", "https://", 7):
        described = {"issuer": ISSUER, "jwks_uri": url}

        def fetch(asked: str, told: bytes = json.dumps(described).encode()) -> bytes:
            return told if asked.startswith(ISSUER) else fetched(asked)

        verifier = Verifier(IdentityProvider(ISSUER, (CLIENT,)), provider.clock, fetch)
        with pytest.raises(Unavailable):
            verifier.claims(signed(id_claims(ISSUER, provider.clock())))


@pytest.mark.service
def test_a_provider_that_speaks_no_http() -> None:
    """Whatever comes of asking for the keys, trying again is what may help."""
    with scripted(lambda _: Reply(9999)) as server, pytest.raises(Unavailable, match="does not answer"):
        fetched(server.address)
    for url in ("http://127.0.0.1:many/", "http://[", "http://127.0.0.1/a b"):
        with pytest.raises(Unavailable):
            fetched(url)
