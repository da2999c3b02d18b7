"""Who signed in: tokens of an OpenID Connect provider (Cognito for one), verified with its public keys.

Only RS256 and ES256 are taken, each with keys of its own kind only, so no token can have its signature checked in
another way than its key is meant for. What a token says of keys and addresses (`jku`, `x5u`, `jwk`) is never followed.
No error and no log holds a token or anything of its claims.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import threading
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt

from corpus.errors import Unauthenticated, Unavailable
from corpus.records.people import Claims, id_of
from footnote.settings import IdentityProvider

log = logging.getLogger(__name__)

ALGORITHMS: Mapping[tuple[str, str], str] = {("RSA", ""): "RS256", ("EC", "P-256"): "ES256"}
"""By type and curve of a key, the one algorithm it is used with."""
USES = ("id", "access")
"""What Cognito's tokens say they are for, of those that say who is asking."""
PUBLIC = frozenset({"kty", "n", "e", "crv", "x", "y"})
FEWEST_BITS = 2048
LEEWAY_SECONDS = 60
"""By how much the provider's clock may differ from ours."""
LAST_TIME = 10**11
MAX_TOKEN = 16_384
MAX_TEXT = 320
MAX_KEYS_BYTES = 1_000_000
FETCH_SECONDS = 5.0
AGAIN_SECONDS = 30.0
"""How soon the keys may be fetched again because a token names one that is not among them."""
KEPT_SECONDS = 3600.0
"""After how long they are fetched anew: one that was withdrawn has to go."""
DISCOVERY = "/.well-known/openid-configuration"


def fetched(url: str) -> bytes:
    """Return what lies at an address. Raises `Unavailable`."""
    try:
        with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as reply:  # noqa: S310 -- settings say https
            found: bytes = reply.read(MAX_KEYS_BYTES + 1)
            moved = urlsplit(reply.url)[:2] != urlsplit(url)[:2]
    except (OSError, http.client.HTTPException, ValueError) as error:  # no connection, no HTTP, no address
        raise Unavailable(f"{url} does not answer: {type(error).__name__}.") from None
    if moved or len(found) > MAX_KEYS_BYTES:
        raise Unavailable(f"{url} answers from elsewhere, or with too much.")
    return found


class Keys:
    """The public keys of a provider, by their ids; safe for several threads, of which one fetches."""

    def __init__(self, provider: IdentityProvider, clock: Callable[[], float], fetch: Callable[[str], bytes]) -> None:
        self._provider, self._clock, self._fetch = provider, clock, fetch
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._tried = self._fetched = float("-inf")
        self._lock = threading.Lock()

    def get(self, kid: str) -> jwt.PyJWK | None:
        """Return a key; None for one that the provider does not have. Raises `Unavailable` if nobody can know.

        The keys are fetched at most once in 30 seconds, whatever is asked for.
        """
        known, now = self._keys.get(kid), self._clock()
        if known and now - self._fetched < KEPT_SECONDS:
            return known
        if self._lock.acquire(blocking=known is None):  # who has a key need not wait for others
            try:
                if now - self._tried >= AGAIN_SECONDS:
                    self._tried = now
                    self._refresh(now)
            finally:
                self._lock.release()
        found = self._keys.get(kid)
        if found is None and self._fetched < self._tried:
            raise Unavailable("The keys of the identity provider cannot be read.", retry_after=AGAIN_SECONDS)
        return found

    def _refresh(self, now: float) -> None:
        """Take the provider's keys for those that were known; where they cannot be had, these go on being used."""
        try:
            self._keys = _public_keys(_object(self._fetch(self._url())))
            self._fetched = now
        except Unavailable as error:
            log.warning("the keys of the identity provider cannot be read", extra={"error": error.message})

    def _url(self) -> str:
        if self._provider.jwks_url:
            return self._provider.jwks_url
        issuer = self._provider.issuer
        told = _object(self._fetch(issuer.rstrip("/") + DISCOVERY))
        url = told.get("jwks_uri")
        if told.get("issuer") != issuer or not isinstance(url, str) or not url.startswith(issuer.partition("//")[0]):
            raise Unavailable(f"{issuer} does not describe itself as the issuer.")
        return url


