"""Text to the word pieces that MiniLM was trained on: BERT's uncased tokenizer, from its vocabulary alone.

The rules are those of BERT (Devlin et al., 2018, `BasicTokenizer` and `WordpieceTokenizer`): control characters vanish,
case and accents are folded, punctuation and ideographs stand alone, and a word is cut greedily into the longest known
pieces. `tests/test_local_embedder.py` holds the ids of awkward texts as the reference implementation gives them.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

MAX_WORD = 100
"""A longer word is unknown as a whole."""

_IDEOGRAPHS = re.compile(
    "([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f\U0002b820-\U0002ceaf\U0002f800-\U0002fa1f])"
)
_GLUE = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
"""Control characters that Python takes for blanks, and BERT drops."""
_DROPPED = {"Cc", "Cf", "Co", "Cs"}


class WordPiece:
    """A tokenizer over one vocabulary, whose line numbers are the ids."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._ids = {piece: number for number, piece in enumerate(vocabulary)}
        self.start, self.end, self.unknown = (self._ids[name] for name in ("[CLS]", "[SEP]", "[UNK]"))
        self._pieces = lru_cache(maxsize=200_000)(self._of_run)

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text's pieces, without the marks of start and end."""
        found: list[int] = []
        for run in _GLUE.sub("", text).split():
            found += self._pieces(run)
        return found

    def _of_run(self, run: str) -> tuple[int, ...]:
        """The ids of a run without blanks."""
        clean = "".join(c for c in run if c != "\ufffd" and unicodedata.category(c) not in _DROPPED)
        clean = _IDEOGRAPHS.sub(r" \1 ", clean)
        bare = "".join(c.lower() for c in unicodedata.normalize("NFD", clean) if unicodedata.category(c) != "Mn")
        parted = "".join(f" {c} " if _is_punctuation(c) else c for c in bare)
        return tuple(number for word in parted.split() for number in self._of_word(word))

    def _of_word(self, word: str) -> list[int]:
        if len(word) > MAX_WORD:
            return [self.unknown]
        found, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                number = self._ids.get(("##" if start else "") + word[start:end])
                if number is not None:
                    break
            else:
                return [self.unknown]
            found.append(number)
            start = end
        return found


def _is_punctuation(character: str) -> bool:
    """Whether BERT parts words there: Unicode's punctuation, and every ASCII mark."""
    return character in string.punctuation or unicodedata.category(character).startswith("P")
