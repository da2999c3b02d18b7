"""How fast texts are chunked, against the encoder that counts their tokens.

python -m bench.chunker DATA
"""

from __future__ import annotations

from itertools import cycle

from bench.corpora import data_folder
from bench.extraction import LIMITS
from bench.timing import HEAD, interleaved, machine, row
from corpus.model import Extracted
from ingest import tokens
from ingest.chunk import MAX_TOKENS, chunk
from ingest.extract import Reader

SIZE = 10_000_000
ROUNDS = 5


def repeated(texts: list[Extracted]) -> list[Extracted]:
    """Texts, over and over, to ten million characters."""
    found: list[Extracted] = []
    size = 0
    for one in cycle(texts):
        if size >= SIZE:
            return found
        found.append(one)
        size += len(one.text)
    return found


def main() -> None:
    data = data_folder()
    with Reader(LIMITS) as reader:
        sets = {
            "sec-10q-pdf": [
                reader.read(path.read_bytes(), "application/pdf")
                for path in sorted((data / "sec-10q-pdf" / "docs").glob("*.pdf"))
            ],
            "chunking-spans": [
                reader.read(path.read_bytes(), "text/markdown")
                for path in sorted((data / "chunking-spans" / "docs").glob("*.md"))
            ],
        }
    encoding = tokens.encoding()
    print(f"## Chunking: each set repeated to 10 MB ({machine()})\n\n{HEAD}")
    notes = []
    for name, found in sets.items():
        texts = repeated(found)
        ways = {
            "encode": lambda texts=texts: [encoding.encode_ordinary(one.text) for one in texts],
            "chunk": lambda texts=texts: [chunk(one) for one in texts],
        }
        chunk(texts[0])
        taken = interleaved(ways, ROUNDS)
        chunks = [one for text in texts for one in chunk(text)]
        print(row(f"chunker ÷ bare tiktoken encode, `{name}`", taken["encode"] / taken["chunk"], 0.85))
        longest = max(len(encoding.encode_ordinary(one.content)) for one in chunks)
        mean = sum(one.token_count for one in chunks) / len(chunks)
        size = sum(len(one.text) for one in texts) / 1e6
        speed = size / taken["chunk"]
        notes.append(f"`{name}`: {speed:.1f} MB/s, {mean:.0f} tokens on average, {longest} of {MAX_TOKENS} at most.")
    print("\n" + " ".join(notes) + "\n")


if __name__ == "__main__":
    main()