class Verifier:
    """Says who signed in, by the tokens of one provider."""

    def __init__(
        self, provider: IdentityProvider, clock: Callable[[], float], fetch: Callable[[str], bytes] = fetched
    ) -> None:
        self._provider, self._clock = provider, clock
        self._keys = Keys(provider, clock, fetch)

    def claims(self, token: str) -> Claims:
        """Return what a token says, if it is the provider's, for us, and holds now; else raise `Unauthenticated`.

        Raises `Unavailable` while the provider's keys cannot be had.
        """
        if len(token) > MAX_TOKEN:
            raise _refused("is too long")
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise _refused("is malformed") from None
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise _refused("is not signed by the identity provider")
        try:
            told = json.loads(jwt.PyJWS().decode(token, key, [key.algorithm_name]))
        except (jwt.PyJWTError, ValueError, RecursionError):  # nothing of the token may stand in a traceback
            told = None
        if not isinstance(told, dict):
            raise _refused("is not signed by the identity provider")
        self._check(told)
        return _claims(told)

    def _check(self, told: Mapping[str, Any]) -> None:
        """Refuse a token of another issuer, for others, or of another time."""
        now = self._clock()
        if told.get("iss") != self._provider.issuer:
            raise _refused("is of another issuer")
        if not _audiences(told) & set(self._provider.audiences):
            raise _refused("was made for another application")
        if told.get("token_use", "id") not in USES or "events" in told:  # the latter tells of a sign-out
            raise _refused("is for another use than signing in")
        times = {name: told[name] for name in ("exp", "iat", "nbf") if name in told}
        if not {"exp", "iat"} <= set(times) or not all(map(_is_time, times.values())):
            raise _refused("does not say from when until when it holds")
        if now >= times.pop("exp") + LEEWAY_SECONDS:
            raise _refused("has expired")
        if max(times.values()) > now + LEEWAY_SECONDS:
            raise _refused("does not hold yet")
        if not (isinstance(told.get("sub"), str) and told["sub"]):
            raise _refused("does not say of whom it is")


def _is_time(value: object) -> bool:
    """Whether a claim is a number of seconds, and no nonsense such as infinity."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < LAST_TIME


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"The token {why}.", hint="Sign in again.")


def _public_keys(told: Mapping[str, Any]) -> Mapping[str, jwt.PyJWK]:
    """The keys of a JWKS that sign in a way that is taken; whatever else is in it is passed over."""
    listed = told.get("keys")
    found: dict[str, jwt.PyJWK] = {}
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, dict) or not isinstance(one.get("kid"), str):
            continue
        algorithm = ALGORITHMS.get((str(one.get("kty")), str(one.get("crv", ""))))
        if algorithm is None or one.get("alg", algorithm) != algorithm or one.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK({name: value for name, value in one.items() if name in PUBLIC}, algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        if algorithm != "RS256" or key.key.key_size >= FEWEST_BITS:
            found[one["kid"]] = key
    return found


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Unavailable("The identity provider's reply is no JSON object.")
    return told


def _audiences(told: Mapping[str, Any]) -> set[str]:
    """For whom a token was made: `aud`, or in an access token of Cognito, which has none, `client_id`."""
    made_for = told.get("aud")
    if made_for is None and told.get("token_use") == "access":
        made_for = told.get("client_id")
    listed = made_for if isinstance(made_for, list) else [made_for]
    return {one for one in listed if isinstance(one, str)}


def _claims(told: Mapping[str, Any]) -> Claims:
    sub = str(told["sub"])
    named = str(told["jti"]) if told.get("jti") else f"{told['iat']}\n{sub}"
    return Claims(
        user_id=id_of(sub),
        token=hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest(),
        expires=int(told["exp"]) + LEEWAY_SECONDS,
        provider=_provider(told),
        email=_text(told, "email"),
        email_verified=told.get("email_verified") in (True, "true"),
        first_name=_text(told, "given_name"),
        last_name=_text(told, "family_name"),
        username=_text(told, "cognito:username") or _text(told, "username"),
    )


def _provider(told: Mapping[str, Any]) -> str:
    """Where somebody signed in: at Cognito, at whoever Cognito asked, or at another provider."""
    asked = told.get("identities")
    if isinstance(asked, list) and asked and isinstance(asked[0], dict):
        return _text(asked[0], "providerName")
    return "COGNITO" if "token_use" in told else "OIDC"


def _text(told: Mapping[str, Any], name: str) -> str:
    """A claim that is a text of one line, as long as an e-mail may be; "" for anything else."""
    value = told.get(name)
    return value if isinstance(value, str) and value.isprintable() and len(value) <= MAX_TEXT else ""
