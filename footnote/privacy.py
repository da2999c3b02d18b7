"""How what names a person is sealed in their record: with Fernet (AES-128-CBC and HMAC-SHA256), by keys that rotate.

The first key seals, every one of them opens. E-mails are hashed under keys that they give.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from corpus.errors import ConfigError
from corpus.model import Json
from corpus.records.privacy import OPEN, Privacy

SEALED = "sealed"
E_MAIL = b"footnote e-mail"
"""What is derived for hashing e-mails, so that the same bytes never serve two ends."""


def sealed(keys: Sequence[str]) -> Privacy:
    """Return how people are sealed under these keys, of which there is at least one: 32 bytes in URL-safe base64 each.

    What was written before there was a key stays readable, and e-mails hashed before are known.
    """
    keys = tuple(dict.fromkeys(keys))
    newest, *older = map(Fernet, keys)
    fernet = MultiFernet([newest, *older])
    hashing = tuple(hmac.new(key.encode(), E_MAIL, hashlib.sha256).digest() for key in keys)

    def seal(text: str) -> Json:
        return {SEALED: fernet.encrypt(text.encode()).decode()}

    def opened(value: Json, by: Fernet | MultiFernet) -> str | None:
        try:
            return by.decrypt(str(value[SEALED])).decode() if isinstance(value, dict) else None
        except (InvalidToken, KeyError, ValueError):  # the last: no ASCII
            return None

    def unseal(value: Json) -> str:
        text = opened(value, fernet) if isinstance(value, dict) else OPEN.unseal(value)
        if text is None:
            raise ConfigError(
                "A person's record is sealed with a key that is not in FOOTNOTE_PRIVACY_KEYS.",
                hint="Put it back, behind the key that seals; `footnote person seal` says when a key may go.",
            )
        return text

    def is_newest(value: Json) -> bool:
        return opened(value, newest) is not None

    return Privacy(hashing, OPEN.hashing, seal, unseal, is_newest)
