"""What LangChain's usual parts take to read and to split files; runs in an environment of its own (`bench/ingest.py`).

python bench/peers/langchain.py FILE …
"""

from __future__ import annotations

import json
import resource
import sys
import time

from langchain_community.document_loaders import Docx2txtLoader, PyPDFLoader
from langchain_text_splitters import RecursiveCharacterTextSplitter


def main(paths: list[str]) -> None:
    splitter = RecursiveCharacterTextSplitter.from_tiktoken_encoder(
        encoding_name="cl100k_base", chunk_size=512, chunk_overlap=0, disallowed_special=()
    )
    splitter.split_text("loads the vocabulary")
    begun = time.perf_counter()
    chunks, lost = 0, list[str]()
    for path in paths:
        loader = Docx2txtLoader(path) if path.endswith(".docx") else PyPDFLoader(path)
        try:
            chunks += len(splitter.split_documents(loader.load()))
        except Exception:  # noqa: BLE001 -- a file that it cannot read is counted, and costs it no time
            lost.append(path)
    taken = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": taken, "chunks": chunks, "lost": lost, "peak": peak}))


if __name__ == "__main__":
    main(sys.argv[1:])
