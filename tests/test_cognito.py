"""Tokens of a user pool, as Cognito's double makes and signs them."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from corpus.errors import Unauthenticated
from footnote.identity import Verifier, fetched
from footnote.settings import IdentityProvider
from tests.services.needed import up

REGION = "eu-central-1"
PASSWORD = "Linden-Court-16"


@dataclass
class Pool:
    """A user pool with one person in it, and the tokens they get."""

    issuer: str
    keys_url: str
    client_id: str
    tokens: dict[str, str]
    user: str


@pytest.fixture
def pool() -> Pool:
    address = up("moto").address
    cognito = boto3.client(
        "cognito-idp", REGION, endpoint_url=address, aws_access_key_id="a", aws_secret_access_key="b"
    )
    name = cognito.create_user_pool(PoolName=f"p-{uuid.uuid4().hex}")["UserPool"]["Id"]
    client: dict[str, Any] = cognito.create_user_pool_client(
        UserPoolId=name, ClientName="web", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]
    attributes = [{"Name": "email", "Value": "ann@example.org"}, {"Name": "given_name", "Value": "Ann"}]
    cognito.admin_create_user(UserPoolId=name, Username="ann", UserAttributes=attributes)
    cognito.admin_set_user_password(UserPoolId=name, Username="ann", Password=PASSWORD, Permanent=True)
    told = cognito.admin_initiate_auth(
        UserPoolId=name,
        ClientId=client["ClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    found = cognito.admin_get_user(UserPoolId=name, Username="ann")["UserAttributes"]
    return Pool(
        issuer=f"https://cognito-idp.{REGION}.amazonaws.com/{name}",
        keys_url=f"{address}/{name}/.well-known/jwks.json",
        client_id=client["ClientId"],
        tokens={"id": told["IdToken"], "access": told["AccessToken"]},
        user=next(one["Value"] for one in found if one["Name"] == "sub"),
    )


def verifier(pool: Pool, client_id: str = "", issuer: str = "") -> Verifier:
    provider = IdentityProvider(issuer or pool.issuer, (client_id or pool.client_id,), pool.keys_url)
    return Verifier(provider, time.time, fetched)


@pytest.mark.service
@pytest.mark.parametrize("kind", ["id", "access"])
def test_tokens_of_a_pool_are_believed(pool: Pool, kind: str) -> None:
    """An id token and an access token of the pool, made for this application, say who signed in."""
    claims = verifier(pool).claims(pool.tokens[kind])
    assert (claims.user_id, claims.provider) == (pool.user, "COGNITO")
    assert claims.username == "ann"


@pytest.mark.service
def test_tokens_for_others_are_not(pool: Pool) -> None:
    """The same tokens are nothing to another application, another pool, or once a character is another."""
    for wrong in (verifier(pool, client_id="other"), verifier(pool, issuer=pool.issuer + "x")):
        for token in pool.tokens.values():
            with pytest.raises(Unauthenticated):
                wrong.claims(token)
    head, body, signature = pool.tokens["id"].split(".")
    flipped = signature[:-6] + ("A" if signature[-6] != "A" else "B") + signature[-5:]
    with pytest.raises(Unauthenticated):
        verifier(pool).claims(f"{head}.{body}.{flipped}")
