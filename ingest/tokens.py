"""How long a text is for a model: cl100k_base, from a vocabulary that lies beside this file.

The encoding is built from that file alone, so that no use of it can reach for a network. Text such as `<|endoftext|>`
in a document is text.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tiktoken

from corpus.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "cl100k"
VOCABULARY = Path(__file__).with_name("cl100k_base.tiktoken.gz")
SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)"  # contractions
    r"|[^\r\n\p{L}\p{N}]?+\p{L}++"  # a word and what stands before it
    r"|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+"  # marks and the line end behind them
    r"|\s++$"
    r"|\s*[\r\n]"
    r"|\s+(?!\S)"
    r"|\s"
)
"""How cl100k_base parts a text before it looks pieces up (see NOTICE)."""

_SPECIAL = {"<|endoftext|>": 100257}
"""Never let through; but without any, the search for special tokens stops at every character: twice the time."""

_LONE = re.compile("[\ud800-\udfff]")


@lru_cache(maxsize=1)
def encoding() -> tiktoken.Encoding:
    """Return the encoding; raises `ConfigError` if its vocabulary is not the file that is meant."""
    lines = gzip.decompress(VOCABULARY.read_bytes())
    if hashlib.sha256(lines).hexdigest() != SHA256:
        raise ConfigError(f"{VOCABULARY} is damaged: its SHA-256 is another.", hint="Install Footnote anew.")
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines.splitlines())}
    return tiktoken.Encoding("cl100k_base", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens=_SPECIAL)


@lru_cache(maxsize=1)
def token_bytes() -> NDArray[np.int32]:
    """Return how many bytes each token stands for, by its number."""
    sizes = np.zeros(encoding().n_vocab, np.int32)
    for number, token in numbered():
        sizes[number] = len(token)
    return sizes


def numbered() -> Iterator[tuple[int, bytes]]:
    """Yield each token's number and bytes."""
    for token in encoding().token_byte_values():
        yield encoding().encode_single_token(token), token


def encoded(text: str) -> NDArray[np.uint32]:
    """Return the numbers of a text's tokens; a lone surrogate counts as the replacement character."""
    try:
        return encoding().encode_to_numpy(text, disallowed_special=())
    except UnicodeEncodeError:
        return encoding().encode_to_numpy(plain(text), disallowed_special=())


def rank(word: str) -> int:
    """Return which place a word has among all by frequency, from 1; one of several tokens comes after all of one.

    Tokens were numbered as they were learned, the most frequent pair of pieces first.
    """
    pieces = encoded(f" {word}")
    return int(pieces[0]) + 1 if len(pieces) == 1 else encoding().n_vocab * len(pieces)


def plain(text: str) -> str:
    """Return the text with lone surrogates, which no encoding takes, as replacement characters: as many characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE.sub("\ufffd", text)
    return text
