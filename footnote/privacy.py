"""How what names a person is sealed in their record: with Fernet (AES-128-CBC and HMAC-SHA256), by keys that rotate.

The first key seals, every one of them opens. E-mails are hashed under a key that the last one gives, so new keys go in
front and the last one stays: another would find no e-mail that somebody has already.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from corpus.errors import ConfigError
from corpus.model import Json
from corpus.records.people import OPEN, Privacy

SEALED = "sealed"
E_MAIL = b"footnote e-mail"
"""What is derived for hashing e-mails, so that the same bytes never serve two ends."""


def sealed(keys: Sequence[str]) -> Privacy:
    """Return how people are sealed under these keys, of which there is at least one: 32 bytes in URL-safe base64 each.

    What was written before there was a key stays readable, and e-mails hashed before are known.
    """
    fernet = MultiFernet([Fernet(key) for key in keys])
    hashing = hmac.new(keys[-1].encode(), E_MAIL, hashlib.sha256).digest()

    def seal(text: str) -> Json:
        return {SEALED: fernet.encrypt(text.encode()).decode()}

    def unseal(value: Json) -> str:
        if not isinstance(value, dict):
            return OPEN.unseal(value)
        try:
            return fernet.decrypt(str(value[SEALED])).decode()
        except (InvalidToken, KeyError, ValueError):  # the last: no ASCII
            raise ConfigError(
                "A person's record is sealed with a key that is not in FOOTNOTE_PRIVACY_KEYS.",
                hint="Put it back, behind the key that seals; the last key stays the last.",
            ) from None

    return Privacy((hashing, *OPEN.hashing), seal, unseal)
